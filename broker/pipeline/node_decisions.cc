#include "broker/pipeline/node_decisions.h"

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "core/base/status.h"
#include "core/model/varint.h"

namespace huiliu::pipeline {

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

std::string DecisionKey(absl::string_view source, absl::string_view record_key) {
  return absl::StrCat(source, absl::string_view("\0", 1), record_key);
}

absl::Status DecisionChanges::Load(absl::Span<const std::string> keys) {
  std::vector<absl::string_view> asked;
  for (const std::string& key : keys) {
    if (entries_.try_emplace(key).second) asked.push_back(key);
  }
  ASSIGN_OR_RETURN(const auto values, store_.GetMany(asked));
  for (size_t i = 0; i < asked.size(); ++i) {
    if (!values[i].has_value()) continue;
    Entry& entry = entries_[asked[i]];
    RETURN_IF_ERROR(DecodeNodeDecision(*values[i], &entry.decision));
    entry.known = true;
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
  changed_.insert_or_assign(key, to);
}

void DecisionChanges::Forget(const std::string& key, const TopicPartition& to) {
  entries_[key] = Entry();
  changed_.insert_or_assign(key, to);
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
  return mark.node.empty() ? absl::StrCat(mark.sequence)
                           : absl::StrCat(mark.sequence, " ", mark.node);
}

absl::StatusOr<EngineMark> ParseEngineMark(absl::string_view text) {
  EngineMark mark;
  const std::pair<absl::string_view, absl::string_view> parts =
      absl::StrSplit(text, absl::MaxSplits(' ', 1));
  if (!absl::SimpleAtoi(parts.first, &mark.sequence))
    return absl::DataLossError("the stored position of the return engine cannot be read");
  mark.node = std::string(parts.second);
  return mark;
}

std::string WhyNotDecision(const RecordView& record) {
  // Source, system, business key.
  const std::vector<absl::string_view> parts = absl::StrSplit(record.key, absl::MaxSplits('\0', 2));
  if (parts.size() < 3 || parts[0].empty() || parts[1].empty()) return "its key is no decision's";
  NodeDecision decision;
  if (!record.tombstone && !DecodeNodeDecision(record.value, &decision).ok())
    return "its value is no decision";
  return "";
}

absl::Status RecoverDecisions(Backbone& backbone, absl::Span<const TopicPartition> partitions,
                              uint64_t sequence, Staged staged, SetAside* set_aside,
                              DecisionStore* store) {
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
          updates.push_back({std::string(record.key),
                             record.tombstone ? std::string() : std::string(record.value)});
        });
      }
    }
    return updates;
  });
}

}  // namespace huiliu::pipeline
