#include "adapters/postgresql/withdrawn_rows.h"

#include <algorithm>

#include "absl/strings/str_cat.h"

namespace huiliu::postgresql {
namespace {

using absl::StrCat;

constexpr char kSuffix[] = "_withdrawn";
constexpr size_t kMaxNameBytes = 63;  // PostgreSQL cuts what is longer

std::string NameBeside(std::string table) {
  size_t end = std::min(table.size(), kMaxNameBytes - (sizeof kSuffix - 1));
  while (end < table.size() && end > 0 && (static_cast<uint8_t>(table[end]) & 0xC0) == 0x80) --end;
  table.resize(end);
  return table + kSuffix;
}

}  // namespace

WithdrawnRows::WithdrawnRows(const Connection& connection, const std::string& schema,
                             const std::string& table, const std::string& staging,
                             const std::vector<Column>& columns) {
  const auto has = [&](absl::string_view name) {
    return std::any_of(columns.begin(), columns.end(),
                       [&](const Column& column) { return column.name == name; });
  };
  if (!has("_reason") || !has("_rule_set")) return;
  const std::string landed =
      StrCat(connection.Identifier(schema), ".", connection.Identifier(table));
  const std::string mine =
      StrCat(connection.Identifier(schema), ".", connection.Identifier(NameBeside(table)));
  std::string keys = "_system", typed = "_system text NOT NULL", of_landed = "t._system";
  std::string landed_matches = "t._system = s._system", mine_matches = "w._system = s._system";
  for (const Column& column : columns) {
    if (!column.key) continue;
    const std::string name = connection.Identifier(column.name);
    absl::StrAppend(&keys, ", ", name);
    absl::StrAppend(&typed, ", ", name, " ", column.type, " NOT NULL");
    absl::StrAppend(&of_landed, ", t.", name);
    absl::StrAppend(&landed_matches, " AND t.", name, " = s.", name);
    absl::StrAppend(&mine_matches, " AND w.", name, " = s.", name);
  }
  create_ = StrCat(
      "CREATE TABLE IF NOT EXISTS ", mine, " (", typed,
      ", _withdrawn_time timestamptz NOT NULL, _reason text, _rule_set text, PRIMARY KEY (", keys,
      "));COMMENT ON TABLE ", mine, " IS '已撤回的行及原因；再次回流后移除';COMMENT ON COLUMN ",
      mine, "._withdrawn_time IS '从本表撤回的时间';COMMENT ON COLUMN ", mine,
      "._reason IS '撤回原因';COMMENT ON COLUMN ", mine, "._rule_set IS '引起撤回的规则版本';");
  keep_ = StrCat("INSERT INTO ", mine, " (", keys, ", _withdrawn_time, _reason, _rule_set) SELECT ",
                 of_landed, ", now(), s._reason, s._rule_set FROM ", staging, " s JOIN ", landed,
                 " t ON ", landed_matches, " WHERE s._delete ON CONFLICT (", keys,
                 ") DO UPDATE SET _withdrawn_time = excluded._withdrawn_time, _reason = "
                 "excluded._reason, _rule_set = excluded._rule_set;");
  settle_ = StrCat("DELETE FROM ", mine, " w USING ", staging, " s WHERE NOT s._delete AND ",
                   mine_matches, ";");
  forget_ = StrCat("DELETE FROM ", mine, ";");
  any_ = StrCat("SELECT 1 FROM ", mine, " LIMIT 1");
}

}  // namespace huiliu::postgresql
