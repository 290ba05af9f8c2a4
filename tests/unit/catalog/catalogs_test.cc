// The catalog suite over the fake and over RocksDB, with a delta so small that flushes come into
// every case, and with one so large that none does.
#include <unistd.h>

#include <atomic>
#include <filesystem>

#include "absl/strings/str_cat.h"
#include "broker/catalog/rocksdb/rocks_catalog.h"
#include "tests/conformance/catalog_suite.h"
#include "tests/fakes/map_catalog.h"

namespace huiliu {
namespace {

std::string last_path;

std::unique_ptr<Catalog> OpenAt(const std::string& path, size_t delta_rows) {
  RocksCatalogOptions options;
  options.path = path;
  options.receiver = "530100";
  options.block_cache_bytes = 8 << 20;
  options.delta_rows = delta_rows;
  auto catalog = RocksCatalog::Open(options);
  EXPECT_TRUE(catalog.ok()) << catalog.status();
  return *std::move(catalog);
}

CatalogFactory Rocks(const std::string& name, size_t delta_rows) {
  return {name,
          [delta_rows] {
            static std::atomic<int> count = 0;
            last_path = absl::StrCat(testing::TempDir(), "/catalog-", getpid(), "-", count++);
            std::filesystem::remove_all(last_path);
            return OpenAt(last_path, delta_rows);
          },
          [delta_rows](std::unique_ptr<Catalog> old) {
            old.reset();
            return OpenAt(last_path, delta_rows);
          }};
}

std::string NameOf(const testing::TestParamInfo<CatalogFactory>& info) { return info.param.name; }

INSTANTIATE_TEST_SUITE_P(Catalogs, CatalogSuite,
                         testing::Values(CatalogFactory{"Map", NewMapCatalog, nullptr},
                                         Rocks("RocksInMemory", 500'000),
                                         Rocks("RocksFlushing", 100),
                                         Rocks("RocksFlushingEveryApply", 1)),
                         NameOf);

}  // namespace
}  // namespace huiliu
