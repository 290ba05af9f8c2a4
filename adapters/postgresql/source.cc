#include "adapters/postgresql/source.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/time/clock.h"
#include "core/base/status.h"

namespace huiliu::postgresql {
namespace {

using absl::StrCat;
using nlohmann::json;

constexpr size_t kMaxNotices = 100;

}  // namespace

absl::StatusOr<std::unique_ptr<PostgresqlSource>> PostgresqlSource::Open(
    sdk::Host host, absl::string_view options_json, absl::string_view position) {
  ASSIGN_OR_RETURN(Options options, ParseOptions(options_json));
  ASSIGN_OR_RETURN(Position parsed, ParsePosition(position));
  std::unique_ptr<PostgresqlSource> source(
      new PostgresqlSource(host, std::move(options), std::move(parsed)));
  RETURN_IF_ERROR(source->Connect());
  // A round of changes that was left in its middle goes on there.
  source->in_round_ = source->round_found_ = !source->position_.until.empty();
  return source;
}

absl::Status PostgresqlSource::Connect() {
  ASSIGN_OR_RETURN(connection_, Connection::Open(options_.dsn));
  // Before it is this session's own.
  ASSIGN_OR_RETURN(const Result zone, connection_->Query("SHOW TimeZone"));
  RETURN_IF_ERROR(connection_->Execute(
      StrCat("SET application_name = 'huiliu'; SET TimeZone = 'Asia/Shanghai'; SET DateStyle = "
             "'ISO, YMD'; SET client_encoding = 'UTF8'; "
             "SET default_transaction_read_only = on; SET statement_timeout = ",
             options_.statement_timeout_ms)));
  ASSIGN_OR_RETURN(const Result encoding, connection_->Query("SHOW server_encoding"));
  // Such a server never looked at its bytes, and refuses a whole page for one bad value: they are
  // taken as they are and looked at here, row by row.
  raw_bytes_ = absl::string_view(PQgetvalue(encoding.get(), 0, 0)) == "SQL_ASCII";
  RETURN_IF_ERROR(connection_->Execute(
      StrCat("SET client_encoding = '", raw_bytes_ ? "SQL_ASCII" : "UTF8", "'")));
  ASSIGN_OR_RETURN(const Result none,
                   connection_->Query(StrCat("SELECT * FROM ", Table(), " LIMIT 0")));
  RETURN_IF_ERROR(Bind(none.get(), PQnfields(none.get())));
  RETURN_IF_ERROR(CheckTimeType(none.get()));
  RETURN_IF_ERROR(TakeZone(PQgetvalue(zone.get(), 0, 0)));
  if (position_.phase == Phase::kSnapshot && position_.since.empty()) {
    // Changes are looked for from before the snapshot began: what it misses because it moved, they
    // bring.
    ASSIGN_OR_RETURN(const Result now, connection_->Query("SELECT now()"));
    position_.since = PQgetvalue(now.get(), 0, 0);
  }
  return CheckKey();
}

absl::Status PostgresqlSource::Bind(const PGresult* result, int count) {
  std::vector<std::string> columns;
  for (int c = 0; c < count; ++c) columns.emplace_back(PQfname(result, c));
  if (columns == columns_) return absl::OkStatus();
  if (!columns_.empty()) {
    Notice(StrCat("表 ", options_.table, " 的列已变更，现为 ", absl::StrJoin(columns, ","),
                  "：按新列继续读取 / the columns of table ", options_.table,
                  " have changed; reading goes on with them"));
  }
  columns_ = std::move(columns);
  key_at_.clear();
  const auto find = [&](const std::string& name) {
    for (size_t c = 0; c < columns_.size(); ++c) {
      if (columns_[c] == name) return static_cast<int>(c);
    }
    return -1;
  };
  for (const std::string& column : options_.key) {
    key_at_.push_back(find(column));
    if (key_at_.back() < 0)
      return absl::NotFoundError(StrCat("PostgreSQL ", connection_->place(), ": 没有键列 / table ",
                                        options_.table, " has no key column ", column));
  }
  time_at_ = find(options_.time_column);
  if (time_at_ < 0) {
    return absl::NotFoundError(StrCat("PostgreSQL ", connection_->place(), ": 没有时间列 / table ",
                                      options_.table, " has no time column ",
                                      options_.time_column));
  }
  return absl::OkStatus();
}

absl::Status PostgresqlSource::BeginRound() {
  // An index may have gone, a child table come, since the round before.
  RETURN_IF_ERROR(CheckKey());
  ASSIGN_OR_RETURN(const Result now, connection_->Query("SELECT now()"));
  position_.until = PQgetvalue(now.get(), 0, 0);
  position_.time.clear();
  position_.key.clear();
  rows_of_key_.clear();
  in_round_ = true;
  round_found_ = false;
  return absl::OkStatus();
}

void PostgresqlSource::Notice(std::string message) {
  if (notices_.size() < kMaxNotices && noticed_.insert(message).second)
    notices_.push_back(std::move(message));
}

void PostgresqlSource::EndOfPages() {
  const absl::Time now = absl::Now();
  position_.key.clear();
  position_.time.clear();
  position_.offset = 0;
  rows_of_key_.clear();
  if (position_.phase == Phase::kChanges && now >= undated_due_) {
    position_.phase = Phase::kUndated;
    undated_began_ = now;
    return;
  }
  if (position_.phase == Phase::kUndated)
    undated_due_ = now + kUndatedShare * (now - undated_began_);
  if (position_.phase == Phase::kSnapshot) {
    round_found_ = true;
  } else {
    position_.since = position_.until;
    position_.until.clear();
  }
  position_.phase = Phase::kChanges;
  in_round_ = false;
  next_round_ = now + absl::Milliseconds(options_.poll_interval_ms);
}

void PostgresqlSource::Throttle(size_t rows) {
  if (options_.max_rows_per_second == 0) return;
  const absl::Duration cost =
      absl::Seconds(1) * (static_cast<double>(rows) / options_.max_rows_per_second);
  free_at_ = std::max(free_at_, absl::Now()) + cost;
  while (absl::Now() < free_at_ && !host_.stopping())
    absl::SleepFor(std::min(absl::Milliseconds(50), free_at_ - absl::Now()));
}

absl::Status PostgresqlSource::Poll(size_t max_rows, int timeout_ms, const huiliu_rows** rows) {
  texts_.clear();
  cells_.clear();
  rows_.clear();
  if (connection_ == nullptr || connection_->lost()) RETURN_IF_ERROR(Connect());
  const absl::Time deadline = absl::Now() + absl::Milliseconds(timeout_ms);
  bool caught_up = false;
  while (rows_.empty() && !host_.stopping()) {
    if (position_.phase != Phase::kSnapshot && !in_round_) {
      const absl::Time wake = std::min(next_round_, deadline);
      if (absl::Now() < wake) absl::SleepFor(std::min(wake - absl::Now(), absl::Milliseconds(100)));
      if (absl::Now() < next_round_) {
        caught_up = !round_found_;
        if (absl::Now() >= deadline) break;
        continue;
      }
      RETURN_IF_ERROR(BeginRound());
    }
    // Less than asked for: rows may be long.
    const size_t most = std::min(max_rows, static_cast<size_t>(options_.page_rows));
    size_t limit = std::min(most, page_rows_);
    ASSIGN_OR_RETURN(Result page, Page(limit));
    // Rows that share a key must fit on one page.
    if (limit < most && !WholeKeys(page.get(), limit).ok()) {
      limit = most;
      ASSIGN_OR_RETURN(page, Page(limit));
    }
    // The table may have been altered since the last page.
    RETURN_IF_ERROR(Bind(page.get(), PQnfields(page.get()) - kBesides));
    Size(page.get());
    LookAhead(page.get());
    const size_t got = static_cast<size_t>(PQntuples(page.get()));
    ASSIGN_OR_RETURN(const int whole, WholeKeys(page.get(), limit));
    TakePage(page.get(), whole);
    Throttle(got);
    if (got >= limit) continue;
    EndOfPages();
    if (!in_round_ && rows_.empty() && !round_found_) caught_up = true;
    if (!in_round_ && absl::Now() >= deadline) break;
  }
  column_views_.clear();
  for (const std::string& column : columns_) column_views_.push_back(sdk::ToBytes(column));
  position_text_ = PositionJson();
  view_ = {sizeof view_,
           column_views_.data(),
           column_views_.size(),
           rows_.data(),
           rows_.size(),
           sdk::ToBytes(position_text_),
           rows_.empty() && caught_up ? 1 : 0,
           nullptr,
           0};
  notice_views_.clear();
  shown_notices_.swap(notices_);
  notices_.clear();
  for (const std::string& notice : shown_notices_) notice_views_.push_back(sdk::ToBytes(notice));
  view_.notices = notice_views_.data();
  view_.notice_count = notice_views_.size();
  *rows = &view_;
  return absl::OkStatus();
}

absl::StatusOr<std::string> PostgresqlSource::Describe() {
  ASSIGN_OR_RETURN(
      const Result estimate,
      connection_->Query(
          "SELECT coalesce(max(reltuples)::bigint, -1) FROM pg_class WHERE oid = to_regclass($1)",
          {options_.table}));
  return json{{"table", options_.table},
              {"columns", columns_},
              {"rows_estimate", std::string(PQgetvalue(estimate.get(), 0, 0))}}
      .dump();
}

}  // namespace huiliu::postgresql
