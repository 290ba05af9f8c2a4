// One fold: what a run of entries adds to tree, indexes and counters, gathered into one write.
#ifndef HUILIU_BROKER_LINEAGE_STORE_FOLD_H_
#define HUILIU_BROKER_LINEAGE_STORE_FOLD_H_

#include <array>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "absl/container/node_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "broker/lineage/store/lineage_keys.h"
#include "broker/lineage/store/lineage_store.h"
#include "broker/lineage/store/tile_tree.h"
#include "huiliu/v1/audit.pb.h"

namespace rocksdb {
class WriteBatch;
}

namespace huiliu {

// All that a reader needs to know besides the rows. Immutable once published.
struct LineageState {
  TileTree tree;
  int64_t next_offset = 0;
  int64_t malformed = 0;
  LineageStore::Refusals refusals;  // of all receivers
  std::map<std::string, LineageStore::Refusals> refusals_by_receiver;
};

using BalanceLine = huiliu::v1::GetBalanceResponse::Line;
// Balance lines by key, as last written: so that a line is not read back for every fold.
using BalanceCache = absl::node_hash_map<std::string, BalanceLine>;

// (Add)* Finish, then the batch is written and `state` published, or batch, state and cache thrown
// away. Not thread-safe.
class LineageFold {
 public:
  using ReadValue =
      std::function<absl::StatusOr<std::optional<std::string>>(const std::string& key)>;

  LineageFold(const LineageState& before, ReadValue read, BalanceCache* cache,
              rocksdb::WriteBatch* batch);

  // The next leaf.
  absl::Status Add(absl::string_view leaf);
  absl::Status Finish(int64_t next_offset);

  LineageState state;

 private:
  absl::Status AddCounts(const huiliu::v1::LineageEntry& entry);
  absl::Status AddIndexes(const huiliu::v1::LineageEntry& entry, int64_t index);
  absl::StatusOr<bool> WasCounted(absl::string_view leaf);
  absl::StatusOr<BalanceLine*> LineOf(const huiliu::v1::LineageEntry& entry,
                                      const huiliu::v1::CountDelta& delta);
  absl::Status FlushEntries();

  struct ReadRow {
    std::array<char, lineage_keys::kDigestPrefix + 8> key;  // digest's beginning, index
    std::array<char, lineage_keys::kGrantMark> grant;
  };

  const ReadValue read_;
  BalanceCache& cache_;
  rocksdb::WriteBatch& batch_;
  huiliu::v1::LineageEntry entry_;  // reused
  std::string run_;                 // entries not yet put
  int64_t run_first_ = 0;
  int run_entries_ = 0;
  absl::Status tile_status_;
  bool tiles_written_ = false;
  std::vector<ReadRow> reads_;
  std::map<std::string, BalanceLine*> lines_;     // touched
  std::set<std::string> counted_;                 // keys of entries that were counted
  std::map<std::string, int64_t> last_batch_us_;  // touched sources
};

std::string EncodeState(const LineageState& state);
std::string EncodeRefusals(const LineageStore::Refusals& refusals);
// DATA_LOSS where the bytes are none.
absl::StatusOr<LineageStore::Refusals> DecodeRefusals(absl::string_view bytes);
// Everything but tree and refusals; the tree's size comes in *size.
absl::Status DecodeState(absl::string_view bytes, LineageState* state, uint64_t* size);

}  // namespace huiliu

#endif  // HUILIU_BROKER_LINEAGE_STORE_FOLD_H_
