// Reads a source of plugin "postgresql" over the tests' server as the agent would.
#ifndef HUILIU_TESTS_UNIT_POSTGRESQL_SOURCE_READER_H_
#define HUILIU_TESTS_UNIT_POSTGRESQL_SOURCE_READER_H_

#include <map>
#include <memory>
#include <string>

#include "adapters/postgresql/source.h"
#include "adapters/sdk/testkit/fake_host.h"

namespace huiliu::postgresql {

class SourceReader {
 public:
  // `more` are further options, each with a comma before it. Changes are looked for at once.
  SourceReader(const std::string& database, const std::string& table, const std::string& key,
               const std::string& more);
  // Names of the rows that came until it was caught up, each with how often: a row's column "name".
  std::map<std::string, int> Names();
  // Of the row of that name that came last: the cell of a column; its id.
  std::string Cell(const std::string& name, const std::string& column) const;
  const std::string& RowId(const std::string& name) const { return row_ids_.at(name); }
  const std::string& notices() const { return notices_; }

 private:
  sdk::FakeHost host_;
  std::unique_ptr<PostgresqlSource> source_;
  std::map<std::string, std::map<std::string, std::string>> cells_;
  std::map<std::string, std::string> row_ids_;
  std::string notices_;
};

}  // namespace huiliu::postgresql

#endif  // HUILIU_TESTS_UNIT_POSTGRESQL_SOURCE_READER_H_
