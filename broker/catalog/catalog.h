// The catalog (回流库) of one receiver: rows by business key with declared secondary indexes,
// applied from returned.* topics.
#ifndef HUILIU_BROKER_CATALOG_CATALOG_H_
#define HUILIU_BROKER_CATALOG_CATALOG_H_

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "broker/backbone/backbone.h"
#include "core/schema/contract.h"

namespace huiliu {

// One row as stored: the returned payload and its envelope, both wire bytes.
struct CatalogRow {
  std::string key;       // system id, 0x00, Contract key
  std::string envelope;  // encoded huiliu.v1.Envelope
  std::string payload;
  TopicPartition from;  // where it stands in the log
  Offset offset;
};

inline size_t BytesOf(const CatalogRow& row) {
  return row.key.size() + row.envelope.size() + row.payload.size();
}

// A condition that an index (or the key) can answer: value texts of one field.
struct IndexCondition {
  static constexpr int kKeyPrefix = -1;
  static constexpr int kDivision = -2;  // the division that the record was attributed to
  int field = kKeyPrefix;               // Contract field index, or one of these
  std::vector<std::string> equals;      // any of these encoded values …
  std::string at_least, below;          // … or a range; empty: open
  // kDivision: rows of the divisions that lie in `equals`, instead of those that are equal.
  std::function<bool(absl::string_view division)> lies_in = nullptr;
};

// Of rows in one answer; a message of gRPC holds 64 MiB, also as JSON.
constexpr size_t kMaxScanBytes = 8 << 20;
constexpr size_t kMaxMultiGetBytes = 16 << 20;

struct ScanRequest {
  std::optional<IndexCondition> condition;  // nullopt: all rows in key order
  std::string after;  // resume token of a former scan (opaque to callers), empty: from the start
  size_t max_rows = 1000;            // visited, not matched
  size_t max_bytes = kMaxScanBytes;  // the scan ends behind the row that reaches it
};

struct ScanResult {
  std::vector<CatalogRow> rows;
  std::string next;  // token; empty: that was all
  std::string plan;  // index used, for the developer
};

// How long a catalog has surely followed a partition: at `at` the log ended at `log_end`, and
// everything below was applied.
struct Followed {
  absl::Time at;
  Offset log_end{0};
};

// A point in time of the whole catalog; rows do not change under a holder. Destroy soon.
class CatalogSnapshot {
 public:
  virtual ~CatalogSnapshot() = default;
  virtual absl::StatusOr<ScanResult> Scan(const DatasetId& dataset,
                                          const ScanRequest& request) const = 0;
  // Offsets per partition of the dataset's topic that this snapshot contains: where "then changes"
  // begins.
  virtual std::vector<std::pair<TopicPartition, Offset>> Applied(
      const DatasetId& dataset) const = 0;
};

// Thread-safe. Rows and the applied offsets change in one write; Apply is idempotent by offset: a
// repeated batch is skipped.
class Catalog {
 public:
  virtual ~Catalog() = default;
  // Adds the dataset or a newer version of it (new indexes are built from the rows).
  virtual absl::Status EnsureDataset(std::shared_ptr<const schema::Contract> contract) = 0;
  // Applies batches of returned.<receiver>.<dataset>, in offset order per partition.
  virtual absl::Status Apply(const DatasetId& dataset, absl::Span<const StoredBatch> batches) = 0;
  // Where to go on reading a partition: 0 where nothing was applied.
  virtual absl::StatusOr<Offset> AppliedOffset(const DatasetId& dataset,
                                               const TopicPartition& from) = 0;
  // Makes everything applied so far durable, then what it says of `followed`. RESOURCE_EXHAUSTED
  // and other errors of the disk: nothing is lost, it may be called again.
  virtual absl::Status Flush(const std::map<TopicPartition, Followed>& followed) = 0;
  // What was flushed last of a partition; nullopt: nothing, as of a folder of before this was kept.
  virtual absl::StatusOr<std::optional<Followed>> FollowedOf(const TopicPartition& from) = 0;
  // The dataset's topic was lost and made again: it is read from its beginning, and put upon the
  // rows that are here; a `log_end` of the former topic says nothing more. Durable when it returns.
  virtual absl::Status Rewind(const DatasetId& dataset, uint64_t generation) = 0;
  // What Rewind last gave; 0: never.
  virtual absl::StatusOr<uint64_t> Generation(const DatasetId& dataset) = 0;
  virtual absl::StatusOr<std::optional<CatalogRow>> Get(const DatasetId& dataset,
                                                        absl::string_view key) = 0;
  // RESOURCE_EXHAUSTED where the rows are larger than kMaxMultiGetBytes together.
  virtual absl::StatusOr<std::vector<std::optional<CatalogRow>>> MultiGet(
      const DatasetId& dataset, absl::Span<const std::string> keys) = 0;
  virtual absl::StatusOr<std::unique_ptr<CatalogSnapshot>> Snapshot() = 0;
  virtual absl::StatusOr<int64_t> Rows(const DatasetId& dataset) = 0;
  // Rows of any dataset whose attributed division lies in none of the areas (resolved codes, as
  // Receiver.divisions has them).
  virtual absl::StatusOr<int64_t> RowsOutside(const std::vector<std::string>& areas) = 0;
};

}  // namespace huiliu

#endif  // HUILIU_BROKER_CATALOG_CATALOG_H_
