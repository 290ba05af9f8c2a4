#include "adapters/postgresql/refused_rows.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "absl/strings/escaping.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "core/base/digest.h"
#include "core/base/status.h"
#include "core/text/utf8.h"

namespace huiliu::postgresql {
namespace {

using absl::StrCat;
using nlohmann::json;

std::string ByteaLiteral(absl::string_view bytes) {
  return StrCat("'\\x", absl::BytesToHexString(bytes), "'::bytea");
}

std::string DigestLiteral(absl::string_view key) {
  const Digest digest = Sha256(key);
  return ByteaLiteral({reinterpret_cast<const char*>(digest.data()), digest.size()});
}

// A text, or {"base64": …} where the bytes are none.
json CellToJson(const huiliu_cell& cell) {
  if (cell.kind == 0) return nullptr;
  const absl::string_view text = sdk::ToView(cell.value);
  if (text::FindInvalidUtf8(text) == absl::string_view::npos) return std::string(text);
  return {{"base64", absl::Base64Escape(text)}};
}

// False: null.
bool CellFromJson(const json& value, std::string* text) {
  if (value.is_string()) {
    *text = value.get<std::string>();
    return true;
  }
  return value.is_object() && absl::Base64Unescape(value.value("base64", ""), text);
}

std::string RowToJson(const huiliu_change& change, const std::vector<Column>& columns) {
  json row = {{"delete", change.is_delete != 0},
              {"system", std::string(sdk::ToView(change.system))},
              {"division", std::string(sdk::ToView(change.division))},
              {"source_time_us", change.source_time_us},
              {"arrival_time_us", change.arrival_time_us},
              {"cells", json::object()}};
  for (size_t c = 0; c < columns.size(); ++c)
    row["cells"][columns[c].name] = CellToJson(change.cells[c]);
  return row.dump(-1, ' ', false, json::error_handler_t::replace);
}

std::string At(const Result& rows, int row, int column) {
  return PQgetvalue(rows.get(), row, column);
}

int64_t Number(const std::string& text) {
  int64_t number = 0;
  return absl::SimpleAtoi(text, &number) ? number : 0;
}

absl::StatusOr<json> ParseRow(const std::string& hex, int64_t id) {
  const std::string bytes = absl::HexStringToBytes(hex);
  json row = json::parse(bytes, nullptr, false);
  if (!row.is_object() || !row.contains("cells") || !row["cells"].is_object())
    return absl::DataLossError(
        StrCat("保留的行已损坏 / kept row ", id, " of huiliu_landing_kept is damaged"));
  return row;
}

// The correction is for this table alone; with another key it would be another row.
absl::Status Correct(absl::string_view cells_json, const std::vector<Column>& columns, json* row) {
  const json cells = json::parse(cells_json.begin(), cells_json.end(), nullptr, false);
  if (!cells.is_object()) return absl::InvalidArgumentError("cells 应为对象 / cells is no object");
  if (!cells.empty() && row->value("delete", false)) {
    return absl::InvalidArgumentError(
        "这是一条删除，没有可更正的列 / a deletion has nothing to correct");
  }
  for (const auto& [name, value] : cells.items()) {
    const auto column = std::find_if(columns.begin(), columns.end(),
                                     [&, &n = name](const Column& c) { return c.name == n; });
    if (column == columns.end()) {
      return absl::InvalidArgumentError(StrCat("没有列 ", name, " / there is no column ", name));
    }
    if (column->key) {
      return absl::InvalidArgumentError(
          StrCat("列 ", name, " 属于主键，不能更正 / column ", name, " is of the key"));
    }
    if (!value.is_string() && !value.is_null()) {
      return absl::InvalidArgumentError(
          StrCat("列 ", name, " 的值应为文本或 null / column ", name, " takes a text or null"));
    }
    (*row)["cells"][name] = value;
  }
  return absl::OkStatus();
}

absl::Status NoSuchRow(absl::string_view id) {
  return absl::NotFoundError(
      StrCat("没有被拒的行 ", id, "，或已落地 / no kept row ", id, ", or it has landed"));
}

}  // namespace

std::string RefusedRows::Table(const Connection& connection) const {
  return StrCat(connection.Identifier(schema_), ".huiliu_landing_kept");
}

std::string RefusedRows::TableSql(const Connection& connection) const {
  return StrCat("CREATE TABLE IF NOT EXISTS ", Table(connection),
                " (id bigserial, target text NOT NULL, key_digest bytea NOT NULL, row bytea NOT "
                "NULL, is_delete boolean NOT NULL, state text NOT NULL, place text NOT NULL, "
                "message text NOT NULL, batch_place text NOT NULL, kept timestamptz NOT NULL, "
                "tries bigint NOT NULL, PRIMARY KEY (target, key_digest)); CREATE UNIQUE INDEX IF "
                "NOT EXISTS huiliu_landing_kept_id ON ",
                Table(connection), " (id); COMMENT ON TABLE ", Table(connection),
                " IS '落地时被目标表拒绝、留待重新落地的行';");
}

absl::StatusOr<uint64_t> RefusedRows::Count(Connection& connection) const {
  ASSIGN_OR_RETURN(const Result got,
                   connection.Query(StrCat("SELECT count(*) FROM ", Table(connection),
                                           " WHERE target = ", connection.Literal(target_))));
  return static_cast<uint64_t>(Number(At(got, 0, 0)));
}

absl::StatusOr<std::vector<int64_t>> RefusedRows::Keep(Connection& connection,
                                                       absl::Span<const huiliu_change> changes,
                                                       const std::vector<Column>& columns,
                                                       const std::vector<Refused>& refused) const {
  std::vector<int64_t> ids;
  for (const Refused& one : refused) {
    const huiliu_change& change = changes[one.change];
    const std::string place = StrCat(one.change + 1, "/", changes.size());
    ASSIGN_OR_RETURN(
        const Result got,
        connection.Query(StrCat(
            "INSERT INTO ", Table(connection),
            " (target, key_digest, row, is_delete, state, place, message, batch_place, kept, "
            "tries) VALUES (",
            connection.Literal(target_), ", ", DigestLiteral(KeyBytes(change, columns)), ", ",
            ByteaLiteral(RowToJson(change, columns)), ", ",
            change.is_delete != 0 ? "true" : "false", ", ", connection.Literal(one.state), ", ",
            connection.Literal(one.place), ", ", connection.Literal(one.message), ", ",
            connection.Literal(place),
            ", now(), 1) ON CONFLICT (target, key_digest) DO UPDATE SET row = excluded.row, "
            "is_delete = excluded.is_delete, state = excluded.state, place = excluded.place, "
            "message = excluded.message, batch_place = excluded.batch_place, kept = excluded.kept, "
            "tries = 1 RETURNING id")));
    ids.push_back(Number(At(got, 0, 0)));
  }
  return ids;
}

absl::Status RefusedRows::Settle(Connection& connection,
                                 const std::vector<std::string>& keys) const {
  if (keys.empty()) return absl::OkStatus();
  std::string sql = StrCat("DELETE FROM ", Table(connection),
                           " WHERE target = ", connection.Literal(target_), " AND key_digest IN (");
  for (size_t i = 0; i < keys.size(); ++i)
    absl::StrAppend(&sql, i == 0 ? "" : ", ", DigestLiteral(keys[i]));
  return connection.Execute(sql + ")");
}

absl::Status RefusedRows::Drop(Connection& connection, int64_t id) const {
  return connection.Execute(StrCat("DELETE FROM ", Table(connection), " WHERE id = ", id));
}

absl::Status RefusedRows::Again(Connection& connection, int64_t id, const Refused& why) const {
  return connection.Execute(
      StrCat("UPDATE ", Table(connection), " SET tries = tries + 1, state = ",
             connection.Literal(why.state), ", place = ", connection.Literal(why.place),
             ", message = ", connection.Literal(why.message), " WHERE id = ", id));
}

std::string RefusedRows::ForgetSql(const Connection& connection) const {
  return StrCat("DELETE FROM ", Table(connection), " WHERE target = ", connection.Literal(target_),
                ";");
}

absl::StatusOr<std::vector<int64_t>> RefusedRows::Ids(Connection& connection, int64_t after,
                                                      int limit) const {
  ASSIGN_OR_RETURN(const Result got,
                   connection.Query(StrCat("SELECT id FROM ", Table(connection),
                                           " WHERE target = ", connection.Literal(target_),
                                           " AND id > ", after, " ORDER BY id LIMIT ", limit)));
  std::vector<int64_t> ids;
  for (int i = 0; i < PQntuples(got.get()); ++i) ids.push_back(Number(At(got, i, 0)));
  return ids;
}

absl::StatusOr<std::unique_ptr<KeptRow>> RefusedRows::Read(Connection& connection, int64_t id,
                                                           const std::vector<Column>& columns,
                                                           absl::string_view cells_json) const {
  ASSIGN_OR_RETURN(
      const Result got,
      connection.Query(StrCat("SELECT encode(row, 'hex') FROM ", Table(connection),
                              " WHERE target = ", connection.Literal(target_), " AND id = ", id)));
  if (PQntuples(got.get()) == 0) return NoSuchRow(StrCat(id));
  ASSIGN_OR_RETURN(json row, ParseRow(At(got, 0, 0), id));
  RETURN_IF_ERROR(Correct(cells_json, columns, &row));
  auto kept = std::make_unique<KeptRow>();
  kept->id = id;
  kept->system = row.value("system", "");
  kept->division = row.value("division", "");
  kept->texts.resize(columns.size());
  const json& cells = row["cells"];
  for (size_t c = 0; c < columns.size(); ++c) {
    const auto cell = cells.find(columns[c].name);
    const bool there = cell != cells.end() && CellFromJson(*cell, &kept->texts[c]);
    kept->cells.push_back({static_cast<uint8_t>(there ? 1 : 0), sdk::ToBytes(kept->texts[c])});
  }
  kept->change.is_delete = row.value("delete", false) ? 1 : 0;
  kept->change.cells = kept->cells.data();
  kept->change.system = sdk::ToBytes(kept->system);
  kept->change.division = sdk::ToBytes(kept->division);
  kept->change.source_time_us = row.value("source_time_us", int64_t{0});
  kept->change.arrival_time_us = row.value("arrival_time_us", int64_t{0});
  return kept;
}

absl::StatusOr<std::string> RefusedRows::ToJson(Connection& connection,
                                                absl::string_view id) const {
  int64_t number = 0;
  if (!id.empty() && !absl::SimpleAtoi(id, &number)) return NoSuchRow(id);
  auto got = connection.Query(
      StrCat("SELECT id, is_delete, state, place, message, batch_place, to_char(kept AT TIME ZONE "
             "'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"'), tries, ",
             id.empty() ? "''" : "encode(row, 'hex')", " FROM ", Table(connection),
             " WHERE target = ", connection.Literal(target_),
             id.empty() ? std::string() : StrCat(" AND id = ", number), " ORDER BY id"));
  json rows = json::array();
  // Nothing has landed here yet.
  if (!got.ok() && connection.failure().state != "42P01") return got.status();
  for (int i = 0; got.ok() && i < PQntuples(got->get()); ++i) {
    json row = {{"id", At(*got, i, 0)},      {"delete", At(*got, i, 1) == "t"},
                {"reason", At(*got, i, 2)},  {"place", At(*got, i, 3)},
                {"message", At(*got, i, 4)}, {"batch_place", At(*got, i, 5)},
                {"kept", At(*got, i, 6)},    {"tries", Number(At(*got, i, 7))}};
    if (!id.empty()) {
      ASSIGN_OR_RETURN(const json content, ParseRow(At(*got, i, 8), number));
      row["cells"] = content["cells"];
      row["system"] = content["system"];
    }
    rows.push_back(std::move(row));
  }
  if (!id.empty() && rows.empty()) return NoSuchRow(id);
  return rows.dump(-1, ' ', false, json::error_handler_t::replace);
}

}  // namespace huiliu::postgresql
