#include "adapters/agent/override_verbs.h"

#include <algorithm>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <set>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "adapters/agent/node_client.h"
#include "adapters/agent/pins.h"
#include "core/base/status.h"
#include "core/rules/override_match.h"
#include "core/rules/override_words.h"
#include "core/text/terminal_table.h"

namespace huiliu::agent {
namespace {

using huiliu::v1::TerritoryOverride;

std::string DigestOf(const TerritoryOverride& one) {
  return absl::BytesToHexString(AsBytes(rules::DigestOfOverride(one)));
}

absl::StatusOr<std::vector<TerritoryOverride>> InForce(const Config& config,
                                                       const std::string& source) {
  ASSIGN_OR_RETURN(const std::unique_ptr<NodeClient> node, NodeClient::Connect(config.node));
  ASSIGN_OR_RETURN(const huiliu::v1::Source registered, node->FindSource(source));
  huiliu::v1::GetOverridesInForceRequest request;
  request.set_dataset(registered.dataset());
  request.set_receiver(registered.receivers(0));
  ASSIGN_OR_RETURN(const huiliu::v1::GetOverridesInForceResponse response,
                   node->OverridesInForce(request));
  return std::vector<TerritoryOverride>(response.territory_overrides().begin(),
                                        response.territory_overrides().end());
}

// The overrides named, each once; all where none is.
absl::StatusOr<std::vector<TerritoryOverride>> Named(std::vector<TerritoryOverride> in_force,
                                                     const std::vector<std::string>& ids) {
  if (ids.empty()) return in_force;
  std::vector<TerritoryOverride> named;
  for (const std::string& id : ids) {
    const auto found = std::find_if(in_force.begin(), in_force.end(),
                                    [&](const TerritoryOverride& one) { return one.id() == id; });
    if (found == in_force.end()) {
      return absl::NotFoundError(
          absl::StrCat("没有生效的认领决定 / no override in force is ", id,
                       "；请用 huiliu-agent overrides 查看 / see huiliu-agent overrides"));
    }
    named.push_back(*found);
  }
  return named;
}

}  // namespace

absl::StatusOr<std::vector<TerritoryOverride>> OverridesThatRun(
    const std::string& state_dir, const std::string& source,
    std::vector<TerritoryOverride> in_force) {
  ASSIGN_OR_RETURN(const std::string pinned, PinnedDigest(state_dir, source));
  if (pinned.empty()) return in_force;
  ASSIGN_OR_RETURN(const std::set<std::string> accepted, AcceptedOverrides(state_dir, source));
  std::erase_if(in_force,
                [&](const TerritoryOverride& one) { return !accepted.contains(DigestOf(one)); });
  return in_force;
}

absl::Status ListOverrides(const Config& config, const std::string& source, bool json) {
  ASSIGN_OR_RETURN(const std::vector<TerritoryOverride> in_force, InForce(config, source));
  ASSIGN_OR_RETURN(const std::vector<TerritoryOverride> run,
                   OverridesThatRun(config.state_dir, source, in_force));
  text::Table table({"编号 (id)", "匹配 (matches)", "归属 (division)", "理由 (reason)",
                     "提交人 (author)", "审批人 (approver)", "在此运行 (runs here)"});
  for (const TerritoryOverride& one : in_force) {
    const bool runs = std::any_of(run.begin(), run.end(), [&](const TerritoryOverride& other) {
      return other.id() == one.id();
    });
    if (json) {
      const nlohmann::json line = {{"id", one.id()},
                                   {"matches", rules::MatchInWords(one, true)},
                                   {"division", one.division()},
                                   {"outside", one.outside()},
                                   {"reason", one.reason()},
                                   {"author", one.author()},
                                   {"approver", one.approver()},
                                   {"digest", DigestOf(one)},
                                   {"runs", runs}};
      std::printf("%s\n",
                  line.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace).c_str());
    }
    table.Add({one.id(), rules::MatchInWords(one, false), rules::DivisionInWords(one, false),
               one.reason(), one.author(), one.approver(),
               runs ? "是 (yes)" : "否，未采纳 (no, not accepted)"});
  }
  if (json) return absl::OkStatus();
  std::printf("%s共 %zu 条 (in force)，在此运行 %zu 条 (run here)\n", table.Render().c_str(),
              in_force.size(), run.size());
  return absl::OkStatus();
}

absl::Status AcceptOverrides(const Config& config, const std::string& source,
                             const std::vector<std::string>& ids) {
  ASSIGN_OR_RETURN(std::vector<TerritoryOverride> in_force, InForce(config, source));
  ASSIGN_OR_RETURN(const std::vector<TerritoryOverride> named, Named(std::move(in_force), ids));
  ASSIGN_OR_RETURN(std::set<std::string> accepted, AcceptedOverrides(config.state_dir, source));
  for (const TerritoryOverride& one : named) accepted.insert(DigestOf(one));
  RETURN_IF_ERROR(SetAcceptedOverrides(config.state_dir, source, accepted));
  std::printf("已采纳 %zu 条认领决定 (accepted)\n", named.size());
  return absl::OkStatus();
}

absl::Status RefuseOverrides(const Config& config, const std::string& source,
                             const std::vector<std::string>& ids) {
  ASSIGN_OR_RETURN(std::vector<TerritoryOverride> in_force, InForce(config, source));
  ASSIGN_OR_RETURN(const std::vector<TerritoryOverride> named, Named(std::move(in_force), ids));
  ASSIGN_OR_RETURN(std::set<std::string> accepted, AcceptedOverrides(config.state_dir, source));
  for (const TerritoryOverride& one : named) accepted.erase(DigestOf(one));
  RETURN_IF_ERROR(SetAcceptedOverrides(config.state_dir, source, accepted));
  ASSIGN_OR_RETURN(const std::string pinned, PinnedDigest(config.state_dir, source));
  std::printf("不再采纳 %zu 条认领决定 (no longer accepted)%s\n", named.size(),
              pinned.empty() ? "；未锁定规则，认领决定仍全部运行 (rules are not pinned: all run "
                               "nevertheless; pin first)"
                             : "");
  return absl::OkStatus();
}

}  // namespace huiliu::agent
