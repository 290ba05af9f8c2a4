// The one suite that every backbone passes. A test file instantiates it with a factory:
//   INSTANTIATE_TEST_SUITE_P(Memory, BackboneSuite, testing::Values(BackboneFactory{"memory", …}));
#ifndef HUILIU_TESTS_CONFORMANCE_BACKBONE_SUITE_H_
#define HUILIU_TESTS_CONFORMANCE_BACKBONE_SUITE_H_

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "broker/backbone/backbone.h"
#include "core/base/clock.h"

namespace huiliu {

struct BackboneFactory {
  std::string name;
  // A backbone over fresh state that tells the time from `clock`, where it is given one to tell.
  std::function<std::unique_ptr<Backbone>(Clock& clock)> open;
  // Closes it and opens it again over the same state. Empty: nothing is meant to survive.
  std::function<std::unique_ptr<Backbone>(std::unique_ptr<Backbone>)> reopen;
  // A round of retention and compaction, however little is to be done. Empty: the backbone cleans
  // when it likes, and the cases that need a round now do not run (and say so).
  std::function<absl::Status(Backbone&)> clean;
  // A commit's first offset follows the last commit's last: no gaps between commits.
  bool gapless = true;
};
inline void PrintTo(const BackboneFactory& factory, std::ostream* out) { *out << factory.name; }

class BackboneSuite : public testing::TestWithParam<BackboneFactory> {
 protected:
  std::unique_ptr<Backbone> Open() { return GetParam().open(clock_); }

  // Inputs: one batch of records with keys "k<value>" …
  static Append Records(const std::string& topic, const std::vector<std::string>& values,
                        int partition = 0);
  static TopicSpec Topic(const std::string& name, int partitions = 1);
  // … and what is read: the values in order, from the earliest offset to the end.
  static std::vector<std::string> Values(const std::vector<StoredBatch>& batches);
  static std::vector<std::string> ReadAll(Backbone& backbone, const TopicPartition& tp);

  ManualClock clock_{absl::FromUnixSeconds(1'700'000'000)};
};

}  // namespace huiliu

#endif  // HUILIU_TESTS_CONFORMANCE_BACKBONE_SUITE_H_
