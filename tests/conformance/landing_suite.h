// The one suite that every landing plugin passes. A test file instantiates it:
//   INSTANTIATE_TEST_SUITE_P(Memory, LandingSuite, testing::Values(LandingUnderTest{"memory", …}));
#ifndef HUILIU_TESTS_CONFORMANCE_LANDING_SUITE_H_
#define HUILIU_TESTS_CONFORMANCE_LANDING_SUITE_H_

#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "adapters/sdk/huiliu_plugin.h"

namespace huiliu {

struct LandingUnderTest {
  using Cells = std::vector<std::optional<std::string>>;
  std::string name;
  std::function<const huiliu_landing*()> table;
  // Options for a fresh, empty target. The suite lands dataset "suite.person" there.
  std::function<std::string()> make;
  // What the target holds: key → the cells of `fields` (the suite asks for "id","name","age"; where
  // the target lacks one, nullopt).
  std::function<std::map<std::string, Cells>(const std::vector<std::string>& fields)> read;
};

class LandingSuite : public testing::TestWithParam<LandingUnderTest> {};

}  // namespace huiliu

#endif  // HUILIU_TESTS_CONFORMANCE_LANDING_SUITE_H_
