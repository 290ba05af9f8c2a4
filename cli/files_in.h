// Files that are named on the command line, one by one or by their folder.
#ifndef HUILIU_CLI_FILES_IN_H_
#define HUILIU_CLI_FILES_IN_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"

namespace huiliu::cli {

// Each of `named` that is no folder, and of a folder every file under it, in order of name, whose
// name ends in one of `extensions` (".yaml"). Hidden files and folders (.git) are passed over.
// NOT_FOUND where a folder has none: `kind` says of what, in both languages.
absl::StatusOr<std::vector<std::string>> FilesIn(const std::vector<std::string>& named,
                                                 absl::Span<const absl::string_view> extensions,
                                                 absl::string_view kind);

}  // namespace huiliu::cli

#endif  // HUILIU_CLI_FILES_IN_H_
