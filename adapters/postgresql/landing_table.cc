// PostgresqlLanding's eye on its table: the cursor holds for one table alone, whatever comes to
// bear its name.
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "adapters/postgresql/landing.h"
#include "core/base/status.h"

namespace huiliu::postgresql {

using absl::StrCat;

absl::Status PostgresqlLanding::ForgetCursorOfLostTable() {
  const std::string cursors =
      StrCat(connection_->Identifier(options_.schema), ".huiliu_landing_cursor");
  ASSIGN_OR_RETURN(const Result found,
                   connection_->Query(
                       "SELECT to_regclass($1) IS NOT NULL, (SELECT count(*) = 2 FROM "
                       "pg_attribute WHERE attrelid = to_regclass($1) AND attname IN ('relation', "
                       "'columns') AND NOT attisdropped), to_regclass($2)::oid::bigint",
                       {cursors, Qualified()}));
  const auto is_true = [&](int column) {
    return absl::string_view(PQgetvalue(found.get(), 0, column)) == "t";
  };
  if (!is_true(0)) return absl::OkStatus();
  // A table of cursors of before.
  if (!is_true(1)) {
    RETURN_IF_ERROR(
        connection_->Execute(StrCat("ALTER TABLE ", cursors,
                                    " ADD COLUMN IF NOT EXISTS relation bigint, ADD COLUMN IF "
                                    "NOT EXISTS columns text")));
  }
  const bool there = PQgetisnull(found.get(), 0, 2) == 0;
  ASSIGN_OR_RETURN(
      const Result lost,
      connection_->Query(
          StrCat("DELETE FROM ", cursors, " WHERE target = $1",
                 there ? StrCat(" AND relation <> ", PQgetvalue(found.get(), 0, 2)) : "",
                 " RETURNING 1"),
          {Target()}));
  if (PQntuples(lost.get()) == 0) return absl::OkStatus();
  host_.Log(
      sdk::Host::kWarning,
      StrCat("表 ", Target(), there ? " 不再是已落地的那张表（已重建或恢复）" : " 已不存在，将重建",
             "：从头落地 / table ", Target(),
             there ? " is not the one that was landed into (made anew or restored)"
                   : " is gone and is made again",
             ": landing begins anew with a snapshot"));
  return absl::OkStatus();
}

absl::Status PostgresqlLanding::FindTable() {
  ASSIGN_OR_RETURN(const Result found,
                   connection_->Query("SELECT to_regclass($1)::oid::bigint", {Qualified()}));
  if (PQgetisnull(found.get(), 0, 0) != 0)
    return absl::AbortedError(StrCat("PostgreSQL ", connection_->place(),
                                     ": 表在准备期间不见了 / table ", Target(),
                                     " went while it was prepared"));
  relation_ = PQgetvalue(found.get(), 0, 0);
  return absl::OkStatus();
}

absl::Status PostgresqlLanding::AnotherTable() const {
  return absl::AbortedError(
      StrCat("PostgreSQL ", connection_->place(), ": 表 ", Target(),
             " 在落地期间被换成了另一张表（改名或重建），本批未写入；将从头落地 / table ", Target(),
             " became another one while the landing ran (renamed or made anew); nothing was "
             "written to it, landing begins anew with a snapshot"));
}

absl::Status PostgresqlLanding::Begin(bool reset) {
  // The name is looked up again once the lock is held; from then on nobody can give it to another
  // table before the batch ends.
  ASSIGN_OR_RETURN(const Result found,
                   connection_->Query(StrCat("BEGIN;LOCK TABLE ", Qualified(),
                                             " IN ROW EXCLUSIVE MODE;SELECT ", "to_regclass(",
                                             connection_->Literal(Qualified()), ")::oid::bigint")));
  if (PQgetisnull(found.get(), 0, 0) != 0 || relation_ != PQgetvalue(found.get(), 0, 0))
    return AnotherTable();
  if (!reset) return absl::OkStatus();
  return connection_->Execute(StrCat("DELETE FROM ", Qualified(), ";", withdrawn_.forget(),
                                     refused_.ForgetSql(*connection_)));
}

absl::StatusOr<std::string> PostgresqlLanding::Cursor() {
  ASSIGN_OR_RETURN(const Result row,
                   connection_->Query(StrCat("SELECT cursor, relation FROM ",
                                             connection_->Identifier(options_.schema),
                                             ".huiliu_landing_cursor WHERE target = $1"),
                                      {Target()}));
  std::string cursor;
  // NULL: a cursor of before.
  if (PQntuples(row.get()) == 1 && PQgetisnull(row.get(), 0, 1) == 0 &&
      relation_ != PQgetvalue(row.get(), 0, 1))
    return AnotherTable();
  if (PQntuples(row.get()) == 1 && !absl::Base64Unescape(PQgetvalue(row.get(), 0, 0), &cursor)) {
    return absl::DataLossError(StrCat("PostgreSQL ", connection_->place(),
                                      ": 所存的游标无法读出 / the stored cursor of ", Target(),
                                      " cannot be read"));
  }
  return cursor;
}

std::string PostgresqlLanding::CursorSql(absl::string_view cursor) const {
  return StrCat("INSERT INTO ", connection_->Identifier(options_.schema),
                ".huiliu_landing_cursor (target, cursor, updated, relation, columns) VALUES (",
                connection_->Literal(Target()), ", ",
                connection_->Literal(absl::Base64Escape(cursor)), ", now(), ", relation_, ", ",
                connection_->Literal(made_),
                ") ON CONFLICT (target) DO UPDATE SET cursor = excluded.cursor, updated = "
                "excluded.updated, relation = excluded.relation, columns = excluded.columns;");
}

}  // namespace huiliu::postgresql
