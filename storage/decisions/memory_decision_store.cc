#include <deque>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"
#include "core/base/status.h"
#include "storage/decisions/decision_store.h"

namespace huiliu {
namespace {

class MemoryDecisionStore : public DecisionStore {
 public:
  absl::Status Recover(uint64_t node_sequence) override {
    while (committed_ < node_sequence && !staged_.empty()) RETURN_IF_ERROR(Commit(committed_ + 1));
    if (committed_ != node_sequence) {
      return absl::FailedPreconditionError(absl::StrCat("decisions stand at sequence ", committed_,
                                                        ", the node at ", node_sequence,
                                                        ": rebuild them from the node"));
    }
    staged_.clear();
    return absl::OkStatus();
  }

  absl::StatusOr<std::vector<std::optional<std::string>>> GetMany(
      absl::Span<const absl::string_view> keys) override {
    std::vector<std::optional<std::string>> values(keys.size());
    for (size_t i = 0; i < keys.size(); ++i) {
      const std::string* value = Find(keys[i]);
      if (value != nullptr && !value->empty()) values[i] = *value;
    }
    return values;
  }

  absl::Status Stage(uint64_t sequence, std::vector<DecisionUpdate> updates) override {
    const uint64_t expected = committed_ + staged_.size() + 1;
    if (sequence != expected) {
      return absl::FailedPreconditionError(
          absl::StrCat("staged sequence ", sequence, ", expected ", expected));
    }
    auto& batch = staged_.emplace_back();
    for (DecisionUpdate& update : updates) batch[std::move(update.key)] = std::move(update.value);
    return absl::OkStatus();
  }

  absl::Status Commit(uint64_t sequence) override {
    if (sequence <= committed_ || sequence > committed_ + staged_.size()) {
      return absl::FailedPreconditionError(absl::StrCat("sequence ", sequence, " is not staged"));
    }
    for (; committed_ < sequence; ++committed_) {
      for (auto& [key, value] : staged_.front()) {
        if (value.empty()) {
          truth_.erase(key);
        } else {
          truth_[key] = std::move(value);
        }
      }
      staged_.pop_front();
    }
    return absl::OkStatus();
  }

  uint64_t committed_sequence() const override { return committed_; }

  absl::Status ForEach(
      const std::function<absl::Status(absl::string_view, absl::string_view)>& f) override {
    for (const auto& [key, value] : truth_) RETURN_IF_ERROR(f(key, value));
    return absl::OkStatus();
  }

  absl::Status Rebuild(
      uint64_t sequence,
      const std::function<absl::StatusOr<std::vector<DecisionUpdate>>()>& next) override {
    truth_.clear();
    staged_.clear();
    committed_ = sequence;
    while (true) {
      ASSIGN_OR_RETURN(std::vector<DecisionUpdate> updates, next());
      if (updates.empty()) return absl::OkStatus();
      for (DecisionUpdate& update : updates) {
        if (!update.value.empty()) truth_[std::move(update.key)] = std::move(update.value);
      }
    }
  }

 private:
  const std::string* Find(absl::string_view key) const {
    for (auto batch = staged_.rbegin(); batch != staged_.rend(); ++batch) {
      if (const auto found = batch->find(key); found != batch->end()) return &found->second;
    }
    const auto found = truth_.find(key);
    return found == truth_.end() ? nullptr : &found->second;
  }

  absl::flat_hash_map<std::string, std::string> truth_;
  std::deque<absl::flat_hash_map<std::string, std::string>> staged_;
  uint64_t committed_ = 0;
};

}  // namespace

std::unique_ptr<DecisionStore> NewMemoryDecisionStore() {
  return std::make_unique<MemoryDecisionStore>();
}

}  // namespace huiliu
