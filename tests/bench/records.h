// Records for benchmarks: about 370 bytes, random keys, from a printed seed.
#ifndef HUILIU_TESTS_BENCH_RECORDS_H_
#define HUILIU_TESTS_BENCH_RECORDS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "huiliu/v1/intake.pb.h"

namespace huiliu::bench {

inline constexpr int kBatchRows = 1000;
inline constexpr char kReceiver[] = "530100";
inline constexpr char kSource[] = "bench";
inline constexpr char kSystem[] = "bench-system";
inline constexpr char kDataset[] = "bench_rows";

// The contract of the rows, as registered.
std::string ContractText();
// The columns of batch `n` (1, 2, …): keys are random, the same for the same n.
huiliu::v1::Batch MakeBatch(uint64_t n, uint64_t epoch);

}  // namespace huiliu::bench

#endif  // HUILIU_TESTS_BENCH_RECORDS_H_
