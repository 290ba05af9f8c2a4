// What Kafka's own transactions test copies with, over our backbone: reads a topic in a group and
// writes every record to another, records and consumed offsets in one transaction. It ends at the
// first error, and whoever started it starts it again.
//   message_copier BOOTSTRAP PREFIX fill RECORDS      topics, and input 0 … RECORDS − 1
//   message_copier BOOTSTRAP PREFIX copy ID RECORDS   RECORDS a transaction at most
//   message_copier BOOTSTRAP PREFIX lag               how many are not copied yet
#include <cstdio>
#include <cstdlib>
#include <map>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "broker/backbone/kafka/kafka_backbone.h"
#include "core/base/status.h"

namespace huiliu {
namespace {

constexpr int32_t kPartitions = 4;
constexpr char kInput[] = "input", kOutput[] = "output", kGroup[] = "copiers";

absl::Status Fill(Backbone& backbone, int records) {
  for (const char* name : {kInput, kOutput}) {
    TopicSpec spec;
    spec.name = name;
    spec.partitions = kPartitions;
    RETURN_IF_ERROR(backbone.EnsureTopic(spec));
  }
  ASSIGN_OR_RETURN(const std::unique_ptr<BackboneWriter> writer, backbone.OpenWriter("filler"));
  constexpr int kEach = 5000;
  for (int from = 0; from < records; from += kEach) {
    Transaction transaction;
    std::map<int, RecordBatchBuilder> batches;
    for (int i = from; i < std::min(records, from + kEach); ++i)
      batches[i % kPartitions].Add(absl::StrCat(i), "", absl::StrCat(i));
    for (auto& [partition, batch] : batches) {
      const int count = batch.count();
      transaction.appends.push_back({{kInput, Partition(partition)}, batch.Finish(), count});
    }
    RETURN_IF_ERROR(writer->Commit(std::move(transaction)).status());
  }
  return absl::OkStatus();
}

// One transaction a batch, cut to `most` records.
absl::Status CopyBatch(const StoredBatch& batch, int most, BackboneWriter& writer) {
  ASSIGN_OR_RETURN(const RecordBatchView view, RecordBatchView::Parse(batch.bytes));
  RecordBatchBuilder out;
  absl::Status status;
  const auto commit = [&](Offset next) {
    if (!status.ok() || out.count() == 0) return;
    Transaction transaction;
    const int count = out.count();
    transaction.appends.push_back({{kOutput, batch.from.partition}, out.Finish(), count});
    transaction.consumed.push_back({kGroup, batch.from, next});
    status = writer.Commit(std::move(transaction)).status();
    out = RecordBatchBuilder();
  };
  view.ForEach([&](int i, const RecordView& record) {
    out.Add(record.key, record.header, record.value);
    const int64_t offset = batch.offsets.empty() ? batch.first_offset.value() + i
                                                 : batch.offsets[static_cast<size_t>(i)].value();
    if (out.count() == most) commit(Offset(offset + 1));
  });
  commit(batch.next);
  return status;
}

absl::Status Copy(Backbone& backbone, const std::string& id, int most) {
  ASSIGN_OR_RETURN(const std::unique_ptr<BackboneWriter> writer,
                   backbone.OpenWriter(absl::StrCat("copier-", id)));
  ReaderOptions options;
  options.group = kGroup;
  options.subscribed_topics = {kInput};
  options.max_poll_bytes = 16 << 10;
  ASSIGN_OR_RETURN(const std::unique_ptr<BackboneReader> reader, backbone.OpenReader(options));
  while (true) {
    ASSIGN_OR_RETURN(const std::vector<StoredBatch> batches, reader->Poll(absl::Seconds(1)));
    for (const StoredBatch& batch : batches) RETURN_IF_ERROR(CopyBatch(batch, most, *writer));
  }
}

absl::Status PrintLag(Backbone& backbone) {
  int64_t lag = 0;
  for (int32_t p = 0; p < kPartitions; ++p) {
    const TopicPartition from{kInput, Partition(p)};
    ASSIGN_OR_RETURN(const PartitionBounds bounds, backbone.Bounds(from));
    ASSIGN_OR_RETURN(const std::optional<Offset> committed, backbone.CommittedOffset(kGroup, from));
    lag += bounds.end.value() - committed.value_or(bounds.earliest).value();
  }
  std::printf("%lld\n", static_cast<long long>(lag));
  return absl::OkStatus();
}

absl::Status Run(int argc, char** argv) {
  const auto number = [&](int i) {
    int n = 0;
    return i < argc && absl::SimpleAtoi(argv[i], &n) ? n : 0;
  };
  KafkaOptions options;
  options.bootstrap = argv[1];
  options.prefix = argv[2];
  ASSIGN_OR_RETURN(const std::unique_ptr<KafkaBackbone> backbone, KafkaBackbone::Open(options));
  const std::string verb = argv[3];
  if (verb == "fill" && number(4) > 0) return Fill(*backbone, number(4));
  if (verb == "copy" && number(5) > 0) return Copy(*backbone, argv[4], number(5));
  if (verb == "lag") return PrintLag(*backbone);
  return absl::InvalidArgumentError("fill RECORDS, copy ID RECORDS or lag");
}

}  // namespace
}  // namespace huiliu

int main(int argc, char** argv) {
  if (argc < 4) return 2;
  const absl::Status status = huiliu::Run(argc, argv);
  if (status.ok()) return 0;
  std::fprintf(stderr, "%s\n", status.ToString().c_str());
  return 1;
}
