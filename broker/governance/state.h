// Governance as a pure state machine over the control topic: what is registered, who may do what,
// which rules are in force. Commands are checked against the state and become one ControlRecord
// each; replaying the records gives the same state.
#ifndef HUILIU_BROKER_GOVERNANCE_STATE_H_
#define HUILIU_BROKER_GOVERNANCE_STATE_H_

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "broker/governance/rule_versions.h"
#include "core/rules/rule_set.h"
#include "core/schema/contract.h"
#include "core/territory/territory.h"
#include "huiliu/v1/control.pb.h"

namespace huiliu::governance {

// Who calls. An unknown caller has no account.
struct Principal {
  std::string account;
  std::string organisation;
  std::vector<huiliu::v1::Role> roles;
  bool Has(huiliu::v1::Role role) const;
};

// The key of a record in the control topic.
std::string ControlKey(const huiliu::v1::ControlRecord& record);

// Thread-safe. Propose* only check and build: nothing changes until Apply, which the caller makes
// durable first. seen_version: 0 where the entity must not exist yet, else the version that the
// caller saw; ABORTED names both on a mismatch.
class State {
 public:
  using Record = huiliu::v1::ControlRecord;

  State();

  // Once, before the first Propose: areas and receivers' divisions are looked up from then on.
  // Without it codes are not looked up. Records that stand are never checked again.
  void KnowDivisions(std::shared_ptr<const territory::Divisions> divisions) {
    divisions_ = std::move(divisions);
  }
  const territory::Divisions* divisions() const { return divisions_.get(); }

  // Takes over a durable record, at start-up and after each command. DATA_LOSS where it cannot be
  // understood.
  absl::Status Apply(const Record& record);
  uint64_t version() const;

  absl::StatusOr<Record> Propose(const huiliu::v1::Organisation& organisation,
                                 uint64_t seen_version) const;
  // INVALID_ARGUMENT where two of the three administrator roles (三员) would meet in one account.
  absl::StatusOr<Record> Propose(const huiliu::v1::Account& account, uint64_t seen_version) const;
  // INVALID_ARGUMENT where a division is none in which anything could lie.
  absl::StatusOr<Record> Propose(const huiliu::v1::Receiver& receiver, uint64_t seen_version) const;
  absl::StatusOr<Record> Propose(const huiliu::v1::System& system, uint64_t seen_version) const;
  absl::StatusOr<Record> Propose(const huiliu::v1::Source& source, uint64_t seen_version) const;
  // The next version of the contract in `source_text`; nullopt where it is the newest version to
  // the letter. FAILED_PRECONDITION naming the fields where it breaks its predecessor.
  absl::StatusOr<std::optional<Record>> ProposeDataset(const std::string& source_name,
                                                       const std::string& source_text) const;
  // A proposed version; nullopt where the newest that is not rejected has this very text.
  // INVALID_ARGUMENT with every finding (file:line:column) joined by newlines.
  absl::StatusOr<std::optional<Record>> ProposeRuleSet(const std::string& source_name,
                                                       const std::string& yaml,
                                                       const std::string& author) const;
  // As rule_versions.h's Decide; NOT_FOUND for an unknown version.
  // A dry run that stands with the version it tried; account and time are the caller's to fill in.
  absl::StatusOr<Record> ProposeDryRun(const huiliu::v1::RecordDryRunRequest& request) const;
  absl::StatusOr<Record> ProposeDecision(const huiliu::v1::DecideRuleSetRequest& decision,
                                         const std::string& officer, absl::Time now) const;
  // An amendment keeps the fields, the row filter and the masks that it neither names nor clears.
  absl::StatusOr<Record> Propose(const huiliu::v1::PutGrantRequest& request) const;
  absl::StatusOr<Record> ProposeRevocation(const std::string& grant,
                                           const std::string& reason) const;
  // As overrides.h; NOT_FOUND for an unknown dataset, receiver or override, RESOURCE_EXHAUSTED
  // beyond what may be held. A proposal that stands already is answered as it stands, with version
  // 0.
  absl::StatusOr<Record> ProposeOverride(const huiliu::v1::TerritoryOverride& given,
                                         const std::string& author) const;
  absl::StatusOr<Record> ProposeOverrideDecision(const huiliu::v1::DecideOverrideRequest& decision,
                                                 const std::string& officer, absl::Time now) const;
  absl::StatusOr<Record> ProposeOverrideWithdrawal(
      const huiliu::v1::WithdrawOverrideRequest& request, const std::string& officer,
      absl::Time now) const;
  // Of several nodes: where the catalogs are from now on.
  Record ProposePlacement(const huiliu::v1::CatalogPlacement& placement) const;

  // The account behind a client certificate (SHA-256 of its DER form) or a token (SHA-256);
  // nullopt: unknown or disabled.
  std::optional<Principal> FindByCertificate(absl::string_view sha256) const;
  std::optional<Principal> FindByToken(absl::string_view sha256) const;
  // nullopt: unknown or disabled.
  std::optional<Principal> FindByAccount(const std::string& account) const;

  std::optional<huiliu::v1::Organisation> FindOrganisation(const std::string& id) const;
  std::optional<huiliu::v1::Receiver> FindReceiver(const std::string& id) const;
  std::optional<huiliu::v1::System> FindSystem(const std::string& id) const;
  std::optional<huiliu::v1::Source> FindSource(const std::string& id) const;
  std::optional<huiliu::v1::Grant> FindGrant(const std::string& id) const;
  // version 0: the newest. nullptr where there is none.
  std::shared_ptr<const schema::Contract> FindContract(const std::string& dataset,
                                                       uint32_t version = 0) const;
  std::optional<huiliu::v1::Dataset> FindDataset(const std::string& dataset,
                                                 uint32_t version = 0) const;
  // In force at `now`; nullptr where none is.
  std::shared_ptr<const rules::RuleSet> FindRuleSet(const std::string& dataset,
                                                    const std::string& receiver,
                                                    absl::Time now) const;
  // The same with what it took over from.
  struct ActiveRules {
    std::shared_ptr<const rules::RuleSet> rules;
    std::shared_ptr<const rules::RuleSet> before;  // nullptr: none
    bool reevaluates = false;                      // what was decided before is decided again by it
  };
  std::optional<ActiveRules> FindActiveRules(const std::string& dataset,
                                             const std::string& receiver, absl::Time now) const;
  // What may come into force next: versions approved for later, and the newest that waits for
  // approval. The same object from its proposal on.
  std::vector<std::shared_ptr<const rules::RuleSet>> ComingRuleSets(const std::string& dataset,
                                                                    const std::string& receiver,
                                                                    absl::Time now) const;
  // The next time after `now` at which some FindRuleSet answers something else by itself.
  absl::Time NextRuleChange(absl::Time now) const;

  // Empty: this is the only node, or nothing has been placed yet.
  huiliu::v1::CatalogPlacement PlacedCatalogs() const;

  std::vector<huiliu::v1::Organisation> Organisations() const;
  std::vector<huiliu::v1::Account> Accounts() const;
  std::vector<huiliu::v1::Receiver> Receivers() const;
  std::vector<huiliu::v1::System> Systems() const;
  std::vector<huiliu::v1::Source> Sources() const;
  std::vector<huiliu::v1::Dataset> Datasets() const;  // newest versions
  // Oldest first; empty where there is no such dataset.
  std::vector<huiliu::v1::Dataset> DatasetVersions(const std::string& dataset) const;
  // What consumers of the backbone know the newest version of a dataset by: the control version of
  // its registration, so the same on every node and never another's. 0: no such dataset.
  uint32_t SchemaId(absl::string_view dataset, int* message_index) const;
  // Whether it is that of one of the dataset's versions.
  bool HasSchema(absl::string_view dataset, uint32_t id) const;
  // Every version with its state as of `now`, newest first within (dataset, receiver).
  std::vector<huiliu::v1::RuleSet> RuleSets(absl::Time now) const;
  // Whether a version is in force or once was.
  bool WasInForce(const std::string& dataset, const std::string& receiver, uint32_t version,
                  absl::Time now) const;
  std::vector<huiliu::v1::Grant> Grants() const;
  std::optional<huiliu::v1::TerritoryOverride> FindOverride(const std::string& id) const;
  // By id, whatever became of them; and the approved ones of a dataset and receiver.
  std::vector<huiliu::v1::TerritoryOverride> Overrides() const;
  std::vector<huiliu::v1::TerritoryOverride> OverridesInForce(const std::string& dataset,
                                                              const std::string& receiver) const;
  std::vector<std::string> OverrideIdsInForce(const std::string& dataset,
                                              const std::string& receiver) const;
  // Whether one holds, or held and was withdrawn.
  bool EverOverridden(const std::string& dataset, const std::string& receiver) const;
  // Grants of an organisation for a dataset, of any receiver, revoked ones included: what a refusal
  // has to explain.
  std::vector<huiliu::v1::Grant> GrantsOf(const std::string& organisation,
                                          const std::string& dataset) const;

 private:
  struct DatasetVersion {
    huiliu::v1::Dataset dataset;
    std::shared_ptr<const schema::Contract> contract;
  };
  using RuleSetKey = std::pair<std::string, std::string>;  // dataset, receiver

  absl::Status ApplyDataset(const huiliu::v1::Dataset& dataset)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Parsed, or as this version is known already.
  absl::StatusOr<std::shared_ptr<const rules::RuleSet>> RulesOf(
      const huiliu::v1::RuleSet& rule_set) const ABSL_LOCKS_EXCLUDED(mutex_);
  void ApplyOverride(const huiliu::v1::TerritoryOverride& given)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void ApplyAccount(const huiliu::v1::Account& account) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  std::optional<Principal> PrincipalOf(const std::string& account) const
      ABSL_SHARED_LOCKS_REQUIRED(mutex_);
  // FAILED_PRECONDITION where the change would leave no security administrator that can log in.
  absl::Status CheckSecurityRemains(const huiliu::v1::Account& changed) const
      ABSL_SHARED_LOCKS_REQUIRED(mutex_);
  const DatasetVersion* DatasetAt(const std::string& id, uint32_t version) const
      ABSL_SHARED_LOCKS_REQUIRED(mutex_);

  std::shared_ptr<const territory::Divisions> divisions_;  // constant once known; or nullptr

  mutable absl::Mutex mutex_;
  uint64_t version_ ABSL_GUARDED_BY(mutex_) = 0;
  std::map<std::string, huiliu::v1::Organisation> organisations_ ABSL_GUARDED_BY(mutex_);
  std::map<std::string, huiliu::v1::Account> accounts_ ABSL_GUARDED_BY(mutex_);
  std::map<std::string, huiliu::v1::Receiver> receivers_ ABSL_GUARDED_BY(mutex_);
  std::map<std::string, huiliu::v1::System> systems_ ABSL_GUARDED_BY(mutex_);
  std::map<std::string, huiliu::v1::Source> sources_ ABSL_GUARDED_BY(mutex_);
  std::map<std::string, std::vector<DatasetVersion>> datasets_ ABSL_GUARDED_BY(mutex_);
  std::map<RuleSetKey, RuleVersions> rule_sets_ ABSL_GUARDED_BY(mutex_);
  std::map<std::string, huiliu::v1::Grant> grants_ ABSL_GUARDED_BY(mutex_);
  std::map<std::string, huiliu::v1::TerritoryOverride> overrides_ ABSL_GUARDED_BY(mutex_);
  // Ids of the approved ones; empty where none holds any more.
  std::map<RuleSetKey, std::set<std::string>> overrides_in_force_ ABSL_GUARDED_BY(mutex_);
  huiliu::v1::CatalogPlacement placement_ ABSL_GUARDED_BY(mutex_);
  absl::flat_hash_map<std::string, std::string> account_by_certificate_ ABSL_GUARDED_BY(mutex_);
  absl::flat_hash_map<std::string, std::string> account_by_token_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace huiliu::governance

#endif  // HUILIU_BROKER_GOVERNANCE_STATE_H_
