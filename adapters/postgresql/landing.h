// Landing "postgresql": upserts and deletes in the transaction that stores the cursor. Rows that
// the table refuses are kept in that transaction, too, and the rest lands.
// docs/formats/postgresql-landing.md.
#ifndef HUILIU_ADAPTERS_POSTGRESQL_LANDING_H_
#define HUILIU_ADAPTERS_POSTGRESQL_LANDING_H_

#include <memory>
#include <string>
#include <vector>

#include "adapters/postgresql/connection.h"
#include "adapters/postgresql/refused_rows.h"
#include "adapters/postgresql/staged_rows.h"
#include "adapters/postgresql/withdrawn_rows.h"
#include "adapters/sdk/plugin.h"

namespace huiliu::postgresql {

class PostgresqlLanding : public sdk::Landing {
 public:
  static absl::StatusOr<std::unique_ptr<PostgresqlLanding>> Open(sdk::Host host,
                                                                 absl::string_view options_json);
  absl::Status Prepare(const huiliu_dataset& dataset) override;
  absl::StatusOr<std::string> Cursor() override;
  absl::Status Apply(absl::Span<const huiliu_change> changes, absl::string_view cursor,
                     bool reset) override;
  absl::StatusOr<std::string> Kept(absl::string_view id) override;
  absl::StatusOr<uint64_t> KeptCount() override { return kept_; }
  absl::StatusOr<std::string> Redrive(absl::string_view ids_json) override;

 private:
  struct Options {
    std::string dsn;
    std::string schema = "public";
    std::string table;
    int lock_timeout_ms = 10000;
    int statement_timeout_ms = 120000;
  };
  static constexpr char kStaging[] = "huiliu_staging";
  // A line of the staged rows that the table refused.
  struct LineRefused {
    size_t line = 0;
    Refused why;
  };
  PostgresqlLanding(sdk::Host host, Options options)
      : host_(host), options_(std::move(options)), refused_(options_.schema, Target()) {}

  absl::Status Connect();
  // A table that is gone, or is another one than the cursor was stored for, has not landed what the
  // cursor says: the cursor goes, and a snapshot fills the table.
  absl::Status ForgetCursorOfLostTable();
  // So has a table that lost a column, by whatever name it goes on. FAILED_PRECONDITION: a column
  // of the key is among them, without which no row can be told from another.
  absl::Status ForgetCursorOfLostColumns();
  // The columns as they are now, for the cursor's row.
  absl::Status RememberColumns();
  absl::Status CreateTable();
  absl::Status FindTable();
  absl::Status TakeLock();
  absl::Status MakeStaging();
  // The statements of every batch.
  void WriteStatements();
  // Opens a batch's transaction and holds the table until its end; empties it where `reset`.
  // ABORTED: its name is another table's by now.
  absl::Status Begin(bool reset);
  absl::Status AnotherTable() const;
  // What the staged lines do to the table.
  std::string LandSql(bool deletes) const;
  std::string CursorSql(absl::string_view cursor) const;
  // The batch in one go.
  absl::Status LandWhole(absl::Span<const huiliu_change> changes, const StagedRows& staged,
                         absl::string_view cursor, bool reset);
  // The batch with rows that the table refuses: those are kept.
  absl::Status LandApart(absl::Span<const huiliu_change> changes, const StagedRows& staged,
                         absl::string_view cursor, bool reset);
  // Lines [first, last) in the open transaction; halved until what is refused stands alone.
  absl::Status LandHalves(const StagedRows& staged, size_t first, size_t last,
                          std::vector<LineRefused>* refused);
  // All of them or none; after a failure the savepoint huiliu_lines is open.
  absl::Status LandLines(const StagedRows& staged, size_t first, size_t last);
  // Of the lines that landed.
  std::vector<std::string> KeysOf(absl::Span<const huiliu_change> changes, const StagedRows& staged,
                                  const std::vector<bool>& left_out) const;
  // Why it is refused still; empty: it has landed.
  absl::StatusOr<std::string> RedriveOne(int64_t id, const std::string& cells_json);
  absl::Status AtTarget(const absl::Status& status) const;
  std::string Qualified() const;
  std::string Target() const { return options_.schema + "." + options_.table; }
  std::string ColumnList(const std::string& prefix) const;
  std::string KeyMatch(const std::string& a, const std::string& b) const;

  const sdk::Host host_;
  const Options options_;
  const RefusedRows refused_;
  std::string dataset_;
  std::string title_;
  std::vector<Column> columns_;
  std::string relation_;  // oid of the table, as SQL
  std::string made_;      // columns' numbers in it by name, as JSON
  std::string upsert_;
  std::string remove_;
  WithdrawnRows withdrawn_;
  bool any_withdrawn_ = false;  // there may be rows in it
  uint64_t kept_ = 0;
  std::unique_ptr<Connection> connection_;
};

}  // namespace huiliu::postgresql

#endif  // HUILIU_ADAPTERS_POSTGRESQL_LANDING_H_
