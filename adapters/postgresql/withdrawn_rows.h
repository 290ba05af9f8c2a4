// Rows that were withdrawn from a landed table, with why: one row a key in a table beside it, until
// the record comes back. It changes in the transaction that takes the row out.
// docs/formats/postgresql-landing.md.
#ifndef HUILIU_ADAPTERS_POSTGRESQL_WITHDRAWN_ROWS_H_
#define HUILIU_ADAPTERS_POSTGRESQL_WITHDRAWN_ROWS_H_

#include <string>
#include <vector>

#include "adapters/postgresql/connection.h"
#include "adapters/postgresql/staged_rows.h"

namespace huiliu::postgresql {

// Statements only. Immutable.
class WithdrawnRows {
 public:
  WithdrawnRows() = default;
  // Of table `schema`.`table`, whose changes are staged in `staging`. Without the columns that tell
  // why (a host of before) nothing is kept, and every statement is empty.
  WithdrawnRows(const Connection& connection, const std::string& schema, const std::string& table,
                const std::string& staging, const std::vector<Column>& columns);

  const std::string& create() const { return create_; }
  // Before the deletes: those that take a row out.
  const std::string& keep() const { return keep_; }
  // After the upserts: what is there again is withdrawn no more.
  const std::string& settle() const { return settle_; }
  // With a new snapshot.
  const std::string& forget() const { return forget_; }
  // One row where any is kept; empty where nothing can be.
  const std::string& any() const { return any_; }

 private:
  std::string create_, keep_, settle_, forget_, any_;
};

}  // namespace huiliu::postgresql

#endif  // HUILIU_ADAPTERS_POSTGRESQL_WITHDRAWN_ROWS_H_
