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

std::unique_ptr<Backbone> OpenAt(const std::string& path) {
  EmbeddedOptions options;
  options.path = path;
  auto backbone = EmbeddedBackbone::Open(options);
  EXPECT_TRUE(backbone.ok()) << backbone.status();
  return *std::move(backbone);
}

std::unique_ptr<Backbone> OpenFresh() {
  static std::atomic<int> count = 0;
  last_path = absl::StrCat(testing::TempDir(), "/backbone-", getpid(), "-", count++);
  std::filesystem::remove_all(last_path);
  return OpenAt(last_path);
}

INSTANTIATE_TEST_SUITE_P(Memory, BackboneSuite,
                         testing::Values(BackboneFactory{
                             "memory", [] { return NewMemoryBackbone(); }, nullptr}));
INSTANTIATE_TEST_SUITE_P(Embedded, BackboneSuite,
                         testing::Values(BackboneFactory{"embedded", OpenFresh,
                                                         [](std::unique_ptr<Backbone> old) {
                                                           old.reset();
                                                           return OpenAt(last_path);
                                                         }}));

}  // namespace
}  // namespace huiliu
