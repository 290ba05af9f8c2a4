// absl::Time and google.protobuf.Timestamp.
#ifndef HUILIU_CORE_MODEL_PROTO_TIME_H_
#define HUILIU_CORE_MODEL_PROTO_TIME_H_

#include <google/protobuf/timestamp.pb.h>

#include "absl/time/time.h"

namespace huiliu {

// Microseconds are kept; what the log states is never finer.
inline google::protobuf::Timestamp ToProto(absl::Time time) {
  const int64_t us = absl::ToUnixMicros(time);
  google::protobuf::Timestamp proto;
  int64_t seconds = us / 1000000;
  int64_t rest = us % 1000000;
  if (rest < 0) {
    rest += 1000000;
    --seconds;
  }
  proto.set_seconds(seconds);
  proto.set_nanos(static_cast<int32_t>(rest * 1000));
  return proto;
}

inline absl::Time FromProto(const google::protobuf::Timestamp& proto) {
  return absl::FromUnixSeconds(proto.seconds()) + absl::Nanoseconds(proto.nanos());
}

}  // namespace huiliu

#endif  // HUILIU_CORE_MODEL_PROTO_TIME_H_
