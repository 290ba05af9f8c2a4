// publish → returned → queryable with lineage, beside the same without.
#include <algorithm>

#include "absl/strings/str_cat.h"
#include "core/base/status.h"
#include "tests/bench/bench.h"
#include "tests/bench/records.h"
#include "tests/bench/stations.h"

namespace huiliu::bench {
namespace {

constexpr int kBatches = 250;
constexpr int kRounds = 5;  // with and without in turn; the median ratio counts

// Rows a second until all of them can be read and, with lineage, all of it is folded.
absl::StatusOr<double> Run(const std::string& path, const SigningKey& key, bool with_lineage,
                           const std::vector<huiliu::v1::Batch>& batches) {
  Stations stations;
  RETURN_IF_ERROR(stations.Open(path, key, with_lineage));
  ASSIGN_OR_RETURN(const auto session, stations.OpenSession());
  const absl::Time start = absl::Now();
  for (const huiliu::v1::Batch& batch : batches) RETURN_IF_ERROR(session->Take(batch));
  RETURN_IF_ERROR(stations.WaitForRows(static_cast<int64_t>(batches.size()) * kBatchRows));
  RETURN_IF_ERROR(stations.folder->CatchUp(absl::Seconds(30)));
  const double seconds = SecondsSince(start);
  stations.Close();
  if (with_lineage == (stations.lineage->Size() == 0))
    return absl::InternalError("the lineage log does not hold what it should");
  return static_cast<double>(batches.size()) * kBatchRows / seconds;
}

}  // namespace

absl::StatusOr<std::vector<Line>> LineageOnOff(const std::string& folder) {
  ASSIGN_OR_RETURN(const std::unique_ptr<SigningKey> key, SigningKey::Generate());
  ASSIGN_OR_RETURN(const auto batches, SealedBatches(*key, 1, kBatches));
  std::vector<std::pair<double, double>> rounds;  // ratio, with lineage
  for (int round = 0; round < kRounds; ++round) {
    ASSIGN_OR_RETURN(const double off,
                     Run(absl::StrCat(folder, "/off", round), *key, false, batches));
    ASSIGN_OR_RETURN(const double on, Run(absl::StrCat(folder, "/on", round), *key, true, batches));
    rounds.emplace_back(on / off, on);
  }
  std::sort(rounds.begin(), rounds.end());
  const auto [ratio, on] = rounds[kRounds / 2];
  return std::vector<Line>{{"lineage_on_off", on, "rows/s", "the same rows without lineage entries",
                            ratio, 0.85, ratio >= 0.85}};
}

}  // namespace huiliu::bench
