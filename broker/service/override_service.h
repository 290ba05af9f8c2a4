// Overrides: where a record belongs, decided by hand (认领决定). docs/formats/overrides.md.
#ifndef HUILIU_BROKER_SERVICE_OVERRIDE_SERVICE_H_
#define HUILIU_BROKER_SERVICE_OVERRIDE_SERVICE_H_

#include <memory>

#include "broker/pipeline/governance_commands.h"
#include "broker/pipeline/override_reach.h"
#include "broker/service/call_context.h"
#include "core/territory/territory.h"
#include "huiliu/v1/overrides.pb.h"

namespace huiliu::service {

// Thread-safe. An account bound to a receiver proposes, decides and sees that receiver's alone;
// whether another has an override is none of its business.
class OverrideService {
 public:
  OverrideService(const governance::State& state, pipeline::GovernanceCommands& commands,
                  std::shared_ptr<const territory::Divisions> divisions,
                  pipeline::OverrideReach reach)
      : state_(state),
        commands_(commands),
        divisions_(std::move(divisions)),
        reach_(std::move(reach)) {}

  // Data officers. INVALID_ARGUMENT where the division is none that decides for the receiver. What
  // it would claim is counted first and stands with it for its approver.
  absl::Status ProposeOverride(const CallContext& context,
                               const huiliu::v1::ProposeOverrideRequest& request,
                               huiliu::v1::ProposeOverrideResponse* response);
  absl::Status DecideOverride(const CallContext& context,
                              const huiliu::v1::DecideOverrideRequest& request,
                              huiliu::v1::DecideOverrideResponse* response);
  absl::Status WithdrawOverride(const CallContext& context,
                                const huiliu::v1::WithdrawOverrideRequest& request,
                                huiliu::v1::WithdrawOverrideResponse* response);
  // Officers and auditors of the receiver; agents of departments with a source of the dataset for
  // it.
  absl::Status ListOverrides(const CallContext& context,
                             const huiliu::v1::ListOverridesRequest& request,
                             huiliu::v1::ListOverridesResponse* response);
  absl::Status GetOverridesInForce(const CallContext& context,
                                   const huiliu::v1::GetOverridesInForceRequest& request,
                                   huiliu::v1::GetOverridesInForceResponse* response);

 private:
  // Sets `outside`.
  absl::Status PlaceDivision(huiliu::v1::TerritoryOverride* given) const;
  bool MaySee(const governance::Principal& caller, const std::string& dataset,
              const std::string& receiver) const;
  // NOT_FOUND where it is another receiver's, as where there is none.
  absl::Status RequireOwn(const governance::Principal& caller, const std::string& id) const;

  const governance::State& state_;
  pipeline::GovernanceCommands& commands_;
  const std::shared_ptr<const territory::Divisions> divisions_;
  const pipeline::OverrideReach reach_;
};

}  // namespace huiliu::service

#endif  // HUILIU_BROKER_SERVICE_OVERRIDE_SERVICE_H_
