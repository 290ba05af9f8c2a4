#include "adapters/sdk/needed_columns.h"

#include <gtest/gtest.h>

namespace huiliu::sdk {
namespace {

TEST(NeededColumnsTest, NamesCompareFolded) {
  NeededColumns needed;
  needed.Add({{"XK_NEW", "xk_old"}, false});
  needed.Add({{"操作"}, true});
  EXPECT_EQ(needed.Missing({" xk_OLD ", "　操作　"}), "");
  EXPECT_EQ(needed.Missing({"x"}), "XK_NEW/xk_old, 操作");
  EXPECT_EQ(needed.Missing({"x"}, true), "操作");
  std::vector<std::string> header = {"操作"};
  needed.AddMissingTo(&header);
  EXPECT_EQ(header, (std::vector<std::string>{"操作", "XK_NEW"}));
}

TEST(NeededColumnsTest, CrossesAsJson) {
  NeededColumns needed;
  needed.Add({{"a\"", "乙"}, true});
  needed.Add({{"c"}, false});
  const auto again = NeededColumns::FromJson(needed.ToJson());
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_EQ(again->ToJson(), needed.ToJson());
  for (const char* bad : {"", "{}", "[1]", "[{\"any_of\":[]}]", "[{\"any_of\":[1]}]"})
    EXPECT_EQ(NeededColumns::FromJson(bad).status().code(), absl::StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace huiliu::sdk
