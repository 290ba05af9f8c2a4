#include "broker/backbone/compaction.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace huiliu {
namespace {

std::pair<uint64_t, uint64_t> DigestOf(absl::string_view key) {
  const XXH128_hash_t h = XXH3_128bits(key.data(), key.size());
  return {h.low64, h.high64};
}

}  // namespace

void LatestOffsets::See(absl::string_view key, Offset offset) {
  latest_[DigestOf(key)] = offset.value();
}

bool LatestOffsets::Superseded(absl::string_view key, Offset offset) const {
  const auto it = latest_.find(DigestOf(key));
  return it != latest_.end() && it->second > offset.value();
}

void SeeRecords(const RecordBatchView& view, Offset first, const std::vector<Offset>& offsets,
                LatestOffsets* latest) {
  view.ForEach([&](int i, const RecordView& record) {
    latest->See(record.key, OffsetOfRecord(first, offsets, i));
  });
}

bool Compact(const RecordBatchView& view, Offset first, const std::vector<Offset>& offsets,
             const LatestOffsets& latest, bool drop_tombstones, KeptRecords* kept) {
  RecordBatchBuilder builder;
  std::vector<Offset> stay;
  view.ForEach([&](int i, const RecordView& record) {
    const Offset offset = OffsetOfRecord(first, offsets, i);
    if (latest.Superseded(record.key, offset)) return;
    if (record.tombstone && drop_tombstones) return;
    stay.push_back(offset);
    if (record.tombstone) {
      builder.AddTombstone(record.key, record.header);
    } else {
      builder.Add(record.key, record.header, record.value);
    }
  });
  if (builder.count() == view.count()) return false;
  kept->offsets = std::move(stay);
  kept->bytes = kept->offsets.empty() ? std::string() : builder.Finish();
  return true;
}

}  // namespace huiliu
