// Every version of a row that the log still holds: for rows that the catalog holds no more.
#ifndef HUILIU_BROKER_PIPELINE_ROW_VERSIONS_H_
#define HUILIU_BROKER_PIPELINE_ROW_VERSIONS_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "broker/backbone/backbone.h"

namespace huiliu::pipeline {

struct RowVersion {
  TopicPartition from;
  Offset offset;
  std::string envelope;  // encoded huiliu.v1.Envelope
  bool tombstone = false;
};

struct RowVersions {
  std::vector<RowVersion> versions;  // in log order; the newest kMaxVersions
  bool complete = true;              // false: `limit` ran out before the log's end
};

inline constexpr size_t kMaxRowVersions = 20;

// Reads the topic from its beginning, for `limit` at most. An unknown topic has no versions.
absl::StatusOr<RowVersions> FindRowVersions(Backbone& backbone, const std::string& topic,
                                            absl::string_view row_key, absl::Duration limit);

}  // namespace huiliu::pipeline

#endif  // HUILIU_BROKER_PIPELINE_ROW_VERSIONS_H_
