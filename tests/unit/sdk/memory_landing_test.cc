#include "adapters/sdk/testkit/memory_landing.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "tests/conformance/landing_suite.h"

namespace huiliu {
namespace {

int made = 0;
std::string TargetName() { return absl::StrCat("target-", made); }

std::map<std::string, LandingUnderTest::Cells> Read(const std::vector<std::string>& fields) {
  const sdk::MemoryTarget& target = sdk::MemoryLanding::Target(TargetName());
  std::map<std::string, LandingUnderTest::Cells> out;
  for (const auto& [key, cells] : target.rows) {
    for (const std::string& field : fields) {
      const auto at = std::find(target.fields.begin(), target.fields.end(), field);
      out[key[0]].push_back(at == target.fields.end()
                                ? std::nullopt
                                : cells[static_cast<size_t>(at - target.fields.begin())]);
    }
  }
  return out;
}

INSTANTIATE_TEST_SUITE_P(Memory, LandingSuite,
                         testing::Values(LandingUnderTest{
                             "memory", [] { return &sdk::MemoryLandingTable(); },
                             [] {
                               ++made;
                               return absl::StrCat("{\"target\":\"", TargetName(), "\"}");
                             },
                             Read}));

}  // namespace
}  // namespace huiliu
