#include "broker/catalog/rocksdb/catalog_snapshot.h"

#include <algorithm>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "broker/catalog/rocksdb/catalog_format.h"
#include "broker/catalog/rocksdb/run_cursor.h"
#include "core/base/status.h"

namespace huiliu::rocks_catalog {

absl::StatusOr<CatalogRow> MakeRow(const DatasetState& state, absl::string_view key,
                                   absl::string_view value) {
  ASSIGN_OR_RETURN(const RowParts parts, ParseRow(value));
  CatalogRow row;
  row.key = std::string(key);
  row.envelope = std::string(parts.envelope);
  row.payload = std::string(parts.payload);
  row.from = {state.topic, parts.partition};
  row.offset = parts.offset;
  return row;
}

namespace {

// Walks a family's keys of one dataset and the runs' items together, ascending; of equal keys it
// stands on the newest. Keys are without the dataset's prefix.
template <typename Item>
class MergedCursor {
 public:
  MergedCursor(rocksdb::Iterator* base, const std::string& prefix) : base_(base), prefix_(prefix) {}
  void Add(const std::vector<Item>& items) { runs_.Add(items); }

  void Seek(const std::string& key) {
    base_->Seek(prefix_ + key);
    runs_.Seek(key);
    Settle();
  }
  bool valid() const { return valid_; }
  absl::string_view key() const { return key_; }
  // The run's item that is current; nullptr where the base's is.
  const Item* item() const { return in_run_ ? &runs_.item() : nullptr; }
  absl::string_view base_value() const { return ToView(base_->value()); }

  void Next() {
    const std::string passed(key_);
    while (runs_.valid() && runs_.item().key() == passed) runs_.Next();
    if (BaseValid() && BaseKey() == passed) base_->Next();
    Settle();
  }

 private:
  bool BaseValid() const {
    return base_->Valid() && absl::StartsWith(ToView(base_->key()), prefix_);
  }
  absl::string_view BaseKey() const { return ToView(base_->key()).substr(prefix_.size()); }
  void Settle() {
    const bool base = BaseValid();
    valid_ = base || runs_.valid();
    in_run_ = runs_.valid() && (!base || runs_.item().key() <= BaseKey());
    if (valid_) key_ = in_run_ ? runs_.item().key() : BaseKey();
  }

  rocksdb::Iterator* const base_;
  const std::string& prefix_;
  RunCursor<Item> runs_;
  absl::string_view key_;
  bool valid_ = false;
  bool in_run_ = false;
};

constexpr size_t kFetchRows = 256;

}  // namespace

rocksdb::ReadOptions RocksSnapshot::Options() const {
  rocksdb::ReadOptions options;
  options.snapshot = snapshot_;
  return options;
}

absl::StatusOr<ScanResult> RocksSnapshot::Scan(const DatasetId& dataset,
                                               const ScanRequest& request) const {
  const auto found = view_.find(dataset.value());
  if (found == view_.end())
    return absl::NotFoundError(
        absl::StrCat("回流库中没有该数据集 / the catalog holds no dataset ", dataset.value()));
  const DatasetState& state = *found->second;
  ScanResult result;
  if (request.condition.has_value() && request.condition->field != IndexCondition::kKeyPrefix) {
    ASSIGN_OR_RETURN(const IndexCondition condition, WithDivisions(state, *request.condition));
    ASSIGN_OR_RETURN(const std::vector<Range> ranges, state.index->Ranges(condition));
    const int field = condition.field;
    result.plan =
        field == IndexCondition::kDivision
            ? "index on division"
            : absl::StrCat("index on ",
                           state.index->contract().fields()[static_cast<size_t>(field)].name);
    RETURN_IF_ERROR(Annotate(ScanIndex(state, ranges, request, &result), dataset.value()));
    return result;
  }
  std::vector<Range> ranges;
  if (request.condition.has_value()) {
    result.plan = "key";
    std::vector<std::string> prefixes = request.condition->equals;
    std::sort(prefixes.begin(), prefixes.end());
    for (const std::string& prefix : prefixes) {
      const bool covered = !ranges.empty() && absl::StartsWith(prefix, ranges.back().first);
      if (!covered) ranges.emplace_back(prefix, BehindPrefix(prefix));
    }
    if (ranges.empty()) ranges.emplace_back(request.condition->at_least, request.condition->below);
  } else {
    result.plan = "rows in key order";
    ranges.emplace_back();
  }
  RETURN_IF_ERROR(Annotate(ScanRows(state, ranges, request, &result), dataset.value()));
  return result;
}

absl::Status RocksSnapshot::ScanRows(const DatasetState& state, const std::vector<Range>& ranges,
                                     const ScanRequest& request, ScanResult* result) const {
  std::unique_ptr<rocksdb::Iterator> base(base_.db().NewIterator(Options(), base_.rows()));
  MergedCursor<DeltaRow> cursor(base.get(), state.prefix);
  for (const RunPtr& run : state.runs) cursor.Add(run->rows());
  const size_t most = std::max<size_t>(request.max_rows, 1);
  size_t visited = 0, bytes = 0;
  std::string last;
  for (const auto& [begin, end] : ranges) {
    if (!request.after.empty() && !end.empty() && end <= request.after) continue;
    const bool resume = !request.after.empty() && begin <= request.after;
    for (cursor.Seek(resume ? request.after + '\0' : begin); cursor.valid(); cursor.Next()) {
      if (!end.empty() && cursor.key() >= absl::string_view(end)) break;
      if (visited++ == most || bytes >= request.max_bytes) {
        result->next = last;
        return absl::OkStatus();
      }
      last = std::string(cursor.key());
      const DeltaRow* row = cursor.item();
      if (row != nullptr && row->tombstone()) continue;
      ASSIGN_OR_RETURN(result->rows.emplace_back(),
                       MakeRow(state, last, row != nullptr ? row->value() : cursor.base_value()));
      bytes += BytesOf(result->rows.back());
    }
    RETURN_IF_ERROR(FromRocks(base->status(), "rows"));
  }
  return absl::OkStatus();
}

absl::StatusOr<IndexCondition> RocksSnapshot::WithDivisions(const DatasetState& state,
                                                            const IndexCondition& condition) const {
  if (condition.lies_in == nullptr) return condition;
  IndexCondition out;
  out.field = condition.field;
  std::unique_ptr<rocksdb::Iterator> base(base_.db().NewIterator(Options(), base_.index()));
  MergedCursor<DeltaIndexEntry> cursor(base.get(), state.prefix);
  for (const RunPtr& run : state.runs) cursor.Add(run->division_entries());
  // From each division straight to the next: there are few, of many rows.
  std::string division;
  for (cursor.Seek(IndexPrefix(kDivisionNumber));
       cursor.valid() && DivisionOfIndex(cursor.key(), &division);) {
    if (condition.lies_in(division)) out.equals.push_back(division);
    std::string behind;
    AppendDivisionKey(division, "", &behind);
    behind.back() = '\1';
    cursor.Seek(behind);
  }
  RETURN_IF_ERROR(FromRocks(base->status(), "index"));
  return out;
}

absl::Status RocksSnapshot::ScanIndex(const DatasetState& state, const std::vector<Range>& ranges,
                                      const ScanRequest& request, ScanResult* result) const {
  std::unique_ptr<rocksdb::Iterator> base(base_.db().NewIterator(Options(), base_.index()));
  MergedCursor<DeltaIndexEntry> cursor(base.get(), state.prefix);
  const bool by_division = request.condition->field == IndexCondition::kDivision;
  for (const RunPtr& run : state.runs)
    cursor.Add(by_division ? run->division_entries() : run->entries());
  const size_t most = std::max<size_t>(request.max_rows, 1);
  size_t visited = 0;
  std::vector<std::string> keys;  // found, their rows not fetched yet
  std::string last;               // of the keys before them
  for (const auto& [begin, end] : ranges) {
    if (!request.after.empty() && end <= request.after) continue;
    const bool resume = !request.after.empty() && begin <= request.after;
    for (cursor.Seek(resume ? request.after + '\0' : begin); cursor.valid(); cursor.Next()) {
      if (cursor.key() >= absl::string_view(end)) break;
      if (visited++ == most) {
        RETURN_IF_ERROR(FetchRows(state, keys, request.max_bytes, result));
        if (result->next.empty()) result->next = keys.empty() ? last : keys.back();
        return absl::OkStatus();
      }
      keys.emplace_back(cursor.key());
      if (keys.size() < kFetchRows) continue;
      RETURN_IF_ERROR(FetchRows(state, keys, request.max_bytes, result));
      if (!result->next.empty()) return absl::OkStatus();
      last = keys.back();
      keys.clear();
    }
    RETURN_IF_ERROR(FromRocks(base->status(), "index"));
  }
  return FetchRows(state, keys, request.max_bytes, result);
}

absl::Status RocksSnapshot::FetchRows(const DatasetState& state,
                                      const std::vector<std::string>& index_keys, size_t max_bytes,
                                      ScanResult* result) const {
  std::vector<absl::string_view> row_keys(index_keys.size());
  std::vector<const DeltaRow*> in_runs(index_keys.size());
  std::vector<std::string> base_keys;
  for (size_t i = 0; i < index_keys.size(); ++i) {
    if (!RowKeyOfIndex(index_keys[i], &row_keys[i])) return absl::DataLossError("a torn index key");
    in_runs[i] = FindInRuns(state.runs, row_keys[i]);
    if (in_runs[i] == nullptr) base_keys.push_back(absl::StrCat(state.prefix, row_keys[i]));
  }
  std::sort(base_keys.begin(), base_keys.end());
  base_keys.erase(std::unique(base_keys.begin(), base_keys.end()), base_keys.end());
  std::vector<rocksdb::PinnableSlice> values;
  std::vector<rocksdb::Status> statuses;
  rocksdb::ReadOptions options = Options();
  options.value_size_soft_limit = max_bytes;
  RETURN_IF_ERROR(base_.MultiGetRows(options, base_keys, &values, &statuses));
  size_t bytes = 0;
  for (const CatalogRow& row : result->rows) bytes += BytesOf(row);
  for (size_t i = 0; i < index_keys.size(); ++i) {
    rocksdb::PinnableSlice alone;
    absl::string_view value;
    if (in_runs[i] != nullptr) {
      if (in_runs[i]->tombstone()) continue;
      value = in_runs[i]->value();
    } else {
      const std::string key = absl::StrCat(state.prefix, row_keys[i]);
      const auto at = static_cast<size_t>(
          std::lower_bound(base_keys.begin(), base_keys.end(), key) - base_keys.begin());
      rocksdb::Status status = statuses[at];
      // Behind the limit, which counts in key order: it may be the first in index order.
      if (status.IsAborted()) status = base_.db().Get(Options(), base_.rows(), key, &alone);
      if (status.IsNotFound()) continue;
      RETURN_IF_ERROR(FromRocks(status, "rows"));
      value = ToView(statuses[at].IsAborted() ? alone : values[at]);
    }
    // The entry may be an older version's: it counts only where the row still has the value.
    ASSIGN_OR_RETURN(CatalogRow row, MakeRow(state, row_keys[i], value));
    if (!state.index->Has(row.envelope, row.payload, row_keys[i], index_keys[i])) continue;
    bytes += BytesOf(row);
    result->rows.push_back(std::move(row));
    if (bytes < max_bytes) continue;
    result->next = index_keys[i];
    return absl::OkStatus();
  }
  return absl::OkStatus();
}

std::vector<std::pair<TopicPartition, Offset>> RocksSnapshot::Applied(
    const DatasetId& dataset) const {
  const auto found = view_.find(dataset.value());
  if (found == view_.end()) return {};
  return {found->second->applied.begin(), found->second->applied.end()};
}

}  // namespace huiliu::rocks_catalog
