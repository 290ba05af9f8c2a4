#include "adapters/file/position.h"

#include <nlohmann/json.hpp>

#include "core/base/status.h"

namespace huiliu::file {
namespace {

absl::Status Unreadable() {
  return absl::DataLossError(
      "文件数据源所存的读取位置无法读出，清除后将从头读取 / file source: the stored position "
      "cannot be read; clear it to read from the beginning");
}

bool Read(const nlohmann::json& object, const char* key, int64_t* out) {
  const auto value = object.find(key);
  if (value == object.end()) return true;
  if (!value->is_number_integer()) return false;
  *out = value->get<int64_t>();
  return *out >= 0;
}

bool Read(const nlohmann::json& object, const char* key, std::string* out) {
  const auto value = object.find(key);
  if (value == object.end()) return true;
  if (!value->is_string()) return false;
  *out = value->get<std::string>();
  return true;
}

bool ReadFile(const nlohmann::json& entry, FileState* state) {
  if (!entry.is_object()) return false;
  if (entry.contains("foreign")) return true;  // looked at again
  state->skipping = entry.contains("skipping");
  return Read(entry, "id", &state->identity) && Read(entry, "offset", &state->offset) &&
         Read(entry, "line", &state->line) && Read(entry, "modified", &state->modified);
}

}  // namespace

absl::StatusOr<Position> ParsePosition(absl::string_view json) {
  Position position;
  if (json.empty()) return position;
  const auto object = nlohmann::json::parse(json.begin(), json.end(), nullptr, false);
  if (!object.is_object()) return Unreadable();
  const auto files = object.find("files");
  if (files == object.end() || !files->is_object()) return Unreadable();
  for (const auto& [name, entry] : files->items()) {
    if (!ReadFile(entry, &position.files[name])) return Unreadable();
  }
  if (const auto folded = object.find("folded"); folded != object.end()) {
    Folded& out = position.folded;
    if (!folded->is_object() || !Read(*folded, "name", &out.name) ||
        !Read(*folded, "changed", &out.changed) || !Read(*folded, "files", &out.files))
      return Unreadable();
  }
  if (const auto names = object.find("by_name"); names != object.end()) {
    if (!names->is_array()) return Unreadable();
    for (const auto& name : *names) {
      if (!name.is_string()) return Unreadable();
      position.by_name.push_back(name.get<std::string>());
    }
  }
  return position;
}

std::string ToJson(const Position& position) {
  nlohmann::json files = nlohmann::json::object();
  for (const auto& [name, state] : position.files) {
    nlohmann::json& entry = files[name];
    if (state.foreign) {
      entry = {{"foreign", true}};
      continue;
    }
    entry = {{"id", state.identity}, {"offset", state.offset}, {"line", state.line}};
    if (state.modified != 0) entry["modified"] = state.modified;
    if (state.skipping) entry["skipping"] = true;
  }
  nlohmann::json object = {{"files", std::move(files)}};
  if (position.folded.files > 0) {
    object["folded"] = {{"name", position.folded.name},
                        {"changed", position.folded.changed},
                        {"files", position.folded.files}};
  }
  if (!position.by_name.empty()) object["by_name"] = position.by_name;
  return object.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

}  // namespace huiliu::file
