// publish → acknowledged durable: commits of whole batches, beside append + fdatasync of the same
// bytes.
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "broker/backbone/embedded/embedded_backbone.h"
#include "core/base/status.h"
#include "tests/bench/bench.h"
#include "tests/bench/records.h"

namespace huiliu::bench {
namespace {

constexpr int kBatches = 400;
constexpr int kRounds = 3;  // ours and the yardstick in turn; the median ratio counts

absl::StatusOr<double> AppendAndSync(const std::string& path,
                                     const std::vector<std::string>& blobs) {
  const int fd = open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0644);
  if (fd < 0) return absl::InternalError("the yardstick's file cannot be opened");
  const absl::Time start = absl::Now();
  for (const std::string& blob : blobs) {
    if (write(fd, blob.data(), blob.size()) != static_cast<ssize_t>(blob.size()) ||
        fdatasync(fd) != 0) {
      close(fd);
      return absl::InternalError("the yardstick's write failed");
    }
  }
  close(fd);
  return static_cast<double>(blobs.size()) * kBatchRows /
         absl::ToDoubleSeconds(absl::Now() - start);
}

absl::StatusOr<double> CommitAll(const std::string& path, const std::vector<std::string>& blobs) {
  EmbeddedOptions options;
  options.path = path;
  ASSIGN_OR_RETURN(const std::unique_ptr<EmbeddedBackbone> backbone,
                   EmbeddedBackbone::Open(options));
  TopicSpec spec;
  spec.name = "t";
  RETURN_IF_ERROR(backbone->EnsureTopic(spec));
  ASSIGN_OR_RETURN(const std::unique_ptr<BackboneWriter> writer, backbone->OpenWriter("bench"));
  const absl::Time start = absl::Now();
  for (const std::string& blob : blobs) {
    Transaction transaction;
    transaction.appends.push_back({{"t", Partition(0)}, blob, kBatchRows});
    transaction.positions.push_back({"source/bench", "position"});
    RETURN_IF_ERROR(writer->Commit(std::move(transaction)).status());
  }
  return static_cast<double>(blobs.size()) * kBatchRows /
         absl::ToDoubleSeconds(absl::Now() - start);
}

}  // namespace

absl::StatusOr<std::vector<Line>> DurableAcknowledgement(const std::string& folder) {
  std::vector<std::string> blobs;
  for (int n = 1; n <= kBatches; ++n) {
    const huiliu::v1::Batch batch = MakeBatch(static_cast<uint64_t>(n), 1);
    RecordBatchBuilder builder;
    for (int i = 0; i < batch.keys_size(); ++i)
      builder.Add(batch.keys(i), batch.envelopes(i), batch.payloads(i));
    blobs.push_back(builder.Finish());
  }
  std::vector<std::pair<double, double>> rounds;  // ratio, ours
  for (int round = 0; round < kRounds; ++round) {
    ASSIGN_OR_RETURN(const double yardstick,
                     AppendAndSync(absl::StrCat(folder, "/file", round), blobs));
    ASSIGN_OR_RETURN(const double ours, CommitAll(absl::StrCat(folder, "/backbone", round), blobs));
    rounds.emplace_back(ours / yardstick, ours);
  }
  std::sort(rounds.begin(), rounds.end());
  const auto [ratio, ours] = rounds[kRounds / 2];
  return std::vector<Line>{{"durable_acknowledgement", ours, "rows/s",
                            "append + fdatasync of the same bytes", ratio, 0.40, ratio >= 0.40}};
}

}  // namespace huiliu::bench
