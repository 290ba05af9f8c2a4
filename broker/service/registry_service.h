// Registry: organisations, accounts, receivers, systems, sources, contracts. Handlers check, call,
// map and fill.
#ifndef HUILIU_BROKER_SERVICE_REGISTRY_SERVICE_H_
#define HUILIU_BROKER_SERVICE_REGISTRY_SERVICE_H_

#include "broker/pipeline/governance_commands.h"
#include "broker/pipeline/intake.h"
#include "broker/service/call_context.h"
#include "broker/service/office_hours.h"
#include "huiliu/v1/registry.pb.h"

namespace huiliu::service {

// Thread-safe.
class RegistryService {
 public:
  RegistryService(const governance::State& state, pipeline::GovernanceCommands& commands,
                  pipeline::Intake& intake, Clock& clock, OfficeHours hours)
      : state_(state), commands_(commands), intake_(intake), clock_(clock), hours_(hours) {}

  absl::Status PutOrganisation(const CallContext& context,
                               const huiliu::v1::PutOrganisationRequest& request,
                               huiliu::v1::PutOrganisationResponse* response);
  absl::Status ListOrganisations(const CallContext& context,
                                 const huiliu::v1::ListOrganisationsRequest& request,
                                 huiliu::v1::ListOrganisationsResponse* response);
  absl::Status PutAccount(const CallContext& context, const huiliu::v1::PutAccountRequest& request,
                          huiliu::v1::PutAccountResponse* response);
  absl::Status ListAccounts(const CallContext& context,
                            const huiliu::v1::ListAccountsRequest& request,
                            huiliu::v1::ListAccountsResponse* response);
  absl::Status PutReceiver(const CallContext& context,
                           const huiliu::v1::PutReceiverRequest& request,
                           huiliu::v1::PutReceiverResponse* response);
  absl::Status ListReceivers(const CallContext& context,
                             const huiliu::v1::ListReceiversRequest& request,
                             huiliu::v1::ListReceiversResponse* response);
  absl::Status PutSystem(const CallContext& context, const huiliu::v1::PutSystemRequest& request,
                         huiliu::v1::PutSystemResponse* response);
  absl::Status ListSystems(const CallContext& context,
                           const huiliu::v1::ListSystemsRequest& request,
                           huiliu::v1::ListSystemsResponse* response);
  absl::Status PutSource(const CallContext& context, const huiliu::v1::PutSourceRequest& request,
                         huiliu::v1::PutSourceResponse* response);
  absl::Status ListSources(const CallContext& context,
                           const huiliu::v1::ListSourcesRequest& request,
                           huiliu::v1::ListSourcesResponse* response);
  absl::Status PutDataset(const CallContext& context, const huiliu::v1::PutDatasetRequest& request,
                          huiliu::v1::PutDatasetResponse* response);
  absl::Status GetDataset(const CallContext& context, const huiliu::v1::GetDatasetRequest& request,
                          huiliu::v1::GetDatasetResponse* response);
  absl::Status ListDatasets(const CallContext& context,
                            const huiliu::v1::ListDatasetsRequest& request,
                            huiliu::v1::ListDatasetsResponse* response);

 private:
  // A source with its place in the log filled in.
  absl::StatusOr<huiliu::v1::Source> WithPosition(huiliu::v1::Source source);
  // As RequireReceiver, of the organisation's.
  absl::Status RequireOrganisation(const governance::Principal& caller,
                                   const std::string& id) const;
  bool Owes(const huiliu::v1::Source& source) const;

  const governance::State& state_;
  pipeline::GovernanceCommands& commands_;
  pipeline::Intake& intake_;
  Clock& clock_;
  const OfficeHours hours_;
};

}  // namespace huiliu::service

#endif  // HUILIU_BROKER_SERVICE_REGISTRY_SERVICE_H_
