// What folding a read costs: one entry with one key, in batches as a busy node writes them.
#include <time.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "broker/lineage/entry.h"
#include "broker/lineage/store/lineage_store.h"
#include "core/model/record_batch.h"

namespace {

double CpuNanoseconds(clockid_t clock) {
  timespec now{};
  clock_gettime(clock, &now);
  return static_cast<double>(now.tv_sec) * 1e9 + static_cast<double>(now.tv_nsec);
}

}  // namespace

int main(int argc, char** argv) {
  using namespace huiliu;  // NOLINT
  const int per_batch = argc > 1 ? std::max(1, atoi(argv[1])) : 20;
  constexpr int kEntries = 400'000;
  const std::string path =
      (std::filesystem::temp_directory_path() / "huiliu-lineage-bench").string();
  std::filesystem::remove_all(path);
  lineage::Reader reader{"account-17", "km-hrss", "530100",     "employment", 2,
                         "就业服务",   "grant-3", "Catalog.Get"};
  std::vector<StoredBatch> batches;
  for (int i = 0; i < kEntries; i += per_batch) {
    RecordBatchBuilder builder;
    for (int k = 0; k < per_batch; ++k) {
      const std::string digest = lineage::KeyDigest("0123456789abcdef", "530100", "employment",
                                                    absl::StrCat("person ", i + k));
      builder.Add("", "",
                  lineage::Encode(lineage::ReadEntries(huiliu::v1::STEP_READ, reader, {digest},
                                                       absl::Now())[0]));
    }
    StoredBatch batch;
    batch.first_offset = Offset(i);
    batch.next = Offset(i + per_batch);
    batch.records = per_batch;
    batch.bytes = builder.Finish();
    batches.push_back(std::move(batch));
  }
  auto key = *SigningKey::Generate();
  LineageStoreOptions options;
  options.path = path;
  options.origin = "bench/lineage/0";
  auto store = LineageStore::Open(options, *key, SystemClock());
  if (!store.ok()) {
    std::printf("%s\n", store.status().ToString().c_str());
    return 1;
  }
  const absl::Time start = absl::Now();
  const double own = CpuNanoseconds(CLOCK_THREAD_CPUTIME_ID);
  const double all = CpuNanoseconds(CLOCK_PROCESS_CPUTIME_ID);
  constexpr size_t kBatchesPerFold = 50;
  for (size_t at = 0; at < batches.size(); at += kBatchesPerFold) {
    const absl::Status status = (*store)->Fold(
        absl::MakeConstSpan(batches).subspan(at, std::min(kBatchesPerFold, batches.size() - at)));
    if (!status.ok()) {
      std::printf("%s\n", status.ToString().c_str());
      return 1;
    }
  }
  const double each = absl::ToDoubleNanoseconds(absl::Now() - start) / kEntries;
  std::printf(
      "fold: %.0f ns an entry of one read (CPU %.0f, with flushes %.0f), %d entries a batch\n",
      each, (CpuNanoseconds(CLOCK_THREAD_CPUTIME_ID) - own) / kEntries,
      (CpuNanoseconds(CLOCK_PROCESS_CPUTIME_ID) - all) / kEntries, per_batch);
  const absl::Time proofs = absl::Now();
  for (int i = 0; i < 1000; ++i) {
    if (!(*store)->InclusionProof((i * 7919) % kEntries, kEntries).ok()) return 1;
  }
  std::printf("inclusion proof: %.0f us\n",
              absl::ToDoubleMicroseconds(absl::Now() - proofs) / 1000);
  store->reset();
  std::filesystem::remove_all(path);
  return 0;
}
