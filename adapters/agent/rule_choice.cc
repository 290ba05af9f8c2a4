#include "adapters/agent/rule_choice.h"

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "adapters/agent/pins.h"
#include "core/base/status.h"

namespace huiliu::agent {
namespace {

bool WasApproved(const huiliu::v1::RuleSet& version) {
  return version.state() == huiliu::v1::RULE_SET_STATE_IN_FORCE ||
         version.state() == huiliu::v1::RULE_SET_STATE_EXPIRED ||
         version.state() == huiliu::v1::RULE_SET_STATE_SUPERSEDED;
}

}  // namespace

absl::StatusOr<huiliu::v1::RuleSet> ChooseRuleSet(const Config& config,
                                                  const huiliu::v1::Source& source,
                                                  NodeClient& node) {
  const std::string& receiver = source.receivers(0);
  ASSIGN_OR_RETURN(const std::string pinned, PinnedDigest(config.state_dir, source.id()));
  if (pinned.empty()) {
    auto in_force = node.RuleSetInForce(source.dataset(), receiver);
    if (in_force.status().code() != absl::StatusCode::kNotFound) return in_force;
    return absl::FailedPreconditionError(std::string(in_force.status().message()));
  }
  ASSIGN_OR_RETURN(std::vector<huiliu::v1::RuleSet> all,
                   node.ListRuleSets(source.dataset(), receiver));
  for (huiliu::v1::RuleSet& proto : all) {
    if (WasApproved(proto) && absl::BytesToHexString(proto.digest()) == pinned)
      return std::move(proto);
  }
  return absl::FailedPreconditionError(absl::StrCat(
      "部门固定的规则集在节点没有或未获批准，请用 huiliu-agent rules 查看后另行固定 / the "
      "department "
      "has pinned rule set ",
      pinned.substr(0, 12), "… for source ", source.id(),
      ", which the node does not have or has not approved; look at huiliu-agent rules, then pin "
      "another"));
}

}  // namespace huiliu::agent
