// Insurance participations as a state-level system drops them: CSV in GB18030.
#ifndef HUILIU_TESTS_BENCH_EDGE_ROWS_H_
#define HUILIU_TESTS_BENCH_EDGE_ROWS_H_

#include <string>

#include "absl/status/statusor.h"

namespace huiliu::bench {

inline constexpr double kEdgeTarget = 0.20;

// A header and `rows` lines of distinct persons, six in ten of Kunming.
absl::StatusOr<std::string> ParticipationCsv(int rows);

}  // namespace huiliu::bench

#endif  // HUILIU_TESTS_BENCH_EDGE_ROWS_H_
