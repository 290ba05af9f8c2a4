// Scans over RocksDB and the runs in memory, at a point in time.
#ifndef HUILIU_BROKER_CATALOG_ROCKSDB_CATALOG_SNAPSHOT_H_
#define HUILIU_BROKER_CATALOG_ROCKSDB_CATALOG_SNAPSHOT_H_

#include "broker/catalog/rocksdb/catalog_base.h"
#include "broker/catalog/rocksdb/catalog_view.h"

namespace huiliu::rocks_catalog {

class RocksSnapshot : public CatalogSnapshot {
 public:
  // Under the lock that guards the view: view and database must be of one moment. `base` outlives
  // this.
  RocksSnapshot(CatalogBase& base, CatalogView view)
      : base_(base), view_(std::move(view)), snapshot_(base.db().GetSnapshot()) {}
  ~RocksSnapshot() override { base_.db().ReleaseSnapshot(snapshot_); }

  absl::StatusOr<ScanResult> Scan(const DatasetId& dataset,
                                  const ScanRequest& request) const override;
  std::vector<std::pair<TopicPartition, Offset>> Applied(const DatasetId& dataset) const override;

 private:
  using Range = std::pair<std::string, std::string>;  // [begin, end); an empty end is open
  absl::Status ScanRows(const DatasetState& state, const std::vector<Range>& ranges,
                        const ScanRequest& request, ScanResult* result) const;
  // The condition with the divisions that there are and that lie in it.
  absl::StatusOr<IndexCondition> WithDivisions(const DatasetState& state,
                                               const IndexCondition& condition) const;
  absl::Status ScanIndex(const DatasetState& state, const std::vector<Range>& ranges,
                         const ScanRequest& request, ScanResult* result) const;
  // The rows of index keys that still have them, up to `max_bytes` of result->rows: beyond it
  // result->next is the last key looked at.
  absl::Status FetchRows(const DatasetState& state, const std::vector<std::string>& index_keys,
                         size_t max_bytes, ScanResult* result) const;
  rocksdb::ReadOptions Options() const;

  CatalogBase& base_;
  const CatalogView view_;
  const rocksdb::Snapshot* const snapshot_;
};

}  // namespace huiliu::rocks_catalog

#endif  // HUILIU_BROKER_CATALOG_ROCKSDB_CATALOG_SNAPSHOT_H_
