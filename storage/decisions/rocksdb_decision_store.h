// The decision store that survives: RocksDB for the truth and for staged batches, a bounded table
// in memory in front of it.
//
// A put per random key costs RocksDB 5–6 µs, so none is made: a staged batch is one value under a
// growing key (the log), its committed updates gather in memory, and every `table_bytes` of them
// become one sorted file that is ingested together with the sequence it reaches. After a crash the
// staged batches above that sequence are read again. docs/formats/decision.md.
#ifndef HUILIU_STORAGE_DECISIONS_ROCKSDB_DECISION_STORE_H_
#define HUILIU_STORAGE_DECISIONS_ROCKSDB_DECISION_STORE_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "storage/decisions/decision_store.h"

namespace huiliu {

struct RocksDbDecisionStoreOptions {
  size_t table_bytes =
      size_t{16} << 20;  // committed updates in memory before they are written; twice that at most
  size_t staged_bytes =
      size_t{64} << 20;  // staged and not yet committed; Stage says RESOURCE_EXHAUSTED beyond
  size_t cache_bytes = size_t{32} << 20;  // RocksDB's blocks, filters and indexes
  size_t filter_bytes = size_t{16}
                        << 20;  // which keys may be remembered: 10 bits a key pay best; 0: none
  bool sync = true;  // false only where a test or a rebuild does not need to survive power loss
};

class RocksDbDecisionStore {
 public:
  // One process at a time: FAILED_PRECONDITION where another holds `path`. DATA_LOSS where its
  // content is damaged.
  static absl::StatusOr<std::unique_ptr<DecisionStore>> Open(
      const std::string& path, const RocksDbDecisionStoreOptions& options = {});
};

}  // namespace huiliu

#endif  // HUILIU_STORAGE_DECISIONS_ROCKSDB_DECISION_STORE_H_
