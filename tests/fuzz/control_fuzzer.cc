// Commands to governance and the records of its topic, from any bytes: what is proposed can be
// applied, a replay of the records gives the same state, and the three administrators' roles never
// meet in one account. The input is a run of ControlRecords, each with its length (varint) before
// it; a record's version is the one that its caller saw.
#include <google/protobuf/stubs/logging.h>
#include <google/protobuf/util/json_util.h>

#include <algorithm>
#include <vector>

#include "absl/strings/str_cat.h"
#include "broker/governance/state.h"
#include "core/model/varint.h"
#include "core/schema/text_value.h"
#include "tests/fuzz/fuzz.h"

namespace huiliu::governance {
namespace {

using huiliu::v1::ControlRecord;
using Proposed = absl::StatusOr<std::optional<ControlRecord>>;

const absl::Time kNow = absl::FromUnixSeconds(1'760'000'000);

template <typename T>
Proposed Put(const State& state, const T& entity, uint64_t seen) {
  auto record = state.Propose(entity, seen);
  if (!record.ok()) return record.status();
  return std::optional<ControlRecord>(*std::move(record));
}

Proposed PutGrant(const State& state, const huiliu::v1::Grant& grant, uint64_t seen) {
  huiliu::v1::PutGrantRequest request;
  *request.mutable_grant() = grant;
  request.set_seen_version(seen);
  auto record = state.Propose(request);
  if (!record.ok()) return record.status();
  return std::optional<ControlRecord>(*std::move(record));
}

Proposed DecideOn(const State& state, const huiliu::v1::RuleSet& rule_set) {
  huiliu::v1::DecideRuleSetRequest decision;
  decision.set_dataset(rule_set.dataset());
  decision.set_receiver(rule_set.receiver());
  decision.set_version(rule_set.version());
  decision.set_approve(rule_set.state() != huiliu::v1::RULE_SET_STATE_REJECTED);
  decision.set_reason(rule_set.reason());
  decision.set_untried_reason("nothing to try it on");
  if (rule_set.has_active_from()) *decision.mutable_active_from() = rule_set.active_from();
  auto record = state.ProposeDecision(decision, rule_set.approver(), kNow);
  if (!record.ok()) return record.status();
  return std::optional<ControlRecord>(*std::move(record));
}

Proposed Propose(const State& state, const ControlRecord& wanted) {
  const uint64_t seen = wanted.version();
  switch (wanted.entity_case()) {
    case ControlRecord::kOrganisation:
      return Put(state, wanted.organisation(), seen);
    case ControlRecord::kAccount:
      return Put(state, wanted.account(), seen);
    case ControlRecord::kReceiver:
      return Put(state, wanted.receiver(), seen);
    case ControlRecord::kSystem:
      return Put(state, wanted.system(), seen);
    case ControlRecord::kSource:
      return Put(state, wanted.source(), seen);
    case ControlRecord::kDataset:
      return state.ProposeDataset(wanted.dataset().source_name(), wanted.dataset().source_text());
    case ControlRecord::kRuleSet:
      if (wanted.rule_set().yaml().empty()) return DecideOn(state, wanted.rule_set());
      return state.ProposeRuleSet(wanted.rule_set().source_name(), wanted.rule_set().yaml(),
                                  wanted.rule_set().author());
    case ControlRecord::kGrant: {
      if (!wanted.grant().revoked()) return PutGrant(state, wanted.grant(), seen);
      auto record = state.ProposeRevocation(wanted.grant().id(), wanted.grant().revoked_reason());
      if (!record.ok()) return record.status();
      return std::optional<ControlRecord>(*std::move(record));
    }
    case ControlRecord::kPlacement:
    case ControlRecord::kTerritoryOverride:
    case ControlRecord::ENTITY_NOT_SET:
      break;
  }
  return absl::InvalidArgumentError("nothing");
}

// What one entity says keeps nobody from reading the list that it stands in.
template <typename List>
void Append(const List& entities, std::string* out) {
  for (const auto& entity : entities) {
    std::string json;
    FUZZ_CHECK_SAY(google::protobuf::util::MessageToJsonString(entity, &json).ok(),
                   entity.ShortDebugString());
    absl::StrAppend(out, entity.ShortDebugString(), "\n");
  }
}

// All that the state says.
std::string Describe(const State& state) {
  std::string text = absl::StrCat(state.version(), "\n");
  Append(state.Organisations(), &text);
  Append(state.Accounts(), &text);
  Append(state.Receivers(), &text);
  Append(state.Systems(), &text);
  Append(state.Sources(), &text);
  Append(state.Datasets(), &text);
  Append(state.RuleSets(kNow), &text);
  Append(state.Grants(), &text);
  return absl::StrCat(text, absl::FormatTime(state.NextRuleChange(kNow), absl::UTCTimeZone()));
}

void CheckAccounts(const State& state) {
  for (const huiliu::v1::Account& account : state.Accounts()) {
    int administrators = 0;
    for (int role : {huiliu::v1::ROLE_SYSTEM_ADMINISTRATOR, huiliu::v1::ROLE_SECURITY_ADMINISTRATOR,
                     huiliu::v1::ROLE_AUDIT_ADMINISTRATOR})
      administrators += std::count(account.roles().begin(), account.roles().end(), role) > 0;
    FUZZ_CHECK(administrators <= 1);
    for (const std::string& token : account.token_sha256()) {
      const auto found = state.FindByToken(token);
      FUZZ_CHECK(found.has_value() != account.disabled());
      if (found.has_value()) FUZZ_CHECK_SAY(found->account == account.id(), account.id());
    }
  }
}

void Check(absl::string_view input) {
  google::protobuf::SetLogHandler(nullptr);
  State state, replayed, raw;
  uint64_t size = 0;
  while (TakeVarint(input, &size) && size <= input.size()) {
    ControlRecord wanted;
    const bool parsed = wanted.ParseFromArray(input.data(), static_cast<int>(size));
    input.remove_prefix(size);
    if (!parsed) return;
    (void)raw.Apply(wanted);  // as if it stood in the topic
    const Proposed proposed = Propose(state, wanted);
    if (!proposed.ok()) {
      FUZZ_CHECK(!proposed.status().message().empty());
      FUZZ_CHECK(schema::IsUtf8(proposed.status().message()));
      continue;
    }
    if (!proposed->has_value()) continue;
    const uint64_t before = state.version();
    const absl::Status applied = state.Apply(**proposed);
    FUZZ_CHECK_SAY(applied.ok(), applied.ToString());
    FUZZ_CHECK(state.version() == before + 1);
    ControlRecord stored;
    FUZZ_CHECK(stored.ParseFromString((*proposed)->SerializeAsString()));
    FUZZ_CHECK(!ControlKey(stored).empty());
    FUZZ_CHECK(replayed.Apply(stored).ok());
  }
  FUZZ_CHECK(Describe(state) == Describe(replayed));
  CheckAccounts(state);
}

}  // namespace
}  // namespace huiliu::governance

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  huiliu::governance::Check(huiliu::fuzz::AsText(data, size));
  return 0;
}
