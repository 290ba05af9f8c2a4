#include "adapters/mapping/key_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/mapping/rows.h"

namespace huiliu::mapping {
namespace {

using testing::HasSubstr;

std::shared_ptr<const schema::Contract> Contract(const std::string& second) {
  return *schema::Contract::Parse("row.proto", R"(syntax = "proto3";
package t;
import "huiliu/v1/dataset.proto";
message Row {
  option (huiliu.v1.dataset) = {id: "row" title: "行"};
  string uscc = 1 [(huiliu.v1.data) = {title: "信用代码" key: true value: VALUE_KIND_USCC}];
  )" + second + "\n}\n");
}
const char kDay[] =
    R"(string day = 2 [(huiliu.v1.data) = {title: "日期" key: true value: VALUE_KIND_DATE}];)";

// What the mapping makes of a row with these cells.
std::string KeyOfRow(const std::shared_ptr<const schema::Contract>& contract, Rows::Cells cells) {
  auto mapping = *Mapping::Parse("m.yaml", "", contract);
  Rows rows({"uscc", "day"}, {std::move(cells)});
  EXPECT_TRUE(mapping->BindHeader(rows.columns()).ok());
  MappedRow row;
  mapping->Map(rows.row(0), &row);
  EXPECT_EQ(row.error_code, "");
  return row.key;
}

TEST(KeyTextTest, AKeyIsWrittenAsTheRecordsIs) {
  const auto contract = Contract(kDay);
  const std::string key = KeyOfRow(contract, {"91530102MA6K5X0T3B", "2026年1月2日"});
  ASSERT_FALSE(key.empty());
  for (const std::vector<std::string>& values :
       std::vector<std::vector<std::string>>{{"91530102MA6K5X0T3B", "2026-01-02"},
                                             {" 91530102ma6k5x0t3b ", "2026/1/2"},
                                             {"\u300091530102MA6K5X0T3B\t", "20260102"}}) {
    const auto written = KeyAsMapped(contract, values);
    ASSERT_TRUE(written.ok()) << written.status();
    EXPECT_EQ(*written, key) << values[0];
  }
}

TEST(KeyTextTest, WhatCanBeNoKeyIsRefusedWithoutItsValue) {
  const auto contract = Contract(kDay);
  for (const std::vector<std::string>& values :
       std::vector<std::vector<std::string>>{{"", "2026-01-02"},
                                             {"N/A", "2026-01-02"},
                                             {"无", "2026-01-02"},
                                             {"91530102MA6K5X0T3B", "someday"},
                                             {"9153**************", "2026-01-02"}}) {
    const auto refused = KeyAsMapped(contract, values);
    ASSERT_EQ(refused.status().code(), absl::StatusCode::kInvalidArgument) << values[0];
    EXPECT_THAT(std::string(refused.status().message()), HasSubstr("没有记录会匹配")) << values[0];
    EXPECT_THAT(std::string(refused.status().message()), testing::Not(HasSubstr("9153")));
  }
  EXPECT_THAT(std::string(KeyAsMapped(contract, {"91530102MA6K5X0T3B"}).status().message()),
              HasSubstr("2 value(s) (uscc, day)"));
}

}  // namespace
}  // namespace huiliu::mapping
