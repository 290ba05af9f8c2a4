// What the Kafka backbone says and does when brokers, accounts, topics or groups are not as they
// should be; against a real broker.
#include <gtest/gtest.h>
#include <librdkafka/rdkafka.h>

#include <atomic>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "broker/backbone/kafka/framing.h"
#include "broker/backbone/kafka/kafka_backbone.h"
#include "tests/unit/backbone/kafka_cluster.h"

namespace huiliu {
namespace {

const TopicPartition kA{"a", Partition(0)};

std::unique_ptr<KafkaBackbone> Open(const KafkaOptions& options) {
  auto backbone = KafkaBackbone::Open(options);
  EXPECT_TRUE(backbone.ok()) << backbone.status();
  return *std::move(backbone);
}

TopicSpec Topic(const std::string& name, int partitions = 1) {
  TopicSpec spec;
  spec.name = name;
  spec.partitions = partitions;
  return spec;
}

Append Records(const TopicPartition& to, const std::vector<std::string>& values) {
  RecordBatchBuilder builder;
  for (const std::string& value : values) builder.Add("k" + value, "h" + value, value);
  const int count = builder.count();
  return {to, builder.Finish(), count};
}

absl::StatusOr<CommitResult> Write(BackboneWriter& writer, std::vector<Append> appends) {
  Transaction transaction;
  transaction.appends = std::move(appends);
  return writer.Commit(std::move(transaction));
}

std::unique_ptr<BackboneReader> Read(Backbone& backbone, StartAt start = StartAt::kEarliest) {
  ReaderOptions options;
  options.assigned = {kA};
  options.start = start;
  auto reader = backbone.OpenReader(options);
  EXPECT_TRUE(reader.ok()) << reader.status();
  return *std::move(reader);
}

// librdkafka itself, for what the backbone does not do.
class Raw {
 public:
  explicit Raw(const KafkaOptions& options) : bootstrap_(options.bootstrap) {
    rd_kafka_conf_t* conf = rd_kafka_conf_new();
    rd_kafka_conf_set(conf, "bootstrap.servers", options.bootstrap.c_str(), nullptr, 0);
    handle_ = rd_kafka_new(RD_KAFKA_PRODUCER, conf, nullptr, 0);
  }
  ~Raw() {
    rd_kafka_destroy(handle_);
    if (killed_ != nullptr) rd_kafka_destroy(killed_);
  }
  // As a process that was killed in the middle of a transaction: one record, flushed.
  void LeaveOpen(const std::string& transactional_id, const std::string& topic) {
    rd_kafka_conf_t* conf = rd_kafka_conf_new();
    rd_kafka_conf_set(conf, "bootstrap.servers", bootstrap_.c_str(), nullptr, 0);
    rd_kafka_conf_set(conf, "transactional.id", transactional_id.c_str(), nullptr, 0);
    rd_kafka_conf_set(conf, "transaction.timeout.ms", "600000", nullptr, 0);
    rd_kafka_t* killed = rd_kafka_new(RD_KAFKA_PRODUCER, conf, nullptr, 0);
    ASSERT_EQ(rd_kafka_init_transactions(killed, 30000), nullptr);
    ASSERT_EQ(rd_kafka_begin_transaction(killed), nullptr);
    char value[] = "x";
    ASSERT_EQ(rd_kafka_producev(killed, RD_KAFKA_V_TOPIC(topic.c_str()), RD_KAFKA_V_PARTITION(0),
                                RD_KAFKA_V_VALUE(value, 1), RD_KAFKA_V_END),
              0);
    ASSERT_EQ(rd_kafka_flush(killed, 30000), 0);
    killed_ = killed;
  }
  void DeleteTopic(const std::string& topic) {
    rd_kafka_DeleteTopic_t* one = rd_kafka_DeleteTopic_new(topic.c_str());
    Wait([&](rd_kafka_queue_t* queue) { rd_kafka_DeleteTopics(handle_, &one, 1, nullptr, queue); });
    rd_kafka_DeleteTopic_destroy(one);
  }
  void DeleteRecordsBefore(const std::string& topic, int64_t offset) {
    rd_kafka_topic_partition_list_t* list = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_add(list, topic.c_str(), 0)->offset = offset;
    rd_kafka_DeleteRecords_t* one = rd_kafka_DeleteRecords_new(list);
    Wait(
        [&](rd_kafka_queue_t* queue) { rd_kafka_DeleteRecords(handle_, &one, 1, nullptr, queue); });
    rd_kafka_DeleteRecords_destroy(one);
    rd_kafka_topic_partition_list_destroy(list);
  }
  // A message as another program writes it: no headers, no key.
  void Put(const std::string& topic, std::string value) {
    EXPECT_EQ(rd_kafka_producev(handle_, RD_KAFKA_V_TOPIC(topic.c_str()), RD_KAFKA_V_PARTITION(0),
                                RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY),
                                RD_KAFKA_V_VALUE(value.data(), value.size()), RD_KAFKA_V_END),
              0);
    EXPECT_EQ(rd_kafka_flush(handle_, 20000), 0);
  }

 private:
  template <typename F>
  void Wait(const F& start) {
    rd_kafka_queue_t* queue = rd_kafka_queue_new(handle_);
    start(queue);
    rd_kafka_event_t* event = rd_kafka_queue_poll(queue, 20000);
    EXPECT_TRUE(event != nullptr && rd_kafka_event_error(event) == 0);
    rd_kafka_event_destroy(event);
    rd_kafka_queue_destroy(queue);
  }
  const std::string bootstrap_;
  rd_kafka_t* handle_;
  rd_kafka_t* killed_ = nullptr;
};

TEST(KafkaErrorsTest, NoBrokerIsSaidWithItsAddress) {
  KafkaOptions options;
  options.bootstrap = "127.0.0.1:9";
  options.request_timeout = absl::Seconds(2);
  const absl::Status status = KafkaBackbone::Open(options).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
  EXPECT_TRUE(absl::StrContains(status.message(), "127.0.0.1:9")) << status;
  EXPECT_TRUE(absl::StrContains(status.message(), "refused")) << status;
}

TEST(KafkaErrorsTest, ASettingThatLibrdkafkaRefusesIsNamed) {
  KafkaOptions options = KafkaCluster::One().Fresh();
  options.properties = {{"no.such.setting", "1"}};
  const absl::Status status = KafkaBackbone::Open(options).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_TRUE(absl::StrContains(status.message(), "no.such.setting")) << status;
}

TEST(KafkaErrorsTest, AnotherClusterIsRefused) {
  KafkaOptions options = KafkaCluster::One().Fresh();
  options.cluster_id = "not-this-one";
  const absl::Status status = KafkaBackbone::Open(options).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_TRUE(absl::StrContains(status.message(), "not not-this-one")) << status;
}

TEST(KafkaErrorsTest, TlsAndAnAccountWork) {
  const auto backbone = Open(KafkaCluster::One().FreshSecure());
  ASSERT_TRUE(backbone->EnsureTopic(Topic("a")).ok());
  auto writer = *backbone->OpenWriter("w");
  ASSERT_TRUE(Write(*writer, {Records(kA, {"1"})}).ok());
  EXPECT_EQ((*Read(*backbone)->Poll(absl::Seconds(5)))[0].records, 1);
}

TEST(KafkaErrorsTest, AWrongAccountIsUnauthenticated) {
  KafkaOptions options = KafkaCluster::One().FreshSecure();
  options.security.password = "wrong-secret";
  absl::Status status = KafkaBackbone::Open(options).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kUnauthenticated) << status;
  EXPECT_FALSE(absl::StrContains(status.message(), "wrong-secret")) << status;

  // With an old librdkafka SCRAM fails whatever the password; then the error gives the way out.
  options = KafkaCluster::One().FreshSecure();
  options.security.sasl_mechanism = "SCRAM-SHA-256";
  status = KafkaBackbone::Open(options).status();
  if (rd_kafka_version() >= 0x02060100) {
    EXPECT_TRUE(status.ok()) << status;
  } else {
    EXPECT_EQ(status.code(), absl::StatusCode::kUnauthenticated);
    EXPECT_TRUE(absl::StrContains(status.message(), "PLAIN over TLS")) << status;
  }
}

TEST(KafkaErrorsTest, AnUnknownAuthorityIsRefused) {
  KafkaOptions options = KafkaCluster::One().FreshSecure();
  options.security.ca_file = "";
  options.request_timeout = absl::Seconds(3);
  const absl::Status status = KafkaBackbone::Open(options).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
  EXPECT_TRUE(absl::StrContains(status.message(), "certificate")) << status;
}

TEST(KafkaErrorsTest, ATopicWithOtherSettingsIsNamedWithEach) {
  KafkaOptions options = KafkaCluster::One().Fresh();
  const auto backbone = Open(options);
  TopicSpec spec = Topic("a", 2);
  spec.cleanup = Cleanup::kCompact;
  ASSERT_TRUE(backbone->EnsureTopic(spec).ok());
  // Another process, which has not made it itself.
  const auto other = Open(options);
  EXPECT_TRUE(other->EnsureTopic(spec).ok());
  spec.partitions = 3;
  spec.cleanup = Cleanup::kRetention;
  spec.retention = absl::Hours(1);
  const absl::Status status = Open(options)->EnsureTopic(spec);
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  for (const char* part : {"partitions is 2 and should be 3", "cleanup is compact",
                           "retention is inf and should be 1h"})
    EXPECT_TRUE(absl::StrContains(status.message(), part)) << status;
  options.replication = 3;
  const absl::Status copies = KafkaBackbone::Open(options).status();
  EXPECT_TRUE(absl::StrContains(copies.message(), "replication factor is 1 and should be 3"))
      << copies;
  options.prefix = "fresh.";
  EXPECT_EQ(KafkaBackbone::Open(options).status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_FALSE(backbone->EnsureTopic(Topic("_positions")).ok()) << "the backbone's own";
}

TEST(KafkaErrorsTest, ATopicDeletedUnderUsIsNotFoundAndNothingElseSuffers) {
  const KafkaOptions options = KafkaCluster::One().Fresh();
  const auto backbone = Open(options);
  ASSERT_TRUE(backbone->EnsureTopic(Topic("a")).ok());
  ASSERT_TRUE(backbone->EnsureTopic(Topic("b")).ok());
  auto writer = *backbone->OpenWriter("w");
  ASSERT_TRUE(Write(*writer, {Records(kA, {"1"})}).ok());
  Raw(options).DeleteTopic(options.prefix + "b");
  const absl::Status gone =
      Write(*writer, {Records({"b", Partition(0)}, {"2"}), Records(kA, {"2"})}).status();
  EXPECT_EQ(gone.code(), absl::StatusCode::kNotFound) << gone;
  EXPECT_TRUE(absl::StrContains(gone.message(), "b")) << gone;
  ASSERT_TRUE(Write(*writer, {Records(kA, {"3"})}).ok());
  auto reader = Read(*backbone);
  std::vector<std::string> values;
  for (auto batches = *reader->Poll(absl::ZeroDuration()); !batches.empty();
       batches = *reader->Poll(absl::ZeroDuration())) {
    for (const StoredBatch& batch : batches) {
      RecordBatchView::Parse(batch.bytes)->ForEach([&](int, const RecordView& r) {
        values.emplace_back(r.value);
      });
    }
  }
  EXPECT_EQ(values, (std::vector<std::string>{"1", "3"}));
  EXPECT_TRUE(backbone->EnsureTopic(Topic("b")).ok()) << "made again";
  EXPECT_TRUE(Write(*writer, {Records({"b", Partition(0)}, {"4"})}).ok());
}

// librdkafka may never end such a client; whoever closes the reader is not to wait for that.
TEST(KafkaErrorsTest, AReaderOfADeletedTopicCanBeClosed) {
  KafkaOptions options = KafkaCluster::One().Fresh();
  options.request_timeout = absl::Seconds(3);
  const auto backbone = Open(options);
  ASSERT_TRUE(backbone->EnsureTopic(Topic("a")).ok());
  auto writer = *backbone->OpenWriter("w");
  ASSERT_TRUE(Write(*writer, {Records(kA, {"1"})}).ok());
  auto reader = Read(*backbone);
  ASSERT_TRUE(reader->Poll(absl::Seconds(1)).ok());
  Raw(options).DeleteTopic(options.prefix + "a");
  const absl::Time until = absl::Now() + absl::Seconds(1);
  while (absl::Now() < until && reader->Poll(absl::Milliseconds(50)).ok()) continue;
  reader.reset();
  absl::Status gone;
  while (gone.ok()) gone = backbone->Bounds(kA).status();
  EXPECT_EQ(gone.code(), absl::StatusCode::kNotFound) << gone;
  ASSERT_TRUE(backbone->EnsureTopic(Topic("a")).ok());
  EXPECT_EQ(Write(*writer, {Records(kA, {"2"})}).status(), absl::OkStatus());
}

TEST(KafkaErrorsTest, AMemberWhoseTopicWasDeletedCanLeaveItsGroup) {
  KafkaOptions options = KafkaCluster::One().Fresh();
  options.request_timeout = absl::Seconds(3);
  const auto backbone = Open(options);
  ASSERT_TRUE(backbone->EnsureTopic(Topic("a")).ok());
  auto writer = *backbone->OpenWriter("w");
  ASSERT_TRUE(Write(*writer, {Records(kA, {"1"})}).ok());
  ReaderOptions member;
  member.group = "g";
  member.subscribed_topics = {"a"};
  auto reader = *backbone->OpenReader(member);
  const absl::Time until = absl::Now() + absl::Seconds(30);
  size_t seen = 0;
  while (seen == 0 && absl::Now() < until) {
    const auto batches = reader->Poll(absl::Milliseconds(200));
    if (batches.ok()) seen += batches->size();
  }
  ASSERT_GT(seen, 0U);
  Raw(options).DeleteTopic(options.prefix + "a");
  const absl::Time gone = absl::Now() + absl::Seconds(2);
  while (absl::Now() < gone && reader->Poll(absl::Milliseconds(50)).ok()) continue;
  reader.reset();
  ASSERT_TRUE(backbone->EnsureTopic(Topic("b")).ok());
  member.subscribed_topics = {"b"};
  EXPECT_TRUE(backbone->OpenReader(member).ok());
}

TEST(KafkaErrorsTest, WhatADeadWriterLeftOpenIsEndedAndALivingOneGoesOn) {
  const KafkaOptions options = KafkaCluster::One().Fresh();
  const auto backbone = Open(options);
  ASSERT_TRUE(backbone->EnsureTopic(Topic("a")).ok());
  auto living = *backbone->OpenWriter("living");
  const auto write = [&](const char* value) { return Write(*living, {Records(kA, {value})}); };
  ASSERT_TRUE(write("1").ok());
  Raw(options).LeaveOpen(options.prefix + "dead", options.prefix + "a");
  ASSERT_TRUE(backbone->EndOpenTransaction("dead").ok());
  ASSERT_TRUE(backbone->EndOpenTransaction("living").ok());
  const auto written = write("2");
  ASSERT_TRUE(written.ok()) << written.status();
  // Its end is below the open transaction as long as there is one.
  EXPECT_GT(backbone->Bounds(kA)->end, written->first_offsets[0]);
}

// Who knows the schemas waits for his own reader, which may be asking for bounds.
TEST(KafkaErrorsTest, ForBoundsNobodyIsAskedForASchema) {
  KafkaOptions options = KafkaCluster::One().Fresh();
  std::atomic<int> asked = 0;
  options.framing = [](absl::string_view) { return ConfluentFraming(7, 0); };
  options.knows_schema = [&](absl::string_view, uint32_t id) {
    ++asked;
    return id == 7;
  };
  const auto backbone = Open(options);
  ASSERT_TRUE(backbone->EnsureTopic(Topic("a")).ok());
  const auto writer = *backbone->OpenWriter("w");
  const auto written = Write(*writer, {Records(kA, {"1"})});
  ASSERT_TRUE(written.ok()) << written.status();
  EXPECT_GT(backbone->Bounds(kA)->end, written->first_offsets[0]);
  EXPECT_EQ(asked, 0);
  ASSERT_FALSE((*Read(*backbone)->Poll(absl::Seconds(5))).empty());
  EXPECT_EQ(asked, 1);
}

TEST(KafkaErrorsTest, ARecordThatIsTooLargeHurtsNoOther) {
  KafkaOptions options = KafkaCluster::One().Fresh();
  options.max_message_bytes = 100'000;
  const auto backbone = Open(options);
  ASSERT_TRUE(backbone->EnsureTopic(Topic("a")).ok());
  auto writer = *backbone->OpenWriter("w");
  const absl::Status large = Write(*writer, {Records(kA, {std::string(200'000, 'x')})}).status();
  EXPECT_EQ(large.code(), absl::StatusCode::kInvalidArgument) << large;
  EXPECT_TRUE(Write(*writer, {Records(kA, {"1"})}).ok());
}

TEST(KafkaErrorsTest, APositionBeforeRetentionIsOutOfRange) {
  const KafkaOptions options = KafkaCluster::One().Fresh();
  const auto backbone = Open(options);
  ASSERT_TRUE(backbone->EnsureTopic(Topic("a")).ok());
  auto writer = *backbone->OpenWriter("w");
  ASSERT_TRUE(Write(*writer, {Records(kA, {"1", "2"})}).ok());
  const auto second = Write(*writer, {Records(kA, {"3"})});
  Raw(options).DeleteRecordsBefore(options.prefix + "a", 2);
  EXPECT_EQ(backbone->Bounds(kA)->earliest, Offset(2));
  EXPECT_EQ(backbone->Bounds(kA)->end, Offset(second->first_offsets[0].value() + 1));
  auto reader = Read(*backbone);
  ASSERT_TRUE(reader->Seek(kA, Offset(0)).ok());
  const absl::Status status = reader->Poll(absl::Seconds(10)).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kOutOfRange) << status;
  EXPECT_TRUE(absl::StrContains(status.message(), "a/0")) << status;
  ASSERT_TRUE(reader->Seek(kA, Offset(2)).ok());
  EXPECT_EQ((*reader->Poll(absl::Seconds(10)))[0].first_offset, second->first_offsets[0]);
  // Nothing left, not even the marker.
  Raw(options).DeleteRecordsBefore(options.prefix + "a", -1);
  EXPECT_EQ(backbone->Bounds(kA)->earliest, backbone->Bounds(kA)->end);
}

TEST(KafkaErrorsTest, AppendsComeBackAsTheBatchesTheyWere) {
  const KafkaOptions options = KafkaCluster::One().Fresh();
  const auto backbone = Open(options);
  ASSERT_TRUE(backbone->EnsureTopic(Topic("a")).ok());
  auto writer = *backbone->OpenWriter("w");
  RecordBatchBuilder mixed;
  mixed.Add("", "", "");
  mixed.AddTombstone("gone", "why");
  mixed.Add(std::string("\0k", 2), "h", std::string("\0v", 2));
  const std::string bytes = mixed.Finish();
  ASSERT_TRUE(Write(*writer, {Records(kA, {"1", "2"}), Records(kA, {"3"}), {kA, bytes, 3}}).ok());
  Raw(options).Put(options.prefix + "a", "foreign");
  ASSERT_TRUE(Write(*writer, {Records(kA, {"4"})}).ok());
  auto reader = Read(*backbone);
  std::vector<StoredBatch> all;
  for (auto batches = *reader->Poll(absl::ZeroDuration()); !batches.empty();
       batches = *reader->Poll(absl::ZeroDuration())) {
    for (StoredBatch& batch : batches) all.push_back(std::move(batch));
  }
  ASSERT_EQ(all.size(), 5U);
  EXPECT_EQ(all[0].records, 2);
  EXPECT_EQ(all[1].records, 1);
  EXPECT_EQ(all[2].bytes, bytes) << "keys, headers, values and tombstones as they were";
  EXPECT_EQ(all[3].records, 1);
  RecordBatchView::Parse(all[3].bytes)->ForEach([](int, const RecordView& r) {
    EXPECT_EQ(r.value, "foreign");
    EXPECT_EQ(r.key, "");
    EXPECT_FALSE(r.tombstone);
  });
  EXPECT_EQ(all[4].records, 1);
  EXPECT_EQ(all[4].next, backbone->Bounds(kA)->end);
  EXPECT_GT(all[4].appended, absl::Now() - absl::Minutes(5));
}

TEST(KafkaErrorsTest, AWriterLargerThanItsBufferWaitsAndFinishes) {
  KafkaOptions options = KafkaCluster::One().Fresh();
  options.writer_buffer_bytes = 1 << 20;
  options.reader_buffer_bytes = 1 << 20;
  const auto backbone = Open(options);
  ASSERT_TRUE(backbone->EnsureTopic(Topic("a")).ok());
  auto writer = *backbone->OpenWriter("w");
  std::vector<std::string> values;
  for (int i = 0; i < 20'000; ++i) values.push_back(absl::StrCat(i, std::string(400, 'x')));
  ASSERT_TRUE(Write(*writer, {Records(kA, values)}).ok());
  auto reader = Read(*backbone);
  const auto batches = reader->Poll(absl::Seconds(60));
  ASSERT_TRUE(batches.ok()) << batches.status();
  EXPECT_EQ((*batches)[0].records, 20'000);
}

// A node that was away while its partitions went to another must not commit their offsets.
TEST(KafkaErrorsTest, OffsetsOfAnothersPartitionAreRefused) {
  KafkaOptions options = KafkaCluster::One().Fresh();
  const auto survivor = Open(options);
  options.session_timeout = absl::Seconds(5);
  options.properties = {{"max.poll.interval.ms", "6000"}, {"session.timeout.ms", "5000"}};
  const auto away = Open(options);
  ASSERT_TRUE(away->EnsureTopic(Topic("a")).ok());
  auto writer = *away->OpenWriter("away");
  ReaderOptions group;
  group.group = "g";
  group.subscribed_topics = {"a"};
  const auto join = [](BackboneReader& reader) {
    const absl::Time deadline = absl::Now() + absl::Seconds(60);
    while (reader.Assignment().empty() && absl::Now() < deadline)
      ASSERT_TRUE(reader.Poll(absl::Milliseconds(10)).ok());
    ASSERT_EQ(reader.Assignment().size(), 1U);
  };
  const auto commit = [&] {
    Transaction t;
    t.appends = {Records(kA, {"1"})};
    t.consumed = {{"g", kA, Offset(1)}};
    return writer->Commit(std::move(t)).status();
  };
  auto old_reader = *away->OpenReader(group);
  join(*old_reader);
  EXPECT_TRUE(commit().ok());
  // Not polled for too long: the group goes on without it, and it does not know yet.
  auto new_reader = *survivor->OpenReader(group);
  join(*new_reader);
  ASSERT_EQ(old_reader->Assignment().size(), 1U);
  const Offset end = survivor->Bounds(kA)->end;
  absl::Status refused = commit();
  EXPECT_EQ(refused.code(), absl::StatusCode::kCancelled) << refused;
  old_reader.reset();
  refused = commit();
  EXPECT_EQ(refused.code(), absl::StatusCode::kCancelled) << refused;
  EXPECT_EQ(survivor->Bounds(kA)->end, end) << "nothing of it was written";
  EXPECT_EQ(**survivor->CommittedOffset("g", kA), Offset(1));
}

}  // namespace
}  // namespace huiliu
