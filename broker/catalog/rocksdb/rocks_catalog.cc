#include "broker/catalog/rocksdb/rocks_catalog.h"

#include <rocksdb/cache.h>
#include <rocksdb/db.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/table.h>
#include <rocksdb/write_batch.h>

#include <map>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "broker/catalog/rocksdb/catalog_format.h"
#include "core/base/files.h"
#include "core/base/status.h"
#include "core/schema/text_value.h"
#include "core/schema/wire_reader.h"
#include "huiliu/v1/common.pb.h"

namespace huiliu {
namespace {

using namespace rocks_catalog;  // NOLINT: this file is the module's centre
using absl::StrCat;

rocksdb::Slice ToSlice(absl::string_view bytes) { return {bytes.data(), bytes.size()}; }
absl::string_view ToView(const rocksdb::Slice& slice) { return {slice.data(), slice.size()}; }

absl::Status FromRocks(const rocksdb::Status& status, absl::string_view place) {
  if (status.ok()) return absl::OkStatus();
  const std::string message = StrCat(place, ": ", status.ToString());
  if (status.IsNotFound()) return absl::NotFoundError(message);
  if (status.IsNoSpace()) return absl::ResourceExhaustedError(message);
  if (status.IsCorruption()) return absl::DataLossError(message);
  return absl::UnavailableError(message);
}

std::string AppliedKey(const TopicPartition& tp) {
  return StrCat("applied/", tp.topic, "/", tp.partition.value());
}
std::string CountKey(absl::string_view dataset) { return StrCat("rows/", dataset); }
std::string TopicOfKey(absl::string_view dataset) { return StrCat("topic/", dataset); }
std::string BuiltKey(absl::string_view dataset) { return StrCat("indexes/", dataset); }

std::string DivisionKey(absl::string_view division) { return StrCat("division/", division); }

// 530100 → 5301, 530000 → 53, 530102 → 530102: what its codes begin with.
absl::string_view AreaPrefix(absl::string_view area) {
  if (absl::EndsWith(area, "0000")) return area.substr(0, 2);
  return absl::EndsWith(area, "00") ? area.substr(0, 4) : area;
}

absl::string_view DivisionOf(absl::string_view envelope) {
  schema::WireField field;
  absl::string_view division;
  while (schema::TakeField(envelope, &field)) {
    if (field.field_number == huiliu::v1::Envelope::kDivisionFieldNumber) division = field.bytes;
  }
  return division;
}

// A dataset as the catalog keeps it.
struct Table {
  std::shared_ptr<const schema::Contract> contract;
  std::vector<const schema::Field*> indexed;
  std::unique_ptr<schema::FieldPlan> plan;  // slots of the indexed fields
};

std::shared_ptr<const Table> MakeTable(std::shared_ptr<const schema::Contract> contract) {
  auto table = std::make_shared<Table>();
  std::vector<uint32_t> numbers;
  for (const schema::Field& field : contract->fields()) {
    if (!field.options.index()) continue;
    table->indexed.push_back(&field);
    numbers.push_back(field.number);
  }
  table->plan = std::make_unique<schema::FieldPlan>(numbers);
  table->contract = std::move(contract);
  return table;
}

// The index keys of one row.
absl::Status IndexKeysOf(const Table& table, absl::string_view dataset, absl::string_view row_key,
                         absl::string_view payload, std::vector<std::string>* keys) {
  keys->clear();
  if (table.indexed.empty()) return absl::OkStatus();
  std::vector<schema::FieldSlot> slots(table.indexed.size());
  RETURN_IF_ERROR(table.plan->Scan(payload, absl::MakeSpan(slots)));
  std::string text;
  for (size_t i = 0; i < slots.size(); ++i) {
    if (!slots[i].present) continue;
    text.clear();
    RETURN_IF_ERROR(schema::AppendText(*table.indexed[i], slots[i].type, slots[i].number,
                                       slots[i].bytes, &text));
    std::string key = IndexPrefix(dataset, table.indexed[i]->number);
    AppendIndexValue(text, &key);
    absl::StrAppend(&key, row_key);
    keys->push_back(std::move(key));
  }
  return absl::OkStatus();
}

struct Handles {
  rocksdb::ColumnFamilyHandle* rows = nullptr;
  rocksdb::ColumnFamilyHandle* index = nullptr;
  rocksdb::ColumnFamilyHandle* meta = nullptr;
};

class Snapshot : public CatalogSnapshot {
 public:
  using TableFinder = std::function<absl::StatusOr<std::shared_ptr<const Table>>(const DatasetId&)>;

  Snapshot(rocksdb::DB* db, Handles handles, TableFinder find)
      : db_(db), handles_(handles), find_(std::move(find)), snapshot_(db->GetSnapshot()) {}
  ~Snapshot() override { db_->ReleaseSnapshot(snapshot_); }

  absl::StatusOr<ScanResult> Scan(const DatasetId& dataset,
                                  const ScanRequest& request) const override {
    ASSIGN_OR_RETURN(const std::shared_ptr<const Table> table, find_(dataset));
    if (!request.condition.has_value()) return ScanRows(dataset, "", request);
    const IndexCondition& condition = *request.condition;
    if (condition.field < 0)
      return ScanRows(dataset, condition.equals.empty() ? "" : condition.equals[0], request);
    const schema::Field& field = table->contract->fields()[static_cast<size_t>(condition.field)];
    if (!field.options.index()) {
      return absl::InvalidArgumentError(
          StrCat("field ", field.name, " of ", dataset.value(), " has no index"));
    }
    return ScanIndex(dataset, field, condition, request);
  }

  std::vector<std::pair<TopicPartition, Offset>> Applied(const DatasetId& dataset) const override {
    std::vector<std::pair<TopicPartition, Offset>> out;
    std::string topic;
    if (!db_->Get(Options(), handles_.meta, TopicOfKey(dataset.value()), &topic).ok()) return out;
    const std::string prefix = StrCat("applied/", topic, "/");
    std::unique_ptr<rocksdb::Iterator> it(db_->NewIterator(Options(), handles_.meta));
    for (it->Seek(prefix); it->Valid() && absl::StartsWith(ToView(it->key()), prefix); it->Next()) {
      int32_t partition = 0;
      int64_t offset = 0;
      if (absl::SimpleAtoi(ToView(it->key()).substr(prefix.size()), &partition) &&
          absl::SimpleAtoi(ToView(it->value()), &offset)) {
        out.push_back({{topic, Partition(partition)}, Offset(offset)});
      }
    }
    return out;
  }

 private:
  rocksdb::ReadOptions Options() const {
    rocksdb::ReadOptions options;
    options.snapshot = snapshot_;
    return options;
  }

  absl::StatusOr<CatalogRow> RowOf(absl::string_view row_key, absl::string_view value) const {
    ASSIGN_OR_RETURN(const RowParts parts, ParseRow(value));
    CatalogRow row;
    row.key = std::string(row_key);
    row.envelope = std::string(parts.envelope);
    row.payload = std::string(parts.payload);
    row.from.partition = parts.partition;
    row.offset = parts.offset;
    return row;
  }

  absl::StatusOr<ScanResult> ScanRows(const DatasetId& dataset, const std::string& key_prefix,
                                      const ScanRequest& request) const {
    ScanResult result;
    result.plan = key_prefix.empty() ? "rows in key order" : "key prefix";
    const std::string dataset_prefix = RowsKey(dataset.value(), "");
    const std::string prefix = dataset_prefix + key_prefix;
    std::unique_ptr<rocksdb::Iterator> it(db_->NewIterator(Options(), handles_.rows));
    it->Seek(request.after.empty() ? prefix : dataset_prefix + request.after + '\0');
    for (; it->Valid() && absl::StartsWith(ToView(it->key()), prefix); it->Next()) {
      if (result.rows.size() == request.max_rows) {
        result.next = result.rows.back().key;
        return result;
      }
      ASSIGN_OR_RETURN(result.rows.emplace_back(),
                       RowOf(ToView(it->key()).substr(dataset_prefix.size()), ToView(it->value())));
    }
    RETURN_IF_ERROR(FromRocks(it->status(), StrCat("dataset ", dataset.value())));
    return result;
  }

  // The key ranges of the index that the condition covers, in order.
  static std::vector<std::pair<std::string, std::string>> Ranges(const std::string& prefix,
                                                                 const IndexCondition& condition) {
    std::vector<std::pair<std::string, std::string>> ranges;
    if (!condition.equals.empty()) {
      std::vector<std::string> values = condition.equals;
      std::sort(values.begin(), values.end());
      values.erase(std::unique(values.begin(), values.end()), values.end());
      for (const std::string& value : values) {
        std::string begin = prefix;
        AppendIndexValue(value, &begin);
        std::string end = begin;
        end.back() = '\1';
        ranges.emplace_back(std::move(begin), std::move(end));
      }
      return ranges;
    }
    const auto bound = [&](const std::string& value) {
      std::string key = prefix;
      AppendIndexValue(value, &key);
      return key;
    };
    std::string end = prefix;
    end.back() = static_cast<char>(end.back() + 1);
    ranges.emplace_back(condition.at_least.empty() ? prefix : bound(condition.at_least),
                        condition.below.empty() ? end : bound(condition.below));
    return ranges;
  }

  absl::StatusOr<ScanResult> ScanIndex(const DatasetId& dataset, const schema::Field& field,
                                       const IndexCondition& condition,
                                       const ScanRequest& request) const {
    ScanResult result;
    result.plan = StrCat("index on ", field.name);
    const std::string prefix = IndexPrefix(dataset.value(), field.number);
    std::unique_ptr<rocksdb::Iterator> it(db_->NewIterator(Options(), handles_.index));
    std::string last;
    for (const auto& [begin, end] : Ranges(prefix, condition)) {
      if (!request.after.empty() && end <= request.after) continue;
      it->Seek(!request.after.empty() && begin <= request.after ? request.after + '\0' : begin);
      for (; it->Valid() && ToView(it->key()) < absl::string_view(end); it->Next()) {
        if (result.rows.size() == request.max_rows) {
          result.next = last;
          return result;
        }
        absl::string_view row_key;
        if (!RowKeyOfIndex(ToView(it->key()), prefix.size(), &row_key))
          return absl::DataLossError("a torn index key");
        std::string value;
        RETURN_IF_ERROR(
            FromRocks(db_->Get(Options(), handles_.rows, RowsKey(dataset.value(), row_key), &value),
                      StrCat("dataset ", dataset.value(), ", index on ", field.name)));
        ASSIGN_OR_RETURN(result.rows.emplace_back(), RowOf(row_key, value));
        last = std::string(ToView(it->key()));
      }
    }
    RETURN_IF_ERROR(FromRocks(it->status(), StrCat("dataset ", dataset.value())));
    return result;
  }

  rocksdb::DB* const db_;
  const Handles handles_;
  const TableFinder find_;
  const rocksdb::Snapshot* const snapshot_;
};

class RocksCatalogStore : public RocksCatalog {
 public:
  explicit RocksCatalogStore(RocksCatalogOptions options) : options_(std::move(options)) {}

  ~RocksCatalogStore() override {
    if (db_ == nullptr) return;
    Flush().IgnoreError();
    for (rocksdb::ColumnFamilyHandle* handle : {handles_.rows, handles_.index, handles_.meta}) {
      db_->DestroyColumnFamilyHandle(handle).PermitUncheckedError();
    }
    db_->Close().PermitUncheckedError();
  }

  absl::Status Open();
  absl::Status Flush() override {
    rocksdb::FlushOptions flush;
    return FromRocks(db_->Flush(flush, {handles_.meta, handles_.rows, handles_.index}),
                     options_.path);
  }

  absl::Status EnsureDataset(std::shared_ptr<const schema::Contract> contract) override;
  absl::Status Apply(const DatasetId& dataset, absl::Span<const StoredBatch> batches) override;
  absl::StatusOr<Offset> AppliedOffset(const DatasetId&, const TopicPartition& from) override {
    return Applied(from);
  }

  absl::StatusOr<std::optional<CatalogRow>> Get(const DatasetId& dataset,
                                                absl::string_view key) override {
    rocksdb::PinnableSlice value;
    const rocksdb::Status status = db_->Get(rocksdb::ReadOptions(), handles_.rows,
                                            ToSlice(RowsKey(dataset.value(), key)), &value);
    if (status.IsNotFound()) return std::optional<CatalogRow>();
    RETURN_IF_ERROR(FromRocks(status, Place(dataset)));
    return MakeRow(key, ToView(value));
  }

  absl::StatusOr<std::vector<std::optional<CatalogRow>>> MultiGet(
      const DatasetId& dataset, absl::Span<const std::string> keys) override {
    std::vector<std::optional<CatalogRow>> out(keys.size());
    std::vector<std::string> row_keys;
    for (const std::string& key : keys) row_keys.push_back(RowsKey(dataset.value(), key));
    ASSIGN_OR_RETURN(const auto values, GetMany(row_keys, Place(dataset)));
    for (size_t i = 0; i < keys.size(); ++i) {
      if (!values[i].has_value()) continue;
      ASSIGN_OR_RETURN(out[i], MakeRow(keys[i], *values[i]));
    }
    return out;
  }

  absl::StatusOr<std::unique_ptr<CatalogSnapshot>> Snapshot() override {
    return std::make_unique<class Snapshot>(db_.get(), handles_,
                                            [this](const DatasetId& id) { return Find(id); });
  }

  absl::StatusOr<int64_t> RowsOutside(const std::vector<std::string>& areas) override {
    int64_t outside = 0;
    std::unique_ptr<rocksdb::Iterator> it(db_->NewIterator(rocksdb::ReadOptions(), handles_.meta));
    for (it->Seek("division/"); it->Valid() && absl::StartsWith(ToView(it->key()), "division/");
         it->Next()) {
      const absl::string_view division = ToView(it->key()).substr(9);
      const bool inside = std::any_of(areas.begin(), areas.end(), [&](const std::string& area) {
        return absl::StartsWith(division, AreaPrefix(area));
      });
      int64_t rows = 0;
      if (!inside && absl::SimpleAtoi(ToView(it->value()), &rows)) outside += rows;
    }
    RETURN_IF_ERROR(FromRocks(it->status(), options_.path));
    return outside;
  }

  absl::StatusOr<int64_t> Rows(const DatasetId& dataset) override {
    ASSIGN_OR_RETURN(const std::optional<int64_t> count, Number(CountKey(dataset.value())));
    return count.value_or(0);
  }

 private:
  // One record of a batch that is new to the catalog.
  struct Change {
    std::string rows_key;
    absl::string_view row_key;
    absl::string_view envelope;
    absl::string_view payload;
    bool tombstone = false;
    Partition partition;
    Offset offset;
  };

  std::string Place(const DatasetId& dataset) const {
    return StrCat("catalog ", options_.receiver, "/", dataset.value());
  }

  static absl::StatusOr<std::optional<CatalogRow>> MakeRow(absl::string_view key,
                                                           absl::string_view value) {
    ASSIGN_OR_RETURN(const RowParts parts, ParseRow(value));
    CatalogRow row;
    row.key = std::string(key);
    row.envelope = std::string(parts.envelope);
    row.payload = std::string(parts.payload);
    row.from.partition = parts.partition;
    row.offset = parts.offset;
    return std::optional<CatalogRow>(std::move(row));
  }

  absl::StatusOr<std::optional<int64_t>> Number(const std::string& key) {
    std::string text;
    const rocksdb::Status status = db_->Get(rocksdb::ReadOptions(), handles_.meta, key, &text);
    if (status.IsNotFound()) return std::optional<int64_t>();
    RETURN_IF_ERROR(FromRocks(status, options_.path));
    int64_t value = 0;
    if (!absl::SimpleAtoi(text, &value))
      return absl::DataLossError(StrCat(options_.path, ": ", key, " cannot be read"));
    return std::optional<int64_t>(value);
  }

  absl::StatusOr<Offset> Applied(const TopicPartition& tp) {
    ASSIGN_OR_RETURN(const std::optional<int64_t> offset, Number(AppliedKey(tp)));
    return Offset(offset.value_or(0));
  }

  absl::StatusOr<std::shared_ptr<const Table>> Find(const DatasetId& dataset) {
    absl::ReaderMutexLock lock(&mutex_);
    const auto it = tables_.find(dataset.value());
    if (it == tables_.end())
      return absl::NotFoundError(
          StrCat("receiver ", options_.receiver, " holds no dataset ", dataset.value()));
    return it->second;
  }

  absl::StatusOr<std::vector<std::optional<std::string>>> GetMany(
      const std::vector<std::string>& keys, const std::string& place) {
    std::vector<rocksdb::Slice> slices(keys.begin(), keys.end());
    std::vector<rocksdb::PinnableSlice> values(keys.size());
    std::vector<rocksdb::Status> statuses(keys.size());
    db_->MultiGet(rocksdb::ReadOptions(), handles_.rows, keys.size(), slices.data(), values.data(),
                  statuses.data());
    std::vector<std::optional<std::string>> out(keys.size());
    for (size_t i = 0; i < keys.size(); ++i) {
      if (statuses[i].IsNotFound()) continue;
      RETURN_IF_ERROR(FromRocks(statuses[i], place));
      out[i] = values[i].ToString();
    }
    return out;
  }

  absl::Status Collect(const DatasetId& dataset, const StoredBatch& batch, Offset applied,
                       std::vector<Change>* changes) {
    ASSIGN_OR_RETURN(const RecordBatchView view, RecordBatchView::Parse(batch.bytes));
    view.ForEach([&](int i, const RecordView& record) {
      const Offset offset = batch.offsets.empty() ? Offset(batch.first_offset.value() + i)
                                                  : batch.offsets[static_cast<size_t>(i)];
      if (offset < applied) return;
      changes->push_back({RowsKey(dataset.value(), record.key), record.key, record.header,
                          record.value, record.tombstone, batch.from.partition, offset});
    });
    return absl::OkStatus();
  }

  absl::Status Write(const DatasetId& dataset, const Table& table, std::vector<Change>& changes,
                     int64_t* count, std::map<std::string, int64_t>* divisions,
                     rocksdb::WriteBatch* out);

  const RocksCatalogOptions options_;
  std::unique_ptr<rocksdb::DB> db_;
  Handles handles_;
  absl::Mutex apply_mutex_;  // one Apply at a time
  absl::Mutex mutex_;
  absl::flat_hash_map<std::string, std::shared_ptr<const Table>> tables_ ABSL_GUARDED_BY(mutex_);
};

absl::Status RocksCatalogStore::Open() {
  RETURN_IF_ERROR(MakeDirectories(options_.path));
  rocksdb::BlockBasedTableOptions table;
  table.block_cache = rocksdb::NewLRUCache(options_.block_cache_bytes);
  table.checksum = rocksdb::kXXH3;
  table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(10));
  table.cache_index_and_filter_blocks = true;
  table.pin_l0_filter_and_index_blocks_in_cache = true;
  table.format_version = 5;
  rocksdb::ColumnFamilyOptions rows;
  rows.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  rows.write_buffer_size = options_.write_buffer_bytes;
  rows.compression = rocksdb::kLZ4Compression;
  rows.memtable_whole_key_filtering = true;
  rows.memtable_prefix_bloom_size_ratio = 0.02;
  rocksdb::ColumnFamilyOptions index = rows;
  index.write_buffer_size = options_.write_buffer_bytes / 2;
  rocksdb::ColumnFamilyOptions meta;
  meta.write_buffer_size = 4 << 20;
  rocksdb::DBOptions db;
  db.create_if_missing = true;
  db.create_missing_column_families = true;
  db.atomic_flush = true;  // offsets never persist ahead of rows
  db.info_log_level = rocksdb::WARN_LEVEL;
  db.keep_log_file_num = 3;
  db.max_background_jobs = 2;
  std::vector<rocksdb::ColumnFamilyHandle*> handles;
  rocksdb::DB* raw = nullptr;
  RETURN_IF_ERROR(
      FromRocks(rocksdb::DB::Open(
                    db, options_.path,
                    {{rocksdb::kDefaultColumnFamilyName, meta}, {"rows", rows}, {"index", index}},
                    &handles, &raw),
                StrCat("catalog ", options_.path)));
  db_.reset(raw);
  handles_ = {handles[1], handles[2], handles[0]};
  return absl::OkStatus();
}

absl::Status RocksCatalogStore::EnsureDataset(std::shared_ptr<const schema::Contract> contract) {
  absl::MutexLock apply(&apply_mutex_);
  const std::string dataset = contract->id().value();
  auto table = MakeTable(contract);
  std::string wanted;
  for (const schema::Field* field : table->indexed) absl::StrAppend(&wanted, field->number, ",");
  std::string built;
  const rocksdb::Status status =
      db_->Get(rocksdb::ReadOptions(), handles_.meta, BuiltKey(dataset), &built);
  if (!status.IsNotFound()) RETURN_IF_ERROR(FromRocks(status, options_.path));
  rocksdb::WriteOptions no_log;
  no_log.disableWAL = true;
  if (built != wanted) {
    // A newer contract indexes other fields: the index is built from the rows.
    const std::string prefix = RowsKey(dataset, "");
    std::unique_ptr<rocksdb::Iterator> it(db_->NewIterator(rocksdb::ReadOptions(), handles_.rows));
    rocksdb::WriteBatch batch;
    std::vector<std::string> keys;
    for (it->Seek(prefix); it->Valid() && absl::StartsWith(ToView(it->key()), prefix); it->Next()) {
      ASSIGN_OR_RETURN(const RowParts parts, ParseRow(ToView(it->value())));
      RETURN_IF_ERROR(IndexKeysOf(*table, dataset, ToView(it->key()).substr(prefix.size()),
                                  parts.payload, &keys));
      for (const std::string& key : keys) batch.Put(handles_.index, key, "");
      if (batch.GetDataSize() > (4U << 20)) {
        RETURN_IF_ERROR(FromRocks(db_->Write(no_log, &batch), options_.path));
        batch.Clear();
      }
    }
    RETURN_IF_ERROR(FromRocks(it->status(), options_.path));
    batch.Put(handles_.meta, BuiltKey(dataset), wanted);
    RETURN_IF_ERROR(FromRocks(db_->Write(no_log, &batch), options_.path));
  }
  absl::MutexLock lock(&mutex_);
  tables_[dataset] = std::move(table);
  return absl::OkStatus();
}

absl::Status RocksCatalogStore::Write(const DatasetId& dataset, const Table& table,
                                      std::vector<Change>& changes, int64_t* count,
                                      std::map<std::string, int64_t>* divisions,
                                      rocksdb::WriteBatch* out) {
  // The last change of a key in this call is the one that counts.
  absl::flat_hash_map<absl::string_view, size_t> last;
  for (size_t i = 0; i < changes.size(); ++i) last[changes[i].row_key] = i;
  std::vector<std::string> keys;
  std::vector<size_t> places;
  for (size_t i = 0; i < changes.size(); ++i) {
    if (last[changes[i].row_key] != i) continue;
    keys.push_back(changes[i].rows_key);
    places.push_back(i);
  }
  ASSIGN_OR_RETURN(const auto old_values, GetMany(keys, Place(dataset)));
  std::string value;
  std::vector<std::string> index_keys;
  for (size_t k = 0; k < places.size(); ++k) {
    const Change& change = changes[places[k]];
    if (old_values[k].has_value()) {
      ASSIGN_OR_RETURN(const RowParts old, ParseRow(*old_values[k]));
      RETURN_IF_ERROR(
          IndexKeysOf(table, dataset.value(), change.row_key, old.payload, &index_keys));
      for (const std::string& key : index_keys) out->Delete(handles_.index, key);
      --*count;
      --(*divisions)[std::string(DivisionOf(old.envelope))];
    }
    if (change.tombstone) {
      if (old_values[k].has_value()) out->Delete(handles_.rows, change.rows_key);
      continue;
    }
    ++*count;
    ++(*divisions)[std::string(DivisionOf(change.envelope))];
    RETURN_IF_ERROR(
        IndexKeysOf(table, dataset.value(), change.row_key, change.payload, &index_keys));
    for (const std::string& key : index_keys) out->Put(handles_.index, key, "");
    EncodeRow(change.partition, change.offset, change.envelope, change.payload, &value);
    out->Put(handles_.rows, change.rows_key, value);
  }
  return absl::OkStatus();
}

absl::Status RocksCatalogStore::Apply(const DatasetId& dataset,
                                      absl::Span<const StoredBatch> batches) {
  absl::MutexLock apply(&apply_mutex_);
  ASSIGN_OR_RETURN(const std::shared_ptr<const Table> table, Find(dataset));
  std::map<TopicPartition, Offset> applied;
  std::vector<Change> changes;
  for (const StoredBatch& batch : batches) {
    auto [next, fresh] = applied.try_emplace(batch.from);
    if (fresh) {
      ASSIGN_OR_RETURN(next->second, Applied(batch.from));
    }
    if (batch.next <= next->second) continue;
    RETURN_IF_ERROR(
        Annotate(Collect(dataset, batch, next->second, &changes),
                 StrCat("topic ", batch.from.topic, ", offset ", batch.first_offset.value())));
    next->second = batch.next;
  }
  if (applied.empty()) return absl::OkStatus();
  ASSIGN_OR_RETURN(int64_t count, Rows(dataset));
  std::map<std::string, int64_t> divisions;
  rocksdb::WriteBatch out;
  RETURN_IF_ERROR(Write(dataset, *table, changes, &count, &divisions, &out));
  for (const auto& [tp, next] : applied) {
    out.Put(handles_.meta, AppliedKey(tp), StrCat(next.value()));
    out.Put(handles_.meta, TopicOfKey(dataset.value()), tp.topic);
  }
  for (const auto& [division, change] : divisions) {
    ASSIGN_OR_RETURN(const std::optional<int64_t> before, Number(DivisionKey(division)));
    out.Put(handles_.meta, DivisionKey(division), StrCat(before.value_or(0) + change));
  }
  out.Put(handles_.meta, CountKey(dataset.value()), StrCat(count));
  rocksdb::WriteOptions no_log;
  no_log.disableWAL = true;
  return FromRocks(db_->Write(no_log, &out), Place(dataset));
}

}  // namespace

absl::StatusOr<std::unique_ptr<RocksCatalog>> RocksCatalog::Open(RocksCatalogOptions options) {
  auto catalog = std::make_unique<RocksCatalogStore>(std::move(options));
  RETURN_IF_ERROR(catalog->Open());
  return std::unique_ptr<RocksCatalog>(std::move(catalog));
}

}  // namespace huiliu
