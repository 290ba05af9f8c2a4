#include "adapters/postgresql/landing.h"

#include <nlohmann/json.hpp>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "core/base/status.h"

namespace huiliu::postgresql {
namespace {

using absl::StrCat;

// What stands beside the dataset's own columns.
struct EnvelopeColumn {
  const char* name;
  const char* type;
  const char* title;
};
constexpr EnvelopeColumn kEnvelope[] = {{"_system", "text NOT NULL", "来源系统"},
                                        {"_division", "text", "归属区划"},
                                        {"_source_time", "timestamptz", "来源时间"},
                                        {"_arrival_time", "timestamptz", "到达时间"}};

const char* TypeName(int32_t type) {
  switch (type) {
    case 2:
      return "bigint";
    case 3:
      return "double precision";
    case 4:
      return "boolean";
    case 5:
      return "timestamptz";
    case 6:
      return "date";
    case 7:
      return "numeric";
    default:
      return "text";
  }
}

}  // namespace

absl::StatusOr<std::unique_ptr<PostgresqlLanding>> PostgresqlLanding::Open(
    sdk::Host host, absl::string_view options_json) {
  const auto json = nlohmann::json::parse(options_json.begin(), options_json.end(), nullptr, false);
  if (!json.is_object())
    return absl::InvalidArgumentError(
        "落地选项不是 JSON 对象 / postgresql landing: its options are no JSON object");
  Options options;
  for (const auto& [key, value] : json.items()) {
    if (value.is_string() && key == "dsn")
      options.dsn = value.get<std::string>();
    else if (value.is_string() && key == "schema")
      options.schema = value.get<std::string>();
    else if (value.is_string() && key == "table")
      options.table = value.get<std::string>();
    else if (value.is_number_integer() && key == "lock_timeout_ms")
      options.lock_timeout_ms = value.get<int>();
    else if (value.is_number_integer() && key == "statement_timeout_ms")
      options.statement_timeout_ms = value.get<int>();
    else {
      return absl::InvalidArgumentError(
          StrCat("落地选项不认识或类型不对 / postgresql landing: option \"", key,
                 "\" is unknown or of the wrong type; known are dsn, schema, table, "
                 "lock_timeout_ms, statement_timeout_ms"));
    }
  }
  if (options.dsn.empty() || options.table.empty())
    return absl::InvalidArgumentError(
        "落地须写明选项 dsn 与 table / postgresql landing: options dsn and table are required");
  std::unique_ptr<PostgresqlLanding> landing(new PostgresqlLanding(host, std::move(options)));
  RETURN_IF_ERROR(landing->Connect());
  return landing;
}

std::string PostgresqlLanding::Qualified() const {
  return StrCat(connection_->Identifier(options_.schema), ".",
                connection_->Identifier(options_.table));
}

absl::Status PostgresqlLanding::Connect() {
  ASSIGN_OR_RETURN(connection_, Connection::Open(options_.dsn));
  return connection_->Execute(
      StrCat("SET application_name = 'huiliu'; SET TimeZone = 'Asia/Shanghai'; SET lock_timeout = ",
             options_.lock_timeout_ms, "; SET statement_timeout = ", options_.statement_timeout_ms,
             "; SET client_encoding = 'UTF8'"));
}

absl::Status PostgresqlLanding::TakeLock() {
  // The session of a landing that has just ended may hold it for a moment.
  for (int i = 0; i < 40; ++i) {
    ASSIGN_OR_RETURN(const Result got,
                     connection_->Query(StrCat("SELECT pg_try_advisory_lock(hashtextextended(",
                                               connection_->Literal(Target()), ", 0))")));
    if (std::string(PQgetvalue(got.get(), 0, 0)) == "t") return absl::OkStatus();
    absl::SleepFor(absl::Milliseconds(50));
  }
  return absl::AbortedError(StrCat("PostgreSQL ", connection_->place(),
                                   ": 该表正由另一个落地占用 / another landing holds table ",
                                   Target()));
}

absl::Status PostgresqlLanding::CreateTable() {
  std::string sql = StrCat("CREATE TABLE IF NOT EXISTS ", Qualified(), " (");
  std::string key = "_system";
  for (const EnvelopeColumn& column : kEnvelope)
    absl::StrAppend(&sql, column.name, " ", column.type, ", ");
  for (const Column& column : columns_) {
    absl::StrAppend(&sql, connection_->Identifier(column.name), " ", column.type,
                    column.key ? " NOT NULL" : "", ", ");
    if (column.key) absl::StrAppend(&key, ", ", connection_->Identifier(column.name));
  }
  absl::StrAppend(&sql, "PRIMARY KEY (", key, ")); COMMENT ON TABLE ", Qualified(), " IS ",
                  connection_->Literal(title_), ";");
  for (const Column& column : columns_) {
    absl::StrAppend(&sql, "ALTER TABLE ", Qualified(), " ADD COLUMN IF NOT EXISTS ",
                    connection_->Identifier(column.name), " ", column.type, ";",
                    "COMMENT ON COLUMN ", Qualified(), ".", connection_->Identifier(column.name),
                    " IS ", connection_->Literal(column.title), ";");
    if (column.index) {
      absl::StrAppend(&sql, "CREATE INDEX IF NOT EXISTS ",
                      connection_->Identifier(StrCat(options_.table, "_", column.name)), " ON ",
                      Qualified(), " (", connection_->Identifier(column.name), ");");
    }
  }
  for (const EnvelopeColumn& column : kEnvelope) {
    absl::StrAppend(&sql, "COMMENT ON COLUMN ", Qualified(), ".", column.name, " IS ",
                    connection_->Literal(column.title), ";");
  }
  absl::StrAppend(&sql, withdrawn_.create(), refused_.TableSql(*connection_),
                  "CREATE TABLE IF NOT EXISTS ", connection_->Identifier(options_.schema),
                  ".huiliu_landing_cursor (target text PRIMARY KEY, cursor text NOT NULL, updated "
                  "timestamptz NOT NULL, relation bigint, columns text)");
  // CREATE … IF NOT EXISTS races with itself: landings of one database create one after the other.
  return connection_->Execute(StrCat("SELECT pg_advisory_xact_lock(8090100);", sql));
}

absl::Status PostgresqlLanding::MakeStaging() {
  std::string sql = StrCat("CREATE TEMP TABLE IF NOT EXISTS ", kStaging, " (_delete boolean, ");
  for (const EnvelopeColumn& column : kEnvelope) {
    absl::StrAppend(&sql, column.name, " ",
                    std::string(column.type).substr(0, std::string(column.type).find(' ')), ", ");
  }
  for (size_t i = 0; i < columns_.size(); ++i) {
    absl::StrAppend(&sql, i == 0 ? "" : ", ", connection_->Identifier(columns_[i].name), " ",
                    columns_[i].type);
  }
  return connection_->Execute(sql + ") ON COMMIT DELETE ROWS");
}

absl::Status PostgresqlLanding::Prepare(const huiliu_dataset& dataset) {
  dataset_ = std::string(sdk::ToView(dataset.dataset));
  title_ = std::string(sdk::ToView(dataset.title));
  columns_.clear();
  for (size_t i = 0; i < dataset.field_count; ++i) {
    const huiliu_field& field = dataset.fields[i];
    columns_.push_back({std::string(sdk::ToView(field.name)), std::string(sdk::ToView(field.title)),
                        TypeName(field.type), field.key != 0, field.index != 0});
  }
  // A host of before does not know them.
  const size_t envelope =
      dataset.struct_size >= sizeof(huiliu_dataset) ? dataset.envelope_field_count : 0;
  for (size_t i = 0; i < envelope; ++i) {
    const huiliu_field& field = dataset.envelope_fields[i];
    columns_.push_back({std::string(sdk::ToView(field.name)), std::string(sdk::ToView(field.title)),
                        TypeName(field.type), false, false});
  }
  withdrawn_ = WithdrawnRows(*connection_, options_.schema, options_.table, kStaging, columns_);
  RETURN_IF_ERROR(TakeLock());
  RETURN_IF_ERROR(AtTarget(ForgetCursorOfLostTable()));
  RETURN_IF_ERROR(AtTarget(ForgetCursorOfLostColumns()));
  RETURN_IF_ERROR(AtTarget(CreateTable()));
  RETURN_IF_ERROR(AtTarget(FindTable()));
  RETURN_IF_ERROR(AtTarget(RememberColumns()));
  ASSIGN_OR_RETURN(kept_, refused_.Count(*connection_));
  if (!withdrawn_.any().empty()) {
    ASSIGN_OR_RETURN(const Result any, connection_->Query(withdrawn_.any()));
    any_withdrawn_ = PQntuples(any.get()) > 0;
  }
  WriteStatements();
  return MakeStaging();
}

std::string PostgresqlLanding::ColumnList(const std::string& prefix) const {
  std::string list;
  for (const EnvelopeColumn& column : kEnvelope)
    absl::StrAppend(&list, list.empty() ? "" : ", ", prefix, column.name);
  for (const Column& column : columns_)
    absl::StrAppend(&list, ", ", prefix, connection_->Identifier(column.name));
  return list;
}

std::string PostgresqlLanding::KeyMatch(const std::string& a, const std::string& b) const {
  std::string match = StrCat(a, "._system = ", b, "._system");
  for (const Column& column : columns_) {
    if (!column.key) continue;
    const std::string name = connection_->Identifier(column.name);
    absl::StrAppend(&match, " AND ", a, ".", name, " = ", b, ".", name);
  }
  return match;
}

void PostgresqlLanding::WriteStatements() {
  std::string sets;
  std::string key = "_system";
  for (const Column& column : columns_) {
    if (column.key) absl::StrAppend(&key, ", ", connection_->Identifier(column.name));
  }
  const auto set = [&](const std::string& name) {
    absl::StrAppend(&sets, sets.empty() ? "" : ", ", name, " = excluded.", name);
  };
  for (size_t i = 1; i < std::size(kEnvelope); ++i) set(kEnvelope[i].name);
  for (const Column& column : columns_) {
    if (!column.key) set(connection_->Identifier(column.name));
  }
  upsert_ = StrCat("INSERT INTO ", Qualified(), " (", ColumnList(""), ") SELECT ", ColumnList(""),
                   " FROM ", kStaging, " WHERE NOT _delete ON CONFLICT (", key, ") DO UPDATE SET ",
                   sets, ";");
  remove_ = StrCat(withdrawn_.keep(), "DELETE FROM ", Qualified(), " t USING ", kStaging,
                   " s WHERE s._delete AND ", KeyMatch("t", "s"), ";");
}

std::string PostgresqlLanding::LandSql(bool deletes) const {
  return StrCat(upsert_, any_withdrawn_ ? withdrawn_.settle() : "", deletes ? remove_ : "");
}

std::vector<std::string> PostgresqlLanding::KeysOf(absl::Span<const huiliu_change> changes,
                                                   const StagedRows& staged,
                                                   const std::vector<bool>& left_out) const {
  std::vector<std::string> keys;
  for (size_t i = 0; i < staged.size(); ++i) {
    if (left_out.empty() || !left_out[i])
      keys.push_back(KeyBytes(changes[staged.change(i)], columns_));
  }
  return keys;
}

absl::Status PostgresqlLanding::LandWhole(absl::Span<const huiliu_change> changes,
                                          const StagedRows& staged, absl::string_view cursor,
                                          bool reset) {
  // Three round trips besides the COPY's own: what can go together does.
  RETURN_IF_ERROR(Begin(reset));
  std::string end;
  if (staged.size() > 0) {
    RETURN_IF_ERROR(connection_->CopyIn(StrCat("COPY ", kStaging, " FROM STDIN"),
                                        staged.Lines(0, staged.size())));
    end = LandSql(staged.deletes());
  }
  if (kept_ > 0 && !reset && staged.size() > 0) {
    RETURN_IF_ERROR(connection_->Execute(end));
    end.clear();
    RETURN_IF_ERROR(refused_.Settle(*connection_, KeysOf(changes, staged, {})));
  }
  return connection_->Execute(StrCat(end, CursorSql(cursor), "COMMIT"));
}

absl::Status PostgresqlLanding::Apply(absl::Span<const huiliu_change> changes,
                                      absl::string_view cursor, bool reset) {
  const StagedRows staged(changes, columns_);
  // A row may be withdrawn by this very batch, whether or not it lands.
  any_withdrawn_ = any_withdrawn_ || staged.deletes();
  bool apart = !staged.unstorable().empty();
  absl::Status status;
  if (!apart) {
    status = LandWhole(changes, staged, cursor, reset);
    apart = !status.ok() && !connection_->lost() && connection_->failure().OfRow();
    // Whatever went wrong, the transaction is not this batch's any more; the host reads the cursor
    // again before it goes on.
    if (!status.ok() && !connection_->lost()) connection_->Execute("ROLLBACK").IgnoreError();
  }
  const bool count_again = apart || kept_ > 0;
  if (apart) {
    status = LandApart(changes, staged, cursor, reset);
    if (!status.ok() && !connection_->lost()) connection_->Execute("ROLLBACK").IgnoreError();
  }
  if (status.ok() && count_again) {
    const auto kept = refused_.Count(*connection_);
    // The batch has landed; a number that cannot be had now is had with the next one.
    if (kept.ok()) kept_ = *kept;
  }
  return AtTarget(status);
}

// PostgreSQL does not name the table of a lock or statement that took too long.
absl::Status PostgresqlLanding::AtTarget(const absl::Status& status) const {
  if (status.ok()) return status;
  return absl::Status(status.code(),
                      StrCat(status.message(), "; 落地到表 / landing into table ", Target()));
}

}  // namespace huiliu::postgresql
