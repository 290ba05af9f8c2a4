// One receiver's quota, as its readers and its neighbour meet it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "tests/unit/service/services_fixture.h"

namespace huiliu::service {
namespace {

using testing::HasSubstr;

constexpr char kKunming[] = "530100";
constexpr char kDali[] = "532900";

class QuotaServiceTest : public testing::Test {
 protected:
  QuotaServiceTest() {
    std::vector<pipeline::SourceRow> rows;
    for (int i = 0; i < 9; ++i) {
      const std::string id = absl::StrCat("k", i);
      rows.push_back(
          {absl::StrCat(R"({"id":")", id, R"(","name":"某","division":"530102"})"), id, 1});
    }
    rows.push_back({R"({"id":"d1","name":"理","division":"532901"})", "d1", 1});
    EXPECT_TRUE(f_.node.Send(rows).ok());
    f_.Settle();
    f_.AddGrant("km-person", "km-data", kKunming);
    f_.AddGrant("dl-person", "dl-data", kDali);
  }

  void SetQuota(int calls, int rows, int streams) {
    huiliu::v1::Receiver receiver = *f_.node.state.FindReceiver(kKunming);
    receiver.mutable_quota()->set_calls_per_second(calls);
    receiver.mutable_quota()->set_rows_per_second(rows);
    receiver.mutable_quota()->set_streams(streams);
    EXPECT_TRUE(f_.node.Put(receiver, receiver.version()).ok());
  }
  absl::Status Get(const std::string& organisation, const std::string& receiver,
                   const std::string& id) {
    huiliu::v1::GetRequest request;
    *request.mutable_context() = ServicesFixture::Of(receiver);
    request.mutable_key()->add_values(id);
    huiliu::v1::GetResponse response;
    return f_.catalog->GetAndWait(ServicesFixture::As(organisation, huiliu::v1::ROLE_CONSUMER),
                                  request, &response);
  }

  ServicesFixture f_;
};

TEST_F(QuotaServiceTest, CallsBeyondItAreRefusedAndTheNeighboursAreNot) {
  SetQuota(2, 0, 0);
  EXPECT_TRUE(Get("km-data", kKunming, "k1").ok());
  EXPECT_TRUE(Get("km-data", kKunming, "k2").ok());
  const absl::Status refused = Get("km-data", kKunming, "k3");
  EXPECT_EQ(refused.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_THAT(std::string(refused.message()), HasSubstr("2 calls a second"));
  for (int i = 0; i < 5; ++i) EXPECT_TRUE(Get("dl-data", kDali, "d1").ok());
  f_.node.clock().Advance(absl::Seconds(1));
  EXPECT_TRUE(Get("km-data", kKunming, "k3").ok());
  SetQuota(0, 0, 0);
  for (int i = 0; i < 5; ++i) EXPECT_TRUE(Get("km-data", kKunming, "k3").ok());
}

TEST_F(QuotaServiceTest, ASubscriptionGoesSlowerAndLosesNothing) {
  SetQuota(0, 4, 1);
  huiliu::v1::SubscribeRequest request;
  *request.mutable_context() = ServicesFixture::Of(kKunming);
  request.set_snapshot(true);
  std::set<std::string> ids;
  const absl::Status status = f_.delivery->Subscribe(
      ServicesFixture::As("km-data", huiliu::v1::ROLE_CONSUMER), request,
      [&](const google::protobuf::Message& message) {
        const auto& response = static_cast<const huiliu::v1::SubscribeResponse&>(message);
        EXPECT_LE(response.rows_size(), 4);
        for (const auto& row : response.rows())
          EXPECT_TRUE(ids.insert(row.fields().fields().at("id").string_value()).second);
        // A second subscription finds the one place taken; the neighbour's does not.
        EXPECT_EQ(f_.delivery
                      ->Subscribe(ServicesFixture::As("km-data", huiliu::v1::ROLE_CONSUMER),
                                  request, [](const google::protobuf::Message&) { return true; })
                      .code(),
                  absl::StatusCode::kResourceExhausted);
        f_.node.clock().Advance(absl::Seconds(2));
        return true;
      });
  EXPECT_TRUE(status.ok()) << status;
  EXPECT_EQ(ids.size(), 9u);
}

}  // namespace
}  // namespace huiliu::service
