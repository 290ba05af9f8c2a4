// The one suite that every source plugin passes. A test file instantiates it:
//   INSTANTIATE_TEST_SUITE_P(Csv, SourceSuite, testing::Values(SourceUnderTest{"csv", …}));
#ifndef HUILIU_TESTS_CONFORMANCE_SOURCE_SUITE_H_
#define HUILIU_TESTS_CONFORMANCE_SOURCE_SUITE_H_

#include <gtest/gtest.h>

#include <functional>
#include <string>

#include "adapters/sdk/huiliu_plugin.h"

namespace huiliu {

struct SourceUnderTest {
  std::string name;
  // The source's table, from the built shared object.
  std::function<const huiliu_source*()> table;
  // Makes fresh data with `rows` rows of at least two columns, one of them damaged where the form
  // can hold a damaged row and `damage` is set; gives the options to read it.
  std::function<std::string(int rows, bool damage)> make;
  // Adds one row to what `make` made last.
  std::function<void()> add;
};

class SourceSuite : public testing::TestWithParam<SourceUnderTest> {};

}  // namespace huiliu

#endif  // HUILIU_TESTS_CONFORMANCE_SOURCE_SUITE_H_
