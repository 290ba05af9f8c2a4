// Source "postgresql": a snapshot by keyset paging, then changes by timestamp and key with an
// overlap window, so that late commits are not missed. docs/formats/postgresql-source.md.
#ifndef HUILIU_ADAPTERS_POSTGRESQL_SOURCE_H_
#define HUILIU_ADAPTERS_POSTGRESQL_SOURCE_H_

#include <deque>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/time/time.h"
#include "adapters/postgresql/connection.h"
#include "adapters/sdk/plugin.h"

namespace huiliu::postgresql {

class PostgresqlSource : public sdk::Source {
 public:
  static absl::StatusOr<std::unique_ptr<PostgresqlSource>> Open(sdk::Host host,
                                                                absl::string_view options_json,
                                                                absl::string_view position);
  absl::Status Poll(size_t max_rows, int timeout_ms, const huiliu_rows** rows) override;
  absl::StatusOr<std::string> Describe() override;

 private:
  struct Options {
    std::string dsn;
    std::string table;  // schema.table
    std::vector<std::string> key;
    std::string time_column;
    bool time_is_text = false;  // "time_type": "text"
    std::string time_zone;      // of a time column without one; empty: the database's
    int overlap_s = 120;
    int page_rows = 1000;
    int max_rows_per_second = 0;  // 0: no cap
    int poll_interval_ms = 1000;
    int statement_timeout_ms = 60000;
  };
  // A round reads what changed since the last one; then, where it is due, every row without a time.
  // Rows of unknown size: few at first.
  static constexpr size_t kFirstPage = 16;
  static constexpr size_t kPageBytes = size_t{8} << 20;
  // A value of a row that is longer is no field of a record.
  static constexpr size_t kMaxValueBytes = size_t{4} << 20;
  static constexpr size_t kMaxRawBytes = 64 << 10;
  // What a page shows besides the table's columns: TimeCell(), IsAhead(), the key's place on it.
  static constexpr int kBesides = 3;
  // The pass over rows without a time may take one part in this many of the time.
  static constexpr int kUndatedShare = 20;
  // Of the time column: date, timestamp without and with a zone, text.
  enum class TimeType { kDay, kLocal, kMoment, kText };
  enum class Phase { kSnapshot, kChanges, kUndated };
  // docs/formats/postgresql-source.md
  struct Position {
    Phase phase = Phase::kSnapshot;
    std::vector<std::string> key;  // of the last row sent
    std::string time;              // changes: time of the last row sent, as the database writes it
    std::string since;             // where this round of changes, or the next one, begins
    std::string until;             // the database's time when this round began
    int64_t offset = 0;            // undated: rows sent of this pass
  };
  PostgresqlSource(sdk::Host host, Options options, Position position)
      : host_(host), options_(std::move(options)), position_(std::move(position)) {}

  static absl::StatusOr<Options> ParseOptions(absl::string_view json);
  static absl::StatusOr<Position> ParsePosition(absl::string_view json);
  std::string PositionJson() const;
  absl::Status Connect();
  // Takes over the first `count` columns of a result; where they have changed, says how. NOT_FOUND
  // names the key or time column that is gone.
  absl::Status Bind(const PGresult* result, int count);
  // FAILED_PRECONDITION names the time column's type where the options do not fit it.
  absl::Status CheckTimeType(const PGresult* result);
  // The zone of a time column that has none: the configured one, else `database_zone` (of a text:
  // Asia/Shanghai). INVALID_ARGUMENT: the configured one is no zone.
  absl::Status TakeZone(const std::string& database_zone);
  // Whether a row's time lies in the window that begins at the timestamptz `since`, as SQL.
  std::string SinceIs(const std::string& since) const;
  // The time column as its cell tells it, where that is not as it stands: as SQL, else NULL.
  std::string TimeCell() const;
  // Whether a row's time lies so far ahead that it must be of another zone than the database says,
  // as SQL.
  std::string IsAhead() const;
  // Says so where a row of the page is.
  void LookAhead(const PGresult* page);
  // The time that an expression of the time column's type says, as SQL; NULL where it says none.
  std::string TimeOf(const std::string& expression) const;
  // At most `limit` rows; where no key is unique, one more.
  absl::StatusOr<Result> Page(size_t limit);
  // Of each key column `test`, with `joined` between.
  std::string KeysAre(absl::string_view test, absl::string_view joined) const;
  std::string KeyList() const;
  std::string Table() const;
  absl::Status BeginRound();
  void EndOfPages();
  // Of Page(limit) the rows that go: all, or those before its last key where more of that key may
  // follow. What is one key says the database: texts that differ may be equal.
  absl::StatusOr<int> WholeKeys(const PGresult* page, size_t limit) const;
  // The next page is as long as pages of its bytes may be.
  void Size(const PGresult* page);
  void TakePage(const PGresult* page, int rows);
  void TakeRows(const PGresult* page, int rows);
  void MarkUndecodable(const std::string& column, huiliu_row* row);
  void MarkTooLong(const std::string& column, size_t bytes, huiliu_row* row);
  // Whether the row was sent before, unchanged, within the window.
  bool SeenUnchanged(const std::string& key, const std::string& digest);
  void Throttle(size_t rows);
  // What would make rows be missed is said, once.
  absl::Status CheckKey();
  void Notice(std::string message);

  const sdk::Host host_;
  const Options options_;
  Position position_;
  std::unique_ptr<Connection> connection_;
  std::vector<std::string> columns_;
  std::vector<int> key_at_;
  size_t page_rows_ = kFirstPage;  // of the next page
  int time_at_ = -1;
  TimeType time_type_ = TimeType::kMoment;
  std::string zone_;                // of a time column without one; empty: Asia/Shanghai
  std::vector<std::string> zones_;  // by which a window begins, whichever is the earliest
  bool raw_bytes_ = false;          // the server's encoding is SQL_ASCII
  bool unique_ = false;             // an index makes sure that no two rows share a key
  absl::flat_hash_map<std::string, int> rows_of_key_;  // of this round, where none does
  absl::Time undated_due_ = absl::InfinitePast();
  absl::Time undated_began_ = absl::InfinitePast();
  std::vector<std::string> notices_;  // for the next Poll
  std::set<std::string> noticed_;
  bool in_round_ = false;
  bool round_found_ = false;
  absl::Time next_round_ = absl::InfinitePast();
  absl::Time free_at_ = absl::InfinitePast();
  absl::flat_hash_map<std::string, std::string> seen_;
  // what the last Poll showed
  std::deque<std::string> texts_;
  std::vector<huiliu_bytes> column_views_;
  std::vector<huiliu_cell> cells_;
  std::vector<huiliu_row> rows_;
  std::string position_text_;
  std::vector<std::string> shown_notices_;
  std::vector<huiliu_bytes> notice_views_;
  huiliu_rows view_{};
};

}  // namespace huiliu::postgresql

#endif  // HUILIU_ADAPTERS_POSTGRESQL_SOURCE_H_
