// A subscription from any offset of the returned topic.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/service/services_fixture.h"

namespace huiliu::service {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::UnorderedElementsAre;

constexpr char kKunming[] = "530100";

class SubscriptionOffsetsTest : public testing::Test {
 protected:
  SubscriptionOffsetsTest() {
    f_.AddGrant("km-person", "km-data", kKunming);
    Send({"k1", "k2"});
    Send({"k3"});
  }

  void Send(const std::vector<std::string>& ids) {
    std::vector<pipeline::SourceRow> rows;
    for (const std::string& id : ids) {
      rows.push_back(
          {absl::StrCat(R"({"id":")", id, R"(","name":"某","division":"530102"})"), id, 1});
    }
    EXPECT_TRUE(f_.node.Send(rows).ok());
    f_.Settle();
  }

  // The ids that come, in order; where the last message ends.
  absl::StatusOr<std::vector<std::string>> Ids(const huiliu::v1::SubscribeRequest& asked) {
    huiliu::v1::SubscribeRequest request = asked;
    *request.mutable_context() = ServicesFixture::Of(kKunming);
    std::vector<std::string> ids;
    const absl::Status status = f_.delivery->Subscribe(
        ServicesFixture::As("km-data", huiliu::v1::ROLE_CONSUMER), request,
        [&](const google::protobuf::Message& message) {
          const auto& response = static_cast<const huiliu::v1::SubscribeResponse&>(message);
          for (const auto& row : response.rows())
            ids.push_back(row.fields().fields().at("id").string_value());
          if (!response.next_offsets().empty())
            *next_.mutable_offsets()->mutable_by_partition() = response.next_offsets();
          return true;
        });
    if (!status.ok()) return status;
    return ids;
  }
  static huiliu::v1::SubscribeRequest From(int32_t partition, int64_t offset) {
    huiliu::v1::SubscribeRequest request;
    (*request.mutable_offsets()->mutable_by_partition())[partition] = offset;
    return request;
  }

  ServicesFixture f_;
  huiliu::v1::SubscribeRequest next_;  // from where the last one ended
};

TEST_F(SubscriptionOffsetsTest, ChangesFromThereOn) {
  auto all = Ids(From(0, 0));
  ASSERT_TRUE(all.ok()) << all.status();
  EXPECT_THAT(*all, UnorderedElementsAre("k1", "k2", "k3"));
  int64_t changes = 0;
  for (const auto& [partition, offset] : next_.offsets().by_partition()) changes += offset;
  EXPECT_EQ(changes, 3);
  const huiliu::v1::SubscribeRequest end = next_;
  EXPECT_THAT(*Ids(end), IsEmpty());
  Send({"k4"});
  EXPECT_THAT(*Ids(end), ElementsAre("k4"));
  // One back in the partition that k1 stands in.
  EXPECT_THAT(*Ids(From(0, 1)), Not(Contains("k1")));
}

TEST_F(SubscriptionOffsetsTest, APartitionThatIsNotNamedStartsAtItsFirstChange) {
  huiliu::v1::SubscribeRequest request;
  request.mutable_offsets();
  EXPECT_THAT(*Ids(request), UnorderedElementsAre("k1", "k2", "k3"));
}

TEST_F(SubscriptionOffsetsTest, ASnapshotTellsWhereItsChangesBegin) {
  huiliu::v1::SubscribeRequest request;
  request.set_snapshot(true);
  EXPECT_THAT(*Ids(request), testing::SizeIs(3));
  Send({"k4"});
  EXPECT_THAT(*Ids(next_), ElementsAre("k4"));
}

TEST_F(SubscriptionOffsetsTest, WhatTheLogDoesNotHoldIsRefusedWithWhatItHolds) {
  const absl::Status later = Ids(From(0, 99)).status();
  EXPECT_EQ(later.code(), absl::StatusCode::kOutOfRange);
  EXPECT_THAT(std::string(later.message()), HasSubstr("not 99"));
  EXPECT_EQ(Ids(From(0, -1)).status().code(), absl::StatusCode::kOutOfRange);
  EXPECT_EQ(Ids(From(7, 0)).status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(Ids(From(-1, 0)).status().code(), absl::StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace huiliu::service
