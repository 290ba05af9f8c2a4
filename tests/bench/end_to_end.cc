// publish → returned → queryable on the embedded backbone, lineage on, beside a raw RocksDB put of
// the same rows; and what a start after SIGKILL costs.
#include <rocksdb/db.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/table.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "core/base/status.h"
#include "tests/bench/bench.h"
#include "tests/bench/records.h"
#include "tests/bench/stations.h"

namespace huiliu::bench {
namespace {

constexpr int kBatches = 600;  // of kBatchRows
constexpr int kRounds = 3;     // the yardstick and ours in turn; the median ratio counts
constexpr int kRestartBatches = 5000;

// Rows a second of a plain RocksDB with the catalog's options, random keys, batches of kBatchRows,
// no write-ahead log.
absl::StatusOr<double> RawPut(const std::string& path,
                              const std::vector<huiliu::v1::Batch>& batches) {
  rocksdb::Options options;
  options.create_if_missing = true;
  options.write_buffer_size = 64 << 20;
  options.compression = rocksdb::kLZ4Compression;
  options.max_background_jobs = 2;
  rocksdb::BlockBasedTableOptions table;
  table.checksum = rocksdb::kXXH3;
  table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(10));
  options.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  rocksdb::DB* raw = nullptr;
  if (!rocksdb::DB::Open(options, path, &raw).ok())
    return absl::InternalError("the yardstick's database cannot be opened");
  const std::unique_ptr<rocksdb::DB> db(raw);
  rocksdb::WriteOptions no_log;
  no_log.disableWAL = true;
  const absl::Time start = absl::Now();
  for (const huiliu::v1::Batch& batch : batches) {
    rocksdb::WriteBatch write;
    for (int i = 0; i < batch.keys_size(); ++i)
      write.Put(batch.keys(i), batch.envelopes(i) + batch.payloads(i));
    if (!db->Write(no_log, &write).ok()) return absl::InternalError("the yardstick's write failed");
  }
  return static_cast<double>(batches.size()) * kBatchRows / SecondsSince(start);
}

// Rows a second until the catalog shows the last row and lineage is folded.
absl::StatusOr<double> ThroughStations(const std::string& path, const SigningKey& key,
                                       const std::vector<huiliu::v1::Batch>& batches) {
  Stations stations;
  RETURN_IF_ERROR(stations.Open(path, key));
  ASSIGN_OR_RETURN(const auto session, stations.OpenSession());
  const absl::Time start = absl::Now();
  for (const huiliu::v1::Batch& batch : batches) RETURN_IF_ERROR(session->Take(batch));
  RETURN_IF_ERROR(stations.WaitForRows(static_cast<int64_t>(batches.size()) * kBatchRows));
  RETURN_IF_ERROR(stations.folder->CatchUp(absl::Seconds(30)));
  const double seconds = SecondsSince(start);
  RETURN_IF_ERROR(stations.CheckRows(static_cast<int64_t>(batches.size()) * kBatchRows));
  stations.Close();
  return static_cast<double>(batches.size()) * kBatchRows / seconds;
}

long ResidentMiB() {
  struct rusage usage {};
  getrusage(RUSAGE_SELF, &usage);
  return usage.ru_maxrss / 1024;
}

}  // namespace

absl::StatusOr<std::vector<Line>> EndToEnd(const std::string& folder) {
  ASSIGN_OR_RETURN(const std::unique_ptr<SigningKey> key, SigningKey::Generate());
  ASSIGN_OR_RETURN(const std::vector<huiliu::v1::Batch> batches, SealedBatches(*key, 1, kBatches));
  const long before_mib = ResidentMiB();
  std::vector<std::pair<double, double>> rounds;  // ratio, ours
  for (int round = 0; round < kRounds; ++round) {
    ASSIGN_OR_RETURN(const double raw, RawPut(absl::StrCat(folder, "/raw", round), batches));
    ASSIGN_OR_RETURN(const double ours,
                     ThroughStations(absl::StrCat(folder, "/node", round), *key, batches));
    rounds.emplace_back(ours / raw, ours);
  }
  const long grown_mib = ResidentMiB() - before_mib;
  std::sort(rounds.begin(), rounds.end());
  const auto [ratio, ours] = rounds[kRounds / 2];
  const double bound_mib = 256 + 32 + 64 * 2 + 32 * 2 + 64 * 2 + 24 +
                           512;  // caches and write buffers as configured, and 512
  return std::vector<Line>{
      {"end_to_end_embedded", ours, "rows/s",
       absl::StrCat("raw RocksDB put ", static_cast<int64_t>(ours / ratio), " rows/s"), ratio, 0.70,
       ratio >= 0.70},
      {"memory_at_full_load", static_cast<double>(grown_mib), "MiB",
       "configured caches and buffers + 512 MiB", std::nullopt, bound_mib,
       static_cast<double>(grown_mib) <= bound_mib}};
}

absl::StatusOr<std::vector<Line>> Restart(const std::string& folder) {
  ASSIGN_OR_RETURN(const std::unique_ptr<SigningKey> key,
                   SigningKey::LoadOrCreate(folder + "/source.pem"));
  int pipe_fds[2];
  if (pipe(pipe_fds) != 0) return absl::InternalError("pipe failed");
  const pid_t child = fork();
  if (child == 0) {
    Stations stations;
    if (!stations.Open(folder + "/node", *key).ok()) _exit(1);
    auto session = stations.OpenSession();
    for (int n = 1; n <= kRestartBatches; ++n) {
      const auto batch = SealedBatch(*key, n);
      if (!batch.ok() || !session.ok() || !(*session)->Take(*batch).ok()) _exit(1);
    }
    if (!stations.WaitForRows(static_cast<int64_t>(kRestartBatches) * kBatchRows).ok()) _exit(1);
    const char done = 1;
    if (write(pipe_fds[1], &done, 1) != 1) _exit(1);
    pause();
    _exit(0);
  }
  close(pipe_fds[1]);
  char done = 0;
  const bool loaded = read(pipe_fds[0], &done, 1) == 1;
  close(pipe_fds[0]);
  kill(child, SIGKILL);
  waitpid(child, nullptr, 0);
  if (!loaded) return absl::InternalError("loading the rows failed");
  const absl::Time start = absl::Now();
  Stations stations;
  RETURN_IF_ERROR(stations.Open(folder + "/node", *key));
  const huiliu::v1::Batch last = MakeBatch(kRestartBatches, 1);
  ASSIGN_OR_RETURN(const auto row,
                   stations.catalog->Get(DatasetId(kDataset), last.keys(kBatchRows - 1)));
  const double seconds = SecondsSince(start);
  stations.Close();
  if (!row.has_value()) return absl::DataLossError("the last row is not there after the restart");
  return std::vector<Line>{
      {"restart_after_sigkill", seconds, "s",
       absl::StrCat(kRestartBatches * kBatchRows, " rows, to the first answer"), std::nullopt, 5,
       seconds <= 5}};
}

}  // namespace huiliu::bench
