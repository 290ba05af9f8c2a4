#include "broker/pipeline/reevaluation.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "broker/pipeline/former_decisions.h"
#include "broker/pipeline/judged_batch.h"
#include "broker/pipeline/reread.h"
#include "core/base/status.h"

namespace huiliu::pipeline {
namespace {

// Of history, beside each poll of what is new (2 MiB): the flow keeps the larger share.
constexpr size_t kPollBytes = size_t{1} << 20;

}  // namespace

std::set<std::string> NodeReceivers(const governance::State& state, absl::string_view dataset) {
  std::set<std::string> receivers;
  for (const huiliu::v1::Source& source : state.Sources()) {
    if (source.dataset() != dataset || source.placement() != huiliu::v1::PLACEMENT_NODE) continue;
    receivers.insert(source.receivers().begin(), source.receivers().end());
  }
  return receivers;
}

absl::Status Reevaluation::LookUp(const std::vector<std::string>& datasets) {
  // Read first: what changes meanwhile is looked at again.
  const uint64_t version = state_.version();
  const absl::Time now = clock_.Now();
  if (version == state_version_ && now < until_ && datasets == datasets_) return absl::OkStatus();
  parts_.clear();
  reader_.reset();
  const absl::Time until = state_.NextRuleChange(now);
  for (const std::string& dataset : datasets) {
    for (const std::string& receiver : NodeReceivers(state_, dataset)) {
      const auto active = state_.FindActiveRules(dataset, receiver, now);
      if (active.has_value() && active->reevaluates)
        RETURN_IF_ERROR(AddVersion(dataset, receiver, *active->rules));
    }
  }
  datasets_ = datasets;
  state_version_ = version;
  until_ = until;
  return absl::OkStatus();
}

absl::Status Reevaluation::AddVersion(const std::string& dataset, const std::string& receiver,
                                      const rules::RuleSet& rules) {
  // In the order of their numbers; the rest, which is done last, says that all are.
  for (int32_t p = -1; p < partitions_; ++p) {
    Part part;
    part.dataset = dataset;
    part.receiver = receiver;
    part.version = rules.version;
    part.label = rules::LabelOf(rules);
    part.partition = p;
    part.place = p < 0 ? kRestOfNode : absl::StrCat("node/", p);
    ASSIGN_OR_RETURN(
        const std::optional<std::string> stored,
        backbone_.Position(ReevaluationPosition(dataset, receiver, part.version, part.place)));
    if (stored.has_value() && !part.mark.ParseFromString(*stored)) {
      return absl::DataLossError(
          absl::StrCat("the progress of ", part.label, " at ", part.place, " cannot be read"));
    }
    if (part.mark.done() && part.IsRest()) return absl::OkStatus();
    if (part.mark.done()) continue;
    if (!stored.has_value()) RETURN_IF_ERROR(Begin(&part));
    parts_.push_back(std::move(part));
  }
  return absl::OkStatus();
}

absl::Status Reevaluation::Begin(Part* part) {
  part->mark.set_started_us(absl::ToUnixMicros(clock_.Now()));
  if (part->IsRest()) return absl::OkStatus();
  ASSIGN_OR_RETURN(const PartitionBounds bounds, backbone_.Bounds(part->from()));
  ASSIGN_OR_RETURN(const std::optional<Offset> judged,
                   backbone_.CommittedOffset(ReturnGroup(), part->from()));
  part->mark.set_first(bounds.earliest.value());
  part->mark.set_next(bounds.earliest.value());
  part->mark.set_end(judged.has_value() ? judged->value() : 0);
  if (part->mark.next() >= part->mark.end()) End(part);
  return absl::OkStatus();
}

void Reevaluation::End(Part* part) {
  part->mark.set_done(true);
  part->mark.set_ended_us(absl::ToUnixMicros(clock_.Now()));
  part->moved = true;
}

absl::Status Reevaluation::OpenReader() {
  ReaderOptions options;
  options.start = StartAt::kEarliest;
  options.max_poll_bytes = kPollBytes;
  std::map<TopicPartition, Offset> next;  // parts of one partition go on together
  for (const Part& part : parts_) {
    if (part.IsRest() || part.mark.done()) continue;
    const auto [at, fresh] = next.try_emplace(part.from(), Offset(part.mark.next()));
    if (!fresh) at->second = std::min(at->second, Offset(part.mark.next()));
  }
  if (next.empty()) return absl::OkStatus();
  for (const auto& [from, offset] : next) options.assigned.push_back(from);
  ASSIGN_OR_RETURN(reader_, backbone_.OpenReader(options));
  for (const auto& [from, offset] : next) {
    // Retention goes on meanwhile.
    ASSIGN_OR_RETURN(const PartitionBounds bounds, backbone_.Bounds(from));
    RETURN_IF_ERROR(reader_->Seek(from, std::max(offset, bounds.earliest)));
  }
  return absl::OkStatus();
}

absl::Status Reevaluation::EndWhatIsGone(absl::Span<const StoredBatch> read) {
  for (Part& part : parts_) {
    if (part.IsRest() || part.mark.done()) continue;
    bool gone = std::any_of(read.begin(), read.end(), [&](const StoredBatch& batch) {
      return batch.from == part.from() && batch.first_offset.value() >= part.mark.end();
    });
    if (read.empty()) {
      ASSIGN_OR_RETURN(const PartitionBounds bounds, backbone_.Bounds(part.from()));
      gone = bounds.earliest.value() >= part.mark.end();
    }
    if (gone) End(&part);
  }
  return absl::OkStatus();
}

absl::StatusOr<std::vector<StoredBatch>> Reevaluation::Next() {
  if (reader_ == nullptr) RETURN_IF_ERROR(OpenReader());
  if (reader_ == nullptr) return std::vector<StoredBatch>();
  auto batches = reader_->Poll(absl::ZeroDuration());
  if (absl::IsOutOfRange(batches.status())) {
    reader_.reset();
    return std::vector<StoredBatch>();
  }
  RETURN_IF_ERROR(batches.status());
  RETURN_IF_ERROR(EndWhatIsGone(*batches));
  // What came after a part began was decided by the version itself.
  std::erase_if(*batches, [&](const StoredBatch& batch) {
    return std::none_of(parts_.begin(), parts_.end(), [&](const Part& part) {
      return !part.IsRest() && part.from() == batch.from &&
             batch.first_offset.value() < part.mark.end();
    });
  });
  return batches;
}

void Reevaluation::Add(const StoredBatch& batch,
                       const std::map<std::string, rules::Impact>& impacts) {
  for (Part& part : parts_) {
    if (part.IsRest() || part.mark.done() || !(part.from() == batch.from)) continue;
    if (batch.next.value() <= part.mark.next()) continue;
    part.mark.set_next(batch.next.value());
    part.moved = true;
    const auto impact = impacts.find(part.label);
    if (impact != impacts.end()) impact->second.AddTo(part.mark.mutable_counts());
    if (part.mark.next() >= part.mark.end()) End(&part);
  }
}

bool Reevaluation::PartitionsDone(const Part& rest) const {
  return std::all_of(parts_.begin(), parts_.end(), [&](const Part& part) {
    return part.IsRest() || part.label != rest.label || (part.mark.done() && !part.moved);
  });
}

absl::Status Reevaluation::CountRest(NodeEngines& engines, DecisionStore& decisions) {
  struct Judge {
    rules::ReturnEngine* engine;
    int receiver;
  };
  const int64_t now_us = absl::ToUnixMicros(clock_.Now());
  for (Part& part : parts_) {
    if (!part.IsRest() || part.mark.done() || !PartitionsDone(part)) continue;
    std::map<std::string, Judge, std::less<>> judges;  // by source
    for (const huiliu::v1::Source& source : state_.Sources()) {
      if (source.dataset() != part.dataset || source.placement() != huiliu::v1::PLACEMENT_NODE)
        continue;
      const auto at =
          std::find(source.receivers().begin(), source.receivers().end(), part.receiver);
      if (at == source.receivers().end()) continue;
      ASSIGN_OR_RETURN(NodeEngine * engine, engines.Find(source.id()));
      judges[source.id()] = {engine->engine.get(),
                             static_cast<int>(at - source.receivers().begin())};
    }
    rules::Impact impact;
    NodeDecision decision;
    RETURN_IF_ERROR(
        decisions.ForEach([&](absl::string_view key, absl::string_view value) -> absl::Status {
          RETURN_IF_ERROR(DecodeStoredDecision(key, value, &decision));
          const auto judge = judges.find(decision.prior.source);
          if (judge == judges.end()) return absl::OkStatus();
          const auto& [engine, receiver] = judge->second;
          if (rules::IsOutOfReach(decision.prior, engine->RuleDigestFor(decision.prior, now_us),
                                  receiver, part.receiver))
            impact.AddOutOfReach();
          return absl::OkStatus();
        }));
    impact.AddTo(part.mark.mutable_counts());
    End(&part);
  }
  return absl::OkStatus();
}

bool Reevaluation::Stage(Transaction* transaction) {
  bool any = false;
  RecordBatchBuilder lineage;
  for (const Part& part : parts_) {
    if (!part.moved) continue;
    any = true;
    transaction->positions.push_back(
        {ReevaluationPosition(part.dataset, part.receiver, part.version, part.place),
         part.mark.SerializeAsString()});
    if (!part.IsRest()) continue;
    huiliu::v1::LineageEntry entry;
    entry.set_step(huiliu::v1::STEP_RETURN);
    entry.set_time_us(part.mark.ended_us());
    entry.set_dataset(part.dataset);
    entry.set_receiver(part.receiver);
    entry.set_reevaluation(part.label);
    entry.set_detail(InWords(part.mark.counts()));
    lineage.Add("", "", entry.SerializeAsString());
  }
  const int32_t entries = lineage.count();
  if (entries > 0)
    transaction->appends.push_back({{kLineageTopic, Partition(0)}, lineage.Finish(), entries});
  return any;
}

void Reevaluation::Committed() {
  const size_t before = parts_.size();
  for (Part& part : parts_) part.moved = false;
  std::set<std::string> through;
  for (const Part& part : parts_) {
    if (part.IsRest() && part.mark.done()) through.insert(part.label);
  }
  std::erase_if(parts_, [&](const Part& part) { return through.contains(part.label); });
  const bool reading = std::any_of(parts_.begin(), parts_.end(), [](const Part& part) {
    return !part.IsRest() && !part.mark.done();
  });
  if (parts_.size() != before || !reading) reader_.reset();
}

void Reevaluation::Forget() {
  parts_.clear();
  reader_.reset();
  state_version_ = 0;
  until_ = absl::InfinitePast();
}

}  // namespace huiliu::pipeline
