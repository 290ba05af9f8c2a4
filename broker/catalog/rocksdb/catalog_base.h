// The RocksDB under a catalog: rows, index and meta families that change only by sorted files
// ingested together. docs/formats/catalog.md.
#ifndef HUILIU_BROKER_CATALOG_ROCKSDB_CATALOG_BASE_H_
#define HUILIU_BROKER_CATALOG_ROCKSDB_CATALOG_BASE_H_

#include <rocksdb/db.h>
#include <rocksdb/sst_file_writer.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "broker/catalog/rocksdb/rocks_catalog.h"

namespace huiliu::rocks_catalog {

absl::Status FromRocks(const rocksdb::Status& status, absl::string_view place);
inline rocksdb::Slice ToSlice(absl::string_view bytes) { return {bytes.data(), bytes.size()}; }
inline absl::string_view ToView(const rocksdb::Slice& slice) {
  return {slice.data(), slice.size()};
}

// A sorted file under construction; the file is made with its first key. Keys ascend.
class SortedFile {
 public:
  SortedFile(rocksdb::ColumnFamilyHandle* family, const rocksdb::Options& options, std::string path)
      : family_(family), options_(options), path_(std::move(path)) {}
  ~SortedFile();

  absl::Status Put(absl::string_view key, absl::string_view value);
  absl::Status Delete(absl::string_view key);
  absl::Status DeleteRange(absl::string_view begin, absl::string_view end);
  absl::Status Finish();
  bool empty() const { return writer_ == nullptr; }
  rocksdb::ColumnFamilyHandle* family() const { return family_; }
  const std::string& path() const { return path_; }

 private:
  absl::Status Begin();
  rocksdb::ColumnFamilyHandle* const family_;
  const rocksdb::Options& options_;
  const std::string path_;
  std::unique_ptr<rocksdb::SstFileWriter> writer_;
};

// Thread-safe, but for Ingest: one at a time.
class CatalogBase {
 public:
  static absl::StatusOr<std::unique_ptr<CatalogBase>> Open(const RocksCatalogOptions& options);
  ~CatalogBase();

  rocksdb::DB& db() { return *db_; }
  rocksdb::ColumnFamilyHandle* rows() { return families_[2]; }
  rocksdb::ColumnFamilyHandle* index() { return families_[1]; }
  rocksdb::ColumnFamilyHandle* meta() { return families_[0]; }

  std::unique_ptr<SortedFile> NewFile(rocksdb::ColumnFamilyHandle* family);
  // All of the files and the meta entries become part of the database in one step, durably.
  // Waits while compaction is far behind.
  absl::Status Ingest(const std::vector<SortedFile*>& files,
                      const std::map<std::string, std::string>& meta);

  absl::StatusOr<std::optional<std::string>> Meta(const std::string& key);
  // Values of ascending full keys of `rows`; nullopt where there is none.
  absl::Status MultiGetRows(const rocksdb::ReadOptions& options,
                            const std::vector<std::string>& keys,
                            std::vector<rocksdb::PinnableSlice>* values,
                            std::vector<rocksdb::Status>* statuses);

 private:
  explicit CatalogBase(const RocksCatalogOptions& options) : options_(options) {}
  absl::Status OpenDb();
  void WaitForCompaction();

  const RocksCatalogOptions options_;
  rocksdb::Options row_options_, index_options_, meta_options_;
  std::unique_ptr<rocksdb::DB> db_;
  std::vector<rocksdb::ColumnFamilyHandle*> families_;
  std::atomic<uint64_t> next_file_ = 0;
};

}  // namespace huiliu::rocks_catalog

#endif  // HUILIU_BROKER_CATALOG_ROCKSDB_CATALOG_BASE_H_
