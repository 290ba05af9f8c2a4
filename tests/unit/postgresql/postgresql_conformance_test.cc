// Plugin "postgresql" under the suites of all sources and all landings, over a real server.
#include <gmock/gmock.h>

#include <cstdlib>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "adapters/postgresql/connection.h"
#include "adapters/sdk/loader.h"
#include "tests/conformance/landing_suite.h"
#include "tests/conformance/source_suite.h"
#include "tests/unit/postgresql/test_server.h"

namespace huiliu {
namespace {

using absl::StrCat;
using postgresql::Execute;
using postgresql::ServerDsn;

const huiliu_plugin& Plugin() {
  const char* build = std::getenv("HUILIU_BUILD");
  const auto plugin =
      sdk::LoadPlugin(StrCat(build == nullptr ? "build" : build, "/lib/huiliu_postgresql.so"));
  EXPECT_TRUE(plugin.ok()) << plugin.status();
  return **plugin;
}

// Rows of long ago, so that the window for late commits does not bring them again.
std::string MakeTable(const std::string& database, int rows, const std::string& damaged) {
  Execute(database,
          "DROP TABLE IF EXISTS suite; CREATE TABLE suite (a int, b text, name text, "
          "changed timestamptz, PRIMARY KEY (a, b))");
  for (int i = 0; i < rows; ++i) {
    const bool bad = i == 11 && !damaged.empty();
    Execute(database,
            StrCat("INSERT INTO suite VALUES (", i / 7, ", ", bad ? damaged : StrCat("'k", i, "'"),
                   ", ", bad ? damaged : StrCat("'名 ", i, "'"),
                   ", timestamptz '2024-01-01 08:00:00+08' + interval '", i / 3, " s')"));
  }
  return StrCat("{\"dsn\":\"", ServerDsn(database),
                "\",\"table\":\"public.suite\",\"key\":[\"a\",\"b\"],\"time_column\":\"changed\","
                "\"poll_interval_ms\":20}");
}

void AddRow(const std::string& database) {
  Execute(database, "INSERT INTO suite VALUES (99, 'new', NULL, now())");
}

// A server that checks no charset lets bytes in that are none: there a row can be damaged.
INSTANTIATE_TEST_SUITE_P(
    Postgresql, SourceSuite,
    testing::Values(SourceUnderTest{"utf8", [] { return *sdk::FindSource(Plugin(), "postgresql"); },
                                    [](int rows, bool) { return MakeTable("utf8", rows, ""); },
                                    [] { AddRow("utf8"); }},
                    SourceUnderTest{"sql_ascii",
                                    [] { return *sdk::FindSource(Plugin(), "postgresql"); },
                                    [](int rows, bool damage) {
                                      return MakeTable("ascii", rows, damage ? "E'\\377'" : "");
                                    },
                                    [] { AddRow("ascii"); }}),
    [](const auto& info) { return info.param.name; });

int made = 0;

std::map<std::string, LandingUnderTest::Cells> ReadTable(const std::vector<std::string>& fields) {
  auto connection = postgresql::Connection::Open(ServerDsn("utf8"));
  EXPECT_TRUE(connection.ok()) << connection.status();
  const auto rows =
      (*connection)
          ->Query(StrCat("SELECT id, ", absl::StrJoin(fields, ", "), " FROM suite_", made));
  EXPECT_TRUE(rows.ok()) << rows.status();
  std::map<std::string, LandingUnderTest::Cells> out;
  for (int r = 0; rows.ok() && r < PQntuples(rows->get()); ++r) {
    LandingUnderTest::Cells& cells = out[PQgetvalue(rows->get(), r, 0)];
    for (int c = 1; c < PQnfields(rows->get()); ++c) {
      cells.push_back(PQgetisnull(rows->get(), r, c) != 0
                          ? std::nullopt
                          : std::optional<std::string>(PQgetvalue(rows->get(), r, c)));
    }
  }
  return out;
}

INSTANTIATE_TEST_SUITE_P(Postgresql, LandingSuite,
                         testing::Values(LandingUnderTest{
                             "postgresql", [] { return *sdk::FindLanding(Plugin(), "postgresql"); },
                             [] {
                               return StrCat("{\"dsn\":\"", ServerDsn("utf8"),
                                             "\",\"table\":\"suite_", ++made, "\"}");
                             },
                             ReadTable}));

}  // namespace
}  // namespace huiliu
