// publish → returned on Apache Kafka where the node judges: source.* → engine → returned.*, beside
// plain librdkafka that moves the same messages of all topics through two clients.
#include <algorithm>
#include <iterator>
#include <thread>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "broker/backbone/kafka/framing.h"
#include "broker/backbone/kafka/kafka_backbone.h"
#include "broker/pipeline/return_worker.h"
#include "core/base/files.h"
#include "core/base/status.h"
#include "core/model/batch_digest.h"
#include "storage/decisions/rocksdb_decision_store.h"
#include "tests/bench/bench.h"
#include "tests/bench/kafka_broker.h"
#include "tests/bench/plain_kafka.h"
#include "tests/bench/records.h"
#include "tests/bench/stations.h"

namespace huiliu::bench {
namespace {

constexpr int kSources = 16;      // publish at once
constexpr int kBatchesEach = 10;  // of kBatchRows
constexpr int kRounds = 3;        // ours and the yardstick in turn; the median ratio counts
constexpr int32_t kPartitions = 4;
constexpr int64_t kRecords = int64_t{kSources} * kBatchesEach * kBatchRows;
constexpr int kYardstickPoll = 10'000;
constexpr absl::Duration kPatience = absl::Seconds(60);

using Batches = std::vector<std::vector<huiliu::v1::Batch>>;

std::string SourceOf(int source) { return absl::StrCat("judged-", source); }

// As an agent seals them that judges nothing; every record has a key of its own.
absl::StatusOr<Batches> MakeBatches(const SigningKey& key) {
  Batches all(kSources);
  for (int s = 0; s < kSources; ++s) {
    for (int n = 1; n <= kBatchesEach; ++n) {
      huiliu::v1::Batch batch = MakeBatch(static_cast<uint64_t>(s * 1000 + n), 1);
      batch.set_source(SourceOf(s));
      batch.set_sequence(static_cast<uint64_t>(n));
      batch.clear_counts();
      for (int i = 0; i < batch.keys_size(); ++i) {
        huiliu::v1::Envelope envelope;
        envelope.set_system(kSystem);
        envelope.set_source(batch.source());
        envelope.set_row_id(absl::StrCat(n, ":", i));
        envelope.set_operation(huiliu::v1::OPERATION_UPSERT);
        envelope.set_source_epoch(1);
        envelope.set_source_sequence(batch.sequence());
        envelope.set_index_in_batch(static_cast<uint32_t>(i));
        *batch.mutable_envelopes(i) = envelope.SerializeAsString();
      }
      batch.set_records_root(ToString(MerkleRootOf(RecordLeafHashes(batch))));
      batch.set_digest(ToString(BatchDigest(batch)));
      ASSIGN_OR_RETURN(*batch.mutable_signature(), key.Sign(batch.digest()));
      all[static_cast<size_t>(s)].push_back(std::move(batch));
    }
  }
  return all;
}

// Intake and return engine of a node on Kafka, without transports.
struct Judging {
  std::unique_ptr<Backbone> backbone;
  std::unique_ptr<BackboneWriter> writer;
  governance::State state;
  pipeline::NoFence fence;
  pipeline::TopicSettings topics{.partitions = kPartitions};
  std::unique_ptr<pipeline::ControlLog> control;
  std::unique_ptr<pipeline::GovernanceCommands> commands;
  std::unique_ptr<pipeline::Intake> intake;
  std::unique_ptr<DecisionStore> decisions;
  std::unique_ptr<QuarantineStore> kept;
  std::unique_ptr<pipeline::ReturnWorker> worker;

  absl::Status Open(const std::string& bootstrap, const std::string& prefix,
                    const std::string& folder, const SigningKey& key) {
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
                                  pipeline::QuarantineTopicSpec(),
                                  pipeline::ReturnedTopicSpec(kReceiver, kDataset, topics)})
      RETURN_IF_ERROR(backbone->EnsureTopic(spec));
    ASSIGN_OR_RETURN(writer, backbone->OpenWriter("bench"));
    control = std::make_unique<pipeline::ControlLog>(state, *backbone);
    RETURN_IF_ERROR(control->CatchUp());
    commands = std::make_unique<pipeline::GovernanceCommands>(
        state, *control, *writer, SystemClock(), fence,
        [](const huiliu::v1::Grant&) { return absl::OkStatus(); });
    std::vector<std::string> sources;
    for (int i = 0; i < kSources; ++i) sources.push_back(SourceOf(i));
    RETURN_IF_ERROR(RegisterBench(*commands, key, sources, huiliu::v1::PLACEMENT_NODE));
    RETURN_IF_ERROR(PutRules());
    intake = std::make_unique<pipeline::Intake>(state, *backbone, *writer, SystemClock(), topics,
                                                &fence);
    return StartWorker(folder);
  }

  absl::Status Publish(const Batches& batches) {
    std::vector<absl::Status> statuses(batches.size());
    std::vector<std::thread> threads;
    for (size_t s = 0; s < batches.size(); ++s)
      threads.emplace_back([&, s] { statuses[s] = PublishOne(batches[s]); });
    for (std::thread& thread : threads) thread.join();
    for (const absl::Status& status : statuses) RETURN_IF_ERROR(status);
    return absl::OkStatus();
  }

 private:
  absl::Status PutRules() {
    const std::vector<huiliu::v1::Role> officer{huiliu::v1::ROLE_DATA_OFFICER};
    huiliu::v1::ProposeRuleSetRequest proposed;
    proposed.set_source_name("bench.yaml");
    proposed.set_yaml(absl::StrCat("dataset: ", kDataset, "\nreceiver: \"", kReceiver,
                                   "\"\nlegal_basis: 基准\nrules:\n  - id: own\n"));
    ASSIGN_OR_RETURN(const huiliu::v1::RuleSet set,
                     commands->Propose({"author", "bench", {officer}}, proposed));
    huiliu::v1::DecideRuleSetRequest decided;
    decided.set_dataset(kDataset);
    decided.set_receiver(kReceiver);
    decided.set_version(set.version());
    decided.set_approve(true);
    decided.set_untried_reason("基准");
    return commands->Decide({"approver", "bench", {officer}}, decided).status();
  }

  absl::Status StartWorker(const std::string& folder) {
    RETURN_IF_ERROR(MakeDirectories(folder));
    ASSIGN_OR_RETURN(decisions, RocksDbDecisionStore::Open(folder + "/decisions", {}));
    ASSIGN_OR_RETURN(kept, QuarantineStore::Open(folder + "/kept", {}));
    ASSIGN_OR_RETURN(auto divisions,
                     territory::Divisions::Load(HUILIU_SOURCE_DIR "/schemas/divisions"));
    worker = std::make_unique<pipeline::ReturnWorker>(pipeline::ReturnWorker::Parts{
        state, *backbone, *writer, SystemClock(), topics, std::move(divisions),
        [](absl::string_view) { return std::string(32, 'k'); }, *decisions, *kept,
        [](absl::string_view, const absl::Status&) {}});
    RETURN_IF_ERROR(worker->AddDataset(kDataset));
    worker->Start();
    return absl::OkStatus();
  }

  absl::Status PublishOne(const std::vector<huiliu::v1::Batch>& batches) {
    huiliu::v1::Hello hello;
    hello.set_source(batches[0].source());
    hello.set_dataset(kDataset);
    huiliu::v1::Welcome welcome;
    ASSIGN_OR_RETURN(const auto session,
                     intake->Open({"bench", "bench", {huiliu::v1::ROLE_AGENT}}, hello, &welcome));
    for (const huiliu::v1::Batch& batch : batches) RETURN_IF_ERROR(session->Take(batch));
    return absl::OkStatus();
  }
};

// One message, as it stands in a topic.
struct Message {
  int32_t partition = 0;
  std::string key;
  std::string header;
  std::string value;
  bool tombstone = false;
};

ReaderOptions AllOf(const std::string& topic, int32_t partitions) {
  ReaderOptions options;
  options.start = StartAt::kEarliest;
  for (int32_t p = 0; p < partitions; ++p) options.assigned.push_back({topic, Partition(p)});
  return options;
}

// Until `records` committed ones have come.
absl::Status AwaitRecords(Backbone& backbone, const std::string& topic, int64_t records) {
  ASSIGN_OR_RETURN(const auto reader, backbone.OpenReader(AllOf(topic, kPartitions)));
  while (records > 0) {
    ASSIGN_OR_RETURN(const auto batches, reader->Poll(kPatience));
    if (batches.empty()) return absl::DeadlineExceededError("records are missing");
    for (const StoredBatch& batch : batches) records -= batch.records;
  }
  return absl::OkStatus();
}

// All messages of a topic, and in how many transactions they came.
struct Moved {
  std::string name;  // of the topic, as the yardstick's
  int32_t partitions = 1;
  std::vector<Message> messages;
  int64_t transactions = 1;
};

absl::StatusOr<Moved> ReadTopic(Backbone& backbone, const std::string& topic, int32_t partitions,
                                const std::string& framing) {
  Moved moved{absl::StrCat("plain.", topic), partitions, {}, 1};
  int64_t end = 0;
  for (int32_t p = 0; p < partitions; ++p) {
    ASSIGN_OR_RETURN(const PartitionBounds bounds, backbone.Bounds({topic, Partition(p)}));
    end += bounds.end.value();
  }
  ASSIGN_OR_RETURN(const auto reader, backbone.OpenReader(AllOf(topic, partitions)));
  while (true) {
    ASSIGN_OR_RETURN(const auto batches, reader->Poll(absl::Seconds(2)));
    if (batches.empty()) break;
    for (const StoredBatch& batch : batches) {
      ASSIGN_OR_RETURN(const RecordBatchView view, RecordBatchView::Parse(batch.bytes));
      view.ForEach([&](int, const RecordView& record) {
        moved.messages.push_back({batch.from.partition.value(), std::string(record.key),
                                  std::string(record.header), absl::StrCat(framing, record.value),
                                  record.tombstone});
      });
    }
  }
  // Each transaction leaves one offset in each partition that it wrote.
  const auto messages = static_cast<int64_t>(moved.messages.size());
  moved.transactions = std::max<int64_t>(1, (end - messages) / partitions);
  return moved;
}

absl::Status SendOne(PlainProducer& producer, const Moved& topic, const std::string& name,
                     size_t i) {
  const Message& message = topic.messages[i];
  return producer.Send(name, message.partition, message.key,
                       message.tombstone ? nullptr : &message.value, message.header);
}

absl::Status SendSource(const std::string& bootstrap, const std::string& prefix,
                        const Moved& source) {
  ASSIGN_OR_RETURN(const auto producer,
                   PlainProducer::Open(bootstrap, absl::StrCat(prefix, "source")));
  const size_t each = source.messages.size() / static_cast<size_t>(source.transactions) + 1;
  for (size_t i = 0; i < source.messages.size(); ++i) {
    if (i % each == 0) {
      if (i > 0) RETURN_IF_ERROR(producer->Commit());
      RETURN_IF_ERROR(producer->Begin());
    }
    RETURN_IF_ERROR(SendOne(*producer, source, prefix + source.name, i));
  }
  return producer->Commit();
}

// Reads the source's messages and writes their share of all others, in as many transactions as
// ours.
absl::Status SendRest(const std::string& bootstrap, const std::string& prefix, const Moved& source,
                      const std::vector<Moved>& rest) {
  ASSIGN_OR_RETURN(const auto consumer,
                   PlainConsumer::Open(bootstrap, prefix + source.name, kPartitions));
  ASSIGN_OR_RETURN(const auto producer,
                   PlainProducer::Open(bootstrap, absl::StrCat(prefix, "rest")));
  const size_t all = source.messages.size();
  const size_t each = all / static_cast<size_t>(rest[0].transactions) + 1;
  std::vector<size_t> sent(rest.size());
  const absl::Time until = absl::Now() + absl::Minutes(10);
  for (size_t read = 0, committed = 0; committed < all;) {
    if (absl::Now() > until) return absl::DeadlineExceededError("the yardstick reads nothing");
    ASSIGN_OR_RETURN(const int came, consumer->Poll(absl::Seconds(1), kYardstickPoll));
    read += static_cast<size_t>(came);
    if (read == committed || (read - committed < each && read < all)) continue;
    RETURN_IF_ERROR(producer->Begin());
    for (size_t t = 0; t < rest.size(); ++t) {
      const size_t share = rest[t].messages.size() * read / all;
      for (; sent[t] < share; ++sent[t])
        RETURN_IF_ERROR(SendOne(*producer, rest[t], prefix + rest[t].name, sent[t]));
    }
    RETURN_IF_ERROR(producer->SendOffsets(consumer->handle()));
    RETURN_IF_ERROR(producer->Commit());
    committed = read;
  }
  return absl::OkStatus();
}

struct Round {
  double per_second = 0;
  double ratio = 0;
  int64_t bytes = 0;              // that all topics took, uncompressed
  int64_t taken = 0, judged = 0;  // transactions that intake and engine took
};

absl::StatusOr<Round> RunRound(const std::string& bootstrap, const std::string& prefix,
                               const std::string& folder, const SigningKey& key,
                               const Batches& batches) {
  Judging judging;
  RETURN_IF_ERROR(judging.Open(bootstrap, prefix, folder, key));
  const std::string returned = pipeline::ReturnedTopic(kReceiver, kDataset);
  absl::Time start = absl::Now();
  absl::Status read;
  std::thread reader([&] { read = AwaitRecords(*judging.backbone, returned, kRecords); });
  const absl::Status published = judging.Publish(batches);
  reader.join();
  const double ours = SecondsSince(start);
  judging.worker->Stop();
  RETURN_IF_ERROR(published);
  RETURN_IF_ERROR(read);

  Backbone& backbone = *judging.backbone;
  ASSIGN_OR_RETURN(const Moved source,
                   ReadTopic(backbone, pipeline::SourceTopic(kDataset), kPartitions, ""));
  if (source.messages.size() != kRecords) return absl::DataLossError("source.* is not whole");
  std::vector<Moved> rest;
  for (const auto& [topic, partitions, framing] :
       {std::tuple{returned, kPartitions, ConfluentFraming(7, 0)},
        std::tuple{pipeline::DecisionsTopic(kDataset), kPartitions, std::string()},
        std::tuple{std::string(pipeline::kLineageTopic), 1, std::string()}}) {
    ASSIGN_OR_RETURN(rest.emplace_back(), ReadTopic(backbone, topic, partitions, framing));
  }
  Round round;
  round.taken = source.transactions;
  round.judged = rest[0].transactions;
  const auto add = [&](const Moved& topic) -> absl::Status {
    for (const Message& m : topic.messages)
      round.bytes += static_cast<int64_t>(m.key.size() + m.header.size() + m.value.size());
    TopicSpec spec = pipeline::SourceTopicSpec(kDataset, judging.topics);
    spec.name = topic.name;
    spec.partitions = topic.partitions;
    return backbone.EnsureTopic(spec);
  };
  RETURN_IF_ERROR(add(source));
  for (const Moved& topic : rest) RETURN_IF_ERROR(add(topic));
  start = absl::Now();
  absl::Status sent;
  std::thread producer([&] { sent = SendSource(bootstrap, prefix, source); });
  const absl::Status moved = SendRest(bootstrap, prefix, source, rest);
  producer.join();
  RETURN_IF_ERROR(sent);
  RETURN_IF_ERROR(moved);
  round.ratio = SecondsSince(start) / ours;
  round.per_second = kRecords / ours;
  return round;
}

}  // namespace

absl::StatusOr<std::vector<Line>> KafkaJudged(const std::string& folder) {
  ASSIGN_OR_RETURN(const auto broker, KafkaBroker::Start(folder + "/kafka-judged"));
  ASSIGN_OR_RETURN(const std::unique_ptr<SigningKey> key, SigningKey::Generate());
  ASSIGN_OR_RETURN(const Batches batches, MakeBatches(*key));
  std::vector<Round> rounds;
  for (int i = 0; i < kRounds; ++i) {
    const std::string name = absl::StrCat("judged", i);
    ASSIGN_OR_RETURN(
        rounds.emplace_back(),
        RunRound(broker->bootstrap(), name + ".", absl::StrCat(folder, "/", name), *key, batches));
  }
  std::sort(rounds.begin(), rounds.end(),
            [](const Round& a, const Round& b) { return a.ratio < b.ratio; });
  const Round& middle = rounds[kRounds / 2];
  return std::vector<Line>{
      {"kafka_judged_returned", middle.per_second, "rows/s",
       absl::StrCat("plain librdkafka moving the messages of source, returned, decisions and "
                    "lineage, ",
                    middle.bytes / kRecords, " B a row, ",
                    static_cast<int64_t>(middle.per_second / middle.ratio), " rows/s, both in ",
                    middle.taken, " and ", middle.judged, " transactions"),
       middle.ratio, 0.50, middle.ratio >= 0.50}};
}

}  // namespace huiliu::bench
