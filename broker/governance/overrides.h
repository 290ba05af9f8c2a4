// A territory override's life (认领决定): proposed by one officer, approved or rejected by another,
// withdrawn by any of the receiver's.
#ifndef HUILIU_BROKER_GOVERNANCE_OVERRIDES_H_
#define HUILIU_BROKER_GOVERNANCE_OVERRIDES_H_

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "core/schema/contract.h"
#include "huiliu/v1/overrides.pb.h"

namespace huiliu::governance {

inline constexpr int kMaxOverridesHeld =
    10'000;                                   // of one dataset and receiver, waiting or approved
inline constexpr int kMaxPatternsHeld = 200;  // of those: tried one after the other

// INVALID_ARGUMENT: it matches nothing that may be written down, or lacks division or reason.
absl::Status CheckProposal(const huiliu::v1::TerritoryOverride& given,
                           const schema::Contract& contract);

// Whether both say the same of the same records.
bool SayTheSame(const huiliu::v1::TerritoryOverride& a, const huiliu::v1::TerritoryOverride& b);

// FAILED_PRECONDITION where it does not wait, PERMISSION_DENIED where its author would decide,
// INVALID_ARGUMENT for a rejection without a reason.
absl::StatusOr<huiliu::v1::TerritoryOverride> Decide(
    const huiliu::v1::TerritoryOverride& given, const huiliu::v1::DecideOverrideRequest& decision,
    const std::string& officer, absl::Time now);

// FAILED_PRECONDITION where it neither waits nor holds, INVALID_ARGUMENT without a reason.
absl::StatusOr<huiliu::v1::TerritoryOverride> Withdraw(
    const huiliu::v1::TerritoryOverride& given, const huiliu::v1::WithdrawOverrideRequest& request,
    const std::string& officer, absl::Time now);

}  // namespace huiliu::governance

#endif  // HUILIU_BROKER_GOVERNANCE_OVERRIDES_H_
