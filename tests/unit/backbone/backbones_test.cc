// The backbone suite over the implementations of one process.
#include <unistd.h>

#include <atomic>
#include <filesystem>

#include "absl/strings/str_cat.h"
#include "broker/backbone/embedded/embedded_backbone.h"
#include "broker/backbone/memory/memory_backbone.h"
#include "tests/conformance/backbone_suite.h"

namespace huiliu {
namespace {

std::string last_path;
Clock* last_clock = nullptr;

std::unique_ptr<Backbone> OpenAt(const std::string& path, Clock& clock) {
  EmbeddedOptions options;
  options.path = path;
  options.clean_every = absl::InfiniteDuration();
  options.compact_after_records = 1;
  options.compact_dirty_ratio = 0;
  options.reserve_bytes = 0;
  auto backbone = EmbeddedBackbone::Open(options, clock);
  EXPECT_TRUE(backbone.ok()) << backbone.status();
  return *std::move(backbone);
}

std::unique_ptr<Backbone> OpenFresh(Clock& clock) {
  static std::atomic<int> count = 0;
  last_path = absl::StrCat(testing::TempDir(), "/backbone-", getpid(), "-", count++);
  last_clock = &clock;
  std::filesystem::remove_all(last_path);
  return OpenAt(last_path, clock);
}

template <typename B>
absl::Status CleanOf(Backbone& backbone) {
  return static_cast<B&>(backbone).Clean();
}

INSTANTIATE_TEST_SUITE_P(Memory, BackboneSuite,
                         testing::Values(BackboneFactory{
                             "memory", [](Clock& clock) { return NewMemoryBackbone(clock); },
                             nullptr, CleanOf<MemoryBackbone>}));
INSTANTIATE_TEST_SUITE_P(Embedded, BackboneSuite,
                         testing::Values(BackboneFactory{"embedded", OpenFresh,
                                                         [](std::unique_ptr<Backbone> old) {
                                                           old.reset();
                                                           return OpenAt(last_path, *last_clock);
                                                         },
                                                         CleanOf<EmbeddedBackbone>}));

}  // namespace
}  // namespace huiliu
