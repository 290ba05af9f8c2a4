// The writer as which a node writes, so that nodes which share topics without knowing of each other
// do not both go on.
#ifndef HUILIU_BROKER_SERVER_LONE_NODE_H_
#define HUILIU_BROKER_SERVER_LONE_NODE_H_

#include <memory>

#include "absl/status/statusor.h"
#include "broker/backbone/backbone.h"
#include "broker/server/config.h"

namespace huiliu::server {

// Without `cluster` there is one writer a prefix, whatever the node is called: the newer node
// fences the older, whose commits then answer ABORTED. A node of a cluster fences such a lone node,
// too, and has a writer of its own name. FAILED_PRECONDITION: a lone node where a cluster is at
// home.
absl::StatusOr<std::unique_ptr<BackboneWriter>> OpenNodeWriter(const Config& config,
                                                               Backbone& backbone);

}  // namespace huiliu::server

#endif  // HUILIU_BROKER_SERVER_LONE_NODE_H_
