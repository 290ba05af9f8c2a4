#include "core/rules/override_index.h"

#include <algorithm>
#include <utility>

#include "absl/strings/escaping.h"

namespace huiliu::rules {
namespace {

using huiliu::v1::TerritoryOverride;

enum Level { kRecord = 1, kName = 2, kPattern = 3 };

}  // namespace

OverrideIndex::OverrideIndex(Context context, std::string system,
                             absl::Span<const TerritoryOverride> overrides)
    : context_(context), system_(std::move(system)) {
  std::vector<TerritoryOverride> held;
  held_.reserve(overrides.size());
  for (const TerritoryOverride& given : overrides) {
    const size_t before = held_.size();
    Add(given);
    if (held_.size() > before) held.push_back(given);
  }
  digest_ = DigestOfOverrides(held);
}

void OverrideIndex::Add(const TerritoryOverride& given) {
  const auto receiver =
      std::find_if(context_.receivers.begin(), context_.receivers.end(),
                   [&](const Receiver& r) { return r.id.value() == given.receiver(); });
  HeldOverride held;
  held.division = context_.divisions.Resolve(given.division());
  if (receiver == context_.receivers.end() || held.division.empty() ||
      !CheckOverrideMatch(given, context_.contract).ok())
    return;
  held.id = given.id();
  held.receiver = static_cast<size_t>(receiver - context_.receivers.begin());
  const Belonging belonging = context_.areas.Of(held.division)[held.receiver];
  if (belonging == Belonging::kUnclear) return;
  held.claims = belonging == Belonging::kInside;
  const int place = static_cast<int>(held_.size());
  if (given.has_record()) {
    by_record_[absl::HexStringToBytes(given.record())].push_back(place);
  } else if (given.has_name()) {
    const int field = context_.contract.FindField(given.name().field())->index;
    auto table = std::find_if(by_name_.begin(), by_name_.end(),
                              [&](const NameTable& t) { return t.field == field; });
    if (table == by_name_.end()) table = by_name_.insert(table, NameTable{field, {}});
    table->values[NormalName(given.name().text())].push_back(place);
  } else {
    auto predicate = CompileOverride(given, context_.contract, context_.environment);
    if (!predicate.ok()) return;
    patterns_.push_back({place, *std::move(predicate)});
  }
  held_.push_back(std::move(held));
}

bool OverrideIndex::Agree(const HeldOverride& a, const HeldOverride& b) const {
  if (!a.claims && !b.claims && a.receiver == b.receiver) return true;
  return context_.divisions.Contains(a.division, b.division) ||
         context_.divisions.Contains(b.division, a.division);
}

// Of agreeing ones the finer division counts; of equal ones the one that came first.
void OverrideIndex::Collect(int level, int held, const std::vector<bool>& pends,
                            absl::string_view within) {
  const HeldOverride& one = held_[static_cast<size_t>(held)];
  if (!pends[one.receiver]) return;
  if (one.claims && !within.empty() && !context_.divisions.Contains(within, one.division)) return;
  Said& said = said_[one.receiver];
  if (said.first == nullptr) {
    said = {&one, nullptr, level};
  } else if (said.level == level && said.against == nullptr) {
    if (!Agree(*said.first, one)) {
      said.against = &one;
    } else if (said.first->division != one.division &&
               context_.divisions.Contains(said.first->division, one.division)) {
      said.first = &one;
    }
  }
}

// Between receivers the more particular claim counts, too.
void OverrideIndex::Join(const std::vector<bool>& pends) {
  const HeldOverride* against = nullptr;
  int level = 0;
  for (size_t i = 0; i < said_.size(); ++i) {
    const Said& said = said_[i];
    if (!pends[i] || said.first == nullptr) continue;
    verdict_.speaks = true;
    if (said.against != nullptr) {
      verdict_.contradictions[i] = {said.first, said.against};
    } else if (!said.first->claims) {
      verdict_.not_ours[i] = said.first;
    } else if (verdict_.claim == nullptr || said.level < level) {
      verdict_.claim = said.first;
      level = said.level;
      against = nullptr;
    } else if (said.level == level) {
      if (!Agree(*verdict_.claim, *said.first)) {
        against = said.first;
      } else if (said.first->division != verdict_.claim->division &&
                 context_.divisions.Contains(verdict_.claim->division, said.first->division)) {
        verdict_.claim = said.first;
      }
    }
  }
  if (against == nullptr) return;
  for (const size_t i : {verdict_.claim->receiver, against->receiver})
    verdict_.contradictions[i] = {verdict_.claim, against};
  verdict_.claim = nullptr;
}

void OverrideIndex::Begin() {
  said_.assign(context_.receivers.size(), Said{});
  verdict_.claim = nullptr;
  verdict_.speaks = false;
  verdict_.not_ours.assign(context_.receivers.size(), nullptr);
  verdict_.contradictions.assign(context_.receivers.size(), {nullptr, nullptr});
}

void OverrideIndex::CollectRecord(absl::string_view key, const std::vector<bool>& pends,
                                  absl::string_view within) {
  if (by_record_.empty()) return;
  const auto found = by_record_.find(AsBytes(RecordDigest(system_, key)));
  if (found == by_record_.end()) return;
  for (const int held : found->second) Collect(kRecord, held, pends, within);
}

const OverrideVerdict& OverrideIndex::FindRecord(absl::string_view key,
                                                 const std::vector<bool>& pends) {
  Begin();
  CollectRecord(key, pends, "");
  Join(pends);
  return verdict_;
}

const OverrideVerdict& OverrideIndex::Find(absl::string_view key, const cel::Activation& activation,
                                           const std::vector<bool>& pends,
                                           absl::string_view within) {
  Begin();
  CollectRecord(key, pends, within);
  for (const NameTable& table : by_name_) {
    const schema::FieldSlot& slot = activation.slots[static_cast<size_t>(table.field)];
    if (!slot.present || slot.type != schema::WireType::kBytes) continue;
    const auto found = table.values.find(NormalName(slot.bytes));
    if (found == table.values.end()) continue;
    for (const int held : found->second) Collect(kName, held, pends, within);
  }
  for (const Pattern& pattern : patterns_) {
    if (pattern.predicate->Evaluate(activation) == cel::Truth::kTrue)
      Collect(kPattern, pattern.held, pends, within);
  }
  Join(pends);
  return verdict_;
}

}  // namespace huiliu::rules
