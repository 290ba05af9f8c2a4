// huiliu territory explain over the real divisions: no node is asked.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "cli/run.h"

namespace huiliu::cli {
namespace {

using testing::HasSubstr;

std::string Explain(std::vector<std::string> arguments, int code = 0,
                    std::string* error = nullptr) {
  const char* root = std::getenv("HUILIU_ROOT");
  const std::string schemas = std::string(root == nullptr ? "." : root) + "/schemas";
  arguments.insert(arguments.begin(), {"huiliu", "territory", "explain", "enterprise_registration",
                                       "--schemas", schemas});
  std::vector<const char*> argv;
  for (const std::string& argument : arguments) argv.push_back(argument.c_str());
  setenv("HUILIU_CONFIG", "/nowhere/cli.yaml", 1);
  std::ostringstream out, err;
  EXPECT_EQ(Run(static_cast<int>(argv.size()), argv.data(), out, err), code) << err.str();
  if (error != nullptr) *error = err.str();
  return out.str();
}

TEST(TerritoryExplainTest, SaysByWhichLinkAndByWhichMeans) {
  const std::string said =
      Explain({"地区=昆明", "注册地址=昆明市人民西路3号", "统一社会信用代码=915301127414512344"});
  EXPECT_THAT(said, HasSubstr("归属：530112 西山区，州市由 地区、县区由 统一社会信用代码（地名与代"
                              "码相互印证） 判定"));
  EXPECT_THAT(said, HasSubstr("地名可能属于 530102 五华区、530112 西山区"));
}

TEST(TerritoryExplainTest, SaysWhyNoCountyIsDecided) {
  EXPECT_THAT(
      Explain({"地区=昆明", "注册地址=昆明市人民西路3号", "统一社会信用代码=915301037414512343"}),
      HasSubstr("县区未定：地名与代码互不印证"));
  EXPECT_THAT(
      Explain({"地区=昆明", "注册地址=大理州大理市", "统一社会信用代码=915301037414512343"}),
      HasSubstr("县区未定：地址写的是其他州市，代码不单独判定县区"));
  EXPECT_THAT(Explain({"地区=昆明", "注册地址=昆明市人民西路"}),
              HasSubstr("县区未定：地名分属多个县区"));
  EXPECT_THAT(Explain({"地区=昆明", "注册地址=昆明市某大厦"}),
              HasSubstr("县区未定：没有证据说明县区"));
}

TEST(TerritoryExplainTest, JsonHasMeansAndTheDisagreementOfEachLink) {
  const auto json = nlohmann::json::parse(Explain(
      {"地区=昆明", "注册地址=昆明市五华区青云街", "uscc=915329017414512348", "--output", "json"}));
  EXPECT_EQ(json["county_means"], "written");
  EXPECT_EQ(json["disagreement"], "city");
  EXPECT_EQ(json["findings"][2]["disagreement"], "city");
  EXPECT_EQ(json["findings"][1]["disagreement"], "");
  // What the text says beside.
  EXPECT_EQ(json["dataset"], "enterprise_registration");
  EXPECT_EQ(json["basis"], "登记地");
  ASSERT_GE(json["evidence"].size(), 3U);
  EXPECT_EQ(json["evidence"][0]["field"], "region");
  EXPECT_EQ(json["evidence"][0]["value"], "昆明");
  EXPECT_EQ(json["why_no_county"], "");
}

TEST(TerritoryExplainTest, AFieldWithoutAValueSaysHowItIsWritten) {
  std::string error;
  Explain({"region"}, 2, &error);
  EXPECT_THAT(error, testing::AllOf(HasSubstr("\"region\" 应写作 字段=值，如 region=…"),
                                    HasSubstr("uscc (统一社会信用代码)")));
}

TEST(TerritoryExplainTest, AFileGivesOneLineForEachRow) {
  const std::string path = testing::TempDir() + "/territory_explain.csv";
  std::ofstream(path) << "地区,注册地址,其他\n昆明,昆明市白龙路1号,x\n昆明,昆明市,y\n";
  const std::string said = Explain({"--file", path});
  EXPECT_THAT(said, HasSubstr("道路、小区等地名"));
  EXPECT_THAT(said, HasSubstr("没有证据说明县区"));
}

}  // namespace
}  // namespace huiliu::cli
