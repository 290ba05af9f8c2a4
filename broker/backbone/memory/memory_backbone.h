// A backbone in memory, for tests: gone with the process, as fast as a map, the same contract.
#ifndef HUILIU_BROKER_BACKBONE_MEMORY_MEMORY_BACKBONE_H_
#define HUILIU_BROKER_BACKBONE_MEMORY_MEMORY_BACKBONE_H_

#include <memory>

#include "broker/backbone/backbone.h"
#include "core/base/clock.h"

namespace huiliu {

class MemoryBackbone : public Backbone {
 public:
  // Retention and compaction of all topics, now; never by itself.
  virtual absl::Status Clean() = 0;
};

std::unique_ptr<MemoryBackbone> NewMemoryBackbone(Clock& clock = SystemClock());

}  // namespace huiliu

#endif  // HUILIU_BROKER_BACKBONE_MEMORY_MEMORY_BACKBONE_H_
