// Several nodes in one process, on one backbone.
#include "broker/cluster/cluster.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>

#include "absl/strings/str_cat.h"
#include "broker/backbone/memory/memory_backbone.h"

namespace huiliu::cluster {
namespace {

using testing::HasSubstr;

constexpr int kLanes = 8;
const governance::Principal kAdmin{"admin", "org", {huiliu::v1::ROLE_SYSTEM_ADMINISTRATOR}};

// Counts what is ended of dead nodes.
class EndingBackbone : public Backbone {
 public:
  absl::Status EnsureTopic(const TopicSpec& spec) override { return inner_->EnsureTopic(spec); }
  absl::StatusOr<std::vector<TopicSpec>> ListTopics() override { return inner_->ListTopics(); }
  absl::StatusOr<std::unique_ptr<BackboneWriter>> OpenWriter(absl::string_view id) override {
    return inner_->OpenWriter(id);
  }
  absl::Status EndOpenTransaction(absl::string_view id) override {
    absl::MutexLock lock(&mutex_);
    ended_.emplace_back(id);
    return absl::OkStatus();
  }
  absl::StatusOr<std::unique_ptr<BackboneReader>> OpenReader(ReaderOptions options) override {
    return inner_->OpenReader(std::move(options));
  }
  absl::StatusOr<PartitionBounds> Bounds(const TopicPartition& tp) override {
    return inner_->Bounds(tp);
  }
  absl::StatusOr<std::optional<Offset>> CommittedOffset(absl::string_view group,
                                                        const TopicPartition& tp) override {
    return inner_->CommittedOffset(group, tp);
  }
  absl::StatusOr<std::optional<std::string>> Position(absl::string_view key) override {
    return inner_->Position(key);
  }
  std::vector<std::string> ended() {
    absl::MutexLock lock(&mutex_);
    return ended_;
  }

 private:
  const std::unique_ptr<Backbone> inner_ = NewMemoryBackbone();
  absl::Mutex mutex_;
  std::vector<std::string> ended_ ABSL_GUARDED_BY(mutex_);
};

class TestNode {
 public:
  TestNode(Backbone& backbone, const std::string& name, std::string keys = "the same keys")
      : writer_(*backbone.OpenWriter("node/" + name)), log_(state_, backbone) {
    ClusterOptions options;
    options.name = "test";
    options.node = name;
    options.keys_digest = std::move(keys);
    options.lanes = kLanes;
    cluster_ = std::make_unique<Cluster>(
        options, Cluster::Parts{state_, backbone, *writer_, log_,
                                [](absl::string_view, const absl::Status&) {}});
    opened_ = cluster_->Open();
    if (!opened_.ok()) return;
    EXPECT_TRUE(log_.CatchUp().ok());
    commands_ = std::make_unique<pipeline::GovernanceCommands>(
        state_, log_, *writer_, SystemClock(), cluster_->fence(),
        [](const huiliu::v1::Grant&) { return absl::OkStatus(); });
    commands_->OnDone(
        [this](const huiliu::v1::ControlRecord& record) { cluster_->AwaitSeen(record.version()); });
    Cluster::Hooks hooks;
    hooks.take = [](int32_t) { return absl::OkStatus(); };
    hooks.release = [this](const std::set<int32_t>& lanes) { released_ += lanes.size(); };
    hooks.catalogs = [] { return std::vector<huiliu::v1::MemberRecord::Catalog>(); };
    hooks.changed = [] {};
    EXPECT_TRUE(cluster_->Start("127.0.0.1:1", *commands_, std::move(hooks)).ok());
  }
  ~TestNode() { cluster_->Stop(); }

  absl::Status PutReceiver(const std::string& id) {
    huiliu::v1::PutReceiverRequest request;
    request.mutable_receiver()->set_id(id);
    request.mutable_receiver()->set_title("接收方");
    request.mutable_receiver()->add_divisions(id);
    return commands_->Put(kAdmin, request).status();
  }
  int Held() const {
    int held = 0;
    for (int i = 0; i < 1000; ++i) held += cluster_->fence().Of(absl::StrCat("source", i)).ok();
    return held;
  }
  bool Leads() const { return cluster_->Leads(); }
  Cluster& cluster() { return *cluster_; }
  governance::State& state() { return state_; }
  const absl::Status& opened() const { return opened_; }
  size_t released() const { return released_; }

 private:
  governance::State state_;
  const std::unique_ptr<BackboneWriter> writer_;
  pipeline::ControlLog log_;
  std::unique_ptr<pipeline::GovernanceCommands> commands_;
  std::unique_ptr<Cluster> cluster_;
  absl::Status opened_;
  std::atomic<size_t> released_ = 0;
};

class ClusterTest : public testing::Test {
 protected:
  ClusterTest() : backbone_(NewMemoryBackbone(SystemClock())) {
    for (const TopicSpec& spec : {pipeline::ControlTopicSpec(), pipeline::LineageTopicSpec()})
      EXPECT_TRUE(backbone_->EnsureTopic(spec).ok());
  }
  template <typename Condition>
  static bool Eventually(const Condition& condition) {
    for (int i = 0; i < 3000; ++i) {
      if (condition()) return true;
      absl::SleepFor(absl::Milliseconds(20));
    }
    return false;
  }
  // Every source is taken over by exactly one of them, one of them leads.
  static bool Divided(TestNode& a, TestNode& b) {
    return a.Held() > 0 && b.Held() > 0 && a.Held() + b.Held() == 1000 && a.Leads() != b.Leads();
  }

  const std::unique_ptr<Backbone> backbone_;
};

TEST_F(ClusterTest, DividesLanesAndHandsThemOn) {
  auto a = std::make_unique<TestNode>(*backbone_, "a");
  ASSERT_TRUE(Eventually([&] { return a->Held() == 1000 && a->Leads(); })) << "alone, it holds all";
  TestNode b(*backbone_, "b");
  ASSERT_TRUE(Eventually([&] { return Divided(*a, b); }));
  EXPECT_GT(a->released(), 0U) << "what went to the other was released first";
  const std::string other = [&] {
    for (int i = 0;; ++i) {
      const std::string source = absl::StrCat("source", i);
      if (!a->cluster().fence().Of(source).ok()) return source;
    }
  }();
  EXPECT_EQ(a->cluster().fence().Of(other).status().code(), absl::StatusCode::kUnavailable);
  ASSERT_TRUE(Eventually([&] {
    const auto peer = a->cluster().HolderOf(other);
    return peer.ok() && peer->has_value() && (*peer)->node == "b";
  }));
  EXPECT_FALSE(b.cluster().HolderOf(other)->has_value()) << "there it is here";
  a.reset();
  EXPECT_TRUE(Eventually([&] { return b.Held() == 1000 && b.Leads(); }));
}

TEST_F(ClusterTest, CommandsAreTakenByOneAndSeenByAll) {
  TestNode a(*backbone_, "a");
  ASSERT_TRUE(Eventually([&] { return a.Leads(); }));
  TestNode b(*backbone_, "b");
  ASSERT_TRUE(Eventually([&] { return Divided(a, b); }));
  TestNode& leader = a.Leads() ? a : b;
  TestNode& other = a.Leads() ? b : a;
  EXPECT_EQ(other.PutReceiver("530100").code(), absl::StatusCode::kUnavailable);
  ASSERT_TRUE(leader.PutReceiver("530100").ok());
  EXPECT_TRUE(other.state().FindReceiver("530100").has_value())
      << "when the command returns, the other knows";
  EXPECT_EQ(leader.PutReceiver("530100").code(), absl::StatusCode::kAborted);
  ASSERT_TRUE(Eventually([&] {
    const huiliu::v1::CatalogPlacement placed = other.state().PlacedCatalogs();
    return placed.catalogs_size() == 1 && placed.catalogs(0).standbys_size() == 1;
  })) << "the leader places the receiver's catalog, and a standby";
}

TEST_F(ClusterTest, ACommandWaitsForTheLeaseOfANodeThatIsSilent) {
  TestNode a(*backbone_, "a");
  ASSERT_TRUE(Eventually([&] { return a.Leads(); }));
  // A node that said something once and hears nothing more.
  {
    huiliu::v1::MemberRecord record;
    record.set_node("silent");
    RecordBatchBuilder batch;
    batch.Add("silent", "", record.SerializeAsString());
    Transaction transaction;
    transaction.appends.push_back({{Members::kTopic, Partition(0)}, batch.Finish(), 1});
    ASSERT_TRUE((*backbone_->OpenWriter("node/silent"))->Commit(std::move(transaction)).ok());
  }
  const absl::Duration began = pipeline::SinceBoot();
  ASSERT_TRUE(a.PutReceiver("530100").ok());
  EXPECT_GE(pipeline::SinceBoot() - began, a.cluster().options().lease)
      << "until then the silent one may answer from before the command";
}

TEST_F(ClusterTest, RefusesANodeWithOtherKeys) {
  TestNode a(*backbone_, "a");
  backbone_->EnsureTopic(Members::Topic()).IgnoreError();
  governance::State state;
  const auto writer = *backbone_->OpenWriter("node/x");
  pipeline::ControlLog log(state, *backbone_);
  ClusterOptions options;
  options.name = "test";
  options.node = "x";
  options.keys_digest = "other keys";
  options.lanes = kLanes;
  Cluster stranger(options, Cluster::Parts{state, *backbone_, *writer, log,
                                           [](absl::string_view, const absl::Status&) {}});
  const absl::Status opened = stranger.Open();
  EXPECT_EQ(opened.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(opened.message()), HasSubstr("key_file"));
}

TEST_F(ClusterTest, StatusNamesWhatThereIsToDo) {
  TestNode a(*backbone_, "a");
  ASSERT_TRUE(Eventually([&] { return a.Held() == 1000; }));
  ASSERT_TRUE(a.PutReceiver("530100").ok());
  ASSERT_TRUE(Eventually([&] { return a.state().PlacedCatalogs().catalogs_size() == 1; }));
  const auto status = a.cluster().Status();
  EXPECT_EQ(status.lanes_size(), kLanes);
  ASSERT_EQ(status.advice_size(), 1);
  EXPECT_THAT(status.advice(0).chinese(), HasSubstr("缺备节点"));
}

TEST(Lease, RunsOutAndIsAnotherOneThen) {
  pipeline::Lease lease(absl::Minutes(10));
  EXPECT_EQ(lease.Term(), 0U);
  lease.Renew(pipeline::SinceBoot());
  const uint64_t term = lease.Term();
  EXPECT_NE(term, 0U);
  lease.Renew(pipeline::SinceBoot());
  EXPECT_EQ(lease.Term(), term) << "renewed in time it is the same";

  pipeline::Lease late(absl::Minutes(10));
  late.Renew(pipeline::SinceBoot() - absl::Minutes(11));
  EXPECT_EQ(late.Term(), 0U) << "what was known then is too old";
  late.Renew(pipeline::SinceBoot());
  const uint64_t first = late.Term();
  EXPECT_NE(first, 0U);
}

TEST(SilentNodeTest, WhatItLeftOpenIsEndedByWhoTakesItsLanes) {
  EndingBackbone backbone;
  for (const TopicSpec& spec :
       {Members::Topic(), pipeline::ControlTopicSpec(), pipeline::LineageTopicSpec()})
    ASSERT_TRUE(backbone.EnsureTopic(spec).ok());
  const auto say = [&](const std::string& node, bool leaving) {
    huiliu::v1::MemberRecord record;
    record.set_node(node);
    record.set_incarnation(node);
    record.set_leaving(leaving);
    for (int lane = 0; lane < kLanes; ++lane) record.add_lanes(lane);
    RecordBatchBuilder batch;
    batch.Add(node, "", record.SerializeAsString());
    Transaction transaction;
    transaction.appends.push_back({{Members::kTopic, Partition(0)}, batch.Finish(), 1});
    ASSERT_TRUE((*backbone.OpenWriter("test"))->Commit(std::move(transaction)).ok());
  };
  say("dead", false);
  say("gone", true);
  absl::SleepFor(2 * Members::kBeat);
  TestNode node(backbone, "b");
  while (node.Held() < 1000) absl::SleepFor(absl::Milliseconds(10));
  EXPECT_EQ(backbone.ended(), std::vector<std::string>{"node/dead"});
}

}  // namespace
}  // namespace huiliu::cluster
