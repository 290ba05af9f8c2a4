// Brings frozen runs into RocksDB.
#ifndef HUILIU_BROKER_CATALOG_ROCKSDB_DELTA_FLUSH_H_
#define HUILIU_BROKER_CATALOG_ROCKSDB_DELTA_FLUSH_H_

#include <map>
#include <memory>
#include <string>

#include "broker/catalog/rocksdb/catalog_base.h"
#include "broker/catalog/rocksdb/catalog_view.h"
#include "broker/catalog/rocksdb/row_overlaps.h"

namespace huiliu::rocks_catalog {

// The sorted files of one flush, ready to be ingested.
class DeltaFlush {
 public:
  explicit DeltaFlush(CatalogBase& base)
      : base_(base), rows_(base.NewFile(base.rows())), index_(base.NewFile(base.index())) {}

  // Adds the frozen runs of a dataset; datasets come in the order of their ids. Deletes the index
  // keys that a row had in RocksDB and has no more.
  absl::Status Add(const std::string& dataset, const DatasetState& state, const RowCounts& stored);
  absl::Status Ingest() { return base_.Ingest({rows_.get(), index_.get()}, meta_); }
  // Of the rows in RocksDB after Ingest, by dataset.
  const std::map<std::string, RowCounts>& stored() const { return stored_; }
  // Rows in RocksDB that the runs replaced or removed, by dataset.
  const std::map<std::string, RowOverlaps>& overlaps() const { return overlaps_; }

 private:
  // What the runs have of a row: the newest version goes into RocksDB, the oldest followed upon
  // what is there.
  struct RowVersions {
    DeltaRow newest;
    DeltaRow oldest;
  };
  absl::Status AddRows(const DatasetState& state, absl::Span<const RunPtr> runs, RowCounts* counts,
                       RowOverlaps* overlaps);
  absl::Status AddChunk(const DatasetState& state, const std::vector<RowVersions>& chunk,
                        RowCounts* counts, RowOverlaps* overlaps);
  absl::Status AddEntries(const DatasetState& state, absl::Span<const RunPtr> runs);
  // Deletes the index keys that are gone before `key`.
  absl::Status DeleteBefore(absl::string_view key, const std::string& prefix);

  CatalogBase& base_;
  const std::unique_ptr<SortedFile> rows_;
  const std::unique_ptr<SortedFile> index_;
  std::map<std::string, std::string> meta_;
  std::map<std::string, RowCounts> stored_;
  std::map<std::string, RowOverlaps> overlaps_;
  // Of the dataset at hand: rows, by key, that come into a division; index keys that are no more.
  std::map<std::string, std::vector<absl::string_view>, std::less<>> came_;
  std::vector<std::string> gone_;
  size_t deleted_ = 0;  // of gone_
};

}  // namespace huiliu::rocks_catalog

#endif  // HUILIU_BROKER_CATALOG_ROCKSDB_DELTA_FLUSH_H_
