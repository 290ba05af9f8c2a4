#include "tests/unit/postgresql/test_server.h"

#include <gtest/gtest.h>

#include "adapters/postgresql/connection.h"

namespace huiliu::postgresql {
namespace {

std::unique_ptr<fakes::PostgresqlServer> server;

class ServerEnvironment : public testing::Environment {
 public:
  void SetUp() override {
    auto started = fakes::PostgresqlServer::Start();
    if (!started.ok()) {
      std::fprintf(stderr, "%s\n", started.status().ToString().c_str());
      std::exit(1);
    }
    server = *std::move(started);
    Execute("postgres", "CREATE DATABASE utf8");
    Execute("postgres", "CREATE DATABASE ascii ENCODING 'SQL_ASCII' TEMPLATE template0");
  }
  void TearDown() override { server.reset(); }
};

[[maybe_unused]] const testing::Environment* const environment =
    testing::AddGlobalTestEnvironment(new ServerEnvironment);

}  // namespace

fakes::PostgresqlServer& Server() { return *server; }

std::string ServerDsn(const std::string& database) { return server->Dsn(database); }

std::string Execute(const std::string& database, const std::string& sql) {
  auto connection = Connection::Open(ServerDsn(database));
  EXPECT_TRUE(connection.ok()) << connection.status();
  if (!connection.ok()) return "";
  const auto result = (*connection)->Query(sql);
  EXPECT_TRUE(result.ok()) << result.status();
  if (!result.ok() || PQntuples(result->get()) == 0) return "";
  return PQgetvalue(result->get(), 0, 0);
}

}  // namespace huiliu::postgresql
