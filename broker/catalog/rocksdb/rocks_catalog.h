// The catalog of one receiver, in a folder of its own: rows and indexes in RocksDB, what was
// applied last in memory. It has no write-ahead log: the backbone is the log, and what was not
// flushed is applied again from the offsets that came to RocksDB in one step with the rows.
#ifndef HUILIU_BROKER_CATALOG_ROCKSDB_ROCKS_CATALOG_H_
#define HUILIU_BROKER_CATALOG_ROCKSDB_ROCKS_CATALOG_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "broker/catalog/catalog.h"

namespace rocksdb {
class Env;
}

namespace huiliu {

// Rows of a source that another source of the system replaced or removed.
struct OverlappingRows {
  std::string dataset;
  std::string source;  // that came
  std::string other;   // whose rows were there
  int64_t rows = 0;
};

struct RocksCatalogOptions {
  std::string path;
  std::string receiver;
  size_t block_cache_bytes = 256 << 20;
  // What may be applied and not flushed. Twice this stands in memory (one part is flushed while
  // the other fills) and is at most applied again after a kill.
  size_t delta_bytes = 96 << 20;
  size_t delta_rows = 500'000;
  rocksdb::Env* env = nullptr;  // nullptr: the system's; tests inject faults here
  // Told as rows are applied, of what was flushed before at the next flush. Any thread; may be
  // null.
  std::function<void(const OverlappingRows&)> overlap = nullptr;
};

// Apply waits while both parts of the delta are full; where flushing fails (a full disk), it
// answers with that error, reads go on, and flushing is tried again every second.
class RocksCatalog : public Catalog {
 public:
  // DATA_LOSS: the folder is corrupt; removed, it is rebuilt from the log.
  static absl::StatusOr<std::unique_ptr<RocksCatalog>> Open(RocksCatalogOptions options);
};

}  // namespace huiliu

#endif  // HUILIU_BROKER_CATALOG_ROCKSDB_ROCKS_CATALOG_H_
