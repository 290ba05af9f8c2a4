// Records that two sources of one system and dataset bring, so that each overwrites the other's:
// where their agents decide, nobody but the node can see it. docs/formats/catalog.md, "Records of
// two sources".
#ifndef HUILIU_BROKER_PIPELINE_OVERLAPPING_RECORDS_H_
#define HUILIU_BROKER_PIPELINE_OVERLAPPING_RECORDS_H_

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <tuple>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "broker/governance/state.h"
#include "core/base/clock.h"

namespace huiliu::pipeline {

// What was seen since the process began. Thread-safe.
class OverlappingRecords {
 public:
  static constexpr absl::Duration kWarnEvery = absl::Hours(1);
  static constexpr absl::Duration kNoticeFor = absl::Hours(24);  // since it was seen last

  struct Pair {
    std::string dataset;
    std::string source;  // that came
    std::string other;   // whose records were there
    bool operator<(const Pair& with) const {
      return std::tie(dataset, source, other) < std::tie(with.dataset, with.source, with.other);
    }
  };

  // `warn` is told of a pair at most once in kWarnEvery.
  OverlappingRecords(const governance::State& state, Clock& clock,
                     std::function<void(const std::string&)> warn)
      : state_(state), clock_(clock), warn_(std::move(warn)) {}

  // Two sources that are both decided at the node share what is remembered, and the newer version
  // holds: that is nothing to tell of.
  void Add(const Pair& pair, int64_t records);
  std::map<Pair, int64_t> seen() const;
  // For people, both languages, a line for each pair that was seen of late; empty: none was.
  std::string Notice() const;

 private:
  struct Seen {
    int64_t records = 0;
    absl::Time last = absl::InfinitePast();
    absl::Time warned = absl::InfinitePast();
  };
  bool IsDecidedHere(const std::string& source) const;

  const governance::State& state_;
  Clock& clock_;
  const std::function<void(const std::string&)> warn_;
  mutable absl::Mutex mutex_;
  std::map<Pair, Seen> seen_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace huiliu::pipeline

#endif  // HUILIU_BROKER_PIPELINE_OVERLAPPING_RECORDS_H_
