// Where a stream's messages go.
#ifndef HUILIU_BROKER_SERVICE_STREAM_SINK_H_
#define HUILIU_BROKER_SERVICE_STREAM_SINK_H_

#include <google/protobuf/message.h>

#include <functional>

namespace huiliu::service {

// Gives the next message of a stream; false: the receiver is gone, stop.
using StreamSink = std::function<bool(const google::protobuf::Message&)>;

}  // namespace huiliu::service

#endif  // HUILIU_BROKER_SERVICE_STREAM_SINK_H_
