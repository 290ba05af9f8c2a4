#include "adapters/agent/rule_verbs.h"

#include <algorithm>
#include <cstdio>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "adapters/agent/override_verbs.h"
#include "adapters/agent/pins.h"
#include "core/base/status.h"

namespace huiliu::agent {
namespace {

using huiliu::v1::RuleSet;

constexpr size_t kShortestDigest = 8;

const char* StateInWords(huiliu::v1::RuleSetState state) {
  switch (state) {
    case huiliu::v1::RULE_SET_STATE_PROPOSED:
      return "待审批 (proposed)";
    case huiliu::v1::RULE_SET_STATE_REJECTED:
      return "已退回 (rejected)";
    case huiliu::v1::RULE_SET_STATE_APPROVED:
      return "已审批未生效 (approved for later)";
    case huiliu::v1::RULE_SET_STATE_IN_FORCE:
      return "现行 (in force)";
    case huiliu::v1::RULE_SET_STATE_EXPIRED:
      return "已失效 (expired)";
    default:
      return "已被替代 (superseded)";
  }
}

bool WasInForce(const RuleSet& version) {
  return version.state() == huiliu::v1::RULE_SET_STATE_IN_FORCE ||
         version.state() == huiliu::v1::RULE_SET_STATE_EXPIRED ||
         version.state() == huiliu::v1::RULE_SET_STATE_SUPERSEDED;
}

absl::StatusOr<std::vector<RuleSet>> VersionsOf(const Config& config, const std::string& source) {
  ASSIGN_OR_RETURN(const std::unique_ptr<NodeClient> node, NodeClient::Connect(config.node));
  ASSIGN_OR_RETURN(const huiliu::v1::Source registered, node->FindSource(source));
  return node->ListRuleSets(registered.dataset(), registered.receivers(0));
}

std::string DigestOf(const RuleSet& version) { return absl::BytesToHexString(version.digest()); }

}  // namespace

absl::Status ListRules(const Config& config, const std::string& source) {
  ASSIGN_OR_RETURN(const std::vector<RuleSet> versions, VersionsOf(config, source));
  ASSIGN_OR_RETURN(const std::string pinned, PinnedDigest(config.state_dir, source));
  bool there = pinned.empty();
  for (const RuleSet& version : versions) {
    const bool marked = DigestOf(version) == pinned;
    there = there || (marked && WasInForce(version));
    std::printf("%s 第 %u 版 (version)  %s  %s  %s%s%s\n", marked ? "*" : " ", version.version(),
                DigestOf(version).c_str(), StateInWords(version.state()),
                version.source_name().c_str(), version.note().empty() ? "" : "  ",
                version.note().c_str());
  }
  if (!there) {
    return absl::NotFoundError(absl::StrCat(
        "数源 ", source, " 锁定的规则版本 ", pinned.substr(0, 12),
        "… 在节点上不存在或未生效，采集已停止；请重新锁定或解除 / the pinned version is "
        "not there or not in force, nothing is read; pin again or unpin"));
  }
  std::printf("%s\n", pinned.empty() ? "未锁定：运行现行版本 (not pinned: the one in force runs)"
                                     : "* 已锁定 (pinned)");
  return absl::OkStatus();
}

absl::Status ShowRules(const Config& config, const std::string& source, uint32_t version) {
  ASSIGN_OR_RETURN(const std::vector<RuleSet> versions, VersionsOf(config, source));
  ASSIGN_OR_RETURN(const std::string pinned, PinnedDigest(config.state_dir, source));
  for (const RuleSet& one : versions) {
    const bool in_force = one.state() == huiliu::v1::RULE_SET_STATE_IN_FORCE ||
                          one.state() == huiliu::v1::RULE_SET_STATE_EXPIRED;
    const bool runs = pinned.empty() ? in_force : DigestOf(one) == pinned;
    if (version == 0 ? !runs : one.version() != version) continue;
    std::fputs(one.yaml().c_str(), stdout);
    return absl::OkStatus();
  }
  return absl::NotFoundError(
      version == 0 ? absl::StrCat("数源 ", source, " 没有现行规则 / no rules in force")
                   : absl::StrCat("没有第 ", version, " 版 / there is no version ", version));
}

absl::StatusOr<RuleSet> FindPinnable(const std::vector<RuleSet>& versions,
                                     const std::string& digest) {
  const std::string wanted = absl::AsciiStrToLower(digest);
  const bool hexadecimal = std::all_of(wanted.begin(), wanted.end(), absl::ascii_isxdigit);
  if (!hexadecimal || wanted.size() < kShortestDigest || wanted.size() > 64) {
    return absl::InvalidArgumentError(absl::StrCat(
        "摘要须为 ", kShortestDigest, " 至 64 位十六进制（huiliu-agent rules 可查）/ a digest is ",
        kShortestDigest, " to 64 hexadecimal digits, see huiliu-agent rules"));
  }
  const RuleSet* found = nullptr;
  for (const RuleSet& version : versions) {
    if (!absl::StartsWith(DigestOf(version), wanted)) continue;
    if (!WasInForce(version)) {
      return absl::FailedPreconditionError(absl::StrCat(
          "第 ", version.version(), " 版：", StateInWords(version.state()),
          "，不能锁定 / this version is not and was not in force; it cannot be pinned"));
    }
    if (found == nullptr || found->digest() == version.digest()) found = &version;
    if (found->digest() != version.digest()) {
      return absl::InvalidArgumentError(
          "有多个版本以此开头，请给出更长的摘要 / several versions begin like this; give more "
          "digits");
    }
  }
  if (found != nullptr) return *found;
  return absl::NotFoundError(
      "没有这个摘要的规则版本（huiliu-agent rules 可查）/ no version has this digest, see "
      "huiliu-agent "
      "rules");
}

absl::Status PinRules(const Config& config, const std::string& source, const std::string& digest) {
  if (digest.empty()) {
    RETURN_IF_ERROR(Pin(config.state_dir, source, ""));
    RETURN_IF_ERROR(SetAcceptedOverrides(config.state_dir, source, {}));
    std::printf("已解除锁定，运行现行版本 (unpinned: the one in force runs)\n");
    return absl::OkStatus();
  }
  ASSIGN_OR_RETURN(const std::vector<RuleSet> versions, VersionsOf(config, source));
  ASSIGN_OR_RETURN(const RuleSet version, FindPinnable(versions, digest));
  // Whoever pins keeps what runs now: the overrides in force, and none that come later.
  ASSIGN_OR_RETURN(const std::string before, PinnedDigest(config.state_dir, source));
  if (before.empty()) RETURN_IF_ERROR(AcceptOverrides(config, source, {}));
  RETURN_IF_ERROR(Pin(config.state_dir, source, DigestOf(version)));
  std::printf("已锁定第 %u 版 (pinned version %u)  %s\n", version.version(), version.version(),
              DigestOf(version).c_str());
  return absl::OkStatus();
}

}  // namespace huiliu::agent
