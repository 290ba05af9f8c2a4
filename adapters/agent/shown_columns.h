// Which fields a source's table showed when it was last read: a column that a mapping never names,
// because it is called like its field, may not vanish in silence either.
#ifndef HUILIU_ADAPTERS_AGENT_SHOWN_COLUMNS_H_
#define HUILIU_ADAPTERS_AGENT_SHOWN_COLUMNS_H_

#include <map>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "adapters/mapping/mapping.h"

namespace huiliu::agent {

// For a source with one header; of the table that it read last: a JSON file in the source's state
// folder, written where it changes. Column names and field names only. One thread.
class ShownColumns {
 public:
  // A file that is not there: nothing was shown yet. DATA_LOSS where it cannot be read.
  static absl::StatusOr<ShownColumns> Load(std::string path);

  // The bound header of `table`. FAILED_PRECONDITION names the columns that the same table showed
  // before and does not show now, but for fields that the mapping calls optional. Else it is
  // remembered.
  absl::Status Check(absl::string_view table, const mapping::Mapping& mapping,
                     absl::Span<const std::string> header);

 private:
  explicit ShownColumns(std::string path) : path_(std::move(path)) {}

  const std::string path_;
  std::string table_;
  std::map<std::string, std::string> columns_;  // by field
};

}  // namespace huiliu::agent

#endif  // HUILIU_ADAPTERS_AGENT_SHOWN_COLUMNS_H_
