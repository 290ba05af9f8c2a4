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
  needed.Add({{"操作"}, true});
  EXPECT_EQ(needed.Missing({"x"}), "XK_NEW/xk_old, 操作") << "each once";
  std::vector<std::string> header = {"操作"};
  needed.AddMissingTo(&header);
  EXPECT_EQ(header, (std::vector<std::string>{"操作", "XK_NEW"}));
}

TEST(NeededColumnsTest, AColumnThatIsThereTwiceIsToldUnlessOneIsMeant) {
  NeededColumns needed;
  needed.Add({{"a", "b"}});
  EXPECT_EQ(needed.Repeated({"a", "b", "b", "c", "c"}), "") << "b is not read, nor is c";
  EXPECT_EQ(needed.Repeated({"b", " B "}), "") << "b is written like that";
  EXPECT_EQ(needed.Repeated({"B", "B", "x"}), "B");
  EXPECT_EQ(needed.Repeated({"a", "A", "a"}), "a");
}

TEST(NeededColumnsTest, WhatIsReadByNameAloneMayVanish) {
  NeededColumns needed;
  needed.Add({{"k"}, true});
  needed.Add({{"v", "值"}, false, true, true});
  needed.Add({{"o"}, false, true});
  EXPECT_EQ(needed.ReadByName({"值", "k", "o"}), std::vector<std::string>{"值"});
  needed.Add({{"r"}, false, true, true, true});
  EXPECT_EQ(needed.Vanished({"值", "o", "r", "k"}, {"k"}, false), "值");
  EXPECT_EQ(needed.Vanished({"值", "o", "r", "k"}, {"k"}, true), "r");
  EXPECT_EQ(needed.Vanished({"值"}, {"V"}, false), "") << "under its other name";
  EXPECT_EQ(needed.Vanished({}, {"k"}, false), "");
  EXPECT_TRUE(needed.Names(" V") && needed.Names("值") && needed.Names("o"));
  EXPECT_FALSE(needed.Names("530102199001011237"));
}

TEST(NeededColumnsTest, CrossesAsJson) {
  NeededColumns needed;
  needed.Add({{"a\"", "乙"}, true});
  needed.Add({{"c"}, false});
  needed.Add({{"d"}, false, true, true, true});
  const auto again = NeededColumns::FromJson(needed.ToJson());
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_EQ(again->ToJson(), needed.ToJson());
  EXPECT_TRUE(again->entries()[2].by_name && again->entries()[2].required);
  EXPECT_EQ(again->Missing({"a\"", "c"}), "");
  EXPECT_EQ(needed.ToJson(false).find("\"d\""), std::string::npos) << "for a plugin of before";
  for (const char* bad : {"", "{}", "[1]", "[{\"any_of\":[]}]", "[{\"any_of\":[1]}]"})
    EXPECT_EQ(NeededColumns::FromJson(bad).status().code(), absl::StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace huiliu::sdk
