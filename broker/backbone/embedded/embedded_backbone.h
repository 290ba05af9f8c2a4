// The backbone of one machine, on RocksDB: one value per batch, one write batch per group of
// commits, synced before the answer. docs/formats/backbone-embedded.md.
#ifndef HUILIU_BROKER_BACKBONE_EMBEDDED_EMBEDDED_BACKBONE_H_
#define HUILIU_BROKER_BACKBONE_EMBEDDED_EMBEDDED_BACKBONE_H_

#include <functional>
#include <memory>
#include <string>

#include "broker/backbone/backbone.h"
#include "core/base/clock.h"

namespace rocksdb {
class Env;
}

namespace huiliu {

struct EmbeddedOptions {
  std::string path;
  size_t block_cache_bytes = 32 << 20;
  size_t write_buffer_bytes = 64 << 20;
  // Kept free on the disk: below it commits answer RESOURCE_EXHAUSTED, while what is already
  // accepted can still be flushed.
  uint64_t reserve_bytes = 192 << 20;
  bool compress = true;  // batches, LZ4, when they leave the memtable; never before the answer
  absl::Duration clean_every =
      absl::Seconds(10);  // retention and compaction; infinite: only when asked
  int64_t compact_after_records =
      100'000;                       // a compacted partition is cleaned when so many are new …
  double compact_dirty_ratio = 0.5;  // … and they are this share of it
  rocksdb::Env* env = nullptr;       // nullptr: the system's; tests inject faults here
  std::function<void(const std::string&)>
      warn;  // what an operator should know, e.g. a torn tail that was cut
};

class EmbeddedBackbone : public Backbone {
 public:
  // DATA_LOSS names what is corrupt; UNAVAILABLE where another process has the folder open.
  static absl::StatusOr<std::unique_ptr<EmbeddedBackbone>> Open(EmbeddedOptions options,
                                                                Clock& clock = SystemClock());
  // One round of retention and compaction over all topics, now. The first error of any partition;
  // the others are cleaned all the same.
  virtual absl::Status Clean() = 0;
};

}  // namespace huiliu

#endif  // HUILIU_BROKER_BACKBONE_EMBEDDED_EMBEDDED_BACKBONE_H_
