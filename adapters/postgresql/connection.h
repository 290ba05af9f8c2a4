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
  bool lost() const { return PQstatus(connection_.get()) != CONNECTION_OK; }
  const std::string& place() const { return place_; }
  std::string Identifier(absl::string_view name) const;
  std::string Literal(absl::string_view text) const;

 private:
  explicit Connection(PGconn* connection);
  absl::Status Failed(const PGresult* result) const;
  std::unique_ptr<PGconn, decltype(&PQfinish)> connection_;
  std::string place_;  // host/database
};

}  // namespace huiliu::postgresql

#endif  // HUILIU_ADAPTERS_POSTGRESQL_CONNECTION_H_
