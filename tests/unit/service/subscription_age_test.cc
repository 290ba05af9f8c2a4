// A subscriber who comes back after the log forgot what was withdrawn meanwhile is told so, and no
// other is.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/base/status.h"
#include "tests/unit/service/services_fixture.h"

namespace huiliu::service {
namespace {

using pipeline::Subscription;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

constexpr char kKunming[] = "530100";
constexpr absl::Duration kDay = absl::Hours(24);

class SubscriptionAgeTest : public testing::Test {
 protected:
  SubscriptionAgeTest() {
    huiliu::v1::Grant grant = f_.GrantOf("km-person", "km-data", kKunming);
    *grant.mutable_valid_to() = ToProto(f_.node.clock().Now() + 400 * kDay);
    EXPECT_TRUE(f_.node.Put(grant).ok());
    Send({"k1", "k2", "k3"});
    EXPECT_TRUE(f_.appliers[kKunming]->CatchUp().ok());
  }

  // Into the log alone: what a subscription reads behind its snapshot.
  void Send(const std::vector<std::string>& ids, bool deletes = false) {
    std::vector<pipeline::SourceRow> rows;
    for (const std::string& id : ids) {
      ++time_;
      rows.push_back(
          {absl::StrCat(R"({"id":")", id, R"(","name":"某)", time_, R"(","division":"530102"})"),
           id, time_, deletes});
    }
    EXPECT_TRUE(f_.node.Send(rows).ok());
    EXPECT_TRUE(f_.node.Judge().ok());
  }
  // All that the log forgets, as far as the clock goes.
  void Compact() { ASSERT_TRUE(f_.node.backbone().Clean().ok()); }

  absl::StatusOr<std::unique_ptr<Subscription>> Open(const std::string& cursor, int rows = 0) {
    huiliu::v1::SubscribeRequest request;
    *request.mutable_context() = ServicesFixture::Of(kKunming);
    request.set_max_batch_rows(rows);
    if (cursor.empty()) {
      request.set_snapshot(true);
    } else {
      request.set_cursor(cursor);
    }
    return Subscription::Open(
        {*f_.gate, f_.node.backbone(), *f_.cursors, *f_.delivered, f_.node.clock(), 7 * kDay},
        *ServicesFixture::As("km-data", huiliu::v1::ROLE_CONSUMER).caller, request,
        huiliu::v1::ROW_FORMAT_JSON);
  }
  // What there is, `-` before what is gone; keeps the newest cursor and how many messages it was.
  absl::StatusOr<std::vector<std::string>> Drain(Subscription& subscription) {
    std::vector<std::string> ids;
    messages_ = 0;
    while (true) {
      huiliu::v1::SubscribeResponse response;
      ASSIGN_OR_RETURN(const bool something, subscription.Next(absl::ZeroDuration(), &response));
      if (!something) return ids;
      ++messages_;
      for (int i = 0; i < response.rows_size(); ++i)
        ids.push_back(
            response.deletes(i) ? "-" : response.rows(i).fields().fields().at("id").string_value());
      cursor_ = response.cursor();
    }
  }
  absl::StatusOr<std::vector<std::string>> From(const std::string& cursor) {
    ASSIGN_OR_RETURN(const auto subscription, Open(cursor));
    return Drain(*subscription);
  }

  huiliu::v1::DeliveryCursor Opened(const std::string& cursor) {
    return *f_.cursors->Open(Admitted(), cursor);
  }
  pipeline::Admission Admitted() {
    return *f_.gate->Admit(*ServicesFixture::As("km-data", huiliu::v1::ROLE_CONSUMER).caller,
                           ServicesFixture::Of(kKunming), "Delivery.Subscribe");
  }

  ServicesFixture f_;
  int64_t time_ = 0;
  std::string cursor_;
  int messages_ = 0;
};

TEST_F(SubscriptionAgeTest, AnOlderCursorThanDeletesStayIsRefusedWithTheWayOut) {
  ASSERT_THAT(*From(""), UnorderedElementsAre("k1", "k2", "k3"));
  Send({"k1"}, true);
  f_.node.clock().Advance(8 * kDay);
  Compact();  // the tombstone is gone
  Send({"k4"});
  const absl::Status status = From(cursor_).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kOutOfRange);
  EXPECT_THAT(
      std::string(status.message()),
      AllOf(HasSubstr("续传位置过旧"), HasSubstr("Take a snapshot anew"), HasSubstr("168h")));
}

TEST_F(SubscriptionAgeTest, AYoungerOneGoesOn) {
  ASSERT_TRUE(From("").ok());
  Send({"k1"}, true);
  f_.node.clock().Advance(5 * kDay);
  Compact();
  Send({"k4"});
  EXPECT_THAT(*From(cursor_), UnorderedElementsAre("-", "k4"));
}

TEST_F(SubscriptionAgeTest, WhereNothingWasWrittenSinceNothingIsMissed) {
  ASSERT_TRUE(From("").ok());
  const std::string old = cursor_;
  f_.node.clock().Advance(300 * kDay);
  EXPECT_THAT(*From(old), IsEmpty());
  // It was told where it stands now, and goes on from there.
  EXPECT_EQ(messages_, 1);
  EXPECT_NE(cursor_, old);
  Send({"k1"}, true);
  f_.node.clock().Advance(kDay);
  EXPECT_THAT(*From(cursor_), ElementsAre("-"));
  EXPECT_EQ(From(old).status().code(), absl::StatusCode::kOutOfRange);
}

TEST_F(SubscriptionAgeTest, ACursorOfBeforeItSaidHowOldItIsGoesOnOnlyWhereNothingWasWritten) {
  ASSERT_TRUE(From("").ok());
  huiliu::v1::DeliveryCursor former = Opened(cursor_);
  former.clear_followed_us();
  former.clear_log_ends();
  const std::string old = f_.cursors->Seal(Admitted(), former);
  EXPECT_THAT(*From(old), IsEmpty());
  EXPECT_EQ(messages_, 1) << "one that says it was not handed out";
  Send({"k4"});
  EXPECT_EQ(From(old).status().code(), absl::StatusCode::kOutOfRange);
  EXPECT_THAT(*From(cursor_), ElementsAre("k4"));
}

TEST_F(SubscriptionAgeTest, OfALongSnapshotWhatWasSentFirstIsAsOldAsItsCursor) {
  auto subscription = *Open("", 1);
  huiliu::v1::SubscribeResponse first;
  ASSERT_TRUE(*subscription->Next(absl::ZeroDuration(), &first));
  ASSERT_FALSE(first.snapshot_complete());
  f_.node.clock().Advance(5 * kDay);
  EXPECT_THAT(*From(first.cursor()), testing::SizeIs(2));
  f_.node.clock().Advance(3 * kDay);
  Send({"k1"}, true);
  EXPECT_EQ(Open(first.cursor()).status().code(), absl::StatusCode::kOutOfRange)
      << "before the rest of it is sent in vain";
}

TEST_F(SubscriptionAgeTest, OneThatFollowsAQuietLogGetsACursorNowAndThen) {
  auto subscription = *Open("");
  ASSERT_TRUE(Drain(*subscription).ok());
  f_.node.clock().Advance(absl::Minutes(59));
  EXPECT_THAT(*Drain(*subscription), IsEmpty());
  EXPECT_EQ(messages_, 0);
  for (int hour = 0; hour < 24 * 10; ++hour) {
    f_.node.clock().Advance(absl::Hours(1));
    EXPECT_THAT(*Drain(*subscription), IsEmpty());
    EXPECT_EQ(messages_, 1);
  }
  // Away for a moment, while one row came: that is no reason for a snapshot.
  Send({"k1"}, true);
  EXPECT_THAT(*From(cursor_), ElementsAre("-"));
}

// Only one of two partitions has changes.
TEST_F(SubscriptionAgeTest, APartitionInWhichNothingHappensAgesNoCursor) {
  auto subscription = *Open("");
  ASSERT_TRUE(Drain(*subscription).ok());
  for (int day = 0; day < 10; ++day) {
    f_.node.clock().Advance(kDay);
    Send({"k1"});
    huiliu::v1::SubscribeResponse response;
    ASSERT_TRUE(*subscription->Next(absl::ZeroDuration(), &response));
    ASSERT_EQ(response.rows_size(), 1);
    cursor_ = response.cursor();
  }
  for (const auto& [partition, us] : Opened(cursor_).followed_us())
    EXPECT_EQ(absl::FromUnixMicros(us), f_.node.clock().Now()) << partition;
  ASSERT_EQ(Opened(cursor_).followed_us_size(), 2);
  Send({"k2", "k3", "k4", "k5", "k6"});  // of both
  EXPECT_THAT(*From(cursor_), testing::SizeIs(5));
}

TEST_F(SubscriptionAgeTest, AfterACatchUpTheCursorIsOfItsEnd) {
  ASSERT_TRUE(From("").ok());
  Send({"k4"});
  f_.node.clock().Advance(5 * kDay);
  EXPECT_THAT(*From(cursor_), ElementsAre("k4"));
  f_.node.clock().Advance(5 * kDay);
  Send({"k4"}, true);
  EXPECT_THAT(*From(cursor_), ElementsAre("-"));
}

TEST_F(SubscriptionAgeTest, AStreamThatStoodStillForTooLongEnds) {
  auto subscription = *Open("");
  ASSERT_TRUE(Drain(*subscription).ok());
  Send({"k1"}, true);
  f_.node.clock().Advance(8 * kDay);
  Compact();
  Send({"k4"});
  EXPECT_EQ(Drain(*subscription).status().code(), absl::StatusCode::kOutOfRange);
}

// What a catalog has made durable of it may lag behind what it holds.
TEST_F(SubscriptionAgeTest, ASnapshotIsNeverTooOld) {
  f_.node.clock().Advance(300 * kDay);
  Send({"k4"});
  EXPECT_THAT(*From(""), UnorderedElementsAre("k1", "k2", "k3", "k4"));
  Send({"k5"});
  EXPECT_THAT(*From(cursor_), ElementsAre("k5"));
}

}  // namespace
}  // namespace huiliu::service
