// What stays of a batch when a compacted topic is cleaned: shared by the backbones of one process.
#ifndef HUILIU_BROKER_BACKBONE_COMPACTION_H_
#define HUILIU_BROKER_BACKBONE_COMPACTION_H_

#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"
#include "broker/backbone/backbone.h"

namespace huiliu {

// The newest offset of each key seen. Keys are kept as 128-bit digests: 24 bytes each, however
// long.
class LatestOffsets {
 public:
  void See(absl::string_view key, Offset offset);
  // True where a newer record of the key was seen.
  bool Superseded(absl::string_view key, Offset offset) const;
  size_t keys() const { return latest_.size(); }

 private:
  absl::flat_hash_map<std::pair<uint64_t, uint64_t>, int64_t> latest_;
};

// The offset of record `i` of a batch: `offsets` lists them, or they are consecutive.
inline Offset OffsetOfRecord(Offset first, const std::vector<Offset>& offsets, int i) {
  return offsets.empty() ? Offset(first.value() + i) : offsets[static_cast<size_t>(i)];
}

void SeeRecords(const RecordBatchView& view, Offset first, const std::vector<Offset>& offsets,
                LatestOffsets* latest);

struct KeptRecords {
  std::vector<Offset> offsets;  // of each record that stays; empty: nothing stays
  std::string bytes;            // the batch of them
};

// Takes out superseded records, and tombstones where `drop_tombstones`. False where all stay:
// then *kept is not filled.
bool Compact(const RecordBatchView& view, Offset first, const std::vector<Offset>& offsets,
             const LatestOffsets& latest, bool drop_tombstones, KeptRecords* kept);

}  // namespace huiliu

#endif  // HUILIU_BROKER_BACKBONE_COMPACTION_H_
