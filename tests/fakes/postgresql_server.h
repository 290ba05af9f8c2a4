// A PostgreSQL server of the test's own: a folder, a free port on loopback, gone with the object.
#ifndef HUILIU_TESTS_FAKES_POSTGRESQL_SERVER_H_
#define HUILIU_TESTS_FAKES_POSTGRESQL_SERVER_H_

#include <sys/types.h>

#include <memory>
#include <string>

#include "absl/status/statusor.h"

namespace huiliu::fakes {

// PostgreSQL refuses to run as root: then it runs as the package's user postgres. One thread.
class PostgresqlServer {
 public:
  // NOT_FOUND where PostgreSQL is not installed.
  static absl::StatusOr<std::unique_ptr<PostgresqlServer>> Start();
  ~PostgresqlServer();
  PostgresqlServer(const PostgresqlServer&) = delete;
  PostgresqlServer& operator=(const PostgresqlServer&) = delete;

  std::string Dsn(const std::string& database) const;
  // The server's processes end at once, as in a crash; StartAgain starts it over the same data and
  // on the same port.
  void Crash();
  absl::Status StartAgain();

 private:
  PostgresqlServer() = default;

  std::string bin_;
  std::string folder_;
  int port_ = 0;
  pid_t process_ = -1;
};

}  // namespace huiliu::fakes

#endif  // HUILIU_TESTS_FAKES_POSTGRESQL_SERVER_H_
