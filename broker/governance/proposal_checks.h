// What all proposals ask: is it the version that the command saw, is what it names registered.
#ifndef HUILIU_BROKER_GOVERNANCE_PROPOSAL_CHECKS_H_
#define HUILIU_BROKER_GOVERNANCE_PROPOSAL_CHECKS_H_

#include <map>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace huiliu::governance {

// In Chinese; empty for a kind that nothing refers to.
inline absl::string_view TitleOf(absl::string_view kind) {
  constexpr std::pair<absl::string_view, absl::string_view> kTitles[] = {
      {"organisation", "机构"}, {"account", "账号"},  {"system", "系统"},
      {"receiver", "接收方"},   {"source", "数据源"}, {"dataset", "数据集"}};
  for (const auto& [name, title] : kTitles) {
    if (name == kind) return title;
  }
  return "";
}

// ABORTED where the entity is at another version than the command saw; 0: not there.
template <typename T>
absl::Status CheckSeen(absl::string_view kind, const std::map<std::string, T>& map,
                       const std::string& id, uint64_t seen) {
  const auto it = map.find(id);
  const uint64_t now = it == map.end() ? 0 : it->second.version();
  if (now == seen) return absl::OkStatus();
  return absl::AbortedError(
      absl::StrCat(kind, " ", id, " 已被他人改动，请重新读取后再执行 / is at version ", now,
                   ", the command saw ", seen, ": read it again and repeat the command"));
}

// NOT_FOUND, naming the user, where the id is not registered.
template <typename T>
absl::Status CheckKnown(absl::string_view user, absl::string_view kind,
                        const std::map<std::string, T>& map, const std::string& id) {
  if (map.contains(id)) return absl::OkStatus();
  return absl::NotFoundError(absl::StrCat(user, ": ", TitleOf(kind), "未登记，请先登记 / ", kind,
                                          " \"", id, "\" is not registered; register it first"));
}

}  // namespace huiliu::governance

#endif  // HUILIU_BROKER_GOVERNANCE_PROPOSAL_CHECKS_H_
