#include "adapters/agent/shown_columns.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "tests/unit/mapping/rows.h"

namespace huiliu::agent {
namespace {

using testing::HasSubstr;

constexpr char kContract[] = R"(syntax = "proto3";
package t;
import "huiliu/v1/dataset.proto";
message Row {
  option (huiliu.v1.dataset) = {id: "row" title: "行"};
  string id = 1 [(huiliu.v1.data) = {title: "编号" key: true}];
  string name = 2 [(huiliu.v1.data) = {title: "姓名"}];
}
)";

class ShownColumnsTest : public testing::Test {
 protected:
  ShownColumnsTest() : path_(absl::StrCat(testing::TempDir(), "/shown-columns-", getpid())) {}
  ~ShownColumnsTest() override { std::filesystem::remove(path_); }
  // As a worker would that starts anew each time.
  absl::Status Check(const std::string& table, std::vector<std::string> header,
                     const std::string& yaml = "") {
    auto mapping =
        mapping::Mapping::Parse("m.yaml", yaml, *schema::Contract::Parse("row.proto", kContract));
    EXPECT_TRUE(mapping.ok()) << mapping.status();
    const mapping::Rows rows(header, {});
    EXPECT_TRUE((*mapping)->BindHeader(rows.columns()).ok());
    auto shown = ShownColumns::Load(path_);
    EXPECT_TRUE(shown.ok()) << shown.status();
    return shown->Check(table, **mapping, header);
  }
  const std::string path_;
};

TEST_F(ShownColumnsTest, AColumnThatATableShowedMayNotVanish) {
  EXPECT_TRUE(Check("t", {"id", "姓名", "x"}).ok());
  EXPECT_TRUE(Check("t", {"姓名", "id"}).ok()) << "order and columns of no field do not matter";
  const absl::Status gone = Check("t", {"id", "姓名2"});
  EXPECT_EQ(gone.code(), absl::StatusCode::kFailedPrecondition);
  for (const char* said : {"table t", "姓名 (name)", "optional: true"})
    EXPECT_THAT(std::string(gone.message()), HasSubstr(said));
  EXPECT_FALSE(Check("t", {"id", "姓名2"}).ok()) << "after a restart as well";
  EXPECT_TRUE(Check("t", {"id", "姓名2"}, "fields: {name: 姓名2}").ok()) << "mended";
  EXPECT_TRUE(Check("t", {"id"}, "fields: {name: {optional: true}}").ok()) << "given up";
}

TEST_F(ShownColumnsTest, AnotherTableIsAnotherHeader) {
  EXPECT_TRUE(Check("t", {"id", "name"}).ok());
  EXPECT_TRUE(Check("u", {"id"}).ok());
  EXPECT_TRUE(Check("u", {"id", "name"}).ok()) << "a column more";
  EXPECT_FALSE(Check("u", {"id"}).ok());
}

TEST_F(ShownColumnsTest, ADamagedFileIsSaid) {
  std::ofstream(path_) << "{\"table\":1}";
  const auto shown = ShownColumns::Load(path_);
  EXPECT_EQ(shown.status().code(), absl::StatusCode::kDataLoss);
  EXPECT_THAT(std::string(shown.status().message()), HasSubstr(path_));
}

}  // namespace
}  // namespace huiliu::agent
