#include "adapters/postgresql/connection.h"

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "core/base/status.h"

namespace huiliu::postgresql {
namespace {

void Quiet(void*, const PGresult*) {}

// SQLSTATE classes (PostgreSQL documentation, appendix A).
absl::StatusCode CodeOf(absl::string_view state) {
  if (state == "55P03" || state == "57014")
    return absl::StatusCode::kUnavailable;  // locked, cancelled by a time-out
  if (state == "3D000" || state == "42P01" || state == "42703") return absl::StatusCode::kNotFound;
  if (absl::StartsWith(state, "08") || absl::StartsWith(state, "57") ||
      absl::StartsWith(state, "53") || absl::StartsWith(state, "40")) {
    return absl::StatusCode::kUnavailable;
  }
  if (absl::StartsWith(state, "28") || state == "42501") return absl::StatusCode::kPermissionDenied;
  if (state == "25006")
    return absl::StatusCode::kUnavailable;  // read-only: a standby that may become the primary
  if (absl::StartsWith(state, "22") || absl::StartsWith(state, "23") ||
      absl::StartsWith(state, "42")) {
    return absl::StatusCode::kInvalidArgument;
  }
  if (absl::StartsWith(state, "44") || state == "54000" || state == "P0001")
    return absl::StatusCode::kInvalidArgument;
  return absl::StatusCode::kUnknown;
}

std::string Text(const char* text) { return text == nullptr ? "" : text; }

// The column of `COPY table, line 3, column age: "value"`; empty where the server's language is
// another one.
std::string CopyColumn(absl::string_view context) {
  constexpr absl::string_view kBefore = ", column ";
  if (!absl::StartsWith(context, "COPY ")) return "";
  const size_t begin = context.find(kBefore);
  if (begin == absl::string_view::npos) return "";
  context.remove_prefix(begin + kBefore.size());
  return std::string(context.substr(0, context.find_first_of(":\n")));
}

}  // namespace

Connection::Connection(PGconn* connection) : connection_(connection, &PQfinish) {
  place_ = absl::StrCat(Text(PQhost(connection)), "/", Text(PQdb(connection)));
}

absl::StatusOr<std::unique_ptr<Connection>> Connection::Open(const std::string& dsn) {
  PGconn* raw = PQconnectdb(dsn.c_str());
  if (raw == nullptr)
    return absl::ResourceExhaustedError(
        "libpq 没有足够的内存 / libpq has no memory for a connection");
  std::unique_ptr<Connection> connection(new Connection(raw));
  if (PQstatus(raw) == CONNECTION_OK) {
    PQsetNoticeReceiver(raw, &Quiet, nullptr);
    return connection;
  }
  const std::string why = Text(PQerrorMessage(raw));
  // libpq's hints stand on lines of their own.
  const std::string line =
      absl::StrReplaceAll(absl::StripTrailingAsciiWhitespace(why), {{"\n\t", "; "}, {"\n", "; "}});
  const std::string message = absl::StrCat("PostgreSQL ", connection->place_, ": ", line);
  if (absl::StrContains(why, "authentication failed") || absl::StrContains(why, "pg_hba.conf"))
    return absl::PermissionDeniedError(message);
  if (absl::StrContains(why, "does not exist")) return absl::NotFoundError(message);
  return absl::UnavailableError(message);
}

bool Failure::OfRow() const {
  // 22 data exception, 23 constraint, 44 check option, 54000 an index entry too large.
  return raised || absl::StartsWith(state, "22") || absl::StartsWith(state, "23") ||
         absl::StartsWith(state, "44") || state == "54000";
}

absl::Status Connection::Failed(const PGresult* result) {
  failure_ = Failure();
  if (lost())
    return absl::UnavailableError(
        absl::StrCat("PostgreSQL ", place_, ": 连接已断开 / the connection is lost"));
  const std::string state = Text(PQresultErrorField(result, PG_DIAG_SQLSTATE));
  const std::string table = Text(PQresultErrorField(result, PG_DIAG_TABLE_NAME));
  const std::string constraint = Text(PQresultErrorField(result, PG_DIAG_CONSTRAINT_NAME));
  std::string column = Text(PQresultErrorField(result, PG_DIAG_COLUMN_NAME));
  if (column.empty()) column = CopyColumn(Text(PQresultErrorField(result, PG_DIAG_CONTEXT)));
  failure_.state = state;
  // RAISE of PL/pgSQL, whatever code it gives.
  failure_.raised = state == "P0001" ||
                    Text(PQresultErrorField(result, PG_DIAG_SOURCE_FUNCTION)) == "exec_stmt_raise";
  // The primary message only, and only where the server itself wrote it: details and context, and
  // what a trigger says, may quote values.
  if (!failure_.raised && absl::StartsWith(state, "22")) {
    failure_.message = "a value does not fit its column";
  } else if (failure_.raised) {
    failure_.message = "a trigger of the table refused the row";
  } else {
    failure_.message = Text(PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY));
  }
  failure_.place = !constraint.empty() ? absl::StrCat("constraint ", constraint)
                   : !column.empty()   ? absl::StrCat("column ", column)
                                       : "";
  std::string message = absl::StrCat("PostgreSQL ", place_, ": [", state, "] ", failure_.message);
  if (!table.empty()) absl::StrAppend(&message, ", table ", table);
  if (!column.empty()) absl::StrAppend(&message, ", column ", column);
  return absl::Status(CodeOf(state), message);
}

absl::StatusOr<Result> Connection::Query(const std::string& sql,
                                         const std::vector<std::string>& parameters) {
  std::vector<const char*> values;
  for (const std::string& p : parameters) values.push_back(p.c_str());
  Result result(values.empty()
                    ? PQexec(connection_.get(), sql.c_str())
                    : PQexecParams(connection_.get(), sql.c_str(), static_cast<int>(values.size()),
                                   nullptr, values.data(), nullptr, nullptr, 0),
                &PQclear);
  const ExecStatusType status = PQresultStatus(result.get());
  if (status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK || status == PGRES_COPY_IN)
    return result;
  return Failed(result.get());
}

absl::Status Connection::CopyIn(const std::string& sql, absl::string_view data) {
  failure_ = Failure();
  RETURN_IF_ERROR(Query(sql).status());
  constexpr size_t kChunk = 1 << 20;
  while (!data.empty()) {
    const absl::string_view chunk = data.substr(0, kChunk);
    if (PQputCopyData(connection_.get(), chunk.data(), static_cast<int>(chunk.size())) != 1) {
      return absl::UnavailableError(absl::StrCat(
          "PostgreSQL ", place_, ": 连接在 COPY 中断开 / the connection is lost in COPY"));
    }
    data.remove_prefix(chunk.size());
  }
  if (PQputCopyEnd(connection_.get(), nullptr) != 1) {
    return absl::UnavailableError(absl::StrCat(
        "PostgreSQL ", place_, ": 连接在 COPY 中断开 / the connection is lost in COPY"));
  }
  absl::Status status;
  for (PGresult* raw = PQgetResult(connection_.get()); raw != nullptr;
       raw = PQgetResult(connection_.get())) {
    const Result result(raw, &PQclear);
    if (PQresultStatus(raw) != PGRES_COMMAND_OK && status.ok()) status = Failed(raw);
  }
  return status;
}

std::string Connection::Identifier(absl::string_view name) const {
  std::string out = "\"";
  for (char c : name) {
    if (c == '"') out.push_back('"');
    out.push_back(c);
  }
  return out + "\"";
}

std::string Connection::Literal(absl::string_view text) const {
  char* quoted = PQescapeLiteral(connection_.get(), text.data(), text.size());
  std::string out = quoted == nullptr ? "''" : quoted;
  PQfreemem(quoted);
  return out;
}

}  // namespace huiliu::postgresql
