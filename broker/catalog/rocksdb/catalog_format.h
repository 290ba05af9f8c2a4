// Keys and values of the catalog's column families. docs/formats/catalog.md.
#ifndef HUILIU_BROKER_CATALOG_ROCKSDB_CATALOG_FORMAT_H_
#define HUILIU_BROKER_CATALOG_ROCKSDB_CATALOG_FORMAT_H_

#include <string>

#include "absl/status/statusor.h"
#include "broker/catalog/catalog.h"

namespace huiliu::rocks_catalog {

// What the keys of a dataset begin with, in the families rows and index: its id, 0x00.
std::string DatasetPrefix(absl::string_view dataset);
// The first key behind all that begin with `prefix`.
std::string BehindPrefix(std::string prefix);

// Meta keys.
std::string AppliedKey(const TopicPartition& tp);
std::string AppliedPrefix(absl::string_view topic);
std::string FollowedKey(const TopicPartition& tp);
std::string CountsKey(absl::string_view dataset);
std::string TopicKey(absl::string_view dataset);
std::string IndexesKey(absl::string_view dataset);
std::string GenerationKey(absl::string_view dataset);

// Microseconds since 1970, a space, the log's end.
std::string EncodeFollowed(const Followed& followed);
absl::StatusOr<Followed> ParseFollowed(absl::string_view text);  // DATA_LOSS

// varint partition, varint offset, varint envelope size, envelope, payload. Never empty.
size_t EncodedRowBytes(absl::string_view envelope, absl::string_view payload);  // at most
// Writes to `out`, which has EncodedRowBytes; returns the size.
size_t EncodeRow(Partition partition, Offset offset, absl::string_view envelope,
                 absl::string_view payload, char* out);
struct RowParts {
  Partition partition;
  Offset offset;
  absl::string_view envelope;
  absl::string_view payload;
};
absl::StatusOr<RowParts> ParseRow(absl::string_view value);

}  // namespace huiliu::rocks_catalog

#endif  // HUILIU_BROKER_CATALOG_ROCKSDB_CATALOG_FORMAT_H_
