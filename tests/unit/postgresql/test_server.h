// The one PostgreSQL server of this test binary, with databases "utf8" and "ascii".
#ifndef HUILIU_TESTS_UNIT_POSTGRESQL_TEST_SERVER_H_
#define HUILIU_TESTS_UNIT_POSTGRESQL_TEST_SERVER_H_

#include <string>

#include "tests/fakes/postgresql_server.h"

namespace huiliu::postgresql {

fakes::PostgresqlServer& Server();
std::string ServerDsn(const std::string& database);
// Runs the statements; a failure fails the test. The first column of the first row, if any.
std::string Execute(const std::string& database, const std::string& sql);

}  // namespace huiliu::postgresql

#endif  // HUILIU_TESTS_UNIT_POSTGRESQL_TEST_SERVER_H_
