// Governance commands over territory overrides.
#include "broker/pipeline/governance_commands.h"
#include "core/base/status.h"
#include "core/model/proto_time.h"

namespace huiliu::pipeline {

using huiliu::v1::TerritoryOverride;

absl::StatusOr<TerritoryOverride> GovernanceCommands::Propose(const Principal& caller,
                                                              const TerritoryOverride& given) {
  std::optional<TerritoryOverride> standing;
  auto record =
      Execute(caller, huiliu::v1::ROLE_DATA_OFFICER, "Overrides.ProposeOverride",
              [&]() -> absl::StatusOr<Record> {
                ASSIGN_OR_RETURN(Record proposal, state_.ProposeOverride(given, caller.account));
                if (proposal.version() == 0) {
                  standing = proposal.territory_override();
                  return absl::AlreadyExistsError("");
                }
                *proposal.mutable_territory_override()->mutable_proposed() = ToProto(clock_.Now());
                return proposal;
              });
  if (record.ok()) return record->territory_override();
  if (standing.has_value()) return *std::move(standing);
  return record.status();
}

absl::StatusOr<TerritoryOverride> GovernanceCommands::Decide(
    const Principal& caller, const huiliu::v1::DecideOverrideRequest& request) {
  ASSIGN_OR_RETURN(const Record record,
                   Execute(caller, huiliu::v1::ROLE_DATA_OFFICER, "Overrides.DecideOverride", [&] {
                     return state_.ProposeOverrideDecision(request, caller.account, clock_.Now());
                   }));
  return record.territory_override();
}

absl::StatusOr<TerritoryOverride> GovernanceCommands::Withdraw(
    const Principal& caller, const huiliu::v1::WithdrawOverrideRequest& request) {
  ASSIGN_OR_RETURN(
      const Record record,
      Execute(caller, huiliu::v1::ROLE_DATA_OFFICER, "Overrides.WithdrawOverride", [&] {
        return state_.ProposeOverrideWithdrawal(request, caller.account, clock_.Now());
      }));
  return record.territory_override();
}

}  // namespace huiliu::pipeline
