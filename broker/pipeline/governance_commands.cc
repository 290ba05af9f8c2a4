#include "broker/pipeline/governance_commands.h"

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "broker/governance/roles.h"
#include "broker/pipeline/topics.h"
#include "core/base/status.h"
#include "core/model/proto_time.h"
#include "huiliu/v1/audit.pb.h"

namespace huiliu::pipeline {
namespace {

using absl::StrCat;
using governance::Principal;

// The bootstrap configuration speaks before there are accounts.
constexpr char kBootstrap[] = "bootstrap";
constexpr char kSettledPosition[] = "governance";

}  // namespace

void GovernanceCommands::Append(const Principal& caller, const Record& record,
                                absl::string_view what, Transaction* transaction) {
  RecordBatchBuilder control;
  control.Add(governance::ControlKey(record), "", record.SerializeAsString());
  huiliu::v1::LineageEntry entry;
  entry.set_step(huiliu::v1::STEP_GOVERN);
  entry.set_time_us(record.time_us());
  entry.set_actor(caller.account);
  entry.set_organisation(caller.organisation);
  entry.set_method(std::string(what));
  entry.set_detail(StrCat(governance::ControlKey(record), "@", record.version()));
  if (record.has_grant()) {
    entry.set_grant(record.grant().id());
    entry.set_receiver(record.grant().receiver());
    entry.set_dataset(record.grant().dataset());
    entry.set_reason(record.grant().revoked_reason());
  }
  if (record.has_rule_set()) {
    entry.set_receiver(record.rule_set().receiver());
    entry.set_dataset(record.rule_set().dataset());
    entry.set_rule_set(absl::BytesToHexString(record.rule_set().digest()));
    entry.set_reason(record.rule_set().reason());
    if (record.rule_set().state() != huiliu::v1::RULE_SET_STATE_PROPOSED) {
      absl::StrAppend(entry.mutable_detail(), " ",
                      huiliu::v1::RuleSetState_Name(record.rule_set().state()), ", author ",
                      record.rule_set().author());
      if (record.rule_set().reevaluate_history())
        absl::StrAppend(entry.mutable_detail(), ", reevaluates history");
      if (record.rule_set().state() == huiliu::v1::RULE_SET_STATE_APPROVED &&
          record.rule_set().dry_runs_size() == 0) {
        absl::StrAppend(entry.mutable_detail(), ", without a dry run");
      }
    }
  }
  if (record.has_territory_override()) {
    const huiliu::v1::TerritoryOverride& given = record.territory_override();
    entry.set_receiver(given.receiver());
    entry.set_dataset(given.dataset());
    absl::StrAppend(entry.mutable_detail(), " ", huiliu::v1::OverrideState_Name(given.state()),
                    ", author ", given.author(), ", division ", given.division());
  }
  RecordBatchBuilder lineage;
  lineage.Add("", "", entry.SerializeAsString());
  transaction->appends.push_back({{kControlTopic, Partition(0)}, control.Finish(), 1});
  transaction->appends.push_back({{kLineageTopic, Partition(0)}, lineage.Finish(), 1});
}

absl::Status GovernanceCommands::Commit(Transaction transaction) {
  const absl::Status status = writer_.Commit(std::move(transaction)).status();
  unsettled_ = !status.ok();
  return status;
}

absl::Status GovernanceCommands::Settle() {
  if (!unsettled_) return absl::OkStatus();
  Transaction nothing;
  ASSIGN_OR_RETURN(nothing.consumed, fence_.OfGovernance());
  nothing.positions.push_back({kSettledPosition, StrCat(state_.version())});
  RETURN_IF_ERROR(Commit(std::move(nothing)));
  unsettled_ = true;  // until it has been read, too
  RETURN_IF_ERROR(log_.CatchUp());
  unsettled_ = false;
  return absl::OkStatus();
}

absl::StatusOr<GovernanceCommands::Record> GovernanceCommands::ExecuteLocked(
    const Principal& caller, absl::string_view what, const Proposal& propose) {
  RETURN_IF_ERROR(Settle());
  Transaction transaction;
  ASSIGN_OR_RETURN(transaction.consumed, fence_.OfGovernance());
  ASSIGN_OR_RETURN(Record record, propose());
  record.set_time_us(absl::ToUnixMicros(clock_.Now()));
  record.set_actor(caller.account);
  Append(caller, record, what, &transaction);
  RETURN_IF_ERROR(Commit(std::move(transaction)));
  RETURN_IF_ERROR(log_.TakeOver(record));
  return record;
}

absl::StatusOr<GovernanceCommands::Record> GovernanceCommands::Execute(const Principal& caller,
                                                                       huiliu::v1::Role wanted,
                                                                       absl::string_view what,
                                                                       const Proposal& propose) {
  RETURN_IF_ERROR(RequireAnyRole(caller, {wanted}, what));
  Record record;
  {
    absl::MutexLock lock(&mutex_);
    ASSIGN_OR_RETURN(record, ExecuteLocked(caller, what, propose));
  }
  if (listener_) listener_(record);
  return record;
}

absl::Status GovernanceCommands::Bootstrap(const Beginning& beginning) {
  const Principal caller{kBootstrap, "", {}};
  std::vector<Record> records;
  {
    absl::MutexLock lock(&mutex_);
    RETURN_IF_ERROR(Settle());
    if (state_.version() > 0) return absl::OkStatus();
    Transaction transaction;
    ASSIGN_OR_RETURN(transaction.consumed, fence_.OfGovernance());
    // Each is checked against those before it.
    governance::State scratch;
    const auto add = [&](const auto& entity, absl::string_view what) -> absl::Status {
      ASSIGN_OR_RETURN(Record record, scratch.Propose(entity, 0));
      record.set_time_us(absl::ToUnixMicros(clock_.Now()));
      record.set_actor(caller.account);
      RETURN_IF_ERROR(scratch.Apply(record));
      Append(caller, record, what, &transaction);
      records.push_back(std::move(record));
      return absl::OkStatus();
    };
    for (const auto& receiver : beginning.receivers)
      RETURN_IF_ERROR(add(receiver, "Registry.PutReceiver"));
    for (const auto& organisation : beginning.organisations)
      RETURN_IF_ERROR(add(organisation, "Registry.PutOrganisation"));
    for (const auto& account : beginning.accounts)
      RETURN_IF_ERROR(add(account, "Registry.PutAccount"));
    if (records.empty()) return absl::OkStatus();
    RETURN_IF_ERROR(Commit(std::move(transaction)));
    for (const Record& record : records) RETURN_IF_ERROR(log_.TakeOver(record));
  }
  if (listener_) listener_(records.back());
  return absl::OkStatus();
}

absl::Status GovernanceCommands::Place(const huiliu::v1::CatalogPlacement& placement,
                                       absl::string_view node) {
  const Principal caller{StrCat("node/", node), "", {}};
  absl::MutexLock lock(&mutex_);
  return ExecuteLocked(
             caller, "Cluster.Place",
             [&]() -> absl::StatusOr<Record> { return state_.ProposePlacement(placement); })
      .status();
}

absl::StatusOr<huiliu::v1::Organisation> GovernanceCommands::Put(
    const Principal& caller, const huiliu::v1::PutOrganisationRequest& request) {
  ASSIGN_OR_RETURN(
      const Record record,
      Execute(caller, huiliu::v1::ROLE_SYSTEM_ADMINISTRATOR, "Registry.PutOrganisation",
              [&] { return state_.Propose(request.organisation(), request.seen_version()); }));
  return record.organisation();
}

absl::StatusOr<huiliu::v1::Account> GovernanceCommands::Put(
    const Principal& caller, const huiliu::v1::PutAccountRequest& request) {
  ASSIGN_OR_RETURN(
      const Record record,
      Execute(caller, huiliu::v1::ROLE_SECURITY_ADMINISTRATOR, "Registry.PutAccount",
              [&] { return state_.Propose(request.account(), request.seen_version()); }));
  return record.account();
}

absl::StatusOr<huiliu::v1::Receiver> GovernanceCommands::Put(
    const Principal& caller, const huiliu::v1::PutReceiverRequest& request) {
  ASSIGN_OR_RETURN(
      const Record record,
      Execute(caller, huiliu::v1::ROLE_SYSTEM_ADMINISTRATOR, "Registry.PutReceiver",
              [&] { return state_.Propose(request.receiver(), request.seen_version()); }));
  return record.receiver();
}

absl::StatusOr<huiliu::v1::System> GovernanceCommands::Put(
    const Principal& caller, const huiliu::v1::PutSystemRequest& request) {
  ASSIGN_OR_RETURN(
      const Record record,
      Execute(caller, huiliu::v1::ROLE_SYSTEM_ADMINISTRATOR, "Registry.PutSystem",
              [&] { return state_.Propose(request.system(), request.seen_version()); }));
  return record.system();
}

absl::StatusOr<huiliu::v1::Source> GovernanceCommands::Put(
    const Principal& caller, const huiliu::v1::PutSourceRequest& request) {
  ASSIGN_OR_RETURN(const Record record,
                   Execute(caller, huiliu::v1::ROLE_SYSTEM_ADMINISTRATOR, "Registry.PutSource",
                           [&]() -> absl::StatusOr<Record> {
                             ASSIGN_OR_RETURN(
                                 Record proposal,
                                 state_.Propose(request.source(), request.seen_version()));
                             const auto old = state_.FindSource(request.source().id());
                             *proposal.mutable_source()->mutable_registered() =
                                 old.has_value() ? old->registered() : ToProto(clock_.Now());
                             return proposal;
                           }));
  return record.source();
}

absl::StatusOr<huiliu::v1::Dataset> GovernanceCommands::Put(
    const Principal& caller, const huiliu::v1::PutDatasetRequest& request) {
  huiliu::v1::Dataset unchanged;
  auto record = Execute(
      caller, huiliu::v1::ROLE_SYSTEM_ADMINISTRATOR, "Registry.PutDataset",
      [&]() -> absl::StatusOr<Record> {
        ASSIGN_OR_RETURN(auto proposal,
                         state_.ProposeDataset(request.source_name(), request.source_text()));
        if (proposal.has_value()) return *std::move(proposal);
        ASSIGN_OR_RETURN(auto contract,
                         schema::Contract::Parse(request.source_name(), request.source_text()));
        unchanged = *state_.FindDataset(contract->id().value());
        return absl::AlreadyExistsError("");
      });
  if (record.ok()) return record->dataset();
  if (!unchanged.id().empty()) return unchanged;
  return record.status();
}

absl::StatusOr<huiliu::v1::RuleSet> GovernanceCommands::Propose(
    const Principal& caller, const huiliu::v1::ProposeRuleSetRequest& request) {
  std::optional<huiliu::v1::RuleSet> unchanged;
  auto record = Execute(
      caller, huiliu::v1::ROLE_DATA_OFFICER, "Rules.ProposeRuleSet",
      [&]() -> absl::StatusOr<Record> {
        ASSIGN_OR_RETURN(auto proposal, state_.ProposeRuleSet(request.source_name(), request.yaml(),
                                                              caller.account));
        if (proposal.has_value()) {
          *proposal->mutable_rule_set()->mutable_registered() = ToProto(clock_.Now());
          proposal->mutable_rule_set()->set_note(request.note());
          return *std::move(proposal);
        }
        ASSIGN_OR_RETURN(const rules::RuleSetHead head,
                         rules::ParseRuleSetHead(request.source_name(), request.yaml()));
        for (huiliu::v1::RuleSet& kept : state_.RuleSets(clock_.Now())) {
          if (kept.dataset() != head.dataset.value() || kept.receiver() != head.receiver.value())
            continue;
          unchanged = std::move(kept);
          break;
        }
        return absl::AlreadyExistsError("");
      });
  if (record.ok()) return record->rule_set();
  if (unchanged.has_value()) return *std::move(unchanged);
  return record.status();
}

absl::StatusOr<huiliu::v1::RuleSet> GovernanceCommands::RecordDryRun(
    const Principal& caller, huiliu::v1::RecordDryRunRequest request) {
  const huiliu::v1::Role role =
      caller.Has(huiliu::v1::ROLE_AGENT) ? huiliu::v1::ROLE_AGENT : huiliu::v1::ROLE_DATA_OFFICER;
  request.mutable_summary()->set_account(caller.account);
  *request.mutable_summary()->mutable_time() = ToProto(clock_.Now());
  ASSIGN_OR_RETURN(const Record record, Execute(caller, role, "Rules.RecordDryRun",
                                                [&] { return state_.ProposeDryRun(request); }));
  return record.rule_set();
}

absl::StatusOr<huiliu::v1::RuleSet> GovernanceCommands::Decide(
    const Principal& caller, const huiliu::v1::DecideRuleSetRequest& request) {
  ASSIGN_OR_RETURN(const Record record,
                   Execute(caller, huiliu::v1::ROLE_DATA_OFFICER, "Rules.DecideRuleSet", [&] {
                     return state_.ProposeDecision(request, caller.account, clock_.Now());
                   }));
  for (huiliu::v1::RuleSet& version : state_.RuleSets(clock_.Now())) {
    if (version.dataset() == request.dataset() && version.receiver() == request.receiver() &&
        version.version() == request.version()) {
      return std::move(version);
    }
  }
  return record.rule_set();
}

absl::StatusOr<huiliu::v1::Grant> GovernanceCommands::Put(
    const Principal& caller, const huiliu::v1::PutGrantRequest& request) {
  ASSIGN_OR_RETURN(const Record record,
                   Execute(caller, huiliu::v1::ROLE_SECURITY_ADMINISTRATOR, "Governance.PutGrant",
                           [&]() -> absl::StatusOr<Record> {
                             ASSIGN_OR_RETURN(Record proposal, state_.Propose(request));
                             RETURN_IF_ERROR(check_grant_(proposal.grant()));
                             return proposal;
                           }));
  return record.grant();
}

absl::StatusOr<huiliu::v1::Grant> GovernanceCommands::Revoke(
    const Principal& caller, const huiliu::v1::RevokeGrantRequest& request) {
  ASSIGN_OR_RETURN(
      const Record record,
      Execute(caller, huiliu::v1::ROLE_SECURITY_ADMINISTRATOR, "Governance.RevokeGrant",
              [&] { return state_.ProposeRevocation(request.id(), request.reason()); }));
  return record.grant();
}

}  // namespace huiliu::pipeline
