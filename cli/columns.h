// Which of a dataset's fields a reader may name as columns: a field that the grant does not open is
// told, not shown empty.
#ifndef HUILIU_CLI_COLUMNS_H_
#define HUILIU_CLI_COLUMNS_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "cli/command.h"
#include "huiliu/v1/catalog.pb.h"

namespace huiliu::cli {

// INVALID_ARGUMENT names a column that is no field (by name or title) and the known ones;
// PERMISSION_DENIED one that the reader's grant does not open and those that it does. The node
// decides what is shown: where no grant of the reader's fits, it is asked and says why.
absl::Status CheckColumns(Command& command, const huiliu::v1::ReadContext& context,
                          const std::vector<std::string>& columns);

}  // namespace huiliu::cli

#endif  // HUILIU_CLI_COLUMNS_H_
