// The backbone for tests: everything in memory, nothing survives it.
#ifndef HUILIU_BROKER_BACKBONE_MEMORY_MEMORY_BACKBONE_H_
#define HUILIU_BROKER_BACKBONE_MEMORY_MEMORY_BACKBONE_H_

#include <memory>

#include "broker/backbone/backbone.h"
#include "core/base/clock.h"

namespace huiliu {

std::unique_ptr<Backbone> NewMemoryBackbone(Clock& clock = SystemClock());

}  // namespace huiliu

#endif  // HUILIU_BROKER_BACKBONE_MEMORY_MEMORY_BACKBONE_H_
