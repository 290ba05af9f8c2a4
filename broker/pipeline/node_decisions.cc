#include "broker/pipeline/node_decisions.h"

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "broker/pipeline/former_decisions.h"
#include "core/base/status.h"
#include "core/model/varint.h"

namespace huiliu::pipeline {
namespace {

// What a mark begins with. A node that knows none of these forms refuses it, rather than to take
// for new what it cannot look up.
constexpr char kMark[] = "v2";
constexpr char kMixedMark[] = "v2+v1";  // former decisions are among the decisions

}  // namespace

std::string EncodeNodeDecision(const NodeDecision& decision) {
  std::string bytes;
  AppendVarint(&bytes, decision.kept.size());
  bytes += decision.kept;
  rules::AppendDecision(decision.prior, &bytes);
  return bytes;
}

absl::Status DecodeNodeDecision(absl::string_view bytes, NodeDecision* decision) {
  uint64_t size = 0;
  if (!TakeVarint(bytes, &size) || size > bytes.size())
    return absl::DataLossError("a stored decision is torn");
  decision->kept.assign(bytes.data(), size);
  bytes.remove_prefix(size);
  return rules::DecodeDecision(bytes, &decision->prior);
}

std::string DecisionKey(absl::string_view dataset, absl::string_view record_key) {
  const absl::string_view nul("\0", 1);
  return absl::StrCat(nul, dataset, nul, record_key);
}

// Those of all its sources, made one.
absl::Status DecisionChanges::LoadFormer(const std::string& key, Entry* entry) {
  const std::pair<absl::string_view, absl::string_view> parts =
      absl::StrSplit(absl::string_view(key).substr(1), absl::MaxSplits('\0', 1));
  const absl::string_view system = parts.second.substr(0, parts.second.find('\0'));
  std::vector<std::string> keys;
  for (const std::string& source : former_(parts.first, system))
    keys.push_back(FormerKey(source, parts.second));
  ASSIGN_OR_RETURN(const auto values,
                   store_.GetMany(std::vector<absl::string_view>(keys.begin(), keys.end())));
  for (size_t i = 0; i < keys.size(); ++i) {
    if (!values[i].has_value()) continue;
    NodeDecision decision;
    RETURN_IF_ERROR(DecodeStoredDecision(keys[i], *values[i], &decision));
    if (entry->known) {
      MergeFormer(std::move(decision), &entry->decision);
    } else {
      entry->decision = std::move(decision);
      entry->known = true;
    }
    entry->former.push_back(std::move(keys[i]));
  }
  return absl::OkStatus();
}

absl::Status DecisionChanges::Load(absl::Span<const std::string> keys) {
  std::vector<absl::string_view> asked;
  for (const std::string& key : keys) {
    if (entries_.try_emplace(key).second) asked.push_back(key);
  }
  ASSIGN_OR_RETURN(const auto values, store_.GetMany(asked));
  for (size_t i = 0; i < asked.size(); ++i) {
    Entry& entry = entries_[asked[i]];
    if (values[i].has_value()) {
      RETURN_IF_ERROR(DecodeNodeDecision(*values[i], &entry.decision));
      entry.known = true;
    } else if (former_ != nullptr) {
      RETURN_IF_ERROR(LoadFormer(std::string(asked[i]), &entry));
    }
  }
  return absl::OkStatus();
}

const NodeDecision* DecisionChanges::Find(const std::string& key) const {
  const auto found = entries_.find(key);
  return found == entries_.end() || !found->second.known ? nullptr : &found->second.decision;
}

void DecisionChanges::Set(const std::string& key, const TopicPartition& to, NodeDecision decision) {
  Entry& entry = entries_[key];
  entry.known = true;
  entry.decision = std::move(decision);
  Change(key, to);
}

// What it was made of goes in the same commit: it would come back where this is forgotten.
void DecisionChanges::Change(const std::string& key, const TopicPartition& to) {
  changed_.insert_or_assign(key, to);
  for (const std::string& former : entries_[key].former) changed_.insert_or_assign(former, to);
}

void DecisionChanges::Forget(const std::string& key, const TopicPartition& to) {
  Entry& entry = entries_[key];
  entry.known = false;
  entry.decision = NodeDecision();
  Change(key, to);
}

void DecisionChanges::AppendTo(Transaction* transaction) const {
  std::map<TopicPartition, RecordBatchBuilder> builders;
  for (const auto& [key, to] : changed_) {
    const NodeDecision* decision = Find(key);
    if (decision == nullptr) {
      builders[to].AddTombstone(key, "");
    } else {
      builders[to].Add(key, "", EncodeNodeDecision(*decision));
    }
  }
  for (auto& [to, builder] : builders) {
    const int32_t records = builder.count();
    transaction->appends.push_back({to, builder.Finish(), records});
  }
}

std::vector<DecisionUpdate> DecisionChanges::Updates() const {
  std::vector<DecisionUpdate> updates;
  updates.reserve(changed_.size());
  for (const auto& [key, to] : changed_) {
    const NodeDecision* decision = Find(key);
    updates.push_back({key, decision == nullptr ? "" : EncodeNodeDecision(*decision)});
  }
  return updates;
}

std::string Encode(const EngineMark& mark) {
  return absl::StrCat(mark.former ? kMixedMark : kMark, " ", mark.sequence,
                      mark.node.empty() ? "" : " ", mark.node);
}

absl::StatusOr<EngineMark> ParseEngineMark(absl::string_view text) {
  EngineMark mark;
  // Before there were marks of a form the number stood first: all decisions were former ones then.
  mark.former = !absl::ConsumePrefix(&text, absl::StrCat(kMark, " "));
  absl::ConsumePrefix(&text, absl::StrCat(kMixedMark, " "));
  const std::pair<absl::string_view, absl::string_view> parts =
      absl::StrSplit(text, absl::MaxSplits(' ', 1));
  if (!absl::SimpleAtoi(parts.first, &mark.sequence))
    return absl::DataLossError("the stored position of the return engine cannot be read");
  mark.node = std::string(parts.second);
  return mark;
}

std::string WhyNotDecision(const RecordView& record) {
  // Dataset (of former ones: source), system, business key.
  const absl::string_view key = record.key.substr(IsFormerKey(record.key) ? 0 : 1);
  const std::vector<absl::string_view> parts = absl::StrSplit(key, absl::MaxSplits('\0', 2));
  if (parts.size() < 3 || parts[0].empty() || parts[1].empty()) return "its key is no decision's";
  NodeDecision decision;
  if (!record.tombstone && !DecodeNodeDecision(record.value, &decision).ok())
    return "its value is no decision";
  return "";
}

absl::Status RecoverDecisions(Backbone& backbone, absl::Span<const TopicPartition> partitions,
                              uint64_t sequence, Staged staged, SetAside* set_aside,
                              DecisionStore* store, bool* former) {
  if (staged == Staged::kHere) {
    const absl::Status recovered = store->Recover(sequence);
    if (recovered.code() != absl::StatusCode::kFailedPrecondition) return recovered;
  }
  std::unique_ptr<BackboneReader> reader;
  if (!partitions.empty()) {
    ReaderOptions options;
    options.assigned.assign(partitions.begin(), partitions.end());
    options.start = StartAt::kEarliest;
    ASSIGN_OR_RETURN(reader, backbone.OpenReader(options));
  }
  *former = false;
  return store->Rebuild(sequence, [&]() -> absl::StatusOr<std::vector<DecisionUpdate>> {
    std::vector<DecisionUpdate> updates;
    // A batch may have been emptied by compaction: an empty answer would end the rebuild.
    while (reader != nullptr && updates.empty()) {
      ASSIGN_OR_RETURN(std::vector<StoredBatch> batches, reader->Poll(absl::ZeroDuration()));
      if (batches.empty()) break;
      RETURN_IF_ERROR(Sift(WhyNotDecision, set_aside, &batches));
      for (const StoredBatch& batch : batches) {
        ASSIGN_OR_RETURN(const RecordBatchView view, RecordBatchView::Parse(batch.bytes));
        view.ForEach([&](int, const RecordView& record) {
          *former = *former || IsFormerKey(record.key);
          updates.push_back({std::string(record.key),
                             record.tombstone ? std::string() : std::string(record.value)});
        });
      }
    }
    return updates;
  });
}

}  // namespace huiliu::pipeline
