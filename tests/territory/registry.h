// The real registrations that territory is measured on, and the labels that some were given by
// reading.
#ifndef HUILIU_TESTS_TERRITORY_REGISTRY_H_
#define HUILIU_TESTS_TERRITORY_REGISTRY_H_

#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "core/schema/contract.h"

namespace huiliu::territory_report {

// One registration: the values of the contract's evidence links, in their order.
struct Row {
  std::string file;
  int64_t line = 0;
  std::string line_digest;  // SHA-256 of the line without its end, lower-case hexadecimal
  std::vector<std::string> values;
  std::string place() const { return file + ":" + std::to_string(line); }
};

// Every row of the folder's yearly files (1980.csv …), in order; columns are found by the titles of
// the contract's fields. A row that cannot be split is an error naming file and line.
absl::StatusOr<std::vector<Row>> ReadRegistry(const std::string& folder,
                                              const schema::Contract& contract);

// What was read in a row: see tests/territory/README.md.
struct Label {
  std::string
      division;      // six digits: a county, or a city where no reader can know more; "" nothing
  std::string half;  // "development" or "held-out"
  std::string line_digest;
};

// By Row::place(). An error names the line of a bad label.
absl::StatusOr<std::map<std::string, Label>> ReadLabels(const std::string& path);

}  // namespace huiliu::territory_report

#endif  // HUILIU_TESTS_TERRITORY_REGISTRY_H_
