// What a topic's name and settings may be.
#ifndef HUILIU_BROKER_BACKBONE_TOPIC_H_
#define HUILIU_BROKER_BACKBONE_TOPIC_H_

#include "absl/status/status.h"
#include "broker/backbone/backbone.h"

namespace huiliu {

// INVALID_ARGUMENT names the topic and what is wrong.
absl::Status CheckTopicSpec(const TopicSpec& spec);
// FAILED_PRECONDITION naming every setting in which an existing topic differs from the wanted one.
absl::Status CheckSameSettings(const TopicSpec& existing, const TopicSpec& wanted);
// INVALID_ARGUMENT where an append has no records or a batch that is none.
absl::Status CheckAppend(const Append& append);

}  // namespace huiliu

#endif  // HUILIU_BROKER_BACKBONE_TOPIC_H_
