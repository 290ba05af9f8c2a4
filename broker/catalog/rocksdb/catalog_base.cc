#include "broker/catalog/rocksdb/catalog_base.h"

#include <rocksdb/cache.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/table.h>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "core/base/files.h"
#include "core/base/status.h"

namespace huiliu::rocks_catalog {
namespace {

constexpr char kFilePrefix[] = "ingest-";
constexpr uint64_t kMostL0Files = 20;

}  // namespace

absl::Status FromRocks(const rocksdb::Status& status, absl::string_view place) {
  if (status.ok()) return absl::OkStatus();
  const std::string message = absl::StrCat(place, ": ", status.ToString());
  if (status.IsNotFound()) return absl::NotFoundError(message);
  if (status.IsNoSpace()) return absl::ResourceExhaustedError(message);
  if (status.IsCorruption()) {
    return absl::DataLossError(
        absl::StrCat(message, "; remove the folder, it is rebuilt from the log"));
  }
  return absl::UnavailableError(message);
}

SortedFile::~SortedFile() {
  writer_.reset();
  options_.env->DeleteFile(path_).PermitUncheckedError();  // ingested files have been moved
}

absl::Status SortedFile::Begin() {
  if (writer_ != nullptr) return absl::OkStatus();
  writer_ = std::make_unique<rocksdb::SstFileWriter>(rocksdb::EnvOptions(), options_, family_);
  return FromRocks(writer_->Open(path_), path_);
}

absl::Status SortedFile::Put(absl::string_view key, absl::string_view value) {
  RETURN_IF_ERROR(Begin());
  return FromRocks(writer_->Put(ToSlice(key), ToSlice(value)), path_);
}

absl::Status SortedFile::Delete(absl::string_view key) {
  RETURN_IF_ERROR(Begin());
  return FromRocks(writer_->Delete(ToSlice(key)), path_);
}

absl::Status SortedFile::DeleteRange(absl::string_view begin, absl::string_view end) {
  RETURN_IF_ERROR(Begin());
  return FromRocks(writer_->DeleteRange(ToSlice(begin), ToSlice(end)), path_);
}

absl::Status SortedFile::Finish() {
  return empty() ? absl::OkStatus() : FromRocks(writer_->Finish(), path_);
}

absl::StatusOr<std::unique_ptr<CatalogBase>> CatalogBase::Open(const RocksCatalogOptions& options) {
  std::unique_ptr<CatalogBase> base(new CatalogBase(options));
  RETURN_IF_ERROR(base->OpenDb());
  return base;
}

CatalogBase::~CatalogBase() {
  if (db_ == nullptr) return;
  for (rocksdb::ColumnFamilyHandle* family : families_)
    db_->DestroyColumnFamilyHandle(family).PermitUncheckedError();
  db_->Close().PermitUncheckedError();
}

absl::Status CatalogBase::OpenDb() {
  RETURN_IF_ERROR(MakeDirectories(options_.path));
  rocksdb::BlockBasedTableOptions table;
  table.block_cache = rocksdb::NewLRUCache(options_.block_cache_bytes);
  table.checksum = rocksdb::kXXH3;
  table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(10));
  table.cache_index_and_filter_blocks = true;
  table.cache_index_and_filter_blocks_with_high_priority = true;
  table.pin_l0_filter_and_index_blocks_in_cache = true;
  table.format_version = 5;
  rocksdb::DBOptions db;
  db.create_if_missing = true;
  db.create_missing_column_families = true;
  db.info_log_level = rocksdb::WARN_LEVEL;
  db.keep_log_file_num = 3;
  db.max_background_jobs = 2;
  db.max_open_files = 1000;
  rocksdb::ColumnFamilyOptions family;
  family.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  family.write_buffer_size = 1 << 20;  // nothing is written but by files
  family.compression = rocksdb::kLZ4Compression;
  family.level_compaction_dynamic_level_bytes = true;
  family.max_bytes_for_level_base = 512 << 20;
  if (options_.env != nullptr) db.env = options_.env;
  row_options_ = index_options_ = meta_options_ = rocksdb::Options(db, family);
  rocksdb::DB* raw = nullptr;
  RETURN_IF_ERROR(FromRocks(
      rocksdb::DB::Open(
          db, options_.path,
          {{rocksdb::kDefaultColumnFamilyName, family}, {"index", family}, {"rows", family}},
          &families_, &raw),
      absl::StrCat("catalog ", options_.path)));
  db_.reset(raw);
  // What a kill left half written.
  std::vector<std::string> names;
  RETURN_IF_ERROR(FromRocks(row_options_.env->GetChildren(options_.path, &names), options_.path));
  for (const std::string& name : names) {
    if (!absl::StartsWith(name, kFilePrefix)) continue;
    RETURN_IF_ERROR(FromRocks(row_options_.env->DeleteFile(absl::StrCat(options_.path, "/", name)),
                              options_.path));
  }
  return absl::OkStatus();
}

std::unique_ptr<SortedFile> CatalogBase::NewFile(rocksdb::ColumnFamilyHandle* family) {
  return std::make_unique<SortedFile>(
      family, row_options_, absl::StrCat(options_.path, "/", kFilePrefix, next_file_++, ".sst"));
}

// RocksDB slows writers down when compaction falls behind, but not those who ingest.
void CatalogBase::WaitForCompaction() {
  for (int i = 0; i < 6000; ++i) {
    uint64_t files = 0;
    for (rocksdb::ColumnFamilyHandle* family : {rows(), index()}) {
      std::string text;
      uint64_t count = 0;
      if (db_->GetProperty(family, "rocksdb.num-files-at-level0", &text) &&
          absl::SimpleAtoi(text, &count))
        files = std::max(files, count);
    }
    if (files < kMostL0Files) return;
    absl::SleepFor(absl::Milliseconds(10));
  }
}

absl::Status CatalogBase::Ingest(const std::vector<SortedFile*>& files,
                                 const std::map<std::string, std::string>& meta) {
  WaitForCompaction();
  const std::unique_ptr<SortedFile> meta_file = NewFile(this->meta());
  for (const auto& [key, value] : meta) RETURN_IF_ERROR(meta_file->Put(key, value));
  std::vector<rocksdb::IngestExternalFileArg> args;
  std::vector<SortedFile*> all = files;
  all.push_back(meta_file.get());
  for (SortedFile* file : all) {
    if (file->empty()) continue;
    RETURN_IF_ERROR(file->Finish());
    rocksdb::IngestExternalFileArg arg;
    arg.column_family = file->family();
    arg.external_files = {file->path()};
    arg.options.move_files = true;
    args.push_back(std::move(arg));
  }
  if (args.empty()) return absl::OkStatus();
  return FromRocks(db_->IngestExternalFiles(args), options_.path);
}

absl::StatusOr<std::optional<std::string>> CatalogBase::Meta(const std::string& key) {
  std::string text;
  const rocksdb::Status status = db_->Get(rocksdb::ReadOptions(), meta(), key, &text);
  if (status.IsNotFound()) return std::optional<std::string>();
  RETURN_IF_ERROR(FromRocks(status, options_.path));
  return std::optional<std::string>(std::move(text));
}

absl::Status CatalogBase::MultiGetRows(const rocksdb::ReadOptions& options,
                                       const std::vector<std::string>& keys,
                                       std::vector<rocksdb::PinnableSlice>* values,
                                       std::vector<rocksdb::Status>* statuses) {
  values->clear();
  values->resize(keys.size());
  statuses->assign(keys.size(), rocksdb::Status());
  if (keys.empty()) return absl::OkStatus();
  const std::vector<rocksdb::Slice> slices(keys.begin(), keys.end());
  db_->MultiGet(options, rows(), keys.size(), slices.data(), values->data(), statuses->data(),
                /*sorted_input=*/true);
  for (const rocksdb::Status& status : *statuses) {
    if (!status.ok() && !status.IsNotFound() && !status.IsAborted())
      return FromRocks(status, options_.path);
  }
  return absl::OkStatus();
}

}  // namespace huiliu::rocks_catalog
