// The catalog of one receiver on RocksDB, in a folder of its own. It has no write-ahead log: the
// backbone is the log, and what was not flushed is applied again from the offsets stored with the
// rows (all column families are flushed together).
#ifndef HUILIU_BROKER_CATALOG_ROCKSDB_ROCKS_CATALOG_H_
#define HUILIU_BROKER_CATALOG_ROCKSDB_ROCKS_CATALOG_H_

#include <memory>
#include <string>

#include "broker/catalog/catalog.h"

namespace huiliu {

struct RocksCatalogOptions {
  std::string path;
  std::string receiver;
  size_t block_cache_bytes = 256 << 20;
  size_t write_buffer_bytes =
      64 << 20;  // bounds what is applied again after a kill: at most two buffers
};

class RocksCatalog : public Catalog {
 public:
  static absl::StatusOr<std::unique_ptr<RocksCatalog>> Open(RocksCatalogOptions options);
  // Makes everything applied so far durable; a clean stop calls it.
  virtual absl::Status Flush() = 0;
};

}  // namespace huiliu

#endif  // HUILIU_BROKER_CATALOG_ROCKSDB_ROCKS_CATALOG_H_
