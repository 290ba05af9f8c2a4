// The source's options and its position as text: docs/formats/postgresql-source.md.
#include <nlohmann/json.hpp>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "adapters/postgresql/source.h"
#include "core/text/utf8.h"

namespace huiliu::postgresql {

using absl::StrCat;
using nlohmann::json;

absl::StatusOr<PostgresqlSource::Options> PostgresqlSource::ParseOptions(absl::string_view text) {
  const json object = json::parse(text.begin(), text.end(), nullptr, false);
  if (!object.is_object())
    return absl::InvalidArgumentError(
        "数据源选项不是 JSON 对象 / postgresql source: its options are no JSON object");
  Options options;
  const std::vector<std::pair<const char*, int*>> numbers = {
      {"overlap_s", &options.overlap_s},
      {"page_rows", &options.page_rows},
      {"max_rows_per_second", &options.max_rows_per_second},
      {"poll_interval_ms", &options.poll_interval_ms},
      {"statement_timeout_ms", &options.statement_timeout_ms}};
  const std::vector<std::pair<const char*, std::string*>> texts = {
      {"dsn", &options.dsn},
      {"table", &options.table},
      {"time_column", &options.time_column},
      {"time_zone", &options.time_zone}};
  for (const auto& [key, value] : object.items()) {
    bool known = false;
    for (const auto& [name, out] : numbers) {
      if (key != name || !value.is_number_integer() || value.get<int64_t>() < 0 ||
          value.get<int64_t>() > 100'000'000)
        continue;
      *out = value.get<int>();
      known = true;
    }
    for (const auto& [name, out] : texts) {
      if (key != name || !value.is_string()) continue;
      *out = value.get<std::string>();
      known = true;
    }
    if (key == "time_type" && value.is_string()) {
      options.time_is_text = value == "text";
      known = options.time_is_text || value == "timestamp";
    }
    if (key == "key" && value.is_array()) {
      for (const json& column : value) {
        if (column.is_string()) options.key.push_back(column.get<std::string>());
      }
      known = options.key.size() == value.size();
    }
    if (!known)
      return absl::InvalidArgumentError(StrCat("数据源选项 \"", key,
                                               "\" 未知或类型不符 / postgresql source: option \"",
                                               key, "\" is unknown or of the wrong type"));
  }
  if (options.dsn.empty() || options.table.empty() || options.key.empty() ||
      options.time_column.empty() || options.page_rows < 1) {
    return absl::InvalidArgumentError(
        "必须配置 dsn、table、key、time_column / postgresql source: options dsn, table, key and "
        "time_column are required");
  }
  return options;
}

absl::StatusOr<PostgresqlSource::Position> PostgresqlSource::ParsePosition(absl::string_view text) {
  Position position;
  if (text.empty()) return position;
  const json object = json::parse(text.begin(), text.end(), nullptr, false);
  if (!object.is_object() || !object.contains("phase"))
    return absl::DataLossError(
        "读取位置已损坏 / postgresql source: the stored position cannot be read");
  const std::string phase = object.value("phase", "");
  position.phase = phase == "snapshot"  ? Phase::kSnapshot
                   : phase == "undated" ? Phase::kUndated
                                        : Phase::kChanges;
  position.offset = object.value("offset", int64_t{0});
  position.key = object.value("key", std::vector<std::string>());
  for (std::string& value : position.key) {
    if (object.value("key_is_hex", false)) value = absl::HexStringToBytes(value);
  }
  position.time = object.value("time", "");
  position.since = object.value("since", "");
  position.until = object.value("until", "");
  return position;
}

std::string PostgresqlSource::PositionJson() const {
  const char* const phase = position_.phase == Phase::kSnapshot  ? "snapshot"
                            : position_.phase == Phase::kUndated ? "undated"
                                                                 : "changes";
  json object = {{"phase", phase},           {"key", position_.key},
                 {"time", position_.time},   {"since", position_.since},
                 {"until", position_.until}, {"offset", position_.offset}};
  // JSON is UTF-8; a key need not be.
  if (!text::IsValidUtf8(absl::StrJoin(position_.key, ","))) {
    object["key_is_hex"] = true;
    for (json& value : object["key"]) value = absl::BytesToHexString(value.get<std::string>());
  }
  return object.dump();
}

}  // namespace huiliu::postgresql
