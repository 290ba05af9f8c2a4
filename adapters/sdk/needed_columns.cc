#include "adapters/sdk/needed_columns.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "core/text/trim.h"

namespace huiliu::sdk {
namespace {

// A header's columns by what they are compared by.
using Folded = absl::flat_hash_map<std::string, std::vector<absl::string_view>>;

Folded Fold(absl::Span<const std::string> header) {
  Folded folded;
  for (const std::string& column : header)
    folded[FoldedColumn(column)].push_back(text::Trimmed(column));
  return folded;
}

// The columns that could be the entry's: those of the first of its names that is there.
const std::vector<absl::string_view>* ColumnsOf(const Folded& header,
                                                const NeededColumns::Entry& entry,
                                                absl::string_view* name) {
  for (const std::string& candidate : entry.any_of) {
    const auto found = header.find(FoldedColumn(candidate));
    if (found == header.end()) continue;
    *name = candidate;
    return &found->second;
  }
  return nullptr;
}

bool Shows(const Folded& header, const NeededColumns::Entry& entry) {
  absl::string_view name;
  return ColumnsOf(header, entry, &name) != nullptr;
}

std::string Listed(const std::vector<std::string>& names) {
  std::vector<std::string> once;
  for (const std::string& name : names) {
    if (std::find(once.begin(), once.end(), name) == once.end()) once.push_back(name);
  }
  return absl::StrJoin(once, ", ");
}

}  // namespace

std::string FoldedColumn(absl::string_view name) {
  return absl::AsciiStrToLower(text::Trimmed(name));
}

std::string NeededColumns::Missing(absl::Span<const std::string> header) const {
  const Folded folded = Fold(header);
  std::vector<std::string> missing;
  for (const Entry& entry : entries_) {
    if (!entry.optional && !Shows(folded, entry))
      missing.push_back(absl::StrJoin(entry.any_of, "/"));
  }
  return Listed(missing);
}

void NeededColumns::AddMissingTo(std::vector<std::string>* header) const {
  for (const Entry& entry : entries_) {
    if (!entry.optional && !Shows(Fold(*header), entry)) header->push_back(entry.any_of[0]);
  }
}

std::string NeededColumns::Repeated(absl::Span<const std::string> header) const {
  const Folded folded = Fold(header);
  std::vector<std::string> repeated;
  for (const Entry& entry : entries_) {
    absl::string_view name;
    const std::vector<absl::string_view>* const columns = ColumnsOf(folded, entry, &name);
    if (columns == nullptr || columns->size() == 1) continue;
    if (std::count(columns->begin(), columns->end(), text::Trimmed(name)) != 1)
      repeated.emplace_back(columns->front());
  }
  return Listed(repeated);
}

std::vector<std::string> NeededColumns::ReadByName(absl::Span<const std::string> header) const {
  const Folded folded = Fold(header);
  std::vector<std::string> names;
  for (const Entry& entry : entries_) {
    absl::string_view name;
    const std::vector<absl::string_view>* const columns = ColumnsOf(folded, entry, &name);
    if (entry.by_name && columns != nullptr) names.emplace_back(columns->front());
  }
  return names;
}

std::string NeededColumns::Vanished(absl::Span<const std::string> before,
                                    absl::Span<const std::string> header, bool required) const {
  const Folded shown = Fold(before);
  const Folded folded = Fold(header);
  std::vector<std::string> vanished;
  for (const Entry& entry : entries_) {
    absl::string_view name;
    const std::vector<absl::string_view>* const columns = ColumnsOf(shown, entry, &name);
    if (entry.by_name && entry.required == required && columns != nullptr && !Shows(folded, entry))
      vanished.emplace_back(columns->front());
  }
  return Listed(vanished);
}

bool NeededColumns::Names(absl::string_view column) const {
  const std::string folded = FoldedColumn(column);
  return std::any_of(entries_.begin(), entries_.end(), [&](const Entry& entry) {
    return std::any_of(entry.any_of.begin(), entry.any_of.end(),
                       [&](const std::string& name) { return FoldedColumn(name) == folded; });
  });
}

std::string NeededColumns::ToJson(bool with_optional) const {
  nlohmann::json list = nlohmann::json::array();
  for (const Entry& entry : entries_) {
    if (entry.optional && !with_optional) continue;
    nlohmann::json one = {{"any_of", entry.any_of}, {"always", entry.always}};
    if (entry.optional) one["optional"] = true;
    if (entry.by_name) one["by_name"] = true;
    if (entry.required) one["required"] = true;
    list.push_back(std::move(one));
  }
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
    const auto is_true = [&](const char* key) {
      const auto value = list[i].find(key);
      return value != list[i].end() && value->is_boolean() && value->get<bool>();
    };
    entry.always = is_true("always");
    entry.optional = is_true("optional");
    entry.by_name = is_true("by_name");
    entry.required = is_true("required");
    needed.Add(std::move(entry));
  }
  if (good) return needed;
  return absl::InvalidArgumentError(
      "所需的列不合格式 / the columns that are needed: a JSON array of {\"any_of\": [names], "
      "\"always\": bool} is "
      "expected");
}

}  // namespace huiliu::sdk
