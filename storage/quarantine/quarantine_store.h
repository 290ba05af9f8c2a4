// Rows kept for repair (问题数据, 待认领): shown, corrected and redriven; at the edge they never
// leave the department. docs/formats/quarantine.md.
#ifndef HUILIU_STORAGE_QUARANTINE_QUARANTINE_STORE_H_
#define HUILIU_STORAGE_QUARANTINE_QUARANTINE_STORE_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "huiliu/v1/intake.pb.h"

namespace huiliu {

// Why a row is kept: each kind is a list of its own.
enum class KeptKind { kQuarantined, kPending };

// A row's id, "source/epoch/sequence/index", in parts.
struct KeptRowId {
  std::string source;
  uint64_t epoch = 0;
  uint64_t sequence = 0;
  uint32_t index = 0;
};
// A row in its list.
struct KeptRowRef {
  KeptKind kind = KeptKind::kQuarantined;
  std::string id;
};
std::string FormatKeptRowId(const KeptRowId& id);
// INVALID_ARGUMENT. The source may hold slashes.
absl::StatusOr<KeptRowId> ParseKeptRowId(absl::string_view id);

struct KeptRowPage {
  std::vector<huiliu::v1::QuarantinedRow> rows;
  std::string next_page_token;  // empty: that was all
};

// Rows of any sources in one store. Thread-safe.
class QuarantineStore {
 public:
  struct Options {
    size_t cache_bytes = size_t{8} << 20;
    bool sync = true;
  };
  // FAILED_PRECONDITION where another process holds `path`.
  static absl::StatusOr<std::unique_ptr<QuarantineStore>> Open(const std::string& path,
                                                               const Options& options);
  // For looking only, while another process may hold the store: what it has written up to now.
  // Every write answers FAILED_PRECONDITION. NOT_FOUND where there is no store. `scratch`: a folder
  // for the reader's own files.
  static absl::StatusOr<std::unique_ptr<QuarantineStore>> OpenForReading(
      const std::string& path, const std::string& scratch);
  virtual ~QuarantineStore() = default;

  // Keeps rows durably, all or none. A row with an id that is there replaces it, so a batch that is
  // made again after a crash may be put again. Call it before the batch that counts them is sent.
  // INVALID_ARGUMENT where an id does not parse.
  virtual absl::Status Put(KeptKind kind, absl::Span<const huiliu::v1::QuarantinedRow> rows) = 0;
  // After a restart: forgets rows of `source` with a sequence above the last one that was taken
  // over, and what was staged with such a sequence.
  virtual absl::Status DiscardAfter(absl::string_view source, uint64_t node_sequence) = 0;
  // Rows in the order they came; empty source: all. At most 1,000 a page (0 is 100).
  // INVALID_ARGUMENT for a foreign token.
  virtual absl::StatusOr<KeptRowPage> List(KeptKind kind, absl::string_view source, int page_size,
                                           absl::string_view page_token, bool include_redriven) = 0;
  // The rows of a source that stand for these row ids of it, not redriven or decided by a territory
  // override that has not been settled, in the order they came for each id. Costs what it finds,
  // however many rows are kept.
  virtual absl::StatusOr<std::vector<huiliu::v1::QuarantinedRow>> OfRowIds(
      KeptKind kind, absl::string_view source, absl::Span<const std::string> row_ids) = 0;
  // NOT_FOUND where it is not kept.
  virtual absl::StatusOr<huiliu::v1::QuarantinedRow> Get(KeptKind kind, absl::string_view id) = 0;
  // The counts of these rows move with batch `sequence`: durable before that batch is sent.
  virtual absl::Status StageRedriven(absl::string_view source, uint64_t sequence,
                                     absl::Span<const KeptRowRef> rows) = 0;
  // Batches up to `node_sequence` are taken over: marks what was staged with them, as settled, too,
  // where a territory override had decided it.
  virtual absl::Status CommitRedriven(absl::string_view source, uint64_t node_sequence) = 0;
  // Its count has moved: listed only on demand from now on. NOT_FOUND names the id.
  virtual absl::Status MarkRedriven(KeptKind kind, absl::Span<const std::string> ids) = 0;
  // Forgets redriven rows whose day (YYYY-MM-DD) is before `day`; returns how many.
  virtual absl::StatusOr<int64_t> PurgeRedriven(absl::string_view day) = 0;
};

}  // namespace huiliu

#endif  // HUILIU_STORAGE_QUARANTINE_QUARANTINE_STORE_H_
