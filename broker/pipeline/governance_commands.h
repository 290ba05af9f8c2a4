// Governance commands: role check, state check, one durable commit (control record + lineage
// entry), then the state changes.
#ifndef HUILIU_BROKER_PIPELINE_GOVERNANCE_COMMANDS_H_
#define HUILIU_BROKER_PIPELINE_GOVERNANCE_COMMANDS_H_

#include <functional>
#include <string>

#include "absl/synchronization/mutex.h"
#include "broker/backbone/backbone.h"
#include "broker/governance/state.h"
#include "broker/pipeline/control_log.h"
#include "broker/pipeline/fence.h"
#include "core/base/clock.h"
#include "huiliu/v1/governance.pb.h"
#include "huiliu/v1/overrides.pb.h"
#include "huiliu/v1/registry.pb.h"
#include "huiliu/v1/rules.pb.h"

namespace huiliu::pipeline {

// Thread-safe; commands are taken one at a time. PERMISSION_DENIED names the role that is wanted.
class GovernanceCommands {
 public:
  using Principal = governance::Principal;
  using Record = huiliu::v1::ControlRecord;

  // Whether a grant compiles to an access plan.
  using GrantCheck = std::function<absl::Status(const huiliu::v1::Grant&)>;

  // `log` has been caught up. `fence`: whether this node takes commands.
  GovernanceCommands(governance::State& state, ControlLog& log, BackboneWriter& writer,
                     Clock& clock, const Fence& fence, GrantCheck check_grant)
      : state_(state),
        log_(log),
        writer_(writer),
        clock_(clock),
        fence_(fence),
        check_grant_(std::move(check_grant)) {}

  absl::StatusOr<huiliu::v1::Organisation> Put(const Principal& caller,
                                               const huiliu::v1::PutOrganisationRequest& request);
  absl::StatusOr<huiliu::v1::Account> Put(const Principal& caller,
                                          const huiliu::v1::PutAccountRequest& request);
  absl::StatusOr<huiliu::v1::Receiver> Put(const Principal& caller,
                                           const huiliu::v1::PutReceiverRequest& request);
  absl::StatusOr<huiliu::v1::System> Put(const Principal& caller,
                                         const huiliu::v1::PutSystemRequest& request);
  absl::StatusOr<huiliu::v1::Source> Put(const Principal& caller,
                                         const huiliu::v1::PutSourceRequest& request);
  absl::StatusOr<huiliu::v1::Dataset> Put(const Principal& caller,
                                          const huiliu::v1::PutDatasetRequest& request);
  absl::StatusOr<huiliu::v1::RuleSet> Propose(const Principal& caller,
                                              const huiliu::v1::ProposeRuleSetRequest& request);
  // Officers' and agents'; whose source it is has been checked. Fills in account and time.
  absl::StatusOr<huiliu::v1::RuleSet> RecordDryRun(const Principal& caller,
                                                   huiliu::v1::RecordDryRunRequest request);
  absl::StatusOr<huiliu::v1::RuleSet> Decide(const Principal& caller,
                                             const huiliu::v1::DecideRuleSetRequest& request);
  absl::StatusOr<huiliu::v1::Grant> Put(const Principal& caller,
                                        const huiliu::v1::PutGrantRequest& request);
  absl::StatusOr<huiliu::v1::Grant> Revoke(const Principal& caller,
                                           const huiliu::v1::RevokeGrantRequest& request);
  // One that says the same and still waits or holds is answered as it stands.
  absl::StatusOr<huiliu::v1::TerritoryOverride> Propose(const Principal& caller,
                                                        const huiliu::v1::TerritoryOverride& given);
  absl::StatusOr<huiliu::v1::TerritoryOverride> Decide(
      const Principal& caller, const huiliu::v1::DecideOverrideRequest& request);
  absl::StatusOr<huiliu::v1::TerritoryOverride> Withdraw(
      const Principal& caller, const huiliu::v1::WithdrawOverrideRequest& request);

  // What a node knows before anybody can tell it: all of it in one commit, where nothing has been
  // registered yet; nothing else.
  struct Beginning {
    std::vector<huiliu::v1::Receiver> receivers;
    std::vector<huiliu::v1::Organisation> organisations;
    std::vector<huiliu::v1::Account> accounts;
  };
  absl::Status Bootstrap(const Beginning& beginning);

  // Where the receivers' catalogs are from now on: no person's command.
  absl::Status Place(const huiliu::v1::CatalogPlacement& placement, absl::string_view node);

  // Called after each command, outside the lock, before its caller has the answer.
  void OnDone(std::function<void(const Record&)> listener) { listener_ = std::move(listener); }
  // Waits until no command is being committed.
  void Drain() { absl::MutexLock lock(&mutex_); }

 private:
  using Proposal = std::function<absl::StatusOr<Record>()>;
  absl::StatusOr<Record> Execute(const Principal& caller, huiliu::v1::Role wanted,
                                 absl::string_view what, const Proposal& propose);
  absl::StatusOr<Record> ExecuteLocked(const Principal& caller, absl::string_view what,
                                       const Proposal& propose)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // After a commit of which it is not known whether it was made: has the brokers end it, and takes
  // over what it left, so that the next command is numbered behind it.
  absl::Status Settle() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // The transaction's, and whether it failed is remembered.
  absl::Status Commit(Transaction transaction) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  static void Append(const Principal& caller, const Record& record, absl::string_view what,
                     Transaction* transaction);

  governance::State& state_;
  ControlLog& log_;
  BackboneWriter& writer_;
  Clock& clock_;
  const Fence& fence_;
  const GrantCheck check_grant_;
  std::function<void(const Record&)> listener_;
  absl::Mutex mutex_;  // orders commands
  bool unsettled_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace huiliu::pipeline

#endif  // HUILIU_BROKER_PIPELINE_GOVERNANCE_COMMANDS_H_
