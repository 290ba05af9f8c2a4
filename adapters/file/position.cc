#include "adapters/file/position.h"

#include <nlohmann/json.hpp>

namespace huiliu::file {

absl::StatusOr<Position> ParsePosition(absl::string_view json) {
  Position position;
  if (json.empty()) return position;
  const auto object = nlohmann::json::parse(json.begin(), json.end(), nullptr, false);
  const auto files = object.is_object() ? object.find("files") : object.end();
  if (!object.is_object() || files == object.end() || !files->is_object()) {
    return absl::DataLossError("file source: the stored position cannot be read");
  }
  for (const auto& [name, entry] : files->items()) {
    FileState state;
    state.identity = entry.value("id", "");
    state.identity_bytes = entry.value("idn", int64_t{0});
    state.offset = entry.value("offset", int64_t{0});
    state.line = entry.value("line", int64_t{1});
    state.skipping = entry.value("skipping", false);
    state.foreign = entry.value("foreign", false);
    position.files[name] = state;
  }
  return position;
}

std::string ToJson(const Position& position) {
  nlohmann::json files = nlohmann::json::object();
  for (const auto& [name, state] : position.files) {
    nlohmann::json entry = {{"id", state.identity},
                            {"idn", state.identity_bytes},
                            {"offset", state.offset},
                            {"line", state.line}};
    if (state.skipping) entry["skipping"] = true;
    if (state.foreign) entry["foreign"] = true;
    files[name] = std::move(entry);
  }
  return nlohmann::json{{"files", std::move(files)}}.dump(-1, ' ', false,
                                                          nlohmann::json::error_handler_t::replace);
}

}  // namespace huiliu::file
