// Turns batches of returned.* topics into a run.
#ifndef HUILIU_BROKER_CATALOG_ROCKSDB_DELTA_BUILDER_H_
#define HUILIU_BROKER_CATALOG_ROCKSDB_DELTA_BUILDER_H_

#include <map>

#include "absl/status/statusor.h"
#include "broker/catalog/rocksdb/catalog_view.h"
#include "broker/catalog/rocksdb/row_overlaps.h"

namespace huiliu::rocks_catalog {

// What an Apply adds: the run (nullptr where nothing was new) and the offsets behind it; which of
// its rows overlap within it, and whether others may overlap rows of before.
struct DeltaPart {
  RunPtr run;
  std::map<TopicPartition, Offset> applied;
  RowOverlaps overlaps;
  bool of_several = false;
};

// Records below the state's applied offsets are skipped. DATA_LOSS names a batch that cannot be
// read; INVALID_ARGUMENT where a batch is of another topic than the dataset's.
// `met` learns of the batches' sources: a batch is one's, so that its first record says it.
absl::StatusOr<DeltaPart> BuildDelta(const DatasetState& state,
                                     absl::Span<const StoredBatch> batches, MetSources* met);

}  // namespace huiliu::rocks_catalog

#endif  // HUILIU_BROKER_CATALOG_ROCKSDB_DELTA_BUILDER_H_
