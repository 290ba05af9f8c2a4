// One libpq connection: the only place where its errors become statuses.
#ifndef HUILIU_ADAPTERS_POSTGRESQL_CONNECTION_H_
#define HUILIU_ADAPTERS_POSTGRESQL_CONNECTION_H_

#include <libpq-fe.h>

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace huiliu::postgresql {

using Result = std::unique_ptr<PGresult, decltype(&PQclear)>;

// What the server said of the last statement that failed; names only, no values.
struct Failure {
  std::string state;    // SQLSTATE
  std::string message;  // one line
  std::string place;    // the constraint or column, where it is named
  bool raised = false;  // by a function of the table's, such as a trigger

  // Whether a row's content is at fault: its values or a rule of the table about them.
  bool OfRow() const;
};

// One thread.
class Connection {
 public:
  // UNAVAILABLE: no server, it is starting, too many connections; PERMISSION_DENIED: password or
  // rights; NOT_FOUND: no such database. Names host and database, never the password.
  static absl::StatusOr<std::unique_ptr<Connection>> Open(const std::string& dsn);

  absl::StatusOr<Result> Query(const std::string& sql,
                               const std::vector<std::string>& parameters = {});
  absl::Status Execute(const std::string& sql) { return Query(sql).status(); }
  // Sends `data` (COPY text format) to a COPY … FROM STDIN statement.
  absl::Status CopyIn(const std::string& sql, absl::string_view data);
  const Failure& failure() const { return failure_; }
  bool lost() const { return PQstatus(connection_.get()) != CONNECTION_OK; }
  const std::string& place() const { return place_; }
  std::string Identifier(absl::string_view name) const;
  std::string Literal(absl::string_view text) const;

 private:
  explicit Connection(PGconn* connection);
  absl::Status Failed(const PGresult* result);
  std::unique_ptr<PGconn, decltype(&PQfinish)> connection_;
  std::string place_;  // host/database
  Failure failure_;
};

}  // namespace huiliu::postgresql

#endif  // HUILIU_ADAPTERS_POSTGRESQL_CONNECTION_H_
