// How far source "file" has read: a JSON object
//   {"files": {NAME: {"id", "offset", "line", "modified"}}, "folded": {"name", "changed", "files"},
//    "by_name": [COLUMN]}
// Finished files are folded: every file up to `name` (in name order) whose status change is not
// after `changed` has been read. So it holds an entry for at most 64 finished files, those changed
// in the last ten seconds, and those with another header: about 120 bytes each.
#ifndef HUILIU_ADAPTERS_FILE_POSITION_H_
#define HUILIU_ADAPTERS_FILE_POSITION_H_

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace huiliu::file {

struct FileState {
  // Digest of the first and the last bytes of what is read: a replaced file is another file.
  std::string identity;
  int64_t offset = 0;     // read so far
  int64_t line = 1;       // of the next record
  int64_t modified = 0;   // ns; of the file when it was read to its end
  bool skipping = false;  // inside a line that was too long and is reported
  bool foreign = false;   // another header: not read; looked at again at the next start
};

struct Folded {
  std::string name;
  int64_t changed = 0;  // ns
  int64_t files = 0;
  bool Holds(const std::string& file, int64_t file_changed) const {
    return files > 0 && file <= name && file_changed <= changed;
  }
};

struct Position {
  std::map<std::string, FileState> files;
  Folded folded;
  // Columns that the mapping reads by name alone: of the CSV header read last; of JSON, members
  // that any file has shown, because objects leave out what is empty.
  std::vector<std::string> by_name;
};

// DATA_LOSS where it cannot be read.
absl::StatusOr<Position> ParsePosition(absl::string_view json);
std::string ToJson(const Position& position);

}  // namespace huiliu::file

#endif  // HUILIU_ADAPTERS_FILE_POSITION_H_
