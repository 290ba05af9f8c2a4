// The time column: what type it has, and how a text is read as a time by the database itself, so
// that rows still come in order of time.
#include "absl/strings/str_cat.h"
#include "adapters/postgresql/source.h"

namespace huiliu::postgresql {
namespace {

using absl::StrCat;

// Of pg_type.
constexpr Oid kDate = 1082, kTimestamp = 1114, kTimestampTz = 1184;
constexpr Oid kText = 25, kCharacter = 1042, kVarchar = 1043;

// Year to second with separators, or without any. No backslash: whatever
// standard_conforming_strings says. What matches never fails to be a time.
constexpr char kPattern[] =
    "^[[:space:]]*(?:"
    "([1-9][0-9]{3})(?:[-/.]|年)(0?[1-9]|1[0-2])(?:[-/.]|月)(0?[1-9]|[12][0-9]|3[01])日?"
    "(?:[T[:space:]]*([01]?[0-9]|2[0-3]):([0-5][0-9])(?::([0-5][0-9](?:[.][0-9]+)?))?)?"
    "|([1-9][0-9]{3})(0[1-9]|1[0-2])(0[1-9]|[12][0-9]|3[01])"
    "(?:[T[:space:]]?([01][0-9]|2[0-3])([0-5][0-9])([0-5][0-9])?)?"
    ")[[:space:]]*$";

}  // namespace

absl::Status PostgresqlSource::CheckTimeType(const PGresult* result) {
  const Oid type = PQftype(result, time_at_);
  const bool is_time = type == kDate || type == kTimestamp || type == kTimestampTz;
  const bool is_text = type == kText || type == kCharacter || type == kVarchar;
  time_type_ = type == kDate          ? TimeType::kDay
               : type == kTimestamp   ? TimeType::kLocal
               : type == kTimestampTz ? TimeType::kMoment
                                      : TimeType::kText;
  if (options_.time_is_text ? is_text : is_time) return absl::OkStatus();
  const auto named = connection_->Query(StrCat("SELECT format_type(", type, ", NULL)"));
  const std::string name = named.ok() ? PQgetvalue(named->get(), 0, 0) : StrCat("type ", type);
  const std::string place = StrCat("PostgreSQL ", connection_->place(), ": ");
  if (is_text) {
    return absl::FailedPreconditionError(StrCat(
        place, "表 ", options_.table, " 的时间列 ", options_.time_column, " 是文本（", name,
        "），请设选项 time_type 为 text / time column ", options_.time_column, " of table ",
        options_.table, " is text (", name,
        "): set option time_type to \"text\", by which values that say no time are rows without a "
        "time"));
  }
  return absl::FailedPreconditionError(
      StrCat(place, "表 ", options_.table, " 的时间列 ", options_.time_column, " 类型为 ", name,
             "，与选项 time_type 不符 / time column ", options_.time_column, " of table ",
             options_.table, " is of type ", name, ", which does not fit option time_type (",
             options_.time_is_text ? "text: a text column"
                                   : "timestamp: a date or timestamp column; text: a text column",
             ")"));
}

// A day that its month does not have is one of the next month: it is only an order.
std::string PostgresqlSource::TimeOf(const std::string& expression) const {
  if (!options_.time_is_text) return expression;
  const auto part = [](int n) { return StrCat("coalesce(m[", n, "], m[", n + 6, "])"); };
  const auto number = [&](int n) { return StrCat("coalesce(", part(n), ", '0')"); };
  return StrCat("(SELECT make_timestamp(", part(1), "::int, ", part(2), "::int, 1, ", number(4),
                "::int, ", number(5), "::int, ", number(6), "::float8) + (", part(3),
                "::int - 1) * interval '1 day' FROM regexp_matches(", expression, ", '", kPattern,
                "') AS m)");
}

}  // namespace huiliu::postgresql
