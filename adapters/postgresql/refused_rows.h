// Rows that a target refused, in the bureau's own database beside the cursor: what is kept, settled
// or tried again changes in the transaction that moves the cursor.
// docs/formats/postgresql-landing.md.
#ifndef HUILIU_ADAPTERS_POSTGRESQL_REFUSED_ROWS_H_
#define HUILIU_ADAPTERS_POSTGRESQL_REFUSED_ROWS_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "adapters/postgresql/connection.h"
#include "adapters/postgresql/staged_rows.h"

namespace huiliu::postgresql {

// A kept row, to be tried again; `change` points into it.
struct KeptRow {
  int64_t id = 0;
  std::string system, division;
  std::vector<std::string> texts;
  std::vector<huiliu_cell> cells;
  huiliu_change change{};
};

// One thread. Keep, Settle, Drop and Forget belong into the caller's transaction.
class RefusedRows {
 public:
  RefusedRows(std::string schema, std::string target)
      : schema_(std::move(schema)), target_(std::move(target)) {}

  // The statement that makes its table.
  std::string TableSql(const Connection& connection) const;
  absl::StatusOr<uint64_t> Count(Connection& connection) const;
  // A row of the same key that is kept already is replaced. Returns the rows' ids.
  absl::StatusOr<std::vector<int64_t>> Keep(Connection& connection,
                                            absl::Span<const huiliu_change> changes,
                                            const std::vector<Column>& columns,
                                            const std::vector<Refused>& refused) const;
  // Rows with these keys have landed.
  absl::Status Settle(Connection& connection, const std::vector<std::string>& keys) const;
  absl::Status Drop(Connection& connection, int64_t id) const;
  // It was tried again, in vain.
  absl::Status Again(Connection& connection, int64_t id, const Refused& why) const;
  std::string ForgetSql(const Connection& connection) const;
  // Up to `limit` ids after `after`.
  absl::StatusOr<std::vector<int64_t>> Ids(Connection& connection, int64_t after, int limit) const;
  // NOT_FOUND: it is not kept any more. `cells`: an object, column to text or null, instead of the
  // row's own; INVALID_ARGUMENT where a column is not one of the table's, or of its key.
  absl::StatusOr<std::unique_ptr<KeptRow>> Read(Connection& connection, int64_t id,
                                                const std::vector<Column>& columns,
                                                absl::string_view cells_json = "{}") const;
  // As huiliu_landing.kept answers. Where the table is not there nothing is kept.
  absl::StatusOr<std::string> ToJson(Connection& connection, absl::string_view id) const;

 private:
  std::string Table(const Connection& connection) const;
  const std::string schema_;
  const std::string target_;
};

}  // namespace huiliu::postgresql

#endif  // HUILIU_ADAPTERS_POSTGRESQL_REFUSED_ROWS_H_
