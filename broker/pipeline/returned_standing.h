// How far a receiver's catalog has taken a returned.* topic, kept on the backbone apart from the
// topic and from the catalog: by it the loss of either is noticed. docs/formats/topics.md.
#ifndef HUILIU_BROKER_PIPELINE_RETURNED_STANDING_H_
#define HUILIU_BROKER_PIPELINE_RETURNED_STANDING_H_

#include <map>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "broker/backbone/backbone.h"

namespace huiliu::pipeline {

struct ReturnedStanding {
  uint64_t generation = 0;  // how often the topic was lost and made again
  bool restoring = false;   // its owner is publishing it from the catalog
  int64_t lost = 0;         // at most so many records of former generations are in no catalog
  std::map<int32_t, Offset> applied;  // by partition: the highest that was ever applied
};

inline std::string ReturnedStandingKey(absl::string_view receiver, absl::string_view dataset) {
  return absl::StrCat("applied/", receiver, "/", dataset);
}

std::string Encode(const ReturnedStanding& standing);
absl::StatusOr<ReturnedStanding> ParseStanding(absl::string_view text);  // DATA_LOSS
// The stored one; of a topic of which nothing was ever applied the empty one. DATA_LOSS where it
// cannot be read.
absl::StatusOr<ReturnedStanding> LoadStanding(Backbone& backbone, const std::string& key);

}  // namespace huiliu::pipeline

#endif  // HUILIU_BROKER_PIPELINE_RETURNED_STANDING_H_
