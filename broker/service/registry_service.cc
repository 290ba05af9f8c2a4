#include "broker/service/registry_service.h"

#include <algorithm>
#include <map>

#include "absl/strings/str_cat.h"
#include "broker/service/paging.h"
#include "broker/service/tenancy.h"
#include "core/base/status.h"
#include "core/model/proto_time.h"

namespace huiliu::service {
namespace {

using governance::Principal;

const auto kId = [](const auto& item) { return item.id(); };

bool IsAdministrator(const Principal& caller) {
  return caller.Has(huiliu::v1::ROLE_SYSTEM_ADMINISTRATOR) ||
         caller.Has(huiliu::v1::ROLE_SECURITY_ADMINISTRATOR) ||
         caller.Has(huiliu::v1::ROLE_AUDIT_ADMINISTRATOR);
}

bool Serves(const huiliu::v1::Source& source, const std::string& receiver) {
  return std::find(source.receivers().begin(), source.receivers().end(), receiver) !=
         source.receivers().end();
}

}  // namespace

absl::Status RegistryService::PutOrganisation(const CallContext& context,
                                              const huiliu::v1::PutOrganisationRequest& request,
                                              huiliu::v1::PutOrganisationResponse* response) {
  ASSIGN_OR_RETURN(const Principal caller, RequireCaller(context));
  RETURN_IF_ERROR(RequireReceiver(state_, caller, request.organisation().receiver()));
  if (const auto old = state_.FindOrganisation(request.organisation().id()); old.has_value())
    RETURN_IF_ERROR(RequireReceiver(state_, caller, old->receiver()));
  ASSIGN_OR_RETURN(*response->mutable_organisation(), commands_.Put(caller, request));
  return absl::OkStatus();
}

absl::Status RegistryService::ListOrganisations(const CallContext& context,
                                                const huiliu::v1::ListOrganisationsRequest& request,
                                                huiliu::v1::ListOrganisationsResponse* response) {
  ASSIGN_OR_RETURN(const Principal caller, RequireCaller(context));
  std::vector<huiliu::v1::Organisation> organisations = state_.Organisations();
  if (const auto bound = BoundTo(state_, caller); bound.has_value()) {
    std::erase_if(organisations, [&](const huiliu::v1::Organisation& one) {
      return !one.receiver().empty() && one.receiver() != *bound;
    });
  }
  return Page(organisations, kId, request.page_size(), request.page_token(),
              response->mutable_organisations(), response->mutable_next_page_token());
}

absl::Status RegistryService::RequireOrganisation(const Principal& caller,
                                                  const std::string& id) const {
  const auto organisation = state_.FindOrganisation(id);
  return RequireReceiver(state_, caller, organisation.has_value() ? organisation->receiver() : "");
}

absl::Status RegistryService::PutAccount(const CallContext& context,
                                         const huiliu::v1::PutAccountRequest& request,
                                         huiliu::v1::PutAccountResponse* response) {
  ASSIGN_OR_RETURN(const Principal caller, RequireCaller(context));
  RETURN_IF_ERROR(RequireOrganisation(caller, request.account().organisation()));
  for (const huiliu::v1::Account& old : state_.Accounts()) {
    if (old.id() == request.account().id())
      RETURN_IF_ERROR(RequireOrganisation(caller, old.organisation()));
  }
  ASSIGN_OR_RETURN(*response->mutable_account(), commands_.Put(caller, request));
  return absl::OkStatus();
}

absl::Status RegistryService::ListAccounts(const CallContext& context,
                                           const huiliu::v1::ListAccountsRequest& request,
                                           huiliu::v1::ListAccountsResponse* response) {
  ASSIGN_OR_RETURN(const Principal caller, RequireCaller(context));
  RETURN_IF_ERROR(RequireAnyRole(
      caller, {huiliu::v1::ROLE_SECURITY_ADMINISTRATOR, huiliu::v1::ROLE_AUDIT_ADMINISTRATOR},
      "Registry.ListAccounts"));
  std::vector<huiliu::v1::Account> accounts;
  for (huiliu::v1::Account& account : state_.Accounts()) {
    if (!RequireOrganisation(caller, account.organisation()).ok()) continue;
    if (request.organisation().empty() || account.organisation() == request.organisation()) {
      accounts.push_back(std::move(account));
    }
  }
  return Page(accounts, kId, request.page_size(), request.page_token(),
              response->mutable_accounts(), response->mutable_next_page_token());
}

absl::Status RegistryService::PutReceiver(const CallContext& context,
                                          const huiliu::v1::PutReceiverRequest& request,
                                          huiliu::v1::PutReceiverResponse* response) {
  ASSIGN_OR_RETURN(const Principal caller, RequireCaller(context));
  RETURN_IF_ERROR(RequireReceiver(state_, caller, request.receiver().id()));
  // Nobody gives himself more of what is shared.
  const auto before = state_.FindReceiver(request.receiver().id());
  const huiliu::v1::Quota quota = before.has_value() ? before->quota() : huiliu::v1::Quota();
  if (request.receiver().quota().SerializeAsString() != quota.SerializeAsString())
    RETURN_IF_ERROR(RequireUnbound(state_, caller, "the quota of a receiver"));
  ASSIGN_OR_RETURN(*response->mutable_receiver(), commands_.Put(caller, request));
  return absl::OkStatus();
}

absl::Status RegistryService::ListReceivers(const CallContext& context,
                                            const huiliu::v1::ListReceiversRequest&,
                                            huiliu::v1::ListReceiversResponse* response) {
  ASSIGN_OR_RETURN(const Principal caller, RequireCaller(context));
  for (huiliu::v1::Receiver& receiver : state_.Receivers()) {
    if (RequireReceiver(state_, caller, receiver.id()).ok())
      *response->add_receivers() = std::move(receiver);
  }
  return absl::OkStatus();
}

absl::Status RegistryService::PutSystem(const CallContext& context,
                                        const huiliu::v1::PutSystemRequest& request,
                                        huiliu::v1::PutSystemResponse* response) {
  ASSIGN_OR_RETURN(const Principal caller, RequireCaller(context));
  RETURN_IF_ERROR(RequireUnbound(state_, caller, context.method));
  ASSIGN_OR_RETURN(*response->mutable_system(), commands_.Put(caller, request));
  return absl::OkStatus();
}

bool RegistryService::Owes(const huiliu::v1::Source& source) const {
  absl::Duration expected;
  if (source.expected_every().empty() || !absl::ParseDuration(source.expected_every(), &expected))
    return false;
  const absl::Time since =
      source.has_last_batch() ? FromProto(source.last_batch()) : FromProto(source.registered());
  return OfficeTimeBetween(hours_, since, clock_.Now()) > expected;
}

absl::StatusOr<huiliu::v1::Source> RegistryService::WithPosition(huiliu::v1::Source source) {
  ASSIGN_OR_RETURN(const huiliu::v1::SourcePosition position, intake_.Position(source.id()));
  source.set_epoch(position.epoch());
  source.set_sequence(position.sequence());
  if (position.time_us() != 0)
    *source.mutable_last_batch() = ToProto(absl::FromUnixMicros(position.time_us()));
  return source;
}

absl::Status RegistryService::ListSystems(const CallContext& context,
                                          const huiliu::v1::ListSystemsRequest& request,
                                          huiliu::v1::ListSystemsResponse* response) {
  RETURN_IF_ERROR(RequireCaller(context).status());
  std::map<std::string, std::vector<huiliu::v1::Source>> sources;
  for (huiliu::v1::Source& source : state_.Sources()) {
    ASSIGN_OR_RETURN(source, WithPosition(std::move(source)));
    sources[source.system()].push_back(std::move(source));
  }
  std::vector<huiliu::v1::System> systems;
  int connected = 0;
  for (huiliu::v1::System& system : state_.Systems()) {
    if (request.tier() != huiliu::v1::TIER_UNSPECIFIED && system.tier() != request.tier()) continue;
    if (request.status() != huiliu::v1::SYSTEM_STATUS_UNSPECIFIED &&
        system.status() != request.status())
      continue;
    for (const huiliu::v1::Source& source : sources[system.id()]) {
      system.set_owes(system.owes() || Owes(source));
      if (!source.has_last_batch()) continue;
      system.set_connected(true);
      if (!system.has_last_batch() ||
          FromProto(system.last_batch()) < FromProto(source.last_batch())) {
        *system.mutable_last_batch() = source.last_batch();
      }
    }
    connected += system.connected() ? 1 : 0;
    systems.push_back(std::move(system));
  }
  response->set_total(static_cast<int32_t>(systems.size()));
  response->set_connected(connected);
  return Page(systems, kId, request.page_size(), request.page_token(), response->mutable_systems(),
              response->mutable_next_page_token());
}

absl::Status RegistryService::PutSource(const CallContext& context,
                                        const huiliu::v1::PutSourceRequest& request,
                                        huiliu::v1::PutSourceResponse* response) {
  ASSIGN_OR_RETURN(const Principal caller, RequireCaller(context));
  for (const std::string& receiver : request.source().receivers())
    RETURN_IF_ERROR(RequireReceiver(state_, caller, receiver));
  if (const auto old = state_.FindSource(request.source().id()); old.has_value()) {
    for (const std::string& receiver : old->receivers())
      RETURN_IF_ERROR(RequireReceiver(state_, caller, receiver));
  }
  ASSIGN_OR_RETURN(*response->mutable_source(), commands_.Put(caller, request));
  return absl::OkStatus();
}

absl::Status RegistryService::ListSources(const CallContext& context,
                                          const huiliu::v1::ListSourcesRequest& request,
                                          huiliu::v1::ListSourcesResponse* response) {
  ASSIGN_OR_RETURN(const Principal caller, RequireCaller(context));
  const auto bound = BoundTo(state_, caller);
  for (const huiliu::v1::Source& source : state_.Sources()) {
    if (!request.organisation().empty() && source.organisation() != request.organisation())
      continue;
    if (source.organisation() != caller.organisation) {
      if (!IsAdministrator(caller)) continue;
      if (bound.has_value() && !Serves(source, *bound)) continue;
    }
    ASSIGN_OR_RETURN(*response->add_sources(), WithPosition(source));
  }
  return absl::OkStatus();
}

absl::Status RegistryService::PutDataset(const CallContext& context,
                                         const huiliu::v1::PutDatasetRequest& request,
                                         huiliu::v1::PutDatasetResponse* response) {
  ASSIGN_OR_RETURN(const Principal caller, RequireCaller(context));
  RETURN_IF_ERROR(RequireUnbound(state_, caller, context.method));
  ASSIGN_OR_RETURN(*response->mutable_dataset(), commands_.Put(caller, request));
  return absl::OkStatus();
}

absl::Status RegistryService::GetDataset(const CallContext& context,
                                         const huiliu::v1::GetDatasetRequest& request,
                                         huiliu::v1::GetDatasetResponse* response) {
  RETURN_IF_ERROR(RequireCaller(context).status());
  auto dataset = state_.FindDataset(request.id(), request.version());
  if (!dataset.has_value()) {
    return absl::NotFoundError(
        absl::StrCat("数据集未登记 / dataset \"", request.id(), "\"",
                     request.version() == 0 ? "" : absl::StrCat(" version ", request.version()),
                     " is not registered"));
  }
  *response->mutable_dataset() = *std::move(dataset);
  return absl::OkStatus();
}

absl::Status RegistryService::ListDatasets(const CallContext& context,
                                           const huiliu::v1::ListDatasetsRequest& request,
                                           huiliu::v1::ListDatasetsResponse* response) {
  RETURN_IF_ERROR(RequireCaller(context).status());
  std::vector<huiliu::v1::Dataset> datasets = state_.Datasets();
  for (huiliu::v1::Dataset& dataset : datasets) dataset.clear_source_text();
  return Page(datasets, kId, request.page_size(), request.page_token(),
              response->mutable_datasets(), response->mutable_next_page_token());
}

}  // namespace huiliu::service
