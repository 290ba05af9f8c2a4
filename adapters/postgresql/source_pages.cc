// Pages of the table by key, or by time and key, and what makes sure that no row falls between two.
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "adapters/postgresql/source.h"
#include "core/base/status.h"

namespace huiliu::postgresql {

using absl::StrCat;

std::string PostgresqlSource::Table() const {
  const size_t dot = options_.table.find('.');
  if (dot == std::string::npos) return connection_->Identifier(options_.table);
  return StrCat(connection_->Identifier(options_.table.substr(0, dot)), ".",
                connection_->Identifier(options_.table.substr(dot + 1)));
}

std::string PostgresqlSource::KeyList() const {
  std::string list;
  for (const std::string& column : options_.key)
    absl::StrAppend(&list, list.empty() ? "" : ", ", connection_->Identifier(column));
  return list;
}

std::string PostgresqlSource::KeysAre(absl::string_view test, absl::string_view joined) const {
  std::string list;
  for (const std::string& column : options_.key)
    absl::StrAppend(&list, list.empty() ? "" : joined, connection_->Identifier(column), test);
  return list;
}

absl::StatusOr<Result> PostgresqlSource::Page(size_t limit) {
  const std::string time = TimeOf(connection_->Identifier(options_.time_column));
  const bool changes = position_.phase == Phase::kChanges;
  const bool undated = position_.phase == Phase::kUndated;
  std::vector<std::string> parameters;
  std::vector<std::string> conditions;
  std::string tuple = KeyList();
  if (changes) {
    parameters.push_back(position_.since);
    conditions.push_back(SinceIs("$1::timestamptz"));
    tuple = StrCat(time, ", ", KeyList());
  } else if (undated) {
    conditions.push_back(unique_
                             ? StrCat(time, " IS NULL")
                             : StrCat("(", time, " IS NULL OR ", KeysAre(" IS NULL", " OR "), ")"));
  }
  // A row without a key has no place in pages by key: the pass over undated rows has it.
  if (!unique_ && !undated) conditions.push_back(KeysAre(" IS NOT NULL", " AND "));
  const bool by_offset = undated && !unique_;
  if (!position_.key.empty() && !by_offset) {
    std::vector<std::string> values;
    if (changes) {
      parameters.push_back(position_.time);
      const std::string parameter = StrCat("$", parameters.size());
      values.push_back(options_.time_is_text ? TimeOf(StrCat(parameter, "::text")) : parameter);
    }
    for (const std::string& value : position_.key) {
      parameters.push_back(value);
      values.push_back(StrCat("$", parameters.size()));
    }
    conditions.push_back(StrCat("(", tuple, ") > (", absl::StrJoin(values, ", "), ")"));
  }
  // Offsets need an order without ties.
  const std::string order = StrCat(" ORDER BY ", tuple, by_offset ? ", r::text" : "");
  const std::string rows =
      StrCat("SELECT * FROM ", Table(), " AS r", conditions.empty() ? "" : " WHERE ",
             absl::StrJoin(conditions, " AND "), order, " LIMIT ",
             // One more tells whether the last key is whole.
             unique_ || undated ? limit : limit + 1,
             by_offset ? StrCat(" OFFSET ", position_.offset) : "");
  // Rows that share a key share their rank.
  absl::StatusOr<Result> page = connection_->Query(
      StrCat("SELECT r.*, ", TimeCell(), " AS \"huiliu.time\", ", IsAhead(),
             " AS \"huiliu.ahead\", ",
             unique_ || undated ? "0" : StrCat("rank() OVER (ORDER BY ", tuple, ")"),
             " AS \"huiliu.rank\" FROM (", rows, ") AS r", order),
      parameters);
  if (page.ok()) return page;
  return absl::Status(page.status().code(),
                      StrCat(page.status().message(), "; 读取表 / reading table ", options_.table));
}

absl::StatusOr<int> PostgresqlSource::WholeKeys(const PGresult* page, size_t limit) const {
  const int n = PQntuples(page);
  if (unique_ || position_.phase == Phase::kUndated || static_cast<size_t>(n) <= limit) return n;
  const int rank = PQnfields(page) - 1;
  const absl::string_view last = PQgetvalue(page, n - 1, rank);
  int whole = n;
  while (whole > 0 && PQgetvalue(page, whole - 1, rank) == last) --whole;
  if (whole > 0) return whole;
  return absl::FailedPreconditionError(
      StrCat("PostgreSQL ", connection_->place(), ": 表 ", options_.table, " 有 ", limit,
             " 行以上键相同，无法分页；请改用更细的键 / more than ", limit, " rows of table ",
             options_.table, " share one key (", absl::StrJoin(options_.key, ","),
             "), they cannot be paged; name more columns in key"));
}

// An index that is not valid (CREATE … CONCURRENTLY that failed or still runs) forbids nothing yet,
// and one of a table forbids nothing to the tables that inherit from it; of a partitioned table the
// index is that of all its partitions.
absl::Status PostgresqlSource::CheckKey() {
  std::vector<std::string> names;
  for (const std::string& column : options_.key) names.push_back(connection_->Literal(column));
  ASSIGN_OR_RETURN(
      const Result unique,
      connection_->Query(
          StrCat(
              "SELECT 1 FROM pg_index i WHERE i.indrelid = to_regclass($1) AND i.indisunique AND "
              "i.indisvalid AND i.indisready AND i.indpred IS NULL AND i.indexprs IS NULL AND NOT "
              "EXISTS (SELECT 1 FROM pg_inherits h JOIN pg_class c ON c.oid = h.inhparent WHERE "
              "h.inhparent = i.indrelid AND c.relkind <> 'p') AND NOT EXISTS (SELECT 1 FROM "
              "pg_attribute a WHERE a.attrelid = i.indrelid AND a.attnum = ANY (i.indkey) AND "
              "(NOT a.attnotnull OR a.attname NOT IN (",
              absl::StrJoin(names, ", "), "))) LIMIT 1"),
          {Table()}));
  unique_ = PQntuples(unique.get()) > 0;
  if (unique_) return absl::OkStatus();
  Notice(
      StrCat("表 ", options_.table, " 的键（", absl::StrJoin(options_.key, ","),
             "）没有非空唯一索引保证：",
             "键相同的行一并读取 / no unique index of columns that are not null makes sure of the "
             "key: rows that share a key are read together"));
  return absl::OkStatus();
}

}  // namespace huiliu::postgresql
