// Keys and values of the log's column families. docs/formats/backbone-embedded.md.
#ifndef HUILIU_BROKER_BACKBONE_EMBEDDED_BATCH_VALUE_H_
#define HUILIU_BROKER_BACKBONE_EMBEDDED_BATCH_VALUE_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "broker/backbone/backbone.h"

namespace huiliu::embedded {

// 'H' or 'B' | topic id (4) | partition (4) | first offset (8), big endian: a partition's heads
// stand together in offset order, and so do its batches. Topic ids begin at 1.
std::string HeadKey(uint32_t topic, Partition partition, Offset first);
// Where the batch of a head stands.
std::string BatchKeyOf(absl::string_view head_key);
// The partition's part of its heads' keys: their common prefix.
std::string PartitionPrefix(uint32_t topic, Partition partition);
Offset OffsetInKey(absl::string_view key);

// What a head holds of a batch, so that seeking, retention and the search for the next
// readable batch never read the batches themselves: format (1) | next offset (8) | appended µs (8)
// | records (4) | size in bytes (4) | varint count of listed offsets, then each as a difference to
// the one before. Integers little endian.
struct BatchHead {
  Offset next;
  absl::Time appended;
  int32_t records = 0;
  uint32_t bytes = 0;
  std::vector<Offset> offsets;  // after compaction: of each record; else empty
};
void AppendHead(const BatchHead& head, Offset first, std::string* out);
// DATA_LOSS where it is torn or contradicts itself.
absl::StatusOr<BatchHead> ParseHead(absl::string_view value, Offset first);

}  // namespace huiliu::embedded

#endif  // HUILIU_BROKER_BACKBONE_EMBEDDED_BATCH_VALUE_H_
