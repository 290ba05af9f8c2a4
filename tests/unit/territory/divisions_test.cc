#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "tests/unit/territory/territory_fixture.h"

namespace huiliu::territory {
namespace {

TEST(DivisionsTest, CodesResolveToWhatTheyAreToday) {
  const Divisions& all = *AllDivisions();
  EXPECT_EQ(all.Resolve("530102"), "530102");
  EXPECT_EQ(all.Resolve("530100"), "530100");
  EXPECT_EQ(all.Resolve("530000"), "530000");
  EXPECT_EQ(all.Resolve("530101"), "530100");  // used by real systems for the city itself
  EXPECT_EQ(all.Resolve("530121"), "530114");  // 呈贡县
  EXPECT_EQ(all.Resolve("530122"), "530115");  // 晋宁县
  EXPECT_EQ(all.Resolve("530123"), "530181");  // 安宁县
  EXPECT_EQ(all.Resolve("530200"), "530113");  // 东川市
  EXPECT_EQ(all.Resolve("532231"), "530129");  // 寻甸, of Qujing then
  EXPECT_EQ(all.Resolve("533221"), "530700");  // 丽江县 became two counties
  EXPECT_EQ(all.Resolve("110101"), "110101");
  EXPECT_EQ(all.Resolve("130103"), "130100");  // 石家庄桥东区, not the one of 张家口
}

TEST(DivisionsTest, StreetsVillagesZonesAndManagedAreas) {
  const Divisions& all = *AllDivisions();
  EXPECT_EQ(all.Resolve("530102001001"), "530102");
  EXPECT_EQ(all.Resolve("530102401"), "530102");  // 高新区: a zone counts under its county
  EXPECT_EQ(all.Resolve("530111402"), "530111");
  EXPECT_EQ(all.Resolve("530112403"), "530112");
  EXPECT_EQ(all.Resolve("530127401"), "530127");
  EXPECT_EQ(all.Resolve("532823105"), "530100");  // 磨憨: outside the prefix, run by Kunming
  EXPECT_EQ(all.Resolve("532823105001"), "530100");
  EXPECT_EQ(all.Resolve("532823101"), "532823");
}

TEST(DivisionsTest, WhatIsInNoEditionNamesNothing) {
  const Divisions& all = *AllDivisions();
  for (const char* code :
       {"534001", "533201", "000000", "53010", "5301021", "53010A", "", "５３０１０２"})
    EXPECT_EQ(all.Resolve(code), "") << code;
  EXPECT_EQ(all.Find("534001"), nullptr);
}

TEST(DivisionsTest, FindTellsNameParentAndSuccessor) {
  const Division* county = AllDivisions()->Find("530121");
  ASSERT_NE(county, nullptr);
  EXPECT_TRUE(county->abolished);
  EXPECT_EQ(county->name, "呈贡县");
  EXPECT_EQ(county->successor, "530114");
  EXPECT_EQ(AllDivisions()->Find("530102001")->parent, "530102");
}

TEST(DivisionsTest, ContainsFollowsPrefixesAndManagers) {
  const Divisions& all = *AllDivisions();
  EXPECT_TRUE(all.Contains("530100", "530121"));
  EXPECT_TRUE(all.Contains("530000", "530121"));
  EXPECT_TRUE(all.Contains("530102", "530102"));
  EXPECT_FALSE(all.Contains("530102", "530100"));
  // An abolished area is its successor; what is no code contains nothing.
  EXPECT_TRUE(all.Contains("530121", "530114"));
  EXPECT_TRUE(all.Contains("530121", "530121"));
  EXPECT_FALSE(all.Contains("530121", "530102"));
  EXPECT_FALSE(all.Contains("999999", "530102"));
  // Finer than a county there is no area: it must not become the whole of it.
  EXPECT_FALSE(all.Contains("530102005", "530102"));
  EXPECT_FALSE(all.Contains("532823105", "530102"));
  EXPECT_TRUE(all.Contains("530100", "532823105"));
  EXPECT_FALSE(all.Contains("532800", "532823105"));
  EXPECT_FALSE(all.Contains("530100", "532901"));
  EXPECT_FALSE(all.Contains("530100", "534001"));
}

TEST(DivisionsTest, AnAreaIsASixDigitCodeThatSomethingCanLieIn) {
  const Divisions& all = *AllDivisions();
  for (const char* area : {"530000", "530100", "530102", "530101", "530121", "532231", "110101"})
    EXPECT_TRUE(CheckArea(all, area).ok()) << area;
  const auto says = [&](const char* code) { return std::string(CheckArea(all, code).message()); };
  for (const char* code : {"530199", "999999", "534001", "000000"}) {
    EXPECT_NE(says(code).find("没有这个代码"), std::string::npos) << code;
    EXPECT_NE(says(code).find(std::string("division \"") + code), std::string::npos) << code;
  }
  // What is finer names the area that there is.
  EXPECT_NE(says("530102001").find("如 530102"), std::string::npos);
  EXPECT_NE(says("530102001001").find("such as 530102"), std::string::npos);
  EXPECT_NE(says("532823105").find("such as 530100"), std::string::npos);
  EXPECT_NE(says("132101").find("nothing took its place"), std::string::npos);
  for (const char* code : {"", "5301", "昆明市", "５３０１００", " 530100", "53010\n"})
    EXPECT_NE(says(code).find("六位代码"), std::string::npos) << code;
  EXPECT_LT(says(std::string(100000, '1').c_str()).size(), 400u);
}

// Each abolished code of Yunnan leads to a division that exists.
TEST(DivisionsTest, NoCodeOfYunnanIsLost) {
  std::ifstream file(Root() + "/schemas/divisions/historic.tsv");
  std::string line;
  int codes = 0;
  while (std::getline(file, line)) {
    if (line.substr(0, 2) != "53") continue;
    ++codes;
    const std::string now = AllDivisions()->Resolve(line.substr(0, 6));
    ASSERT_FALSE(now.empty()) << line;
    EXPECT_FALSE(AllDivisions()->Find(now)->abolished) << line;
  }
  EXPECT_GE(codes, 100);
}

TEST(DivisionsTest, AWrongHandKeptLineIsNamed) {
  const std::string folder = ::testing::TempDir() + "/divisions";
  std::filesystem::remove_all(folder);
  std::filesystem::copy(Root() + "/schemas/divisions", folder);
  std::ofstream(folder + "/aliases.tsv") << "alias\tcode\tnote\n昆明\t539999\t\n";
  const auto divisions = Divisions::Load(folder);
  ASSERT_FALSE(divisions.ok());
  EXPECT_NE(divisions.status().message().find("aliases.tsv:2"), std::string::npos)
      << divisions.status();
  std::ofstream(folder + "/aliases.tsv") << "alias\tcode\tnote\n昆明\n";
  EXPECT_EQ(Divisions::Load(folder).status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_FALSE(Divisions::Load(folder + "/none").ok());
}

}  // namespace
}  // namespace huiliu::territory
