// Exactly once while brokers are paused, killed and started again: every commit that answered OK is
// in the log once, and so is its position; none twice, from a printed seed.
#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>
#include <iostream>
#include <map>
#include <random>
#include <thread>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"
#include "broker/backbone/kafka/kafka_backbone.h"
#include "tests/unit/backbone/kafka_cluster.h"

namespace huiliu {
namespace {

// With the seconds since the start: what a run that makes no progress is understood by.
void Say(absl::string_view what) {
  static const absl::Time begun = absl::Now();
  static absl::Mutex mutex;
  absl::MutexLock lock(&mutex);
  std::cout << absl::StrFormat("%6.1f s  %s", absl::ToDoubleSeconds(absl::Now() - begun), what)
            << std::endl;
}

KafkaOptions Impatient(KafkaOptions options) {
  options.warn = [](const std::string& text) { Say(text); };
  options.broker_timeout = absl::Seconds(2);
  options.request_timeout = absl::Seconds(8);
  options.transaction_timeout = absl::Seconds(4);
  return options;
}

// Sources that each send 0, 1, 2 …: after an error they resume from their stored position.
class Load {
 public:
  explicit Load(const KafkaOptions& options) {
    backbone_ = *KafkaBackbone::Open(options);
    TopicSpec spec;
    spec.partitions = kSources;
    for (const char* name : {"a", "b"}) {
      spec.name = name;
      EXPECT_TRUE(backbone_->EnsureTopic(spec).ok());
    }
    writer_ = *backbone_->OpenWriter("w");
    for (int s = 0; s < kSources; ++s) threads_.emplace_back([this, s] { Send(s); });
  }

  // After this many more commits.
  void AwaitMore(int commits) {
    const int wanted = commits_ + commits;
    const absl::Time deadline = absl::Now() + absl::Minutes(6);
    while (commits_ < wanted && absl::Now() < deadline) absl::SleepFor(absl::Milliseconds(10));
    EXPECT_GE(commits_, wanted) << "no progress";
  }

  void StopAndCheck() {
    stop_ = true;
    for (std::thread& thread : threads_) thread.join();
    for (const char* topic : {"a", "b"}) {
      for (int s = 0; s < kSources; ++s) CheckPartition({topic, Partition(s)}, s);
    }
    std::cout << commits_ << " commits, " << errors_ << " answered an error\n";
  }

 private:
  static constexpr int kSources = 3;

  static std::string Key(int s) { return absl::StrCat("source/", s); }

  void Send(int s) {
    int next = 0;
    while (!stop_) {
      Transaction t;
      for (const char* topic : {"a", "b"}) {
        RecordBatchBuilder builder;
        for (int i = 0; i < 10; ++i) builder.Add("k", "", absl::StrCat(next + i));
        t.appends.push_back({{topic, Partition(s)}, builder.Finish(), 10});
      }
      t.positions = {{Key(s), absl::StrCat(next + 10)}};
      const absl::Status status = writer_->Commit(std::move(t)).status();
      if (status.ok()) {
        next += 10;
        sent_[s] = next;
        ++commits_;
        continue;
      }
      ++errors_;
      Say(status.message());
      ASSERT_EQ(status.code(), absl::StatusCode::kUnavailable) << status;
      auto position = backbone_->Position(Key(s));
      while (!position.ok() && !stop_) position = backbone_->Position(Key(s));
      if (!position.ok()) return;
      next = position->has_value() ? std::stoi(**position) : 0;
      EXPECT_GE(next, sent_[s]) << "what was acknowledged is gone";
      sent_[s] = next;
    }
  }

  void CheckPartition(const TopicPartition& tp, int s) {
    ReaderOptions options;
    options.assigned = {tp};
    options.start = StartAt::kEarliest;
    auto reader = *backbone_->OpenReader(options);
    int next = 0;
    while (true) {
      const auto batches = reader->Poll(absl::ZeroDuration());
      ASSERT_TRUE(batches.ok()) << batches.status();
      if (batches->empty()) break;
      for (const StoredBatch& batch : *batches) {
        RecordBatchView::Parse(batch.bytes)->ForEach([&](int, const RecordView& r) {
          ASSERT_EQ(r.value, absl::StrCat(next)) << tp.topic << "/" << s;
          ++next;
        });
      }
    }
    EXPECT_EQ(next, sent_[s]) << tp.topic << "/" << s;
    EXPECT_EQ(**backbone_->Position(Key(s)), absl::StrCat(next));
  }

  std::unique_ptr<KafkaBackbone> backbone_;
  std::unique_ptr<BackboneWriter> writer_;
  std::vector<std::thread> threads_;
  std::atomic<bool> stop_ = false;
  std::atomic<int> commits_ = 0, errors_ = 0;
  std::atomic<int> sent_[kSources] = {};
};

TEST(KafkaFaultsTest, AnOutcomeThatWasNotHeardIsFoundOut) {
  KafkaCluster& kafka = KafkaCluster::One();
  Load load(Impatient(kafka.Fresh()));
  load.AwaitMore(20);
  for (int round = 0; round < 3; ++round) {
    kafka.Do("pause", 1);
    absl::SleepFor(absl::Seconds(5));  // longer than the transaction's time-out
    kafka.Do("start", 1);
    load.AwaitMore(20);
  }
  kafka.Do("kill", 1);
  kafka.Do("start", 1);
  load.AwaitMore(20);
  load.StopAndCheck();
}

TEST(KafkaFaultsTest, CommitsThatGiveUpLeaveTheirPosition) {
  KafkaCluster& kafka = KafkaCluster::One();
  KafkaOptions options = Impatient(kafka.Fresh());
  options.commit_timeout = absl::Seconds(2);
  Load load(options);
  load.AwaitMore(20);
  for (int round = 0; round < 2; ++round) {
    kafka.Do("pause", 1);
    absl::SleepFor(absl::Seconds(6));
    kafka.Do("start", 1);
    load.AwaitMore(20);
  }
  load.StopAndCheck();
}

TEST(KafkaFaultsTest, ThreeBrokersLoseOneAfterTheOther) {
  const char* given = std::getenv("HUILIU_SEED");
  const unsigned seed = given == nullptr ? std::random_device{}()
                                         : static_cast<unsigned>(std::strtoul(given, nullptr, 10));
  std::cout << "seed " << seed << " (HUILIU_SEED=" << seed << " replays it)\n";
  std::mt19937 random(seed);
  KafkaCluster& kafka = KafkaCluster::Three();
  Load load(Impatient(kafka.Fresh()));
  load.AwaitMore(20);
  for (int round = 0; round < 3; ++round) {
    const int broker = 1 + static_cast<int>(random() % 3);
    const char* how = random() % 2 == 0 ? "kill" : "pause";
    Say(absl::StrCat(how, " ", broker));
    kafka.Do(how, broker);
    if (std::string(how) == "pause") absl::SleepFor(absl::Seconds(8));
    load.AwaitMore(10);
    Say(absl::StrCat("start ", broker));
    kafka.Do("start", broker);
    load.AwaitMore(10);
  }
  load.StopAndCheck();
}

// A writer whose process is gone leaves an open transaction: its successor goes on at once.
TEST(KafkaFaultsTest, ASuccessorEndsWhatItsPredecessorBegan) {
  KafkaOptions options = KafkaCluster::One().Fresh();
  options.transaction_timeout = absl::Minutes(5);
  const auto backbone = *KafkaBackbone::Open(options);
  TopicSpec spec;
  spec.name = "a";
  ASSERT_TRUE(backbone->EnsureTopic(spec).ok());
  for (int generation = 0; generation < 3; ++generation) {
    const auto own = *KafkaBackbone::Open(options);
    auto writer = *own->OpenWriter("w");
    RecordBatchBuilder builder;
    builder.Add("k", "", absl::StrCat(generation));
    Transaction t;
    t.appends = {{{"a", Partition(0)}, builder.Finish(), 1}};
    t.positions = {{"p", absl::StrCat(generation)}};
    ASSERT_TRUE(writer->Commit(std::move(t)).ok());
    EXPECT_EQ(**backbone->Position("p"), absl::StrCat(generation));
  }
}

}  // namespace
}  // namespace huiliu
