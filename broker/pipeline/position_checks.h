// Tells positions that this product wrote from what others put into Kafka's topic of positions.
#ifndef HUILIU_BROKER_PIPELINE_POSITION_CHECKS_H_
#define HUILIU_BROKER_PIPELINE_POSITION_CHECKS_H_

#include <string>

#include "absl/strings/string_view.h"

namespace huiliu::pipeline {

// Why a position is none of ours (docs/formats/topics.md lists ours), without any of its content;
// empty: it may be ours. `value` empty: it was removed, which we never do. Pure.
std::string WhyNotPosition(absl::string_view key, absl::string_view value);

}  // namespace huiliu::pipeline

#endif  // HUILIU_BROKER_PIPELINE_POSITION_CHECKS_H_
