#include "broker/service/peering.h"

#include <map>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_split.h"
#include "absl/synchronization/notification.h"
#include "core/base/retry_info.h"
#include "core/base/status.h"

namespace huiliu::service {
namespace {

using cluster::Peer;
using google::protobuf::Message;

enum class Place {
  kLeader,      // governance commands
  kReceiver,    // who has the catalog of the receiver in `field`
  kSource,      // who takes over the batches of the source in `field`
  kSourceData,  // who judges the dataset of the source in `field`
};
struct Rule {
  Place place;
  const char* field;  // a path of names
};

// Every other method is answered by whichever node is asked.
const std::map<std::string, Rule>& Rules() {
  static const auto& rules = *new std::map<std::string, Rule>{
      {"huiliu.v1.Registry/PutOrganisation", {Place::kLeader, ""}},
      {"huiliu.v1.Registry/PutAccount", {Place::kLeader, ""}},
      {"huiliu.v1.Registry/PutReceiver", {Place::kLeader, ""}},
      {"huiliu.v1.Registry/PutSystem", {Place::kLeader, ""}},
      {"huiliu.v1.Registry/PutSource", {Place::kLeader, ""}},
      {"huiliu.v1.Registry/PutDataset", {Place::kLeader, ""}},
      {"huiliu.v1.Rules/ProposeRuleSet", {Place::kLeader, ""}},
      {"huiliu.v1.Rules/DecideRuleSet", {Place::kLeader, ""}},
      {"huiliu.v1.Rules/DryRun", {Place::kLeader, ""}},
      {"huiliu.v1.Rules/RecordDryRun", {Place::kLeader, ""}},
      {"huiliu.v1.Rules/Explain", {Place::kReceiver, "context.receiver"}},
      {"huiliu.v1.Overrides/ProposeOverride", {Place::kLeader, ""}},
      {"huiliu.v1.Overrides/DecideOverride", {Place::kLeader, ""}},
      {"huiliu.v1.Overrides/WithdrawOverride", {Place::kLeader, ""}},
      {"huiliu.v1.Governance/PutGrant", {Place::kLeader, ""}},
      {"huiliu.v1.Governance/RevokeGrant", {Place::kLeader, ""}},
      {"huiliu.v1.Catalog/Get", {Place::kReceiver, "context.receiver"}},
      {"huiliu.v1.Catalog/MultiGet", {Place::kReceiver, "context.receiver"}},
      {"huiliu.v1.Catalog/Query", {Place::kReceiver, "context.receiver"}},
      {"huiliu.v1.Catalog/Stats", {Place::kReceiver, "receiver"}},
      {"huiliu.v1.Delivery/Subscribe", {Place::kReceiver, "context.receiver"}},
      {"huiliu.v1.Delivery/CommitCursor", {Place::kReceiver, "context.receiver"}},
      {"huiliu.v1.Audit/TraceRecord", {Place::kReceiver, "receiver"}},
      {"huiliu.v1.Audit/GetBalance", {Place::kReceiver, "receiver"}},
      {"huiliu.v1.Intake/GetPosition", {Place::kSource, "source"}},
      {"huiliu.v1.Intake/Publish", {Place::kSource, "source"}},
      {"huiliu.v1.Intake/ListQuarantine", {Place::kSourceData, "source"}},
      {"huiliu.v1.Intake/Redrive", {Place::kSourceData, "source"}},
  };
  return rules;
}

std::string TextAt(const Message& message, absl::string_view path) {
  const Message* at = &message;
  std::string text;
  for (const absl::string_view name : absl::StrSplit(path, '.', absl::SkipEmpty())) {
    const auto* field = at->GetDescriptor()->FindFieldByName(std::string(name));
    if (field == nullptr) return "";
    if (field->cpp_type() == google::protobuf::FieldDescriptor::CPPTYPE_MESSAGE) {
      at = &at->GetReflection()->GetMessage(*at, field);
    } else {
      text = at->GetReflection()->GetString(*at, field);
    }
  }
  return text;
}

}  // namespace

absl::StatusOr<std::optional<Peer>> Peering::Route(const CallContext& context,
                                                   const Message& request) const {
  const auto rule = Rules().find(context.method);
  // Whom this node does not know it refuses itself.
  if (rule == Rules().end() || !context.caller.has_value()) return std::optional<Peer>();
  const std::string named = TextAt(request, rule->second.field);
  absl::StatusOr<std::optional<Peer>> peer;
  switch (rule->second.place) {
    case Place::kLeader:
      peer = cluster_.Leader();
      break;
    case Place::kReceiver:
      if (named.empty()) return std::optional<Peer>();
      peer = cluster_.OwnerOf(named);
      break;
    case Place::kSource:
      peer = cluster_.HolderOf(named);
      break;
    case Place::kSourceData: {
      const auto source = state_.FindSource(named);
      if (!source.has_value()) return std::optional<Peer>();
      peer = cluster_.HolderOf(source->dataset());
      break;
    }
  }
  // One node was told by another that this is the place, and the map has changed since.
  if (peer.ok() && peer->has_value() && context.forwarded) {
    return MayBeAskedAgain(absl::UnavailableError(
        "所请求的内容刚转移到另一节点，请重试 / what was asked for has just moved to another node; "
        "try again"));
  }
  if (!peer.ok()) return MayBeAskedAgain(peer.status());
  return peer;
}

absl::Status Peering::Here(const CallContext& context,
                           const std::function<absl::Status()>& handler) const {
  const uint64_t term = cluster_.lease().Term();
  const absl::Status may_begin = MayLeave(context, term);
  if (!may_begin.ok()) return MayBeAskedAgain(may_begin);
  const absl::Status status = handler();
  const absl::Status may = MayLeave(context, term);
  return may.ok() ? status : may;
}

absl::Status Peering::MayLeave(const CallContext& context, uint64_t term) const {
  const auto rule = Rules().find(context.method);
  // A command is fenced by the log itself; what it did must be told even by a node that slept. A
  // dry run shows records.
  if (rule != Rules().end() && rule->second.place == Place::kLeader &&
      context.method != "huiliu.v1.Rules/DryRun")
    return absl::OkStatus();
  // What is wrong with the cluster is asked for most when the lease has run out because of it.
  if (context.method == "huiliu.v1.Cluster/GetStatus") return absl::OkStatus();
  return term != 0 && cluster_.lease().Term() == term ? absl::OkStatus() : pipeline::LeaseRanOut();
}

void Peering::There(const Peer& peer, const CallContext& context, const Message& request,
                    Message* response, std::function<void(const absl::Status&)> done) const {
  const uint64_t term = cluster_.lease().Term();
  calls_.Call(peer, context, request, response,
              [this, context, term, response, done = std::move(done)](const absl::Status& status) {
                const absl::Status may = status.ok() ? MayLeave(context, term) : status;
                if (!may.ok()) response->Clear();
                done(may);
              });
}

absl::Status Peering::ThereAndWait(const Peer& peer, const CallContext& context,
                                   const Message& request, Message* response) const {
  absl::Notification ended;
  absl::Status result;
  There(peer, context, request, response, [&](const absl::Status& status) {
    result = status;
    ended.Notify();
  });
  ended.WaitForNotification();
  return result;
}

absl::Status Peering::StreamThere(const Peer& peer, const CallContext& context,
                                  const Message& request, const Message& prototype,
                                  const StreamSink& sink) const {
  const uint64_t term = cluster_.lease().Term();
  absl::Status may;
  const absl::Status status =
      calls_.Stream(peer, context, request, prototype, [&](const Message& message) {
        may = MayLeave(context, term);
        return may.ok() && sink(message);
      });
  return may.ok() ? status : may;
}

}  // namespace huiliu::service
