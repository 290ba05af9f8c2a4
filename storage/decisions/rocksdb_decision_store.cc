#include "storage/decisions/rocksdb_decision_store.h"

#include <deque>
#include <thread>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "core/base/status.h"
#include "storage/decisions/decision_files.h"
#include "storage/decisions/key_filter.h"
#include "storage/decisions/update_table.h"

namespace huiliu {
namespace {

// A full table is handed to one writer thread; while it writes, the next one fills. When that one
// is full too, Commit waits.
class TableStore : public DecisionStore {
 public:
  TableStore(const RocksDbDecisionStoreOptions& options, std::unique_ptr<DecisionFiles> files)
      : options_(options),
        files_(std::move(files)),
        filter_(options.filter_bytes),
        filling_(options.filter_bytes > 0) {}
  ~TableStore() override {
    {
      absl::MutexLock lock(&mutex_);
      stop_ = true;
    }
    if (writer_.joinable()) writer_.join();
  }

  absl::Status Init() {
    committed_ = files_->written_sequence();
    uint64_t expected = committed_;
    RETURN_IF_ERROR(files_->ReadStaged([&](uint64_t sequence, std::string blob) -> absl::Status {
      if (sequence != ++expected)
        return absl::DataLossError(absl::StrCat("staged batch ", expected, " is missing"));
      return Keep(sequence, std::move(blob));
    }));
    writer_ = std::thread([this] { WriterLoop(); });
    return absl::OkStatus();
  }

  absl::Status Recover(uint64_t node_sequence) override {
    if (files_->rebuilding())
      return absl::FailedPreconditionError(
          "a rebuild of the decisions has not ended: rebuild again");
    if (node_sequence < committed_ || node_sequence > last_staged()) {
      return absl::FailedPreconditionError(
          absl::StrCat("decisions stand at sequence ", committed_, ", staged up to ", last_staged(),
                       ", the node at ", node_sequence, ": rebuild them from the node"));
    }
    if (node_sequence > committed_) RETURN_IF_ERROR(Commit(node_sequence));
    if (!staged_.empty()) RETURN_IF_ERROR(files_->DropStaged(committed_ + 1, last_staged()));
    staged_.clear();
    staged_bytes_ = 0;
    recovered_ = true;
    return absl::OkStatus();
  }

  absl::StatusOr<std::vector<std::optional<std::string>>> GetMany(
      absl::Span<const absl::string_view> keys) override {
    std::vector<std::optional<std::string>> values(keys.size());
    const std::shared_ptr<const UpdateTable> writing = writing_table();
    hashes_.resize(keys.size());
    for (size_t i = 0; i < keys.size(); ++i) {
      hashes_[i] = HashKey(files_->seed(), keys[i]);
      active_->Prefetch(hashes_[i]);
      if (writing != nullptr) writing->Prefetch(hashes_[i]);
      filter_.Prefetch(hashes_[i]);
    }
    wanted_.clear();
    for (size_t i = 0; i < keys.size(); ++i) {
      absl::string_view value;
      if (FindInMemory(writing.get(), hashes_[i], keys[i], &value)) {
        if (!value.empty()) values[i].emplace(value.data(), value.size());
      } else if (filter_.MayHold(hashes_[i])) {
        wanted_.push_back({hashes_[i], keys[i], &values[i]});
      }
    }
    RETURN_IF_ERROR(files_->Read(absl::MakeSpan(wanted_)));
    return values;
  }

  absl::Status Stage(uint64_t sequence, std::vector<DecisionUpdate> updates) override {
    if (!recovered_) return absl::FailedPreconditionError("Recover comes before Stage");
    if (sequence != last_staged() + 1) {
      return absl::FailedPreconditionError(
          absl::StrCat("staged sequence ", sequence, ", expected ", last_staged() + 1));
    }
    RETURN_IF_ERROR(failure());
    std::string blob = EncodeUpdates(updates);
    if (!staged_.empty() && staged_bytes_ + blob.size() > options_.staged_bytes) {
      return absl::ResourceExhaustedError("too many staged decisions wait for the node");
    }
    if (absl::Status status = files_->PutStaged(sequence, blob); !status.ok()) {
      // Whether it reached the disk is not known: nothing more is staged until a restart finds out.
      SetFailure(status);
      return status;
    }
    return Keep(sequence, std::move(blob));
  }

  absl::Status Commit(uint64_t sequence) override {
    if (sequence <= committed_ || sequence > last_staged()) {
      return absl::FailedPreconditionError(absl::StrCat("sequence ", sequence, " is not staged"));
    }
    while (committed_ < sequence) {
      staged_bytes_ -= staged_.front().bytes();
      active_->Add(std::move(staged_.front()));
      staged_.pop_front();
      ++committed_;
      if (active_->bytes() >= options_.table_bytes) RETURN_IF_ERROR(HandOver(committed_));
    }
    return absl::OkStatus();
  }

  uint64_t committed_sequence() const override { return committed_; }

  absl::Status ForEach(
      const std::function<absl::Status(absl::string_view, absl::string_view)>& f) override {
    RETURN_IF_ERROR(WaitForWriter());
    for (const UpdateTable::Slot& slot : active_->slots()) {
      if (slot.entry == nullptr) continue;
      absl::string_view rest(slot.entry, slot.bytes);
      UpdateEntry entry;
      if (TakeUpdateEntry(rest, &entry) && !entry.value.empty())
        RETURN_IF_ERROR(f(entry.key, entry.value));
    }
    return files_->Scan([&](const KeyHash& hash, const UpdateEntry& entry) -> absl::Status {
      absl::string_view newer;
      return active_->Find(hash, entry.key, &newer) ? absl::OkStatus() : f(entry.key, entry.value);
    });
  }

  absl::Status Rebuild(
      uint64_t sequence,
      const std::function<absl::StatusOr<std::vector<DecisionUpdate>>()>& next) override {
    RETURN_IF_ERROR(WaitForWriter());
    {
      absl::MutexLock lock(&mutex_);
      cleared_ = true;  // the filter's walk over the old truth ends here
      mutex_.Await(absl::Condition(
          +[](TableStore* self) ABSL_NO_THREAD_SAFETY_ANALYSIS { return !self->filling_; }, this));
    }
    RETURN_IF_ERROR(files_->Clear());
    staged_.clear();
    staged_bytes_ = 0;
    active_ = std::make_unique<UpdateTable>();
    while (true) {
      ASSIGN_OR_RETURN(const std::vector<DecisionUpdate> updates, next());
      if (updates.empty()) break;
      RETURN_IF_ERROR(active_->Add(files_->seed(), EncodeUpdates(updates)));
      // Sequence 0: what is written is not yet the truth of any sequence.
      if (active_->bytes() >= options_.table_bytes) RETURN_IF_ERROR(HandOver(0));
    }
    RETURN_IF_ERROR(HandOver(sequence));
    RETURN_IF_ERROR(WaitForWriter());
    RETURN_IF_ERROR(files_->EndRebuild());
    committed_ = sequence;
    recovered_ = true;
    return absl::OkStatus();
  }

 private:
  uint64_t last_staged() const { return committed_ + staged_.size(); }

  absl::Status Keep(uint64_t sequence, std::string blob) {
    UpdateTable table(blob.size() / 64);
    RETURN_IF_ERROR(
        Annotate(table.Add(files_->seed(), std::move(blob)), absl::StrCat("batch ", sequence)));
    staged_bytes_ += table.bytes();
    staged_.push_back(std::move(table));
    return absl::OkStatus();
  }

  bool FindInMemory(const UpdateTable* writing, const KeyHash& hash, absl::string_view key,
                    absl::string_view* value) const {
    for (auto batch = staged_.rbegin(); batch != staged_.rend(); ++batch) {
      if (batch->Find(hash, key, value)) return true;
    }
    return active_->Find(hash, key, value) ||
           (writing != nullptr && writing->Find(hash, key, value));
  }

  std::shared_ptr<const UpdateTable> writing_table() const ABSL_LOCKS_EXCLUDED(mutex_) {
    absl::MutexLock lock(&mutex_);
    return writing_;
  }
  absl::Status failure() const ABSL_LOCKS_EXCLUDED(mutex_) {
    absl::MutexLock lock(&mutex_);
    return failure_;
  }
  void SetFailure(const absl::Status& status) ABSL_LOCKS_EXCLUDED(mutex_) {
    absl::MutexLock lock(&mutex_);
    if (failure_.ok()) failure_ = status;
  }

  // Gives the active table, which reaches `sequence`, to the writer.
  absl::Status HandOver(uint64_t sequence) ABSL_LOCKS_EXCLUDED(mutex_) {
    RETURN_IF_ERROR(WaitForWriter());
    const size_t size = active_->size();
    absl::MutexLock lock(&mutex_);
    writing_ = std::exchange(active_, std::make_unique<UpdateTable>(size));
    writing_sequence_ = sequence;
    return absl::OkStatus();
  }

  absl::Status WaitForWriter() ABSL_LOCKS_EXCLUDED(mutex_) {
    absl::MutexLock lock(&mutex_);
    mutex_.Await(absl::Condition(
        +[](TableStore* self) ABSL_NO_THREAD_SAFETY_ANALYSIS {
          return self->writing_ == nullptr || !self->failure_.ok();
        },
        this));
    return failure_;
  }

  void WriterLoop() ABSL_LOCKS_EXCLUDED(mutex_) {
    FillFilter();
    while (true) {
      {
        absl::MutexLock lock(&mutex_);
        mutex_.Await(absl::Condition(
            +[](TableStore* self) ABSL_NO_THREAD_SAFETY_ANALYSIS {
              return self->stop_ || (self->writing_ != nullptr && self->failure_.ok());
            },
            this));
        // What is not written yet stands in staged batches.
        if (stop_) return;
      }
      WriteTable();
    }
  }

  // Writes the table that was handed over, where there is one.
  void WriteTable() ABSL_LOCKS_EXCLUDED(mutex_) {
    std::shared_ptr<const UpdateTable> table;
    uint64_t sequence = 0;
    {
      absl::MutexLock lock(&mutex_);
      if (writing_ == nullptr || !failure_.ok()) return;
      table = writing_;
      sequence = writing_sequence_;
    }
    for (const UpdateTable::Slot& slot : table->slots()) {
      if (slot.entry != nullptr) filter_.Add(slot.hash);
    }
    const absl::Status status = files_->Write(*table, sequence);
    absl::MutexLock lock(&mutex_);
    if (status.ok()) {
      writing_ = nullptr;
    } else if (failure_.ok()) {
      failure_ = status;
    }
  }

  // Adds what was written before this start; in between it writes tables that fill up meanwhile.
  void FillFilter() ABSL_LOCKS_EXCLUDED(mutex_) {
    size_t keys = 0;
    const absl::Status status =
        files_->Scan([&](const KeyHash& hash, const UpdateEntry&) -> absl::Status {
          filter_.Add(hash);
          if (++keys > filter_.capacity())
            return absl::ResourceExhaustedError("more keys than the filter pays for");
          if (keys % 4096 != 0) return absl::OkStatus();
          WriteTable();
          absl::MutexLock lock(&mutex_);
          return stop_ || cleared_ ? absl::CancelledError("") : absl::OkStatus();
        });
    absl::MutexLock lock(&mutex_);
    filter_.SetComplete(status.ok());
    filling_ = false;
  }

  const RocksDbDecisionStoreOptions options_;
  const std::unique_ptr<DecisionFiles> files_;
  KeyFilter filter_;

  // One caller at a time.
  std::unique_ptr<UpdateTable> active_ = std::make_unique<UpdateTable>();
  std::deque<UpdateTable> staged_;
  size_t staged_bytes_ = 0;
  uint64_t committed_ = 0;
  bool recovered_ = false;
  std::vector<KeyHash> hashes_;
  std::vector<DecisionFiles::Wanted> wanted_;

  mutable absl::Mutex mutex_;
  std::shared_ptr<const UpdateTable> writing_ ABSL_GUARDED_BY(mutex_);
  uint64_t writing_sequence_ ABSL_GUARDED_BY(mutex_) = 0;
  absl::Status failure_ ABSL_GUARDED_BY(mutex_);
  bool filling_ ABSL_GUARDED_BY(mutex_);
  bool cleared_ ABSL_GUARDED_BY(mutex_) = false;
  bool stop_ ABSL_GUARDED_BY(mutex_) = false;

  std::thread writer_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<DecisionStore>> RocksDbDecisionStore::Open(
    const std::string& path, const RocksDbDecisionStoreOptions& options) {
  ASSIGN_OR_RETURN(auto files, DecisionFiles::Open(path, options));
  auto store = std::make_unique<TableStore>(options, std::move(files));
  RETURN_IF_ERROR(store->Init());
  return std::unique_ptr<DecisionStore>(std::move(store));
}

}  // namespace huiliu
