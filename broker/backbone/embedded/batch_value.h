// Keys and values of the log's column family. docs/formats/backbone-embedded.md.
#ifndef HUILIU_BROKER_BACKBONE_EMBEDDED_BATCH_VALUE_H_
#define HUILIU_BROKER_BACKBONE_EMBEDDED_BATCH_VALUE_H_

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "broker/backbone/backbone.h"

namespace huiliu::embedded {

// topic id (4) | partition (4) | first offset (8), big endian: a partition's batches stand
// together, in offset order.
std::string BatchKey(uint32_t topic, Partition partition, Offset first);
// The partition's part of the key: its common prefix.
std::string PartitionPrefix(uint32_t topic, Partition partition);
Offset OffsetInKey(absl::string_view key);

// What stands before the batch's bytes: format (1) | next offset (8) | appended µs (8) | records
// (4) | varint count of listed offsets, then each as a difference to the one before. Integers
// little endian.
struct BatchHead {
  Offset next;
  absl::Time appended;
  int32_t records = 0;
  std::vector<Offset> offsets;  // after compaction: of each record; else empty
};
void AppendHead(const BatchHead& head, Offset first, std::string* out);
// The head, and the batch's bytes behind it. DATA_LOSS where it is torn.
absl::StatusOr<BatchHead> ParseHead(absl::string_view value, Offset first,
                                    absl::string_view* bytes);

}  // namespace huiliu::embedded

#endif  // HUILIU_BROKER_BACKBONE_EMBEDDED_BATCH_VALUE_H_
