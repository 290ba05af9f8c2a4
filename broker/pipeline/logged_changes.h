// The source changes that the log of a dataset has (source.<dataset>, placement NODE), read again
// beside whoever works on it: by readers of their own, without a group, nothing is committed.
#ifndef HUILIU_BROKER_PIPELINE_LOGGED_CHANGES_H_
#define HUILIU_BROKER_PIPELINE_LOGGED_CHANGES_H_

#include <functional>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "broker/backbone/backbone.h"
#include "broker/pipeline/envelope_bytes.h"

namespace huiliu::pipeline {

// One change as it stands in the log. Views; valid during the call.
struct LoggedChange {
  RecordView record;
  EnvelopeGlance envelope;
  TopicPartition from;
  Offset offset{0};
};

// source.<dataset>/partition@offset
std::string PlaceOf(const LoggedChange& change);
struct LogPlace {
  TopicPartition from;
  Offset offset{0};
};
// INVALID_ARGUMENT where the text is none.
absl::StatusOr<LogPlace> ParsePlace(absl::string_view text);

// How many partitions the topic has; 0: there is none.
absl::StatusOr<int32_t> PartitionsOf(Backbone& backbone, const std::string& topic);

// Reads [first, end) of a partition in order. `wanted(key)` is asked first, for what it refuses the
// envelope is not read. `take` and `go_on` (asked once a batch) end the reading by an error.
// DATA_LOSS names the place of a record whose envelope cannot be read.
struct LogReading {
  TopicPartition from;
  Offset first{0};
  Offset end{0};
  std::function<bool(absl::string_view key)> wanted;
  std::function<absl::Status(const LoggedChange&)> take;
  std::function<absl::Status(int64_t records)> go_on;  // `records`: of this batch
};
absl::Status ReadLog(Backbone& backbone, const LogReading& reading);

}  // namespace huiliu::pipeline

#endif  // HUILIU_BROKER_PIPELINE_LOGGED_CHANGES_H_
