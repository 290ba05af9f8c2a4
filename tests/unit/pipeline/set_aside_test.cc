// Messages that none of ours wrote stop nothing and nobody sees them.
#include "broker/pipeline/set_aside.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/synchronization/notification.h"
#include "broker/pipeline/control_log.h"
#include "broker/pipeline/from_intake.h"
#include "tests/fakes/open_backbone.h"
#include "tests/unit/pipeline/node_fixture.h"

namespace huiliu::pipeline {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;
using F = NodeFixture;

const TopicPartition kControl{kControlTopic, Partition(0)};

void Write(Backbone& backbone, const TopicPartition& to, absl::string_view key,
           absl::string_view value) {
  RecordBatchBuilder batch;
  batch.Add(key, "", value);
  Transaction transaction;
  transaction.appends.push_back({to, batch.Finish(), 1});
  const auto written = (*backbone.OpenWriter("another"))->Commit(std::move(transaction));
  ASSERT_TRUE(written.ok()) << written.status();
}

std::string ReceiverRecord(governance::State& state, const std::string& id) {
  huiliu::v1::Receiver receiver;
  receiver.set_id(id);
  receiver.set_title(id);
  receiver.add_divisions(id);
  return state.Propose(receiver, 0)->SerializeAsString();
}

class ForeignControlTest : public testing::Test {
 protected:
  ForeignControlTest() : memory_(NewMemoryBackbone()), backbone_(*memory_) {
    EXPECT_TRUE(backbone_.EnsureTopic(ControlTopicSpec()).ok());
  }
  std::unique_ptr<MemoryBackbone> memory_;
  OpenBackbone backbone_;
  governance::State state_;
  SetAside aside_{[](const std::string&) {}};
};

TEST_F(ForeignControlTest, AForeignMessageIsPassedOverAndWhatFollowsIsTakenOver) {
  const std::string record = ReceiverRecord(state_, "530100");
  ASSERT_TRUE(backbone_.Intrude(kControl, "zz", "garbage").ok());
  ASSERT_TRUE(backbone_.Intrude(kControl, "grant/g", "garbage").ok());
  // Even a record that could be ours: nobody but a node writes governance.
  ASSERT_TRUE(backbone_.Intrude(kControl, "receiver/530100", record).ok());
  ControlLog log(state_, backbone_, &aside_);
  ASSERT_TRUE(log.CatchUp().ok());
  EXPECT_FALSE(state_.FindReceiver("530100").has_value());
  Write(backbone_, kControl, "receiver/530100", record);
  ASSERT_TRUE(log.CatchUp().ok());
  EXPECT_TRUE(state_.FindReceiver("530100").has_value());
  EXPECT_EQ(aside_.seen().at("control").messages, 3);
  // Another node that replays it all.
  governance::State other;
  ControlLog again(other, backbone_);
  ASSERT_TRUE(again.CatchUp().ok());
  EXPECT_EQ(other.version(), state_.version());
}

TEST_F(ForeignControlTest, ATornRecordOfOursIsDataLoss) {
  Write(backbone_, kControl, "receiver/530100", "torn");
  ControlLog log(state_, backbone_, &aside_);
  const absl::Status status = log.CatchUp();
  EXPECT_TRUE(absl::IsDataLoss(status)) << status;
  EXPECT_THAT(std::string(status.message()), HasSubstr("offset 0"));
}

// As one who knows how ours look writes it; an empty source: without an envelope.
void Forge(NodeFixture& node, const std::string& source, const std::string& system,
           absl::string_view value) {
  huiliu::v1::Envelope envelope;
  envelope.set_source(source);
  envelope.set_system(system);
  envelope.set_operation(huiliu::v1::OPERATION_UPSERT);
  RecordBatchBuilder batch;
  batch.Add(absl::StrCat(system, absl::string_view("\0", 1), "k"),
            source.empty() ? "" : envelope.SerializeAsString(), value);
  Transaction transaction;
  transaction.appends.push_back({{SourceTopic("person"), Partition(0)}, batch.Finish(), 1});
  ASSERT_TRUE((*node.backbone().OpenWriter("another"))->Commit(std::move(transaction)).ok());
}

TEST(SetAsideTest, JudgingGoesOnOverForeignMessagesInSourceAndQuarantine) {
  NodeFixture node(1);
  Forge(node, "", "sys", "hello world");
  Forge(node, "invented", "sys", "hello world");
  Forge(node, "src", "another system", "");
  Forge(node, "src", "sys", "hello world");
  Write(node.backbone(), {kQuarantineTopic, Partition(0)}, "k", "hello world");
  ASSERT_TRUE(node.Send({{R"({"id":"1","name":"甲","division":"530102"})", "a:1"}}).ok());
  const absl::Status judged = node.Judge();
  ASSERT_TRUE(judged.ok()) << judged;
  EXPECT_THAT(node.Held(F::kKunming), SizeIs(1));
  EXPECT_THAT(node.Kept(), IsEmpty());
  node.Restart(true);
  ASSERT_TRUE(node.Judge().ok());
}

TEST(SetAsideTest, ANodeThatIsBehindLearnsOfASourceBeforeItSetsItsRowsAside) {
  NodeFixture node(1);
  ASSERT_TRUE(node.Send({{R"({"id":"1","name":"甲","division":"530102"})", "a:1"}}).ok());
  governance::State behind;
  std::string contract = rules::kPersonContract;
  contract.replace(contract.find("%s"), 2, "");
  const huiliu::v1::ControlRecord dataset = **behind.ProposeDataset("person.proto", contract);
  huiliu::v1::ControlRecord source;
  *source.mutable_source() = *node.state.FindSource("src");
  source.set_version(dataset.version() + 1);
  for (const huiliu::v1::ControlRecord& record : {dataset, source}) {
    Write(node.backbone(), kControl, governance::ControlKey(record), record.SerializeAsString());
  }
  SetAside aside([](const std::string&) {});
  OpenBackbone away(node.backbone());
  away.Delete(kControlTopic);
  ControlLog cannot(behind, away);
  std::vector<StoredBatch> batches = node.ReadAll(SourceTopic("person"));
  ASSERT_THAT(batches, SizeIs(1));
  EXPECT_TRUE(absl::IsNotFound(FromIntake(behind, &cannot).Sift(&aside, &batches)));
  ControlLog log(behind, node.backbone());
  const absl::Status sifted = FromIntake(behind, &log).Sift(&aside, &batches);
  ASSERT_TRUE(sifted.ok()) << sifted;
  EXPECT_EQ(batches[0].records, 1);
  EXPECT_THAT(aside.seen(), IsEmpty());
}

TEST(SetAsideTest, APlaceIsCountedOnceAndTheBatchKeepsItsOffsets) {
  SetAside aside([](const std::string&) {});
  RecordBatchBuilder builder;
  for (const char* key : {"ours 1", "theirs", "ours 2"}) builder.Add(key, "", "value");
  StoredBatch batch;
  batch.from = {"t", Partition(3)};
  batch.first_offset = Offset(10);
  batch.next = Offset(14);
  batch.records = 3;
  batch.bytes = builder.Finish();
  const auto why_not = [](const RecordView& record) {
    return record.key == "theirs" ? std::string("because") : std::string();
  };
  for (int reader = 0; reader < 2; ++reader) {
    StoredBatch read = batch;
    ASSERT_TRUE(Sift(why_not, &aside, &read).ok());
    EXPECT_EQ(read.records, 2);
    EXPECT_THAT(read.offsets, testing::ElementsAre(Offset(10), Offset(12)));
    EXPECT_EQ(read.next, Offset(14));
    EXPECT_EQ(RecordBatchView::Parse(read.bytes)->count(), 2);
  }
  EXPECT_EQ(aside.seen().at("t").messages, 1);
  EXPECT_EQ(aside.seen().at("t").newest, "t/3 @ 11: because");
  // Nothing remains of a batch that was all theirs, and it is still one that can be read.
  const auto none = [](const RecordView&) { return std::string("because"); };
  ASSERT_TRUE(Sift(none, &aside, &batch).ok());
  EXPECT_EQ(RecordBatchView::Parse(batch.bytes)->count(), 0);
}

TEST(SetAsideTest, ALanesWorkerReportsUnderItsOwnName) {
  NodeFixture node;
  Transaction torn;
  torn.positions.push_back({ReturnPosition("3"), "not a number"});
  ASSERT_TRUE((*node.backbone().OpenWriter("another"))->Commit(std::move(torn)).ok());
  const std::string folder = testing::TempDir() + "/lane_worker";
  std::filesystem::remove_all(folder);
  std::filesystem::create_directories(folder);
  const auto decisions = *RocksDbDecisionStore::Open(folder + "/decisions", {});
  const auto kept = *QuarantineStore::Open(folder + "/kept", {});
  absl::Notification failed;
  std::string worker_name;
  ReturnWorker::Parts parts{node.state,
                            node.backbone(),
                            node.writer(),
                            node.clock(),
                            TopicSettings(),
                            rules::YunnanDivisions(),
                            [](absl::string_view) { return std::string(32, 'k'); },
                            *decisions,
                            *kept,
                            [&](absl::string_view name, const absl::Status& status) {
                              if (status.ok() || failed.HasBeenNotified()) return;
                              worker_name = std::string(name);
                              failed.Notify();
                            }};
  parts.lane = "3";
  ReturnWorker worker(std::move(parts));
  worker.Start();
  failed.WaitForNotification();
  worker.Stop();
  // What only looks whether there is a worker reports as return/reconcile.
  EXPECT_EQ(worker_name, "return/3");
}

}  // namespace
}  // namespace huiliu::pipeline
