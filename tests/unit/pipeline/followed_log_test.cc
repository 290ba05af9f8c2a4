// A catalog that stood still while tombstones went out of its topic does not go on as it is.
#include "broker/pipeline/followed_log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "broker/backbone/memory/memory_backbone.h"
#include "broker/pipeline/applier.h"
#include "core/schema/contract.h"
#include "core/schema/record_writer.h"
#include "huiliu/v1/common.pb.h"
#include "tests/fakes/map_catalog.h"
#include "tests/unit/rules/engine_fixture.h"

namespace huiliu::pipeline {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr char kReceiver[] = "530100";
constexpr char kTopic[] = "returned.530100.person";

class FollowedLogTest : public testing::Test {
 protected:
  FollowedLogTest() : backbone_(NewMemoryBackbone(clock_)) {
    std::string text = rules::kPersonContract;
    text.replace(text.find("%s"), 2, "");
    contract_ = *schema::Contract::Parse("person.proto", text);
    EXPECT_TRUE(backbone_->EnsureTopic(LineageTopicSpec()).ok());
    EXPECT_TRUE(backbone_->EnsureTopic(ReturnedTopicSpec(kReceiver, "person", topics_)).ok());
    writer_ = *backbone_->OpenWriter("test");
  }

  // A process that begins on what the catalog holds; `writer` null: a standby's.
  std::unique_ptr<Applier> Begin(BackboneWriter* writer) {
    auto applier = std::make_unique<Applier>(
        kReceiver, *catalog_, *backbone_, writer, clock_, topics_,
        [](absl::string_view, const absl::Status& status) { ADD_FAILURE() << status; });
    EXPECT_TRUE(applier->AddDataset(contract_).ok());
    return applier;
  }
  std::unique_ptr<Applier> Begin() { return Begin(writer_.get()); }

  // An empty name: it is withdrawn.
  void Return(const std::string& id, const std::string& name) {
    const std::string payload = *schema::RecordFromJson(
        *contract_, absl::StrCat(R"({"id":")", id, R"(","name":")", name, R"("})"));
    const std::string key =
        absl::StrCat("sys", absl::string_view("\0", 1), *contract_->KeyOf(payload));
    huiliu::v1::Envelope envelope;
    envelope.set_system("sys");
    RecordBatchBuilder batch;
    if (name.empty()) {
      batch.AddTombstone(key, envelope.SerializeAsString());
    } else {
      batch.Add(key, envelope.SerializeAsString(), payload);
    }
    Transaction transaction;
    transaction.appends.push_back({{kTopic, Partition(0)}, batch.Finish(), 1});
    ASSERT_EQ(writer_->Commit(std::move(transaction)).status(), absl::OkStatus());
  }
  // All that the topic forgets, as far as the clock goes.
  void Compact() { ASSERT_EQ(backbone_->Clean(), absl::OkStatus()); }
  int64_t Rows() { return *catalog_->Rows(contract_->id()); }

  ManualClock clock_{absl::FromUnixSeconds(1'700'000'000)};
  std::unique_ptr<MemoryBackbone> backbone_;
  std::shared_ptr<const schema::Contract> contract_;
  TopicSettings topics_;
  std::unique_ptr<BackboneWriter> writer_;
  std::unique_ptr<Catalog> catalog_ = NewMapCatalog();
};

// The folder that a crash left on a node, to which the receiver comes back weeks later.
TEST_F(FollowedLogTest, ARowThatWasWithdrawnMeanwhileDoesNotComeBack) {
  Return("1", "甲");
  Return("2", "乙");
  auto applier = Begin();
  ASSERT_EQ(applier->CatchUp(), absl::OkStatus());
  applier.reset();
  Return("1", "");
  Return("3", "丙");
  clock_.Advance(absl::Hours(24 * 8));
  Compact();  // the tombstone is gone
  Return("4", "丁");
  for (BackboneWriter* writer : {writer_.get(), static_cast<BackboneWriter*>(nullptr)}) {
    applier = Begin(writer);
    const absl::Status status = applier->CatchUp();
    EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss);
    EXPECT_THAT(std::string(status.message()), HasSubstr("must be built anew"));
    EXPECT_TRUE(applier->outdated());
    EXPECT_EQ(Rows(), 2) << "what was to be given up was written to";
  }
  catalog_ = NewMapCatalog();
  applier = Begin();
  ASSERT_EQ(applier->CatchUp(), absl::OkStatus());
  EXPECT_FALSE(applier->outdated());
  EXPECT_EQ(Rows(), 3);
}

TEST_F(FollowedLogTest, AFolderThatSaysNothingOfItIsBuiltAnew) {
  Return("1", "甲");
  ASSERT_EQ(catalog_->EnsureDataset(contract_), absl::OkStatus());
  ReaderOptions options;
  options.start = StartAt::kEarliest;
  options.assigned = {{kTopic, Partition(0)}};
  const auto reader = *backbone_->OpenReader(options);
  ASSERT_EQ(catalog_->Apply(contract_->id(), *reader->Poll(absl::ZeroDuration())),
            absl::OkStatus());
  EXPECT_EQ(Begin()->CatchUp().code(), absl::StatusCode::kDataLoss);
}

TEST_F(FollowedLogTest, WhereNothingWasWrittenSinceNothingIsMissedHoweverLongItIs) {
  Return("1", "甲");
  ASSERT_EQ(Begin()->CatchUp(), absl::OkStatus());
  clock_.Advance(absl::Hours(24 * 365));
  Compact();
  auto applier = Begin();
  ASSERT_EQ(applier->CatchUp(), absl::OkStatus());
  // And from then on it counts anew.
  Return("2", "乙");
  ASSERT_EQ(applier->CatchUp(), absl::OkStatus());
  EXPECT_EQ(Rows(), 2);
}

TEST_F(FollowedLogTest, AQuietWeekIsNoReason) {
  Return("1", "甲");
  auto applier = Begin();
  ASSERT_EQ(applier->CatchUp(), absl::OkStatus());
  // It lives on and looks at the end of the log now and then.
  for (int twice = 0; twice < 4; ++twice) {
    clock_.Advance(absl::Hours(48));
    absl::SleepFor(absl::Seconds(1.01));  // how often it looks
    ASSERT_EQ(applier->CatchUp(), absl::OkStatus());
  }
  applier.reset();
  Return("1", "");
  clock_.Advance(absl::Hours(24));
  applier = Begin();
  ASSERT_EQ(applier->CatchUp(), absl::OkStatus());
  EXPECT_EQ(Rows(), 0);
}

// A node that was frozen as a whole: nothing told its reader.
TEST_F(FollowedLogTest, AProcessThatStoodStillGivesItsCatalogUp) {
  Return("1", "甲");
  Return("2", "乙");
  auto applier = Begin();
  ASSERT_EQ(applier->CatchUp(), absl::OkStatus());
  Return("1", "");
  clock_.Advance(absl::Hours(24 * 8));
  Compact();
  Return("3", "丙");
  applier->CatchUp().IgnoreError();
  EXPECT_TRUE(applier->outdated());
  EXPECT_EQ(Rows(), 2);
}

// A clock that was put back must not make it look young: what was written since is no younger.
TEST_F(FollowedLogTest, WhatIsReadTellsTheTimeToo) {
  Return("1", "甲");
  ASSERT_EQ(Begin()->CatchUp(), absl::OkStatus());
  Return("1", "");
  clock_.Advance(absl::Hours(24 * 8));
  Compact();
  Return("3", "丙");
  clock_.Advance(-absl::Hours(24 * 8));
  auto applier = Begin();
  applier->CatchUp().IgnoreError();
  EXPECT_EQ(Rows(), 1) << "nothing is applied upon what was withdrawn";
}

TEST_F(FollowedLogTest, ALongCatchUpIsMeasuredFromWhatItHasRead) {
  Return("1", "甲");
  auto applier = Begin();
  ASSERT_EQ(applier->CatchUp(), absl::OkStatus());
  for (int day = 0; day < 5; ++day) {
    clock_.Advance(absl::Hours(24));
    Return("1", absl::StrCat("甲", day));
  }
  ASSERT_EQ(applier->CatchUp(), absl::OkStatus());
  applier.reset();
  clock_.Advance(absl::Hours(24 * 3));
  Return("1", "");
  applier = Begin();  // eight days after it began, three after what it read last
  ASSERT_EQ(applier->CatchUp(), absl::OkStatus());
  EXPECT_EQ(Rows(), 0);
}

}  // namespace
}  // namespace huiliu::pipeline
