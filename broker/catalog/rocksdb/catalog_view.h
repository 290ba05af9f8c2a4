// What is in memory of a catalog at a point in time. Immutable; shared by snapshots.
#ifndef HUILIU_BROKER_CATALOG_ROCKSDB_CATALOG_VIEW_H_
#define HUILIU_BROKER_CATALOG_ROCKSDB_CATALOG_VIEW_H_

#include <map>
#include <memory>
#include <string>

#include "broker/catalog/catalog.h"
#include "broker/catalog/rocksdb/delta_run.h"
#include "broker/catalog/rocksdb/row_index.h"

namespace huiliu::rocks_catalog {

struct DatasetState {
  std::string prefix;  // of its keys in RocksDB
  std::shared_ptr<const RowIndex> index;
  std::string topic;  // empty until something was applied
  Runs runs;          // not in RocksDB yet, or on the way
  size_t frozen = 0;  // of them, the oldest: being flushed
  std::map<TopicPartition, Offset> applied;
};

// By dataset id.
using CatalogView = std::map<std::string, std::shared_ptr<const DatasetState>>;

absl::StatusOr<CatalogRow> MakeRow(const DatasetState& state, absl::string_view key,
                                   absl::string_view value);

}  // namespace huiliu::rocks_catalog

#endif  // HUILIU_BROKER_CATALOG_ROCKSDB_CATALOG_VIEW_H_
