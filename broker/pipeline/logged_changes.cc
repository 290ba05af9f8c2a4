#include "broker/pipeline/logged_changes.h"

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "broker/pipeline/topics.h"
#include "core/base/status.h"

namespace huiliu::pipeline {
namespace {

constexpr size_t kPollBytes = size_t{4} << 20;
constexpr absl::Duration kPollTimeout = absl::Seconds(1);
// Polls in a row that bring nothing although the log has more: its reader is lost.
constexpr int kMaxEmptyPolls = 30;

absl::Status TakeBatch(const StoredBatch& batch, const LogReading& reading) {
  ASSIGN_OR_RETURN(const RecordBatchView view, RecordBatchView::Parse(batch.bytes));
  absl::Status status;
  view.ForEach([&](int i, const RecordView& record) {
    LoggedChange change;
    change.offset = batch.offsets.empty() ? Offset(batch.first_offset.value() + i)
                                          : batch.offsets[static_cast<size_t>(i)];
    if (!status.ok() || change.offset < reading.first || change.offset >= reading.end) return;
    if (reading.wanted && !reading.wanted(record.key)) return;
    change.record = record;
    change.from = batch.from;
    // One that did not come from intake: the return worker counts it and sets it aside.
    auto envelope = GlanceAt(record.header);
    if (!envelope.ok()) return;
    change.envelope = *envelope;
    status = reading.take(change);
  });
  return status;
}

}  // namespace

std::string PlaceOf(const LoggedChange& change) {
  return absl::StrCat(change.from.topic, "/", change.from.partition.value(), "@",
                      change.offset.value());
}

absl::StatusOr<LogPlace> ParsePlace(absl::string_view text) {
  const size_t slash = text.rfind('/'), at = text.rfind('@');
  int32_t partition = 0;
  int64_t offset = 0;
  if (slash == absl::string_view::npos || at == absl::string_view::npos || at < slash ||
      !absl::StartsWith(text, SourceTopic("")) || slash == SourceTopic("").size() ||
      !absl::SimpleAtoi(text.substr(slash + 1, at - slash - 1), &partition) || partition < 0 ||
      !absl::SimpleAtoi(text.substr(at + 1), &offset) || offset < 0) {
    return absl::InvalidArgumentError(
        "日志位置写作 source.数据集/分区@偏移 / a place in the log is written "
        "source.DATASET/PARTITION@OFFSET");
  }
  return LogPlace{{std::string(text.substr(0, slash)), Partition(partition)}, Offset(offset)};
}

absl::StatusOr<int32_t> PartitionsOf(Backbone& backbone, const std::string& topic) {
  ASSIGN_OR_RETURN(const std::vector<TopicSpec> topics, backbone.ListTopics());
  for (const TopicSpec& spec : topics) {
    if (spec.name == topic) return spec.partitions;
  }
  return 0;
}

absl::Status ReadLog(Backbone& backbone, const LogReading& reading) {
  if (reading.first >= reading.end) return absl::OkStatus();
  ReaderOptions options;
  options.assigned = {reading.from};
  options.start = StartAt::kEarliest;
  options.max_poll_bytes = kPollBytes;
  ASSIGN_OR_RETURN(const std::unique_ptr<BackboneReader> reader,
                   backbone.OpenReader(std::move(options)));
  RETURN_IF_ERROR(reader->Seek(reading.from, reading.first));
  Offset next = reading.first;
  for (int empty = 0; next < reading.end;) {
    auto batches = reader->Poll(kPollTimeout);
    if (batches.status().code() == absl::StatusCode::kOutOfRange) {
      // Retention went by: what is left is read.
      ASSIGN_OR_RETURN(const PartitionBounds bounds, backbone.Bounds(reading.from));
      if (bounds.earliest <= next) return batches.status();
      next = bounds.earliest;
      RETURN_IF_ERROR(reader->Seek(reading.from, next));
      continue;
    }
    RETURN_IF_ERROR(batches.status());
    if (batches->empty()) {
      if (reading.go_on) RETURN_IF_ERROR(reading.go_on(0));
      if (++empty >= kMaxEmptyPolls) {
        return absl::UnavailableError(
            absl::StrCat("日志读不到 / the log does not answer: ", reading.from.topic, "/",
                         reading.from.partition.value(), "@", next.value()));
      }
      continue;
    }
    empty = 0;
    for (const StoredBatch& batch : *batches) {
      if (batch.first_offset >= reading.end) return absl::OkStatus();
      RETURN_IF_ERROR(TakeBatch(batch, reading));
      const int64_t records = batch.next.value() - next.value();
      next = batch.next;
      if (reading.go_on) RETURN_IF_ERROR(reading.go_on(records));
    }
  }
  return absl::OkStatus();
}

}  // namespace huiliu::pipeline
