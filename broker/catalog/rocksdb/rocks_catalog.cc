#include "broker/catalog/rocksdb/rocks_catalog.h"

#include <algorithm>
#include <thread>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "absl/synchronization/mutex.h"
#include "broker/catalog/rocksdb/catalog_base.h"
#include "broker/catalog/rocksdb/catalog_format.h"
#include "broker/catalog/rocksdb/catalog_snapshot.h"
#include "broker/catalog/rocksdb/catalog_view.h"
#include "broker/catalog/rocksdb/delta_builder.h"
#include "broker/catalog/rocksdb/delta_flush.h"
#include "broker/catalog/rocksdb/index_rebuild.h"
#include "core/base/status.h"

namespace huiliu {
namespace {

using namespace rocks_catalog;  // NOLINT: this file is the module's centre
using absl::StrCat;

constexpr char kFormatKey[] = "format";
constexpr char kFormat[] = "2";
constexpr absl::Duration kRetryFlush = absl::Seconds(1);

class RocksCatalogStore : public RocksCatalog {
 public:
  explicit RocksCatalogStore(RocksCatalogOptions options) : options_(std::move(options)) {}
  ~RocksCatalogStore() override;

  absl::Status Open();
  absl::Status EnsureDataset(std::shared_ptr<const schema::Contract> contract) override;
  absl::Status Apply(const DatasetId& dataset, absl::Span<const StoredBatch> batches) override;
  absl::StatusOr<Offset> AppliedOffset(const DatasetId& dataset,
                                       const TopicPartition& from) override;
  absl::Status Flush(const std::map<TopicPartition, Followed>& followed) override;
  absl::StatusOr<std::optional<Followed>> FollowedOf(const TopicPartition& from) override;
  absl::Status Rewind(const DatasetId& dataset, uint64_t generation) override;
  absl::StatusOr<uint64_t> Generation(const DatasetId& dataset) override;
  absl::StatusOr<std::optional<CatalogRow>> Get(const DatasetId& dataset,
                                                absl::string_view key) override;
  absl::StatusOr<std::vector<std::optional<CatalogRow>>> MultiGet(
      const DatasetId& dataset, absl::Span<const std::string> keys) override;
  absl::StatusOr<std::unique_ptr<CatalogSnapshot>> Snapshot() override {
    absl::MutexLock lock(&mutex_);
    return std::make_unique<RocksSnapshot>(*base_, view_);
  }
  absl::StatusOr<int64_t> Rows(const DatasetId& dataset) override {
    ASSIGN_OR_RETURN(const RowCounts counts, Counts(dataset.value()));
    return counts.rows;
  }
  absl::StatusOr<int64_t> RowsOutside(const std::vector<std::string>& areas) override;

 private:
  absl::StatusOr<std::shared_ptr<const DatasetState>> Find(const std::string& dataset)
      ABSL_LOCKS_EXCLUDED(mutex_);
  absl::Status LoadApplied(DatasetState* state, const std::string& dataset);
  absl::Status FlushAll() ABSL_EXCLUSIVE_LOCKS_REQUIRED(apply_mutex_);
  absl::Status WaitForRoom() ABSL_LOCKS_EXCLUDED(mutex_);
  bool ActiveIsFull() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    return active_bytes_ >= options_.delta_bytes || active_rows_ >= options_.delta_rows;
  }
  bool Flushing() const ABSL_SHARED_LOCKS_REQUIRED(mutex_) { return freezes_ != flushes_; }
  // Hands all active runs to the flusher; under apply_mutex_. Nothing may be frozen yet. False
  // where there is none.
  bool Freeze() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void RunFlusher();
  absl::Status FlushFrozen(const CatalogView& frozen);
  absl::StatusOr<RowCounts> Counts(const std::string& dataset) ABSL_LOCKS_EXCLUDED(mutex_);
  absl::StatusOr<RowCounts> CountRun(const DatasetState& state, size_t run);
  void Tell(const std::string& dataset, const RowOverlaps& overlaps) const;

  const RocksCatalogOptions options_;
  std::unique_ptr<CatalogBase> base_;
  std::thread flusher_;
  absl::Mutex apply_mutex_;  // one Apply or EnsureDataset at a time
  std::map<std::string, MetSources> met_ ABSL_GUARDED_BY(apply_mutex_);  // by dataset
  absl::Mutex count_mutex_;  // rows are not counted while RocksDB takes a flush in

  absl::Mutex mutex_;
  CatalogView view_ ABSL_GUARDED_BY(mutex_);
  CatalogView frozen_ ABSL_GUARDED_BY(mutex_);  // as it was when it froze
  std::map<std::string, RowCounts> stored_ ABSL_GUARDED_BY(mutex_);
  size_t active_bytes_ ABSL_GUARDED_BY(mutex_) = 0;
  size_t active_rows_ ABSL_GUARDED_BY(mutex_) = 0;
  uint64_t freezes_ ABSL_GUARDED_BY(mutex_) = 0;
  uint64_t flushes_ ABSL_GUARDED_BY(mutex_) = 0;
  absl::Status flush_error_ ABSL_GUARDED_BY(mutex_);
  bool closing_ ABSL_GUARDED_BY(mutex_) = false;
};

RocksCatalogStore::~RocksCatalogStore() {
  if (!flusher_.joinable()) return;
  Flush({}).IgnoreError();  // what is not flushed comes again from the log
  {
    absl::MutexLock lock(&mutex_);
    closing_ = true;
  }
  flusher_.join();
}

absl::Status RocksCatalogStore::Open() {
  ASSIGN_OR_RETURN(base_, CatalogBase::Open(options_));
  ASSIGN_OR_RETURN(const std::optional<std::string> format, base_->Meta(kFormatKey));
  if (!format.has_value()) {
    std::unique_ptr<rocksdb::Iterator> it(
        base_->db().NewIterator(rocksdb::ReadOptions(), base_->meta()));
    it->SeekToFirst();
    if (!it->Valid()) RETURN_IF_ERROR(base_->Ingest({}, {{kFormatKey, kFormat}}));
  }
  ASSIGN_OR_RETURN(const std::optional<std::string> now, base_->Meta(kFormatKey));
  if (now != kFormat) {
    return absl::DataLossError(StrCat("catalog ", options_.path, ": its format is not ", kFormat,
                                      "; remove the folder, it is rebuilt from the log"));
  }
  flusher_ = std::thread([this] { RunFlusher(); });
  return absl::OkStatus();
}

absl::StatusOr<std::shared_ptr<const DatasetState>> RocksCatalogStore::Find(
    const std::string& dataset) {
  absl::MutexLock lock(&mutex_);
  const auto it = view_.find(dataset);
  if (it == view_.end())
    return absl::NotFoundError(StrCat("接收方 ", options_.receiver, " 的回流库没有数据集 ", dataset,
                                      " / receiver ", options_.receiver, " holds no dataset ",
                                      dataset));
  return it->second;
}

absl::Status RocksCatalogStore::LoadApplied(DatasetState* state, const std::string& dataset) {
  ASSIGN_OR_RETURN(const std::optional<std::string> topic, base_->Meta(TopicKey(dataset)));
  state->topic = topic.value_or("");
  if (state->topic.empty()) return absl::OkStatus();
  const std::string prefix = AppliedPrefix(state->topic);
  std::unique_ptr<rocksdb::Iterator> it(
      base_->db().NewIterator(rocksdb::ReadOptions(), base_->meta()));
  for (it->Seek(prefix); it->Valid() && absl::StartsWith(ToView(it->key()), prefix); it->Next()) {
    int32_t partition = 0;
    int64_t offset = 0;
    if (!absl::SimpleAtoi(ToView(it->key()).substr(prefix.size()), &partition) ||
        !absl::SimpleAtoi(ToView(it->value()), &offset))
      return absl::DataLossError(StrCat(options_.path, ": an applied offset cannot be read"));
    state->applied[{state->topic, Partition(partition)}] = Offset(offset);
  }
  return FromRocks(it->status(), options_.path);
}

absl::Status RocksCatalogStore::EnsureDataset(std::shared_ptr<const schema::Contract> contract) {
  absl::MutexLock apply(&apply_mutex_);
  const std::string dataset = contract->id().value();
  auto state = std::make_shared<DatasetState>();
  state->prefix = DatasetPrefix(dataset);
  state->index = std::make_shared<RowIndex>(std::move(contract));
  ASSIGN_OR_RETURN(const std::optional<std::string> built, base_->Meta(IndexesKey(dataset)));
  const std::string wanted = StrCat("fields ", IndexedFields(*state->index));
  if (built != wanted) {
    RETURN_IF_ERROR(FlushAll());  // indexes are built from RocksDB's rows
    const std::string had(absl::StripPrefix(built.value_or(""), "fields "));
    RETURN_IF_ERROR(Annotate(RebuildIndexes(*base_, dataset, had, *state->index),
                             StrCat("indexes of ", dataset)));
  }
  auto old = Find(dataset);
  if (!old.ok()) RETURN_IF_ERROR(LoadApplied(state.get(), dataset));
  ASSIGN_OR_RETURN(const std::optional<std::string> counted, base_->Meta(CountsKey(dataset)));
  RowCounts counts;
  if (counted.has_value()) {
    ASSIGN_OR_RETURN(counts, RowCounts::Decode(*counted));
  }
  absl::MutexLock lock(&mutex_);
  if (old.ok()) {  // a flush may have ended since: the runs are taken from what is there now
    const DatasetState& now = *view_[dataset];
    state->topic = now.topic;
    state->runs = now.runs;
    state->frozen = now.frozen;
    state->applied = now.applied;
  } else {
    stored_[dataset] = std::move(counts);
  }
  view_[dataset] = std::move(state);
  return absl::OkStatus();
}

bool RocksCatalogStore::Freeze() {
  frozen_.clear();
  for (auto& [dataset, state] : view_) {
    if (state->runs.empty()) continue;
    auto changed = std::make_shared<DatasetState>(*state);
    changed->frozen = changed->runs.size();
    state = changed;
    frozen_[dataset] = changed;
  }
  if (frozen_.empty()) return false;
  active_bytes_ = active_rows_ = 0;
  ++freezes_;
  return true;
}

absl::Status RocksCatalogStore::WaitForRoom() {
  absl::MutexLock lock(&mutex_);
  if (!ActiveIsFull()) return absl::OkStatus();
  const auto settled = [this] {
    mutex_.AssertReaderHeld();
    return !Flushing() || !flush_error_.ok();
  };
  mutex_.Await(absl::Condition(&settled));
  if (Flushing()) return flush_error_;
  Freeze();
  return absl::OkStatus();
}

absl::Status RocksCatalogStore::Apply(const DatasetId& dataset,
                                      absl::Span<const StoredBatch> batches) {
  if (batches.empty()) return absl::OkStatus();
  absl::MutexLock apply(&apply_mutex_);
  RETURN_IF_ERROR(WaitForRoom());
  ASSIGN_OR_RETURN(const std::shared_ptr<const DatasetState> state, Find(dataset.value()));
  ASSIGN_OR_RETURN(DeltaPart part, BuildDelta(*state, batches, &met_[dataset.value()]));
  // In memory only: what was flushed is looked at when this is.
  for (size_t i = 0; part.of_several && part.run != nullptr && i < part.run->rows().size(); ++i) {
    const DeltaRow& row = part.run->rows()[i];
    if (const DeltaRow* older = FindInRuns(state->runs, row.key())) part.overlaps.Look(*older, row);
  }
  Tell(dataset.value(), part.overlaps);
  // Only this thread changes the active runs: they are merged without the lock.
  Runs active(state->runs.begin() + static_cast<std::ptrdiff_t>(state->frozen), state->runs.end());
  size_t bytes = 0, rows = 0;
  if (part.run != nullptr) {
    bytes = part.run->bytes();
    rows = part.run->rows().size();
    active.push_back(std::move(part.run));
    MergeTiers(&active);
  }
  absl::MutexLock lock(&mutex_);
  auto changed = std::make_shared<DatasetState>(*view_[dataset.value()]);
  changed->runs.resize(changed->frozen);
  changed->runs.insert(changed->runs.end(), active.begin(), active.end());
  changed->applied = std::move(part.applied);
  changed->topic = batches.front().from.topic;
  view_[dataset.value()] = std::move(changed);
  active_bytes_ += bytes;
  active_rows_ += rows;
  if (ActiveIsFull() && !Flushing()) Freeze();
  return absl::OkStatus();
}

void RocksCatalogStore::Tell(const std::string& dataset, const RowOverlaps& overlaps) const {
  if (options_.overlap == nullptr) return;
  for (const auto& [sources, rows] : overlaps.rows())
    options_.overlap({dataset, sources.first, sources.second, rows});
}

absl::StatusOr<Offset> RocksCatalogStore::AppliedOffset(const DatasetId& dataset,
                                                        const TopicPartition& from) {
  ASSIGN_OR_RETURN(const std::shared_ptr<const DatasetState> state, Find(dataset.value()));
  const auto it = state->applied.find(from);
  return it == state->applied.end() ? Offset(0) : it->second;
}

// The rows first: what is said of a partition must not be ahead of them.
absl::Status RocksCatalogStore::Flush(const std::map<TopicPartition, Followed>& followed) {
  absl::MutexLock apply(&apply_mutex_);
  RETURN_IF_ERROR(FlushAll());
  if (followed.empty()) return absl::OkStatus();
  std::map<std::string, std::string> meta;
  for (const auto& [tp, what] : followed) meta[FollowedKey(tp)] = EncodeFollowed(what);
  return base_->Ingest({}, meta);
}

absl::StatusOr<std::optional<Followed>> RocksCatalogStore::FollowedOf(const TopicPartition& from) {
  ASSIGN_OR_RETURN(const std::optional<std::string> stored, base_->Meta(FollowedKey(from)));
  if (!stored.has_value()) return std::optional<Followed>();
  ASSIGN_OR_RETURN(const Followed followed, ParseFollowed(*stored));
  return std::optional<Followed>(followed);
}

absl::Status RocksCatalogStore::Rewind(const DatasetId& dataset, uint64_t generation) {
  absl::MutexLock apply(&apply_mutex_);
  RETURN_IF_ERROR(FlushAll());
  ASSIGN_OR_RETURN(const std::shared_ptr<const DatasetState> state, Find(dataset.value()));
  std::map<std::string, std::string> meta;
  for (const auto& [tp, offset] : state->applied) {
    meta[AppliedKey(tp)] = "0";
    ASSIGN_OR_RETURN(const std::optional<Followed> followed, FollowedOf(tp));
    if (followed.has_value()) meta[FollowedKey(tp)] = EncodeFollowed({followed->at, Offset(0)});
  }
  meta[GenerationKey(dataset.value())] = StrCat(generation);
  RETURN_IF_ERROR(base_->Ingest({}, meta));
  absl::MutexLock lock(&mutex_);
  auto changed = std::make_shared<DatasetState>(*view_[dataset.value()]);
  for (auto& [tp, offset] : changed->applied) offset = Offset(0);
  view_[dataset.value()] = std::move(changed);
  return absl::OkStatus();
}

absl::StatusOr<uint64_t> RocksCatalogStore::Generation(const DatasetId& dataset) {
  ASSIGN_OR_RETURN(const std::optional<std::string> stored,
                   base_->Meta(GenerationKey(dataset.value())));
  uint64_t generation = 0;
  if (stored.has_value() && !absl::SimpleAtoi(*stored, &generation))
    return absl::DataLossError(StrCat(options_.path, ": a topic's generation cannot be read"));
  return generation;
}

absl::StatusOr<std::optional<CatalogRow>> RocksCatalogStore::Get(const DatasetId& dataset,
                                                                 absl::string_view key) {
  ASSIGN_OR_RETURN(const std::shared_ptr<const DatasetState> state, Find(dataset.value()));
  rocksdb::PinnableSlice stored;
  absl::string_view value;
  if (const DeltaRow* row = FindInRuns(state->runs, key)) {
    if (row->tombstone()) return std::optional<CatalogRow>();
    value = row->value();
  } else {
    const rocksdb::Status status =
        base_->db().Get(rocksdb::ReadOptions(), base_->rows(), StrCat(state->prefix, key), &stored);
    if (status.IsNotFound()) return std::optional<CatalogRow>();
    RETURN_IF_ERROR(FromRocks(status, options_.path));
    value = ToView(stored);
  }
  ASSIGN_OR_RETURN(CatalogRow row, MakeRow(*state, key, value));
  return std::optional<CatalogRow>(std::move(row));
}

absl::StatusOr<std::vector<std::optional<CatalogRow>>> RocksCatalogStore::MultiGet(
    const DatasetId& dataset, absl::Span<const std::string> keys) {
  ASSIGN_OR_RETURN(const std::shared_ptr<const DatasetState> state, Find(dataset.value()));
  std::vector<std::optional<CatalogRow>> out(keys.size());
  std::vector<std::pair<std::string, size_t>> rest;
  size_t bytes = 0;
  for (size_t i = 0; i < keys.size() && bytes <= kMaxMultiGetBytes; ++i) {
    const DeltaRow* row = FindInRuns(state->runs, keys[i]);
    if (row == nullptr) {
      rest.emplace_back(StrCat(state->prefix, keys[i]), i);
    } else if (!row->tombstone()) {
      ASSIGN_OR_RETURN(out[i], MakeRow(*state, keys[i], row->value()));
      bytes += BytesOf(*out[i]);
    }
  }
  std::sort(rest.begin(), rest.end());
  std::vector<std::string> sorted;
  for (const auto& [key, place] : rest) sorted.push_back(key);
  std::vector<rocksdb::PinnableSlice> values;
  std::vector<rocksdb::Status> statuses;
  rocksdb::ReadOptions options;
  options.value_size_soft_limit = kMaxMultiGetBytes;
  RETURN_IF_ERROR(base_->MultiGetRows(options, sorted, &values, &statuses));
  for (size_t i = 0; i < rest.size() && bytes <= kMaxMultiGetBytes; ++i) {
    if (statuses[i].IsNotFound()) continue;
    if (statuses[i].IsAborted()) {  // behind the limit
      bytes = kMaxMultiGetBytes + 1;
      break;
    }
    const size_t place = rest[i].second;
    ASSIGN_OR_RETURN(out[place], MakeRow(*state, keys[place], ToView(values[i])));
    bytes += BytesOf(*out[place]);
  }
  if (bytes <= kMaxMultiGetBytes) return out;
  return absl::ResourceExhaustedError(StrCat("这些行合计超过 ", kMaxMultiGetBytes >> 20,
                                             " MiB，请减少一次查询的键 / the rows are larger than ",
                                             kMaxMultiGetBytes >> 20,
                                             " MiB together; ask for fewer keys at once"));
}

// By how much a run changed the counts, given the runs before it and RocksDB.
absl::StatusOr<RowCounts> RocksCatalogStore::CountRun(const DatasetState& state, size_t run) {
  const auto before = absl::MakeSpan(state.runs).subspan(0, run);
  RowCounts change;
  std::vector<std::string> keys;
  std::vector<rocksdb::PinnableSlice> values;
  std::vector<rocksdb::Status> statuses;
  const auto count_base = [&]() -> absl::Status {
    RETURN_IF_ERROR(base_->MultiGetRows(rocksdb::ReadOptions(), keys, &values, &statuses));
    for (size_t i = 0; i < keys.size(); ++i) {
      if (statuses[i].ok()) change.Add(ToView(values[i]), -1);
    }
    keys.clear();
    return absl::OkStatus();
  };
  for (const DeltaRow& row : state.runs[run]->rows()) {
    if (!row.tombstone()) change.Add(row.value(), 1);
    if (const DeltaRow* older = FindInRuns(before, row.key())) {
      if (!older->tombstone()) change.Add(older->value(), -1);
      continue;
    }
    keys.push_back(StrCat(state.prefix, row.key()));
    if (keys.size() == 1000) RETURN_IF_ERROR(count_base());
  }
  RETURN_IF_ERROR(count_base());
  return change;
}

absl::StatusOr<RowCounts> RocksCatalogStore::Counts(const std::string& dataset) {
  absl::MutexLock counting(&count_mutex_);
  ASSIGN_OR_RETURN(const std::shared_ptr<const DatasetState> state, Find(dataset));
  RowCounts counts;
  {
    absl::MutexLock lock(&mutex_);
    counts = stored_[dataset];
  }
  for (size_t i = 0; i < state->runs.size(); ++i) {
    const DeltaRun& run = *state->runs[i];
    std::shared_ptr<const RowCounts> change = run.change;
    if (change == nullptr) {
      ASSIGN_OR_RETURN(RowCounts counted, CountRun(*state, i));
      change = std::make_shared<const RowCounts>(std::move(counted));
      run.change = change;
    }
    counts.Add(*change);
  }
  return counts;
}

absl::StatusOr<int64_t> RocksCatalogStore::RowsOutside(const std::vector<std::string>& areas) {
  std::vector<std::string> datasets;
  {
    absl::MutexLock lock(&mutex_);
    for (const auto& [dataset, state] : view_) datasets.push_back(dataset);
  }
  int64_t outside = 0;
  for (const std::string& dataset : datasets) {
    ASSIGN_OR_RETURN(const RowCounts counts, Counts(dataset));
    outside += counts.Outside(areas);
  }
  return outside;
}

absl::Status RocksCatalogStore::FlushFrozen(const CatalogView& frozen) {
  DeltaFlush flush(*base_);
  for (const auto& [dataset, state] : frozen) {
    RowCounts counts;
    {
      absl::MutexLock lock(&mutex_);
      counts = stored_[dataset];
    }
    RETURN_IF_ERROR(Annotate(flush.Add(dataset, *state, counts),
                             StrCat("catalog ", options_.receiver, "/", dataset)));
  }
  absl::MutexLock counting(&count_mutex_);
  RETURN_IF_ERROR(flush.Ingest());
  for (const auto& [dataset, overlaps] : flush.overlaps()) Tell(dataset, overlaps);
  absl::MutexLock lock(&mutex_);
  for (const auto& [dataset, state] : frozen) {
    auto changed = std::make_shared<DatasetState>(*view_[dataset]);
    changed->runs.erase(changed->runs.begin(),
                        changed->runs.begin() + static_cast<std::ptrdiff_t>(changed->frozen));
    changed->frozen = 0;
    view_[dataset] = std::move(changed);
    stored_[dataset] = flush.stored().at(dataset);
  }
  return absl::OkStatus();
}

void RocksCatalogStore::RunFlusher() {
  const auto wanted = [this] {
    mutex_.AssertReaderHeld();
    return Flushing() || closing_;
  };
  while (true) {
    CatalogView frozen;
    {
      absl::MutexLock lock(&mutex_);
      mutex_.Await(absl::Condition(&wanted));
      if (!Flushing() || (closing_ && !flush_error_.ok())) return;
      frozen = frozen_;
    }
    const absl::Status status = FlushFrozen(frozen);
    frozen.clear();
    absl::MutexLock lock(&mutex_);
    flush_error_ = status;
    if (status.ok()) {
      ++flushes_;
      frozen_.clear();
      continue;
    }
    mutex_.AwaitWithTimeout(absl::Condition(&closing_), kRetryFlush);
    base_->db().Resume().PermitUncheckedError();  // after a full disk; the next try tells
  }
}

absl::Status RocksCatalogStore::FlushAll() {
  absl::MutexLock lock(&mutex_);
  const auto settled = [this] {
    mutex_.AssertReaderHeld();
    return !Flushing() || !flush_error_.ok();
  };
  mutex_.Await(absl::Condition(&settled));
  if (Flushing()) return flush_error_;
  if (!Freeze()) return absl::OkStatus();
  mutex_.Await(absl::Condition(&settled));
  return Flushing() ? flush_error_ : absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::unique_ptr<RocksCatalog>> RocksCatalog::Open(RocksCatalogOptions options) {
  auto catalog = std::make_unique<RocksCatalogStore>(std::move(options));
  RETURN_IF_ERROR(catalog->Open());
  return std::unique_ptr<RocksCatalog>(std::move(catalog));
}

}  // namespace huiliu
