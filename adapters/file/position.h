// How far source "file" has read: a JSON object {"files": {name: {"id", "offset", "line"}}}; one
// entry per file of the folder, about 100 bytes each.
#ifndef HUILIU_ADAPTERS_FILE_POSITION_H_
#define HUILIU_ADAPTERS_FILE_POSITION_H_

#include <cstdint>
#include <map>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace huiliu::file {

struct FileState {
  std::string identity;  // digest of the first bytes: a replaced file is another file
  int64_t identity_bytes = 0;
  int64_t offset = 0;     // read so far
  int64_t line = 1;       // of the next record
  bool skipping = false;  // inside a line that was too long and is reported
  bool foreign = false;   // another header: not read
};

struct Position {
  std::map<std::string, FileState> files;
};

absl::StatusOr<Position> ParsePosition(absl::string_view json);
std::string ToJson(const Position& position);

}  // namespace huiliu::file

#endif  // HUILIU_ADAPTERS_FILE_POSITION_H_
