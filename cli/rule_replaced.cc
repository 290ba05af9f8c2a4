#include "cli/rule_replaced.h"

#include "absl/strings/str_cat.h"
#include "cli/words.h"
#include "core/model/proto_time.h"

namespace huiliu::cli {
namespace {

using huiliu::v1::RuleSet;

bool OfOneSet(const RuleSet& a, const RuleSet& b) {
  return a.dataset() == b.dataset() && a.receiver() == b.receiver();
}

bool WasApproved(const RuleSet& version) {
  return version.state() != huiliu::v1::RULE_SET_STATE_PROPOSED &&
         version.state() != huiliu::v1::RULE_SET_STATE_REJECTED;
}

}  // namespace

uint32_t ReplacedBeforeItsDate(const RuleSet& version,
                               const huiliu::v1::ListRuleSetsResponse& all) {
  if (version.state() != huiliu::v1::RULE_SET_STATE_SUPERSEDED) return 0;
  const RuleSet* by = nullptr;
  for (const RuleSet& other : all.rule_sets()) {
    if (!OfOneSet(other, version) || !WasApproved(other) ||
        FromProto(other.decided()) <= FromProto(version.decided()) ||
        FromProto(other.active_from()) > FromProto(version.active_from())) {
      continue;
    }
    if (by == nullptr || FromProto(other.decided()) < FromProto(by->decided())) by = &other;
  }
  return by == nullptr ? 0 : by->version();
}

std::vector<std::string> ReplacedInWords(const RuleSet& approved,
                                         const huiliu::v1::ListRuleSetsResponse& before,
                                         bool english) {
  std::vector<std::string> lines;
  for (const RuleSet& version : before.rule_sets()) {
    if (!OfOneSet(version, approved) || version.state() != huiliu::v1::RULE_SET_STATE_APPROVED ||
        FromProto(version.active_from()) < FromProto(approved.active_from())) {
      continue;
    }
    const std::string from = TimeInWords(version.active_from());
    lines.push_back(
        english
            ? absl::StrCat("version ", version.version(), ", approved to come into force on ", from,
                           ", is replaced by this one and never will; propose its text anew "
                           "where it is still wanted")
            : absl::StrCat("第 ", version.version(), " 版原定 ", from,
                           " 生效，已被本版取代，不再生效；仍需要时请将其原文重新提交"));
  }
  return lines;
}

}  // namespace huiliu::cli
