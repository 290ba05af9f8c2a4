#include "core/rules/dry_run.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/base/status.h"
#include "core/model/proto_time.h"

namespace huiliu::rules {
namespace {

using huiliu::v1::Outcome;
using namespace huiliu::v1;  // NOLINT: DRY_RUN_CATEGORY_*, OUTCOME_*

constexpr int kActive = 0, kDraft = 1;
// The engine knows the sides as two receivers of its own.
constexpr const char* kSides[] = {"active", "draft"};

constexpr uint64_t kFnvBasis = 0xCBF29CE484222325, kFnvPrime = 0x100000001B3;

uint64_t Mix(uint64_t x) {  // splitmix64's finalizer
  x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9;
  x = (x ^ (x >> 27)) * 0x94D049BB133111EB;
  return x ^ (x >> 31);
}

uint64_t Fnv(uint64_t hash, absl::string_view bytes) {
  for (const char c : bytes) hash = (hash ^ static_cast<uint8_t>(c)) * kFnvPrime;
  return hash;
}

std::vector<std::string> RuleIds(const RuleSet* set) {
  std::vector<std::string> ids;
  if (set == nullptr) return ids;
  for (const Rule& rule : set->rules) ids.push_back(rule.id);
  return ids;
}

std::string RuleId(const RuleSet* set, int rule) {
  return set == nullptr || rule < 0 ? std::string() : set->rules[static_cast<size_t>(rule)].id;
}

// Returned to the receiver, or waiting for somebody to say that it is his.
bool IsHisOrMayBe(uint8_t outcome) {
  return outcome == OUTCOME_RETURNED || outcome == OUTCOME_PENDING;
}

}  // namespace

DryRun::DryRun(Options options, std::shared_ptr<const schema::Contract> contract)
    : options_(std::move(options)), contract_(std::move(contract)) {
  std::vector<uint32_t> numbers;
  for (const schema::Field& field : contract_->fields()) numbers.push_back(field.number);
  plan_ = std::make_unique<schema::FieldPlan>(numbers);
  for (auto& contents : contents_) contents.resize(numbers.size());
}

absl::StatusOr<std::unique_ptr<DryRun>> DryRun::Create(
    Options options, std::shared_ptr<const schema::Contract> contract,
    std::shared_ptr<const territory::Divisions> divisions) {
  if (options.samples < 0 || options.samples > kMaxSamples) {
    return absl::InvalidArgumentError(absl::StrCat("每类样例 0 至 ", kMaxSamples, " 条 / 0 to ",
                                                   kMaxSamples, " samples of each category"));
  }
  std::unique_ptr<DryRun> run(new DryRun(std::move(options), std::move(contract)));
  ReturnEngine::Options engine;
  engine.memoryless = true;
  std::vector<std::shared_ptr<const RuleSet>> sets;
  for (const int side : {kActive, kDraft}) {
    const Side& from = side == kActive ? run->options_.active : run->options_.draft;
    Receiver receiver;
    receiver.id = ReceiverId(kSides[side]);
    receiver.divisions = from.divisions;
    receiver.pseudonym_key = run->options_.pseudonym_key;
    engine.receivers.push_back(std::move(receiver));
    if (from.rules == nullptr) continue;
    auto set = std::make_shared<RuleSet>(*from.rules);
    set->receiver = ReceiverId(kSides[side]);
    sets.push_back(std::move(set));
  }
  for (const huiliu::v1::TerritoryOverride& held : run->options_.overrides) {
    run->names_records_ = run->names_records_ || !held.record().empty();
    for (const char* side : kSides) {
      run->overrides_.push_back(held);
      run->overrides_.back().set_receiver(side);
    }
  }
  ASSIGN_OR_RETURN(run->engine_, ReturnEngine::Create(std::move(engine), run->contract_,
                                                      std::move(sets), std::move(divisions)));
  return run;
}

// A record's digest holds its system; names, patterns and conditions are the same for all.
void DryRun::SetOverridesOf(absl::string_view system) {
  if (overrides_.empty() || overrides_of_ == system) return;
  if (names_records_ || overrides_of_.empty()) engine_->SetOverrides(system, overrides_);
  overrides_of_ = std::string(system);
}

uint32_t DryRun::PartOf(absl::string_view key, uint32_t parts) {
  return static_cast<uint32_t>(Mix(Fnv(kFnvBasis, key)) % parts);
}

absl::string_view DryRun::PayloadOf(int side) const {
  for (const Output& output : decision_.outputs) {
    if (output.receiver == side && !output.tombstone) return output.payload;
  }
  return "";
}

void DryRun::Differ() {
  differing_.clear();
  const absl::string_view payloads[] = {PayloadOf(kActive), PayloadOf(kDraft)};
  if (payloads[kActive] == payloads[kDraft]) return;
  for (const int side : {kActive, kDraft}) {
    std::vector<uint64_t>& contents = contents_[static_cast<size_t>(side)];
    std::fill(contents.begin(), contents.end(), kFnvBasis);
    absl::string_view rest = payloads[side];
    schema::WireField wire;
    while (schema::TakeField(rest, &wire)) {
      const int slot = plan_->SlotOf(wire.field_number);
      if (slot >= 0)
        contents[static_cast<size_t>(slot)] = Fnv(contents[static_cast<size_t>(slot)], wire.whole);
    }
  }
  for (size_t i = 0; i < contents_[0].size(); ++i) {
    if (contents_[0][i] != contents_[1][i]) differing_.push_back(static_cast<int>(i));
  }
}

DryRunCategory DryRun::Categorise(const DryRunCell& cell) {
  const bool was = cell.active_outcome == OUTCOME_RETURNED;
  if (was && cell.draft_outcome == OUTCOME_RETURNED) {
    // The fields may stand in another order and say the same.
    Differ();
    return differing_.empty() ? DRY_RUN_CATEGORY_UNCHANGED : DRY_RUN_CATEGORY_DIFFERENTLY_MASKED;
  }
  if (cell.active_outcome == cell.draft_outcome) return DRY_RUN_CATEGORY_UNCHANGED;
  switch (cell.draft_outcome) {
    case OUTCOME_RETURNED:
      return DRY_RUN_CATEGORY_NEWLY_RETURNED;
    case OUTCOME_PENDING:
      return DRY_RUN_CATEGORY_NEWLY_PENDING;
    case OUTCOME_QUARANTINED:
      return DRY_RUN_CATEGORY_NEWLY_QUARANTINED;
    default:
      return was ? DRY_RUN_CATEGORY_NO_LONGER_RETURNED : DRY_RUN_CATEGORY_DECIDED_OTHERWISE;
  }
}

absl::StatusOr<uint32_t> DryRun::Compare(absl::string_view system, const SourceChange& change) {
  SourceChange asked = change;
  asked.now_us = options_.as_of_us;
  SetOverridesOf(system);
  engine_->Decide(asked, nullptr, &decision_);
  differing_.clear();
  DryRunCell cell;
  cell.active_outcome = static_cast<uint8_t>(decision_.outcomes[kActive]);
  cell.draft_outcome = static_cast<uint8_t>(decision_.outcomes[kDraft]);
  cell.active_rule = decision_.rules[kActive];
  cell.draft_rule = decision_.rules[kDraft];
  cell.category = static_cast<uint8_t>(Categorise(cell));
  cell.newly_in_conflict = decision_.attribution.conflict && IsHisOrMayBe(cell.draft_outcome) &&
                           !IsHisOrMayBe(cell.active_outcome);
  cell.division = tally_.divisions.NumberOf(decision_.attribution.division);
  cell.system = tally_.systems.NumberOf(system);
  cell.draft_reason = tally_.reasons.NumberOf(decision_.reasons[kDraft]);
  field_set_.clear();
  for (const int index : differing_) absl::StrAppend(&field_set_, index, ",");
  cell.fields = tally_.field_sets.NumberOf(field_set_);
  return tally_.Add(cell);
}

void DryRun::TakeBack(uint64_t order, uint32_t number) {
  if (number == kDeleted) {
    --deleted_;
    return;
  }
  const DryRunCell& cell = tally_.cell(number);
  tally_.TakeBack(number);
  shelves_[cell.category].examples.erase(order);
  if (cell.newly_in_conflict) shelves_[DRY_RUN_CATEGORY_NEWLY_IN_CONFLICT].examples.erase(order);
}

void DryRun::Keep(int category, uint64_t order, absl::string_view system,
                  const SourceChange& change, absl::string_view place, const DryRunCell& cell) {
  Shelf& shelf = shelves_[static_cast<size_t>(category)];
  if (options_.samples == 0 || order >= shelf.bound) return;
  DryRunExample& out = shelf.examples[order];
  out.category = static_cast<DryRunCategory>(category);
  out.system = std::string(system);
  out.key = std::string(change.key);
  out.place = std::string(place);
  out.division = decision_.attribution.division;
  out.conflict = decision_.attribution.conflict;
  out.source_time_us = change.source_time_us;
  out.active_outcome = static_cast<Outcome>(cell.active_outcome);
  out.draft_outcome = static_cast<Outcome>(cell.draft_outcome);
  out.active_rule = RuleId(options_.active.rules.get(), cell.active_rule);
  out.draft_rule = RuleId(options_.draft.rules.get(), cell.draft_rule);
  out.active_reason = decision_.reasons[kActive];
  out.draft_reason = decision_.reasons[kDraft];
  out.fields = differing_;
  out.record = std::string(change.payload);
  out.active_payload = std::string(PayloadOf(kActive));
  out.draft_payload = std::string(PayloadOf(kDraft));
  // More are kept than are asked for: a newer version may take some away.
  if (shelf.examples.size() <= static_cast<size_t>(options_.samples) * kSpare) return;
  const auto last = std::prev(shelf.examples.end());
  shelf.bound = last->first;
  shelf.examples.erase(last);
}

absl::Status DryRun::Add(absl::string_view system, const SourceChange& change,
                         absl::string_view place) {
  ++changes_;
  // A record's samples are chosen by its key alone: any order of the same records gives the same.
  const uint64_t fingerprint =
      Mix(Fnv(Fnv(Fnv(kFnvBasis, system), absl::string_view("\0", 1)), change.key));
  const uint64_t order = Mix(fingerprint ^ options_.seed);
  if (keys_.size() >= options_.max_keys && !keys_.contains(fingerprint)) {
    return absl::ResourceExhaustedError(absl::StrCat("一次试运行最多 ", options_.max_keys,
                                                     " 个主键，请缩小时间范围 / a dry run "
                                                     "tells ",
                                                     options_.max_keys,
                                                     " keys apart at most; try a shorter range"));
  }
  const auto [known, is_new] = keys_.try_emplace(fingerprint);
  if (!is_new) {
    ++superseded_;
    const int64_t before = known->second.source_time_us;
    if (change.source_time_us != 0 && before != 0 && change.source_time_us < before)
      return absl::OkStatus();
    TakeBack(order, known->second.cell);
  }
  known->second = {change.source_time_us, kDeleted};
  if (change.operation == OPERATION_DELETE) {
    ++deleted_;
    return absl::OkStatus();
  }
  ASSIGN_OR_RETURN(const uint32_t number, Compare(system, change));
  known->second.cell = number;
  const DryRunCell cell = tally_.cell(number);
  if (cell.category != DRY_RUN_CATEGORY_UNCHANGED)
    Keep(cell.category, order, system, change, place, cell);
  if (cell.newly_in_conflict)
    Keep(DRY_RUN_CATEGORY_NEWLY_IN_CONFLICT, order, system, change, place, cell);
  return absl::OkStatus();
}

DryRunReport DryRun::Report() const {
  DryRunReport report;
  const RuleSet& draft = *options_.draft.rules;
  report.set_dataset(contract_->id().value());
  report.set_receiver(draft.receiver.value());
  report.set_active_version(options_.active.rules == nullptr ? 0 : options_.active.rules->version);
  report.set_draft_version(draft.version);
  report.set_draft_digest(ToString(draft.digest));
  report.set_changes(changes_);
  report.set_superseded(superseded_);
  report.set_deleted(deleted_);
  report.set_unmapped(unmapped_);
  DryRunTally::Names names;
  names.active_rules = RuleIds(options_.active.rules.get());
  names.draft_rules = RuleIds(&draft);
  for (const schema::Field& field : contract_->fields()) names.fields.push_back(field.name);
  tally_.Fill(names, &report);
  return report;
}

std::vector<const DryRunExample*> DryRun::Examples() const {
  std::vector<const DryRunExample*> examples;
  for (const Shelf& shelf : shelves_) {
    int room = options_.samples;
    for (const auto& [order, example] : shelf.examples) {
      if (room-- == 0) break;
      examples.push_back(&example);
    }
  }
  return examples;
}

DryRunSample SampleOf(const DryRunExample& example, const schema::Contract& contract) {
  DryRunSample sample;
  sample.set_category(example.category);
  sample.set_system(example.system);
  sample.set_division(example.division);
  sample.set_conflict(example.conflict);
  sample.set_place(example.place);
  if (example.source_time_us != 0)
    *sample.mutable_source_time() = ToProto(absl::FromUnixMicros(example.source_time_us));
  sample.set_active_outcome(example.active_outcome);
  sample.set_active_rule(example.active_rule);
  sample.set_active_reason(example.active_reason);
  sample.set_draft_outcome(example.draft_outcome);
  sample.set_draft_rule(example.draft_rule);
  sample.set_draft_reason(example.draft_reason);
  for (const int index : example.fields)
    sample.add_fields(contract.fields()[static_cast<size_t>(index)].name);
  return sample;
}

huiliu::v1::RecordDryRunRequest RecordOf(const DryRunReport& report) {
  huiliu::v1::RecordDryRunRequest record;
  record.set_dataset(report.dataset());
  record.set_receiver(report.receiver());
  record.set_version(report.draft_version());
  record.set_digest(report.draft_digest());
  huiliu::v1::DryRunSummary& summary = *record.mutable_summary();
  if (report.has_from()) *summary.mutable_from() = report.from();
  if (report.has_to()) *summary.mutable_to() = report.to();
  summary.set_range_time(report.time());
  summary.set_active_version(report.active_version());
  summary.set_records(report.records());
  *summary.mutable_counts() = report.counts();
  return record;
}

}  // namespace huiliu::rules
