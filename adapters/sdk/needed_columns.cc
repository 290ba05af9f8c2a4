#include "adapters/sdk/needed_columns.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "core/text/trim.h"

namespace huiliu::sdk {
namespace {

bool Shows(absl::Span<const std::string> header, const NeededColumns::Entry& entry) {
  return std::any_of(entry.any_of.begin(), entry.any_of.end(), [&](const std::string& name) {
    const std::string wanted = FoldedColumn(name);
    return std::any_of(header.begin(), header.end(),
                       [&](const std::string& column) { return FoldedColumn(column) == wanted; });
  });
}

}  // namespace

std::string FoldedColumn(absl::string_view name) {
  return absl::AsciiStrToLower(text::Trimmed(name));
}

std::string NeededColumns::Missing(absl::Span<const std::string> header, bool always_alone) const {
  std::string missing;
  for (const Entry& entry : entries_) {
    if ((always_alone && !entry.always) || Shows(header, entry)) continue;
    absl::StrAppend(&missing, missing.empty() ? "" : ", ", absl::StrJoin(entry.any_of, "/"));
  }
  return missing;
}

void NeededColumns::AddMissingTo(std::vector<std::string>* header) const {
  for (const Entry& entry : entries_) {
    if (!Shows(*header, entry)) header->push_back(entry.any_of[0]);
  }
}

std::string NeededColumns::ToJson() const {
  nlohmann::json list = nlohmann::json::array();
  for (const Entry& entry : entries_)
    list.push_back({{"any_of", entry.any_of}, {"always", entry.always}});
  return list.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

absl::StatusOr<NeededColumns> NeededColumns::FromJson(absl::string_view json) {
  const auto list = nlohmann::json::parse(json.begin(), json.end(), nullptr, false);
  NeededColumns needed;
  bool good = list.is_array();
  for (size_t i = 0; good && i < list.size(); ++i) {
    Entry entry;
    good = list[i].is_object() && list[i].contains("any_of") && list[i]["any_of"].is_array() &&
           !list[i]["any_of"].empty();
    if (!good) break;
    for (const auto& name : list[i]["any_of"]) {
      good = good && name.is_string();
      if (good) entry.any_of.push_back(name.get<std::string>());
    }
    const auto always = list[i].find("always");
    entry.always = always != list[i].end() && always->is_boolean() && always->get<bool>();
    needed.Add(std::move(entry));
  }
  if (good) return needed;
  return absl::InvalidArgumentError(
      "the columns that are needed: a JSON array of {\"any_of\": [names], \"always\": bool} is "
      "expected");
}

}  // namespace huiliu::sdk
