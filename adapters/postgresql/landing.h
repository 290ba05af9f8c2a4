// Landing "postgresql": upserts and deletes in the transaction that stores the cursor.
// docs/formats/postgresql-landing.md.
#ifndef HUILIU_ADAPTERS_POSTGRESQL_LANDING_H_
#define HUILIU_ADAPTERS_POSTGRESQL_LANDING_H_

#include <memory>
#include <string>
#include <vector>

#include "adapters/postgresql/connection.h"
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

 private:
  struct Options {
    std::string dsn;
    std::string schema = "public";
    std::string table;
    int lock_timeout_ms = 10000;
    int statement_timeout_ms = 120000;
  };
  struct Column {
    std::string name;
    std::string title;
    std::string type;
    bool key = false;
    bool index = false;
  };
  explicit PostgresqlLanding(Options options) : options_(std::move(options)) {}

  absl::Status Connect();
  absl::Status CreateTable();
  absl::Status TakeLock();
  absl::Status MakeStaging();
  // The statements of every batch.
  void WriteStatements();
  // Changes that a later one of the same key replaces.
  std::vector<bool> Superseded(absl::Span<const huiliu_change> changes) const;
  absl::Status Land(absl::Span<const huiliu_change> changes, absl::string_view cursor, bool reset);
  absl::StatusOr<std::string> StagingRows(absl::Span<const huiliu_change> changes,
                                          bool* deletes) const;
  absl::Status AtTarget(const absl::Status& status) const;
  std::string Qualified() const;
  std::string Target() const { return options_.schema + "." + options_.table; }
  std::string ColumnList(const std::string& prefix) const;
  std::string KeyMatch(const std::string& a, const std::string& b) const;

  const Options options_;
  std::string title_;
  std::vector<Column> columns_;
  std::string upsert_;
  std::string remove_;
  std::unique_ptr<Connection> connection_;
};

}  // namespace huiliu::postgresql

#endif  // HUILIU_ADAPTERS_POSTGRESQL_LANDING_H_
