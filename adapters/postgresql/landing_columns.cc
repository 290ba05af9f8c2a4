// PostgresqlLanding's eye on its columns: what stood in one that somebody dropped or renamed is not
// in the one that is made in its place.
#include <nlohmann/json.hpp>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "adapters/postgresql/landing.h"
#include "core/base/status.h"

namespace huiliu::postgresql {
namespace {

using absl::StrCat;
using nlohmann::json;

// Names may be taken again; the numbers of a table's columns are not.
absl::StatusOr<json> NumbersOfColumns(Connection& connection, const std::string& table) {
  ASSIGN_OR_RETURN(const Result rows,
                   connection.Query("SELECT attname, attnum FROM pg_attribute WHERE attrelid = "
                                    "to_regclass($1) AND attnum > 0 AND NOT attisdropped",
                                    {table}));
  json numbers = json::object();
  for (int r = 0; r < PQntuples(rows.get()); ++r) {
    int number = 0;
    if (absl::SimpleAtoi(PQgetvalue(rows.get(), r, 1), &number))
      numbers[PQgetvalue(rows.get(), r, 0)] = number;
  }
  return numbers;
}

}  // namespace

absl::Status PostgresqlLanding::RememberColumns() {
  ASSIGN_OR_RETURN(const json there, NumbersOfColumns(*connection_, Qualified()));
  json made = json::object();
  for (const Column& column : columns_) {
    if (there.contains(column.name)) made[column.name] = there[column.name];
  }
  made_ = made.dump();
  return absl::OkStatus();
}

absl::Status PostgresqlLanding::ForgetCursorOfLostColumns() {
  const std::string cursors =
      StrCat(connection_->Identifier(options_.schema), ".huiliu_landing_cursor");
  ASSIGN_OR_RETURN(const Result found,
                   connection_->Query("SELECT to_regclass($1) IS NOT NULL", {cursors}));
  if (absl::string_view(PQgetvalue(found.get(), 0, 0)) != "t") return absl::OkStatus();
  ASSIGN_OR_RETURN(const Result row,
                   connection_->Query(StrCat("SELECT columns FROM ", cursors, " WHERE target = $1"),
                                      {Target()}));
  // NULL: a cursor of before.
  if (PQntuples(row.get()) == 0 || PQgetisnull(row.get(), 0, 0) != 0) return absl::OkStatus();
  const json made = json::parse(PQgetvalue(row.get(), 0, 0), nullptr, false);
  ASSIGN_OR_RETURN(const json there, NumbersOfColumns(*connection_, Qualified()));
  std::vector<std::string> lost;
  bool key_lost = false;
  for (const Column& column : columns_) {
    if (!made.is_object() || !made.contains(column.name)) continue;
    if (there.contains(column.name) && there[column.name] == made[column.name]) continue;
    lost.push_back(column.name);
    key_lost = key_lost || column.key;
  }
  if (lost.empty()) return absl::OkStatus();
  const std::string names = absl::StrJoin(lost, ", ");
  if (key_lost) {
    return absl::FailedPreconditionError(
        StrCat("PostgreSQL ", connection_->place(), ": 表 ", Target(), " 的主键列 ", names,
               " 已被删除或改名：请改回原名，或删除该表后重启落地（将重建并从头落地）/ columns ",
               names, " of table ", Target(),
               ", the key's among them, were dropped or renamed: give them their names back, or "
               "drop the table and start the landing again, which makes and fills it anew"));
  }
  RETURN_IF_ERROR(
      connection_->Query(StrCat("DELETE FROM ", cursors, " WHERE target = $1"), {Target()})
          .status());
  host_.Log(sdk::Host::kWarning,
            StrCat("表 ", Target(), " 的列 ", names,
                   " 已被删除或改名：重新建列，从头落地 / columns ", names, " of table ", Target(),
                   " were dropped or renamed: they are made again, and landing begins anew with a "
                   "snapshot"));
  return absl::OkStatus();
}

}  // namespace huiliu::postgresql
