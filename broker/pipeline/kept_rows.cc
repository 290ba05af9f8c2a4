#include "broker/pipeline/kept_rows.h"

#include "broker/pipeline/topics.h"
#include "core/base/status.h"

namespace huiliu::pipeline {
namespace {

const TopicPartition kRows{kQuarantineTopic, Partition(0)};

std::string WhyNotKept(const RecordView& record) {
  huiliu::v1::QuarantinedRow row;
  if (record.tombstone) return "";
  if (!row.ParseFromArray(record.value.data(), static_cast<int>(record.value.size())))
    return "no kept row";
  return record.key == absl::string_view(row.id()) ? "" : "its key is not the row's id";
}

}  // namespace

absl::Status KeptRows::Open() {
  ReaderOptions options;
  options.group = group_;
  options.assigned = {kRows};
  // A store that was lost is made again from the topic.
  ASSIGN_OR_RETURN(const KeptRowPage page, store_.List(KeptKind::kQuarantined, "", 1, "", true));
  options.start = page.rows.empty() ? StartAt::kEarliest : StartAt::kCommitted;
  ASSIGN_OR_RETURN(reader_, backbone_.OpenReader(options));
  return absl::OkStatus();
}

absl::Status KeptRows::CatchUp() {
  if (reader_ == nullptr) RETURN_IF_ERROR(Open());
  const auto step = [this]() -> absl::StatusOr<bool> {
    ASSIGN_OR_RETURN(std::vector<StoredBatch> batches, reader_->Poll(absl::ZeroDuration()));
    if (batches.empty()) return false;
    RETURN_IF_ERROR(Sift(WhyNotKept, set_aside_, &batches));
    std::vector<huiliu::v1::QuarantinedRow> rows;
    for (const StoredBatch& batch : batches) {
      ASSIGN_OR_RETURN(const RecordBatchView view, RecordBatchView::Parse(batch.bytes));
      view.ForEach([&](int, const RecordView& record) {
        if (record.tombstone) return;
        rows.emplace_back().ParseFromArray(record.value.data(),
                                           static_cast<int>(record.value.size()));
      });
    }
    RETURN_IF_ERROR(store_.Put(KeptKind::kQuarantined, rows));
    // Durable in the store first: putting again after a crash changes nothing.
    Transaction transaction;
    transaction.consumed.push_back({group_, kRows, batches.back().next});
    RETURN_IF_ERROR(writer_.Commit(std::move(transaction)).status());
    return true;
  };
  while (true) {
    const absl::StatusOr<bool> more = step();
    if (!more.ok()) reader_.reset();
    RETURN_IF_ERROR(more.status());
    if (!*more) return absl::OkStatus();
  }
}

}  // namespace huiliu::pipeline
