// publish → returned on Apache Kafka, beside plain librdkafka that moves the same messages; and how
// fresh a reader's view is at half that load. One broker, on this machine.
#include <sys/resource.h>

#include <algorithm>
#include <atomic>
#include <thread>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"
#include "broker/backbone/kafka/framing.h"
#include "broker/backbone/kafka/kafka_backbone.h"
#include "core/base/status.h"
#include "core/model/batch_digest.h"
#include "core/schema/wire_reader.h"
#include "tests/bench/bench.h"
#include "tests/bench/kafka_broker.h"
#include "tests/bench/plain_kafka.h"
#include "tests/bench/records.h"
#include "tests/bench/stations.h"

namespace huiliu::bench {
namespace {

constexpr int kSources = 16;      // publish at once
constexpr int kBatchesEach = 30;  // of kBatchRows
constexpr int kFreshBatchesEach = 20;
constexpr int kRounds = 3;  // ours and the yardstick in turn; the median ratio counts
constexpr int32_t kPartitions = 4;
constexpr int64_t kRecords = int64_t{kSources} * kBatchesEach * kBatchRows;

std::string SourceOf(int source) { return absl::StrCat("bench-", source); }

// The batches of one source, as its agent seals them; each envelope names the source.
absl::StatusOr<std::vector<huiliu::v1::Batch>> BatchesOf(int source, int count,
                                                         const SigningKey& key) {
  std::vector<huiliu::v1::Batch> batches;
  for (int n = 1; n <= count; ++n) {
    huiliu::v1::Batch batch = MakeBatch(static_cast<uint64_t>(n), 1);
    batch.set_source(SourceOf(source));
    for (std::string& envelope : *batch.mutable_envelopes()) {
      envelope.push_back('\x22');  // source_table
      envelope.push_back(static_cast<char>(batch.source().size()));
      envelope += batch.source();
    }
    batch.set_records_root(ToString(MerkleRootOf(RecordLeafHashes(batch))));
    batch.set_digest(ToString(BatchDigest(batch)));
    ASSIGN_OR_RETURN(*batch.mutable_signature(), key.Sign(batch.digest()));
    batches.push_back(std::move(batch));
  }
  return batches;
}

// A node's intake on Kafka, without transports.
struct Exchange {
  std::unique_ptr<Backbone> backbone;
  std::unique_ptr<BackboneWriter> writer;
  governance::State state;
  pipeline::NoFence fence;
  std::unique_ptr<pipeline::ControlLog> control;
  std::unique_ptr<pipeline::GovernanceCommands> commands;
  std::unique_ptr<pipeline::Intake> intake;

  absl::Status Open(const std::string& bootstrap, const std::string& prefix,
                    const SigningKey& key) {
    KafkaOptions options;
    options.bootstrap = bootstrap;
    options.prefix = prefix;
    options.replication = options.min_insync = 1;
    options.framing = [this](absl::string_view topic) {
      const absl::string_view dataset = pipeline::DatasetOfReturned(topic);
      int index = 0;
      const uint32_t id = dataset.empty() ? 0 : state.SchemaId(dataset, &index);
      return id == 0 ? std::string() : ConfluentFraming(id, index);
    };
    ASSIGN_OR_RETURN(backbone, KafkaBackbone::Open(std::move(options)));
    for (const TopicSpec& spec : {pipeline::ControlTopicSpec(), pipeline::LineageTopicSpec(),
                                  pipeline::QuarantineTopicSpec()})
      RETURN_IF_ERROR(backbone->EnsureTopic(spec));
    ASSIGN_OR_RETURN(writer, backbone->OpenWriter("bench"));
    control = std::make_unique<pipeline::ControlLog>(state, *backbone);
    RETURN_IF_ERROR(control->CatchUp());
    commands = std::make_unique<pipeline::GovernanceCommands>(
        state, *control, *writer, SystemClock(), fence,
        [](const huiliu::v1::Grant&) { return absl::OkStatus(); });
    pipeline::TopicSettings topics;
    topics.partitions = kPartitions;
    RETURN_IF_ERROR(
        backbone->EnsureTopic(pipeline::ReturnedTopicSpec(kReceiver, kDataset, topics)));
    intake = std::make_unique<pipeline::Intake>(state, *backbone, *writer, SystemClock(), topics,
                                                &fence);
    return Register(key);
  }

  absl::Status Register(const SigningKey& key) {
    std::vector<std::string> sources;
    for (int i = 0; i < kSources; ++i) sources.push_back(SourceOf(i));
    return RegisterBench(*commands, key, sources);
  }

  // Every source publishes its batches, one after the other; `pause` between two of one source.
  // `begun(source, sequence)` is called before each.
  absl::Status Publish(const std::vector<std::vector<huiliu::v1::Batch>>& batches,
                       absl::Duration pause, const std::function<void(int, int)>& begun) {
    std::vector<absl::Status> statuses(batches.size());
    std::vector<std::thread> threads;
    for (size_t s = 0; s < batches.size(); ++s) {
      threads.emplace_back([&, s] { statuses[s] = PublishOne(batches[s], s, pause, begun); });
    }
    for (std::thread& thread : threads) thread.join();
    for (const absl::Status& status : statuses) RETURN_IF_ERROR(status);
    return absl::OkStatus();
  }

 private:
  absl::Status PublishOne(const std::vector<huiliu::v1::Batch>& batches, size_t source,
                          absl::Duration pause, const std::function<void(int, int)>& begun) {
    huiliu::v1::Hello hello;
    hello.set_source(SourceOf(static_cast<int>(source)));
    hello.set_dataset(kDataset);
    huiliu::v1::Welcome welcome;
    ASSIGN_OR_RETURN(const auto session,
                     intake->Open({"bench", "bench", {huiliu::v1::ROLE_AGENT}}, hello, &welcome));
    absl::Time next = absl::Now() + pause * static_cast<double>(source) / kSources;
    for (size_t n = 0; n < batches.size(); ++n) {
      if (pause > absl::ZeroDuration()) absl::SleepFor(next - absl::Now());
      next += pause;
      if (begun) begun(static_cast<int>(source), static_cast<int>(n) + 1);
      RETURN_IF_ERROR(session->Take(batches[n]));
    }
    return absl::OkStatus();
  }
};

double CpuSeconds() {
  struct rusage usage {};
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

struct Published {
  double per_second = 0;
  double cpu_us = 0;         // of this process, a record
  int64_t transactions = 0;  // that it took
};

absl::StatusOr<Published> Ours(Exchange& exchange,
                               const std::vector<std::vector<huiliu::v1::Batch>>& batches) {
  const absl::Time start = absl::Now();
  const double cpu = CpuSeconds();
  RETURN_IF_ERROR(exchange.Publish(batches, absl::ZeroDuration(), nullptr));
  Published out;
  out.per_second = kRecords / SecondsSince(start);
  out.cpu_us = (CpuSeconds() - cpu) * 1e6 / kRecords;
  // Each transaction leaves one offset in each partition that it wrote.
  int64_t end = 0;
  for (int32_t p = 0; p < kPartitions; ++p) {
    ASSIGN_OR_RETURN(
        const PartitionBounds bounds,
        exchange.backbone->Bounds({pipeline::ReturnedTopic(kReceiver, kDataset), Partition(p)}));
    end += bounds.end.value();
  }
  out.transactions = std::max<int64_t>(1, (end - kRecords) / kPartitions + 1);
  return out;
}

// The same messages by librdkafka alone, in as many transactions.
absl::StatusOr<double> Plain(const std::string& bootstrap, const std::string& topic,
                             const std::vector<std::vector<huiliu::v1::Batch>>& batches,
                             int64_t transactions) {
  ASSIGN_OR_RETURN(const auto producer,
                   PlainProducer::Open(bootstrap, absl::StrCat("plain-", topic)));
  const std::string framing = ConfluentFraming(7, 0);
  const int64_t per_transaction = std::max<int64_t>(1, kRecords / transactions);
  const absl::Time start = absl::Now();
  int64_t sent = 0;
  for (int n = 0; n < kBatchesEach; ++n) {
    for (const auto& of_source : batches) {
      const huiliu::v1::Batch& batch = of_source[static_cast<size_t>(n)];
      for (int i = 0; i < batch.keys_size(); ++i) {
        if (sent % per_transaction == 0) {
          if (sent > 0) RETURN_IF_ERROR(producer->Commit());
          RETURN_IF_ERROR(producer->Begin());
        }
        ++sent;
        const std::string value = framing + batch.payloads(i);
        RETURN_IF_ERROR(producer->Send(topic,
                                       pipeline::PartitionOf(batch.keys(i), kPartitions).value(),
                                       batch.keys(i), &value, batch.envelopes(i)));
      }
    }
  }
  RETURN_IF_ERROR(producer->Commit());
  return kRecords / SecondsSince(start);
}

// When each batch began and when the last of its records was read.
class Freshness {
 public:
  void Begun(int source, int sequence) {
    absl::MutexLock lock(&mutex_);
    begun_[{source, sequence}] = absl::Now();
  }
  // Reads until every record has come.
  absl::Status Read(Backbone& backbone, int64_t records) {
    ReaderOptions options;
    for (int32_t p = 0; p < kPartitions; ++p)
      options.assigned.push_back({pipeline::ReturnedTopic(kReceiver, kDataset), Partition(p)});
    options.start = StartAt::kEarliest;
    ASSIGN_OR_RETURN(const auto reader, backbone.OpenReader(options));
    ready_ = true;
    while (records > 0) {
      ASSIGN_OR_RETURN(const auto batches, reader->Poll(absl::Seconds(60)));
      if (batches.empty()) return absl::DeadlineExceededError("records are missing");
      const absl::Time now = absl::Now();
      for (const StoredBatch& batch : batches) {
        records -= batch.records;
        ASSIGN_OR_RETURN(const RecordBatchView view, RecordBatchView::Parse(batch.bytes));
        huiliu::v1::Envelope envelope;
        view.ForEach([&](int i, const RecordView& record) {
          if (i == 0)
            envelope.ParseFromArray(record.header.data(), static_cast<int>(record.header.size()));
        });
        int source = 0;
        if (!absl::SimpleAtoi(absl::string_view(envelope.source_table()).substr(6), &source))
          return absl::DataLossError("a record without its source");
        absl::MutexLock lock(&mutex_);
        delays_.push_back(now - begun_[{source, static_cast<int>(envelope.source_sequence())}]);
      }
    }
    return absl::OkStatus();
  }
  bool ready() const { return ready_; }
  absl::Duration P99() {
    std::sort(delays_.begin(), delays_.end());
    return delays_[delays_.size() * 99 / 100];
  }

 private:
  absl::Mutex mutex_;
  absl::flat_hash_map<std::pair<int, int>, absl::Time> begun_ ABSL_GUARDED_BY(mutex_);
  std::vector<absl::Duration> delays_;
  std::atomic<bool> ready_ = false;
};

absl::StatusOr<absl::Duration> FreshAtHalfLoad(
    Exchange& exchange, const std::vector<std::vector<huiliu::v1::Batch>>& batches,
    double per_second) {
  Freshness freshness;
  absl::Status read;
  const int64_t records = int64_t{kSources} * kFreshBatchesEach * kBatchRows;
  std::thread reader([&] { read = freshness.Read(*exchange.backbone, records); });
  while (!freshness.ready()) absl::SleepFor(absl::Milliseconds(10));
  std::vector<std::vector<huiliu::v1::Batch>> some;
  for (const auto& of_source : batches)
    some.emplace_back(of_source.begin(), of_source.begin() + kFreshBatchesEach);
  const absl::Duration pause = absl::Seconds(kSources * kBatchRows / (per_second / 2));
  const absl::Status published = exchange.Publish(
      some, pause, [&](int source, int sequence) { freshness.Begun(source, sequence); });
  reader.join();
  RETURN_IF_ERROR(published);
  RETURN_IF_ERROR(read);
  return freshness.P99();
}

}  // namespace

absl::StatusOr<std::vector<Line>> Kafka(const std::string& folder) {
  ASSIGN_OR_RETURN(const auto cluster, KafkaBroker::Start(folder + "/kafka"));
  ASSIGN_OR_RETURN(const std::unique_ptr<SigningKey> key, SigningKey::Generate());
  std::vector<std::vector<huiliu::v1::Batch>> batches;
  for (int s = 0; s < kSources; ++s) {
    ASSIGN_OR_RETURN(batches.emplace_back(), BatchesOf(s, kBatchesEach, *key));
  }
  struct Round {
    double ratio;
    Published ours;
  };
  std::vector<Round> rounds;
  for (int round = 0; round < kRounds; ++round) {
    Exchange exchange;
    RETURN_IF_ERROR(exchange.Open(cluster->bootstrap(), absl::StrCat("r", round, "."), *key));
    ASSIGN_OR_RETURN(const Published ours, Ours(exchange, batches));
    // A topic made as ours was.
    TopicSpec spec = pipeline::ReturnedTopicSpec(kReceiver, "plain", {.partitions = kPartitions});
    spec.name = "plain";
    RETURN_IF_ERROR(exchange.backbone->EnsureTopic(spec));
    ASSIGN_OR_RETURN(const double plain,
                     Plain(cluster->bootstrap(), absl::StrCat("r", round, ".plain"), batches,
                           ours.transactions));
    rounds.push_back({ours.per_second / plain, ours});
  }
  std::sort(rounds.begin(), rounds.end(),
            [](const Round& a, const Round& b) { return a.ratio < b.ratio; });
  const auto& [ratio, ours] = rounds[kRounds / 2];
  Exchange exchange;
  RETURN_IF_ERROR(exchange.Open(cluster->bootstrap(), "fresh.", *key));
  ASSIGN_OR_RETURN(const absl::Duration p99, FreshAtHalfLoad(exchange, batches, ours.per_second));
  const double p99_ms = absl::ToDoubleMilliseconds(p99);
  std::vector<Line> lines{
      {"kafka_publish_returned", ours.per_second, "rows/s",
       absl::StrCat("plain librdkafka ", static_cast<int64_t>(ours.per_second / ratio),
                    " rows/s, both in ", ours.transactions, " transactions"),
       ratio, 0.50, ratio >= 0.50},
      {"kafka_freshness_p99", p99_ms, "ms", "publish to read by another client, at half load",
       std::nullopt, 500, p99_ms <= 500},
      {"kafka_cpu_per_record", ours.cpu_us, "us", "of the node's process; reported, one node",
       std::nullopt, 0, true}};
  ASSIGN_OR_RETURN(std::vector<Line> judged, KafkaJudged(folder));
  std::move(judged.begin(), judged.end(), std::back_inserter(lines));
  ASSIGN_OR_RETURN(std::vector<Line> nodes, KafkaNodes());
  std::move(nodes.begin(), nodes.end(), std::back_inserter(lines));
  return lines;
}

}  // namespace huiliu::bench
