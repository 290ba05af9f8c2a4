// RocksDB's statuses in ours: the one place where they are converted.
#ifndef HUILIU_BROKER_BACKBONE_EMBEDDED_ROCKSDB_STATUS_H_
#define HUILIU_BROKER_BACKBONE_EMBEDDED_ROCKSDB_STATUS_H_

#include <rocksdb/slice.h>
#include <rocksdb/status.h>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace huiliu::embedded {

absl::Status FromRocks(const rocksdb::Status& status, absl::string_view place);

inline rocksdb::Slice ToSlice(absl::string_view bytes) { return {bytes.data(), bytes.size()}; }
inline absl::string_view ToView(const rocksdb::Slice& slice) {
  return {slice.data(), slice.size()};
}

}  // namespace huiliu::embedded

#endif  // HUILIU_BROKER_BACKBONE_EMBEDDED_ROCKSDB_STATUS_H_
