// The end of RocksDB's write-ahead log after a crash: an unfinished commit is cut off, damage
// before the end is an error.
//
// RocksDB tolerates a record that is cut short at the end, but refuses to open where the last
// record has its full length and wrong bytes, as a power loss may leave it; and it tells neither.
#ifndef HUILIU_BROKER_BACKBONE_EMBEDDED_WAL_CHECK_H_
#define HUILIU_BROKER_BACKBONE_EMBEDDED_WAL_CHECK_H_

#include <rocksdb/env.h>

#include <functional>
#include <string>

#include "absl/status/status.h"

namespace huiliu::embedded {

// Leaves word in `folder` that the log ends with a whole commit. The database is closed.
absl::Status NoteClosedWhole(rocksdb::Env& env, const std::string& folder);

// Checks the newest log file in `folder`. A damaged tail is cut and told to `warn`; DATA_LOSS names
// file and byte where whole records follow the damage, or where the log was closed whole. OK where
// there is no log. The word of NoteClosedWhole holds for one opening.
absl::Status CutTornTail(rocksdb::Env& env, const std::string& folder,
                         const std::function<void(const std::string&)>& warn);

}  // namespace huiliu::embedded

#endif  // HUILIU_BROKER_BACKBONE_EMBEDDED_WAL_CHECK_H_
