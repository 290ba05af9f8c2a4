// The versions of one rule set, and which of them is in force when.
#ifndef HUILIU_BROKER_GOVERNANCE_RULE_VERSIONS_H_
#define HUILIU_BROKER_GOVERNANCE_RULE_VERSIONS_H_

#include <memory>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "core/model/proto_time.h"
#include "core/rules/rule_set.h"
#include "huiliu/v1/rules.pb.h"

namespace huiliu::governance {

// In force at a time is the version that was approved last among those whose date has come: what
// was approved for later, before it, comes into force no more where its own date is not earlier.
// Approved last is what the control topic has last: clocks are set back.
class RuleVersions {
 public:
  struct Version {
    huiliu::v1::RuleSet proto;  // `state` as stored: proposed, rejected or approved
    std::shared_ptr<const rules::RuleSet> rules;
    uint64_t control_version = 0;  // of the command that made it what it is
  };

  // Takes over a version as the command of that control version made it.
  void Put(huiliu::v1::RuleSet proto, std::shared_ptr<const rules::RuleSet> rules,
           uint64_t control_version);

  // nullptr where there is none.
  const Version* Find(uint32_t version) const;
  const Version* InForce(absl::Time now) const;
  // In force until the one that is in force now took over; nullptr where there was none.
  const Version* BeforeInForce(absl::Time now) const;
  const Version* Newest() const { return versions_.empty() ? nullptr : &versions_.back(); }

  // When InForce answers something else than now; InfiniteFuture where nothing is approved for
  // later.
  absl::Time NextChange(absl::Time now) const;

  // Approved for later than `now`, and the newest where it waits for approval.
  std::vector<const Version*> Coming(absl::Time now) const;

  // The newest that is approved, in force or for later, where it is newer than `version`; else
  // nullptr.
  const Version* NewerApproved(uint32_t version) const;

  // Whether it is in force or once was: one that was approved for later and gave way to another
  // before its date never was.
  bool WasInForce(uint32_t version, absl::Time now) const;

  // A version as of `now`, with its state; newest first.
  std::vector<huiliu::v1::RuleSet> At(absl::Time now) const;

 private:
  // Whether an approved version is in force once its date has come.
  bool WillHold(const Version& version) const {
    return InForce(FromProto(version.proto.active_from())) == &version;
  }

  std::vector<Version> versions_;  // by version
};

// FAILED_PRECONDITION where the version is not to be decided (any more), PERMISSION_DENIED where
// its author would decide, INVALID_ARGUMENT for a rejection without a reason (blanks are none), or
// a date before the day of `now` (Asia/Shanghai). A time of that day that has passed is `now`.
absl::StatusOr<huiliu::v1::RuleSet> Decide(const huiliu::v1::RuleSet& version,
                                           const huiliu::v1::DecideRuleSetRequest& decision,
                                           const std::string& officer, absl::Time now);

// Of a version: the newest, those over no record only while there is room.
inline constexpr int kMaxDryRuns = 10;

// The version with one more dry run. FAILED_PRECONDITION where it does not wait for approval (any
// more), or what was tried is another text; INVALID_ARGUMENT where counts are none.
absl::StatusOr<huiliu::v1::RuleSet> WithDryRun(const huiliu::v1::RuleSet& version,
                                               const huiliu::v1::RecordDryRunRequest& request);

}  // namespace huiliu::governance

#endif  // HUILIU_BROKER_GOVERNANCE_RULE_VERSIONS_H_
