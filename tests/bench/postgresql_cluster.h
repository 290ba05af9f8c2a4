// A PostgreSQL server of the benchmark's own, from the installed package: a folder, a free port on
// loopback, the package's settings.
#ifndef HUILIU_TESTS_BENCH_POSTGRESQL_CLUSTER_H_
#define HUILIU_TESTS_BENCH_POSTGRESQL_CLUSTER_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"

namespace huiliu::bench {

// Stopped by its destructor.
class PostgresqlCluster {
 public:
  // NOT_FOUND: the package is not installed. Root runs it as the package's user postgres.
  static absl::StatusOr<std::unique_ptr<PostgresqlCluster>> Start(const std::string& folder);
  ~PostgresqlCluster();
  std::string dsn() const;

 private:
  PostgresqlCluster(std::string programs, std::string folder, int port)
      : programs_(std::move(programs)), folder_(std::move(folder)), port_(port) {}
  absl::Status Run(const std::string& command) const;

  const std::string programs_;
  const std::string folder_;
  const int port_;
};

}  // namespace huiliu::bench

#endif  // HUILIU_TESTS_BENCH_POSTGRESQL_CLUSTER_H_
