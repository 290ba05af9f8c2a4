// Whole small files: keys, configuration, state. Bulk input is read by the adapters, records are
// kept by RocksDB.
#ifndef HUILIU_CORE_BASE_FILES_H_
#define HUILIU_CORE_BASE_FILES_H_

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace huiliu {

// NOT_FOUND, PERMISSION_DENIED or UNAVAILABLE, each naming the path.
absl::StatusOr<std::string> ReadFile(const std::string& path);

// Writes beside `path`, syncs, renames, syncs the folder: after a crash either the old or the new
// content is there.
absl::Status WriteFileDurably(const std::string& path, absl::string_view content, int mode = 0644);

// Makes a folder and its parents.
absl::Status MakeDirectories(const std::string& path);

// The status for errno after a failed call on `path`.
absl::Status ErrnoStatus(int error, absl::string_view action, absl::string_view path);

}  // namespace huiliu

#endif  // HUILIU_CORE_BASE_FILES_H_
