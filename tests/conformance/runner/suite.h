// What every outside suite's runner shares: the count, and the line that it ends with.
#ifndef HUILIU_TESTS_CONFORMANCE_RUNNER_SUITE_H_
#define HUILIU_TESTS_CONFORMANCE_RUNNER_SUITE_H_

#include <cstdio>
#include <string>

#include "absl/status/statusor.h"

namespace huiliu::conformance {

struct Tally {
  long passed = 0;   // the outcome that the case asks for, be it a refusal
  long refused = 0;  // outside what we support, and said so
  long wrong = 0;    // anything else

  void Judge(bool right, const std::string& name, const std::string& what = "") {
    if (right) {
      ++passed;
      return;
    }
    ++wrong;
    if (wrong <= 50)
      std::printf("wrong: %s%s%s\n", name.c_str(), what.empty() ? "" : ": ", what.c_str());
  }
};

// A suite reads PATH. A status: PATH is not of the suite's layout.
absl::StatusOr<Tally> RunCel(const std::string& path);
absl::StatusOr<Tally> RunCsv(const std::string& path);
absl::StatusOr<Tally> RunGb18030(const std::string& path);
absl::StatusOr<Tally> RunIds(const std::string& path);
absl::StatusOr<Tally> RunMerkle(const std::string& path);

}  // namespace huiliu::conformance

#endif  // HUILIU_TESTS_CONFORMANCE_RUNNER_SUITE_H_
