// Brings a dataset's indexes in RocksDB in line with a newer contract.
#ifndef HUILIU_BROKER_CATALOG_ROCKSDB_INDEX_REBUILD_H_
#define HUILIU_BROKER_CATALOG_ROCKSDB_INDEX_REBUILD_H_

#include <string>

#include "broker/catalog/rocksdb/catalog_base.h"
#include "broker/catalog/rocksdb/catalog_view.h"

namespace huiliu::rocks_catalog {

// The fields indexed, as the meta family keeps them.
std::string IndexedFields(const RowIndex& index);

// Drops indexes that are no more and builds new ones from the rows, which must all be in RocksDB.
// Interrupted, it begins anew at the next call.
absl::Status RebuildIndexes(CatalogBase& base, const std::string& dataset, const std::string& built,
                            const RowIndex& wanted);

}  // namespace huiliu::rocks_catalog

#endif  // HUILIU_BROKER_CATALOG_ROCKSDB_INDEX_REBUILD_H_
