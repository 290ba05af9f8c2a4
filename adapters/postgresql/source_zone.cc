// Times without a zone: which zone they are of, and from when on changes are looked for.
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "adapters/postgresql/source.h"
#include "core/base/status.h"

namespace huiliu::postgresql {
namespace {

using absl::StrCat;

constexpr char kShanghai[] = "Asia/Shanghai";

}  // namespace

absl::Status PostgresqlSource::TakeZone(const std::string& database_zone) {
  zone_.clear();
  zones_ = {kShanghai};
  if (time_type_ == TimeType::kMoment) return absl::OkStatus();
  if (!options_.time_zone.empty()) {
    ASSIGN_OR_RETURN(const Result known,
                     connection_->Query("SELECT name FROM pg_timezone_names WHERE lower(name) = "
                                        "lower($1)",
                                        {options_.time_zone}));
    if (PQntuples(known.get()) == 0) {
      return absl::InvalidArgumentError(
          StrCat("PostgreSQL ", connection_->place(), ": 选项 time_zone（", options_.time_zone,
                 "）不是时区名称，应如 Asia/Shanghai、UTC / option time_zone (", options_.time_zone,
                 ") names no time zone; names are such as Asia/Shanghai or UTC"));
    }
    zones_ = {PQgetvalue(known.get(), 0, 0)};
  } else if (database_zone != kShanghai) {
    // Programs that write may take the database's zone or their own: the earlier one loses nothing.
    zones_.push_back(database_zone);
  }
  if (options_.time_zone.empty() && time_type_ == TimeType::kText) return absl::OkStatus();
  // PRC or +08 say the same.
  ASSIGN_OR_RETURN(
      const Result same,
      connection_->Query(StrCat("SELECT now() AT TIME ZONE ", connection_->Literal(zones_.back()),
                                " = now() AT TIME ZONE '", kShanghai, "'")));
  if (absl::string_view(PQgetvalue(same.get(), 0, 0)) == "t") return absl::OkStatus();
  zone_ = zones_.back();
  const bool configured = !options_.time_zone.empty();
  Notice(StrCat(
      "表 ", options_.table, " 的时间列 ", options_.time_column, " 不带时区：按时区 ", zone_, "（",
      configured ? "选项 time_zone" : "本库的 TimeZone", "）理解，而非 Asia/Shanghai",
      configured ? "" : "；若不符，请设选项 time_zone", " / time column ", options_.time_column,
      " of table ", options_.table, " has no zone: it is taken to be of ", zone_, " (",
      configured ? "option time_zone" : "the database's TimeZone", "), not of Asia/Shanghai",
      configured ? "" : "; set option time_zone if it is of another"));
  return absl::OkStatus();
}

std::string PostgresqlSource::SinceIs(const std::string& since) const {
  const std::string time = TimeOf(connection_->Identifier(options_.time_column));
  const std::string begin = StrCat("(", since, " - interval '", options_.overlap_s, " seconds')");
  if (time_type_ == TimeType::kMoment) return StrCat(time, " >= ", begin);
  std::vector<std::string> begins;
  for (const std::string& zone : zones_)
    begins.push_back(StrCat(begin, " AT TIME ZONE ", connection_->Literal(zone)));
  const std::string first = StrCat("least(", absl::StrJoin(begins, ", "), ")");
  if (time_type_ == TimeType::kLocal) return StrCat(time, " >= ", first);
  // What was written on a day says no more than the day, at any time of it.
  const std::string day = StrCat("date_trunc('day', ", first, ")");
  if (time_type_ == TimeType::kDay) return StrCat(time, " >= ", day, "::date");
  // A text may be a day's, a minute's or a moment's; most rows are of an earlier day.
  return StrCat("(", time, " >= ", day, " AND (", time, " = ", day, " OR ", time,
                " >= date_trunc('minute', ", first, ")))");
}

std::string PostgresqlSource::TimeCell() const {
  if (time_type_ != TimeType::kLocal || zone_.empty()) return "NULL";
  return StrCat("(r.", connection_->Identifier(options_.time_column), " AT TIME ZONE ",
                connection_->Literal(zone_), ")::text");
}

std::string PostgresqlSource::IsAhead() const {
  if (time_type_ != TimeType::kLocal || zone_.empty() || !options_.time_zone.empty())
    return "false";
  const std::string now = StrCat("(now() AT TIME ZONE ", connection_->Literal(zone_), ")");
  // Farther ahead is what people mean by never.
  return StrCat("coalesce(r.", connection_->Identifier(options_.time_column), " BETWEEN ", now,
                " + interval '1 hour' AND ", now, " + interval '14 hours', false)");
}

void PostgresqlSource::LookAhead(const PGresult* page) {
  const int ahead = static_cast<int>(columns_.size()) + 1;
  for (int r = 0; r < PQntuples(page); ++r) {
    if (*PQgetvalue(page, r, ahead) != 't') continue;
    Notice(StrCat(
        "表 ", options_.table, " 有行的时间列 ", options_.time_column, " 按时区 ", zone_,
        " 比现在晚数小时：写入程序多半用的是东八区时间，请设选项 time_zone 为 Asia/Shanghai，"
        "否则来源时间有误 / rows of table ",
        options_.table, " have a time in ", options_.time_column, " that is hours ahead by ", zone_,
        ": the programs that write it most likely take the time of Asia/Shanghai; set "
        "option time_zone to it, or the source time is wrong"));
    return;
  }
}

}  // namespace huiliu::postgresql
