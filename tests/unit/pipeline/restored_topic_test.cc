// A returned topic that is deleted under the catalog: no row is forgotten, and what was lost is
// said.
#include "broker/pipeline/restored_topic.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "broker/backbone/memory/memory_backbone.h"
#include "broker/pipeline/applier.h"
#include "core/schema/contract.h"
#include "core/schema/record_writer.h"
#include "huiliu/v1/common.pb.h"
#include "tests/fakes/map_catalog.h"
#include "tests/fakes/open_backbone.h"
#include "tests/unit/rules/engine_fixture.h"

namespace huiliu::pipeline {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr char kReceiver[] = "530100";

class RestoredTopicTest : public testing::Test {
 protected:
  RestoredTopicTest() : memory_(NewMemoryBackbone()), backbone_(*memory_) {
    std::string text = rules::kPersonContract;
    text.replace(text.find("%s"), 2, "");
    contract_ = *schema::Contract::Parse("person.proto", text);
    topics_.partitions = 2;
    EXPECT_TRUE(backbone_.EnsureTopic(LineageTopicSpec()).ok());
    EXPECT_TRUE(backbone_.EnsureTopic(ReturnedTopicSpec(kReceiver, "person", topics_)).ok());
    writer_ = *backbone_.OpenWriter("test");
    catalog_ = NewMapCatalog();
    Open();
  }

  // A node's applier; `writer` null: a standby's.
  std::unique_ptr<Applier> NewApplier(Catalog& catalog, BackboneWriter* writer) {
    auto applier = std::make_unique<Applier>(
        kReceiver, catalog, backbone_, writer, SystemClock(), topics_,
        [this](absl::string_view worker, const absl::Status& status) {
          if (!status.ok()) reports_.push_back(absl::StrCat(worker, ": ", status.message()));
        },
        &aside_);
    EXPECT_TRUE(applier->AddDataset(contract_).ok());
    return applier;
  }
  void Open() { applier_ = NewApplier(*catalog_, writer_.get()); }

  std::string Key(const std::string& id) const {
    return absl::StrCat("sys", absl::string_view("\0", 1), *contract_->KeyOf(Payload(id, "")));
  }
  std::string Payload(const std::string& id, const std::string& name) const {
    return *schema::RecordFromJson(*contract_,
                                   absl::StrCat(R"({"id":")", id, R"(","name":")", name, R"("})"));
  }
  std::string EnvelopeOf(uint64_t sequence) const {
    huiliu::v1::Envelope envelope;
    envelope.set_system("sys");
    envelope.set_source("src");
    envelope.set_source_sequence(sequence);
    return envelope.SerializeAsString();
  }
  // As the return engine appends it; an empty name: a delete.
  absl::Status Return(const std::string& id, const std::string& name) {
    RecordBatchBuilder batch;
    if (name.empty()) {
      batch.AddTombstone(Key(id), EnvelopeOf(++sequence_));
    } else {
      batch.Add(Key(id), EnvelopeOf(++sequence_), Payload(id, name));
    }
    Transaction transaction;
    transaction.appends.push_back({{kTopic, PartitionOf(Key(id), 2)}, batch.Finish(), 1});
    return writer_->Commit(std::move(transaction)).status();
  }
  // What a reader of the whole topic ends with, and what the catalog holds.
  std::vector<std::string> InTopic() {
    std::map<std::string, std::string> rows;
    ReaderOptions options;
    options.start = StartAt::kEarliest;
    options.assigned = {{kTopic, Partition(0)}, {kTopic, Partition(1)}};
    const auto reader = *backbone_.OpenReader(options);
    for (auto batches = *reader->Poll(absl::ZeroDuration()); !batches.empty();
         batches = *reader->Poll(absl::ZeroDuration())) {
      for (const StoredBatch& batch : batches) {
        RecordBatchView::Parse(batch.bytes)->ForEach([&](int, const RecordView& record) {
          rows.erase(std::string(record.key));
          if (!record.tombstone) rows[std::string(record.key)] = std::string(record.value);
        });
      }
    }
    std::vector<std::string> out;
    for (const auto& [key, value] : rows) out.push_back(*schema::RecordToJson(*contract_, value));
    return out;
  }
  std::vector<std::string> InCatalog(Catalog& catalog) {
    std::vector<std::string> out;
    const auto snapshot = *catalog.Snapshot();
    const ScanResult all = *snapshot->Scan(contract_->id(), {});
    for (const CatalogRow& row : all.rows)
      out.push_back(*schema::RecordToJson(*contract_, row.payload));
    return out;
  }
  static std::string Row(const std::string& id, const std::string& name) {
    return absl::StrCat(R"({"id":")", id, R"(","name":")", name, R"("})");
  }

  static constexpr char kTopic[] = "returned.530100.person";
  std::unique_ptr<MemoryBackbone> memory_;
  OpenBackbone backbone_;
  std::shared_ptr<const schema::Contract> contract_;
  TopicSettings topics_;
  std::unique_ptr<BackboneWriter> writer_;
  std::unique_ptr<Catalog> catalog_;
  SetAside aside_{[](const std::string&) {}};
  std::vector<std::string> reports_;
  std::unique_ptr<Applier> applier_;
  uint64_t sequence_ = 0;
};

TEST_F(RestoredTopicTest, TheOwnerPublishesTheRowsAgainAndGoesOnWithoutARestart) {
  for (const char* id : {"1", "2", "3"}) ASSERT_TRUE(Return(id, "甲").ok());
  ASSERT_TRUE(Return("3", "").ok());
  ASSERT_TRUE(applier_->CatchUp().ok());
  backbone_.Delete(kTopic);
  EXPECT_TRUE(absl::IsNotFound(Return("4", "丁")));
  EXPECT_TRUE(absl::IsNotFound(applier_->CatchUp()));
  ASSERT_TRUE(applier_->CatchUp().ok());
  ASSERT_TRUE(Return("4", "丁").ok());
  ASSERT_TRUE(Return("1", "乙").ok());
  ASSERT_TRUE(applier_->CatchUp().ok());
  const auto expected = ElementsAre(Row("1", "乙"), Row("2", "甲"), Row("4", "丁"));
  EXPECT_THAT(InTopic(), expected);
  EXPECT_THAT(InCatalog(*catalog_), expected);
  EXPECT_THAT(reports_, ElementsAre(HasSubstr("the catalog keeps its 2 rows")));
  EXPECT_THAT(aside_.Notice(), HasSubstr("made again from the catalog's 2 rows"));
}

TEST_F(RestoredTopicTest, ADeletedTopicIsMissedThoughItsReaderSaysNothing) {
  backbone_.KeepQuiet();
  ASSERT_TRUE(Return("1", "甲").ok());
  ASSERT_TRUE(applier_->CatchUp().ok());
  applier_->Start();
  backbone_.Delete(kTopic);
  while (!Return("2", "乙").ok()) absl::SleepFor(absl::Milliseconds(10));
  while (catalog_->Rows(contract_->id()).value_or(0) < 2) absl::SleepFor(absl::Milliseconds(10));
  applier_->Stop();
  EXPECT_THAT(InTopic(), ElementsAre(Row("1", "甲"), Row("2", "乙")));
}

TEST_F(RestoredTopicTest, RowsThatACatalogLostWithTheTopicAreSaid) {
  ASSERT_TRUE(Return("1", "甲").ok());
  ASSERT_TRUE(applier_->CatchUp().ok());
  backbone_.Delete(kTopic);
  catalog_ = NewMapCatalog();  // had not reached the disk
  Open();
  ASSERT_TRUE(applier_->CatchUp().ok());
  EXPECT_THAT(aside_.Notice(), HasSubstr("at most 1 records"));
  // Also by the next process.
  SetAside later([](const std::string&) {});
  RestoredTopic again(
      {kReceiver, *catalog_, backbone_, writer_.get(), topics_, [](const absl::Status&) {}, later});
  ASSERT_TRUE(again.Check(*contract_).ok());
  EXPECT_THAT(later.Notice(), HasSubstr("at most 1 records"));
}

TEST_F(RestoredTopicTest, WhatOthersWroteMeanwhileStaysTheLast) {
  for (const char* id : {"1", "2"}) ASSERT_TRUE(Return(id, "甲").ok());
  ASSERT_TRUE(applier_->CatchUp().ok());
  backbone_.Delete(kTopic);
  // Somebody else made it, and the return engine wrote before the owner noticed.
  ASSERT_TRUE(backbone_.EnsureTopic(ReturnedTopicSpec(kReceiver, "person", topics_)).ok());
  ASSERT_TRUE(Return("1", "新").ok());
  ASSERT_TRUE(Return("2", "").ok());
  ASSERT_TRUE(Return("9", "九").ok());
  // Both keys were applied at offsets that are there again: the owner finds its own standing.
  ReturnedStanding standing;
  standing.restoring = true;
  standing.generation = 1;
  Transaction transaction;
  transaction.positions.push_back({ReturnedStandingKey(kReceiver, "person"), Encode(standing)});
  ASSERT_TRUE(writer_->Commit(std::move(transaction)).ok());
  for (int crash = 0; crash < 2; ++crash) {
    Open();
    ASSERT_TRUE(applier_->CatchUp().ok());
    const auto expected = ElementsAre(Row("1", "新"), Row("9", "九"));
    EXPECT_THAT(InTopic(), expected);
    EXPECT_THAT(InCatalog(*catalog_), expected);
  }
}

TEST_F(RestoredTopicTest, AStandbyWaitsForTheOwnerAndIsBuiltAnew) {
  ASSERT_TRUE(Return("1", "甲").ok());
  const auto other = NewMapCatalog();
  auto standby = NewApplier(*other, nullptr);
  ASSERT_TRUE(standby->CatchUp().ok());
  ASSERT_TRUE(applier_->CatchUp().ok());
  backbone_.Delete(kTopic);
  ASSERT_TRUE(backbone_.EnsureTopic(ReturnedTopicSpec(kReceiver, "person", topics_)).ok());
  standby = NewApplier(*other, nullptr);
  EXPECT_TRUE(absl::IsUnavailable(standby->CatchUp()));
  Open();
  ASSERT_TRUE(applier_->CatchUp().ok());
  // As many records as before, and more: offsets alone would not tell.
  for (const char* id : {"1", "2", "3"}) ASSERT_TRUE(Return(id, "乙").ok());
  // What it had and the owner had not would stay for good.
  EXPECT_TRUE(absl::IsDataLoss(standby->CatchUp()));
  EXPECT_TRUE(standby->outdated());
  const auto anew = NewMapCatalog();
  standby = NewApplier(*anew, nullptr);
  ASSERT_TRUE(standby->CatchUp().ok());
  ASSERT_TRUE(applier_->CatchUp().ok());
  const auto expected = ElementsAre(Row("1", "乙"), Row("2", "乙"), Row("3", "乙"));
  EXPECT_THAT(InCatalog(*catalog_), expected);
  EXPECT_THAT(InCatalog(*anew), expected);
}

TEST_F(RestoredTopicTest, MessagesOfOthersReachNoCatalog) {
  ASSERT_TRUE(Return("1", "甲").ok());
  const TopicPartition tp{kTopic, Partition(0)};
  ASSERT_TRUE(backbone_.Intrude(tp, "k", "hello world").ok());
  // A frame whose schema nobody knows stays on.
  ASSERT_TRUE(backbone_
                  .Intrude(tp, Key("1"),
                           std::string("\0\0\x0f\xff\xff\0\x0a\x03"
                                       "abc",
                                       11),
                           EnvelopeOf(9))
                  .ok());
  // A whole record under another's key.
  ASSERT_TRUE(backbone_.Intrude(tp, Key("2"), Payload("1", "丙"), EnvelopeOf(9)).ok());
  ASSERT_TRUE(Return("2", "乙").ok());
  ASSERT_TRUE(applier_->CatchUp().ok());
  EXPECT_THAT(InCatalog(*catalog_), ElementsAre(Row("1", "甲"), Row("2", "乙")));
  EXPECT_EQ(aside_.seen().at(kTopic).messages, 3);
  Open();
  ASSERT_TRUE(applier_->CatchUp().ok());
  EXPECT_EQ(aside_.seen().at(kTopic).messages, 3);
  EXPECT_THAT(aside_.Notice(), testing::Not(HasSubstr("丙")));
}

}  // namespace
}  // namespace huiliu::pipeline
