// The benchmarks: each measures the product and its yardstick in the same run, and judges the
// ratio.
#ifndef HUILIU_TESTS_BENCH_BENCH_H_
#define HUILIU_TESTS_BENCH_BENCH_H_

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace huiliu::bench {

// One line of the report. ratio: ours by the yardstick's, absent where the target is absolute.
struct Line {
  std::string name;
  double value = 0;
  std::string unit;
  std::string yardstick;
  std::optional<double> ratio;
  double target = 0;
  bool ok = false;
};

// `folder`: empty, on the disk that is measured.
using Benchmark = std::function<absl::StatusOr<std::vector<Line>>(const std::string& folder)>;

absl::StatusOr<std::vector<Line>> DryRun(const std::string& folder);
absl::StatusOr<std::vector<Line>> DurableAcknowledgement(const std::string& folder);
absl::StatusOr<std::vector<Line>> EdgeRows(const std::string& folder);
absl::StatusOr<std::vector<Line>> EndToEnd(const std::string& folder);
absl::StatusOr<std::vector<Line>> Kafka(const std::string& folder);
// Part of Kafka, and alone.
absl::StatusOr<std::vector<Line>> KafkaJudged(const std::string& folder);
// Part of Kafka: nodes as processes of their own.
absl::StatusOr<std::vector<Line>> KafkaNodes();
absl::StatusOr<std::vector<Line>> LandingPostgresql(const std::string& folder);
absl::StatusOr<std::vector<Line>> LineageOnOff(const std::string& folder);
absl::StatusOr<std::vector<Line>> LookupGrpc(const std::string& folder);
absl::StatusOr<std::vector<Line>> Restart(const std::string& folder);
absl::StatusOr<std::vector<Line>> Rules(const std::string& folder);

}  // namespace huiliu::bench

#endif  // HUILIU_TESTS_BENCH_BENCH_H_
