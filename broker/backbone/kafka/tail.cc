#include "broker/backbone/kafka/tail.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "core/base/status.h"

namespace huiliu::kafka {
namespace {

constexpr int64_t kFirstStep = 2;  // a record and its transaction's marker
constexpr int64_t kGrowth = 8;
constexpr absl::Duration kPatience = absl::Seconds(5);

}  // namespace

absl::StatusOr<PartitionBounds> Tail::BoundsOf(const TopicPartition& tp) {
  ASSIGN_OR_RETURN(const auto watermarks, cluster_.Watermarks(tp, Isolation::kCommitted));
  const auto [low, end] = watermarks;
  absl::MutexLock lock(&mutex_);
  Known& known = known_[tp];
  if (known.end > end) known = {};  // deleted and made again
  if (known.end != end) {
    int64_t records = -1;
    const int64_t floor = std::max(low, known.records);
    for (int64_t step = kFirstStep; records < 0; step *= kGrowth) {
      const int64_t from = std::max(floor, end - step);
      if (from < end) {
        ASSIGN_OR_RETURN(records, LastRecordEnd(tp, from, end));
      }
      if (from <= floor) break;
    }
    known = {end, records >= 0 ? records : known.records};
  }
  return PartitionBounds{Offset(low), Offset(std::max(low, known.records)), Offset(end)};
}

absl::StatusOr<int64_t> Tail::LastRecordEnd(const TopicPartition& tp, int64_t from, int64_t end) {
  if (reader_ == nullptr) {
    ReaderOptions options;
    options.assigned = {tp};
    options.start = StartAt::kEarliest;
    ASSIGN_OR_RETURN(reader_,
                     KafkaReader::Open(cluster_, nullptr, std::move(options),
                                       {.fetch_wait = absl::Milliseconds(5), .values = false}));
  }
  reader_->Reassign({{tp, from}});
  int64_t records = -1;
  const absl::Time patience = absl::Now() + kPatience;
  while (reader_->Reached(tp) < end) {
    auto batches = reader_->Poll(absl::ZeroDuration());
    if (!batches.ok()) {
      reader_.reset();
      return batches.status();
    }
    // It was deleted and made again meanwhile: there is no such end any more.
    if (batches->empty() && reader_->Reached(tp) < end && absl::Now() > patience) {
      reader_.reset();
      return absl::UnavailableError(
          absl::StrCat("topic ", tp.topic, " ends below where it ended a moment ago"));
    }
    for (const StoredBatch& batch : *batches) {
      if (batch.first_offset.value() < end) records = std::max(records, batch.next.value());
    }
  }
  reader_->Reassign({});
  return records;
}

}  // namespace huiliu::kafka
