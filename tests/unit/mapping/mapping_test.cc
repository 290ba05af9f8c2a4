#include "adapters/mapping/mapping.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/schema/record_writer.h"
#include "tests/unit/mapping/rows.h"

namespace huiliu::mapping {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr char kSource[] = R"(syntax = "proto3";
package t;
import "google/protobuf/timestamp.proto";
import "huiliu/v1/dataset.proto";
message Row {
  option (huiliu.v1.dataset) = {id: "row" title: "行"};
  string id = 1 [(huiliu.v1.data) = {title: "编号" key: true}];
  string uscc = 2 [(huiliu.v1.data) = {title: "信用代码" value: VALUE_KIND_USCC}];
  string day = 3 [(huiliu.v1.data) = {title: "日期" value: VALUE_KIND_DATE}];
  google.protobuf.Timestamp at = 4 [(huiliu.v1.data) = {title: "时间"}];
  int64 copies = 5 [(huiliu.v1.data) = {title: "份数"}];
  string status = 6 [(huiliu.v1.data) = {title: "状态" required: true}];
  string capital = 7 [(huiliu.v1.data) = {title: "资金" value: VALUE_KIND_DECIMAL}];
}
)";

std::shared_ptr<const schema::Contract> Contract() {
  return *schema::Contract::Parse("row.proto", kSource);
}

std::unique_ptr<Mapping> Of(const std::string& yaml) {
  auto mapping = Mapping::Parse("m.yaml", yaml, Contract());
  EXPECT_TRUE(mapping.ok()) << mapping.status();
  return *std::move(mapping);
}

std::string ErrorOf(const std::string& yaml) {
  return std::string(Mapping::Parse("m.yaml", yaml, Contract()).status().message());
}

struct One {
  explicit One(const std::string& yaml, std::vector<std::string> columns, Rows::Cells cells)
      : mapping(Of(yaml)), rows(std::move(columns), {std::move(cells)}) {
    const absl::Status bound = mapping->BindHeader(rows.columns());
    EXPECT_TRUE(bound.ok()) << bound;
    mapping->Map(rows.row(0), &out);
  }
  std::string Value(const std::string& field) const {
    return *schema::FieldToText(mapping->contract(), *mapping->contract().FindField(field),
                                out.payload);
  }
  std::unique_ptr<Mapping> mapping;
  Rows rows;
  MappedRow out;
};

TEST(MappingTest, ColumnsAreFoundByNameAndTitleWithoutConfiguration) {
  const One one("", {" ID ", "日期", "别的"}, {"甲", "2010/1/6", "x"});
  EXPECT_EQ(one.out.error_code, "");
  EXPECT_EQ(one.Value("id"), "甲");
  EXPECT_EQ(one.Value("day"), "2010-01-06");
  EXPECT_EQ(one.out.key, *one.mapping->contract().KeyFromValues({"甲"}));
  EXPECT_EQ(one.out.row_id, "a.csv:2");
  EXPECT_THAT(one.mapping->unused_columns(), ElementsAre("别的"));
  EXPECT_THAT(one.mapping->absent_columns(), IsEmpty());
}

TEST(MappingTest, OlderColumnNamesAreTaken) {
  const One one("fields: {id: [XK_NEW, XK_OLD], status: {column: NOWHERE, optional: true}}",
                {"xk_old"}, {"甲"});
  EXPECT_EQ(one.Value("id"), "甲");
  EXPECT_THAT(one.mapping->absent_columns(), ElementsAre("NOWHERE"));
}

TEST(MappingTest, OptionsAloneKeepTheDefaultColumns) {
  const One one("fields: {status: {codes: {'1': 有效}}}", {"id", "状态"}, {"甲", "1"});
  EXPECT_EQ(one.Value("status"), "有效");
}

TEST(MappingTest, NullsAreAbsent) {
  for (const char* null : {"\\N", "N/A", "无", "", "  ", "NULL", "　"}) {
    const One one("", {"id", "status"}, {"甲", null});
    EXPECT_EQ(one.Value("status"), "") << null;
    EXPECT_THAT(one.out.findings, IsEmpty());
  }
  const One kept("nulls: ['空']", {"id", "status"}, {"甲", "无"});
  EXPECT_EQ(kept.Value("status"), "无");
}

TEST(MappingTest, SentinelDatesAreConfiguration) {
  const One one("", {"id", "day"}, {"甲", "2099/12/31"});
  EXPECT_EQ(one.Value("day"), "");
  EXPECT_THAT(one.out.findings, ElementsAre("day:without_end"));
  const One own("{sentinels: [1970-01-01], without_end: []}", {"id", "day"}, {"甲", "2099/12/31"});
  EXPECT_EQ(own.Value("day"), "2099-12-31");
}

TEST(MappingTest, OperationWordsVaryWithinOneProject) {
  for (const char* word : {"I", "u", "INSERT", "update", "新增", ""}) {
    const One one("operation: op", {"id", "op"}, {"甲", word});
    EXPECT_EQ(one.out.operation, huiliu::v1::OPERATION_UPSERT) << word;
    EXPECT_EQ(one.out.error_code, "") << word;
  }
  for (const char* word : {"D", "delete", "Delete", "删除"}) {
    const One one("operation: op", {"id", "op"}, {"甲", word});
    EXPECT_EQ(one.out.operation, huiliu::v1::OPERATION_DELETE) << word;
  }
  const One unknown("operation: op", {"id", "op"}, {"甲", "X"});
  EXPECT_EQ(unknown.out.error_code, "operation.unknown");
  EXPECT_EQ(unknown.out.error_place, "a.csv:2");
  const One own("operation: {column: op, delete: [X]}", {"id", "op"}, {"甲", "x"});
  EXPECT_EQ(own.out.operation, huiliu::v1::OPERATION_DELETE);
}

TEST(MappingTest, AHeaderWithoutTheOperationIsRefused) {
  auto mapping = Of("operation: op");
  const Rows rows({"id"}, {});
  const absl::Status status = mapping->BindHeader(rows.columns());
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(status.message()), HasSubstr("op"));
}

TEST(MappingTest, AHeaderWithoutTheKeyIsRefused) {
  auto mapping = Of("");
  const Rows rows({"status"}, {});
  EXPECT_THAT(std::string(mapping->BindHeader(rows.columns()).message()), HasSubstr("id (编号)"));
}

TEST(MappingTest, AHeaderThatLacksANamedColumnIsRefused) {
  const Rows rows({"id", "状态2", "更新时间2"}, {});
  auto mapping =
      Of("fields: {status: [状态, 旧状态]}\nsource_time: 更新时间\nrow_id: {column: rid}");
  const absl::Status status = mapping->BindHeader(rows.columns());
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  for (const char* said : {"状态/旧状态", "更新时间", "rid", "optional: true", "状态2, 更新时间2"})
    EXPECT_THAT(std::string(status.message()), HasSubstr(said));
  auto optional =
      Of("fields: {status: {column: 状态, optional: true}}\n"
         "source_time: {column: 更新时间, optional: true}\nrow_id: {column: rid, optional: true}");
  EXPECT_TRUE(optional->BindHeader(rows.columns()).ok());
  EXPECT_TRUE(optional->IsOptional("status"));
  EXPECT_FALSE(optional->IsOptional("day"));
  EXPECT_THAT(optional->absent_columns(), ElementsAre("状态", "更新时间", "rid"));
}

TEST(MappingTest, AColumnThatIsThereTwiceIsRefusedWhereItIsRead) {
  auto mapping = Of("fields: {status: 状态}");
  const Rows twice({"id", "状态", "状态", "x", "x"}, {});
  const absl::Status status = mapping->BindHeader(twice.columns());
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(status.message()), HasSubstr("more than one column is called 状态,"));
  // A database tells "ID" from "id"; the one that is written so is read.
  auto exact = Of("");
  const Rows cases({"ID", "id"}, {});
  ASSERT_TRUE(exact->BindHeader(cases.columns()).ok());
  EXPECT_EQ(exact->shown_fields()[0].column, 1);
}

TEST(MappingTest, ANameThatTwoFieldsTakeIsToldOnce) {
  auto mapping = Of("fields: {status: 状态, day: 状态}\nsource_time: 状态");
  const Rows rows({"id"}, {});
  const std::string message(mapping->BindHeader(rows.columns()).message());
  EXPECT_THAT(message, HasSubstr("names: 状态; "));
  EXPECT_THAT(mapping->absent_columns(), ElementsAre("状态"));
}

TEST(MappingTest, WhatAHeaderMustShowIsTold) {
  auto mapping =
      Of("fields: {status: [状态, 旧状态], day: {column: 日, optional: true}}\noperation: op\n"
         "source_time: 更新时间");
  const sdk::NeededColumns needed = mapping->needed_columns();
  EXPECT_EQ(needed.Missing({}), "id/编号, 状态/旧状态, op, 更新时间");
  const sdk::NeededColumns::Entry& day = needed.entries()[2];
  EXPECT_TRUE(day.any_of[0] == "日" && day.optional && !day.by_name);
  const sdk::NeededColumns::Entry& unnamed = needed.entries()[3];
  EXPECT_TRUE(unnamed.optional && unnamed.by_name) << unnamed.any_of[0];
  EXPECT_EQ(needed.Missing({" ID ", "旧状态", "OP", "更新时间"}), "");
}

TEST(MappingTest, WhatTheContractRequiresIsToldWhereItIsReadByNameAlone) {
  const auto entry = [](const std::string& yaml, size_t field) {
    const sdk::NeededColumns needed = Of(yaml)->needed_columns();
    return needed.entries()[field];
  };
  constexpr size_t kDay = 2, kStatus = 5;
  EXPECT_TRUE(entry("", kStatus).by_name && entry("", kStatus).required);
  EXPECT_TRUE(entry("", kDay).by_name && !entry("", kDay).required);
  const std::string optional = "fields: {status: {optional: true}}";
  EXPECT_FALSE(entry(optional, kStatus).by_name || entry(optional, kStatus).required);
  EXPECT_FALSE(entry("fields: {status: 状况}", kStatus).required) << "it must be there anyway";
}

TEST(MappingTest, OptionalIsAWordAndNoKeyIsIt) {
  EXPECT_THAT(ErrorOf("fields: {status: {optional: maybe}}"), HasSubstr("m.yaml:1:"));
  EXPECT_THAT(ErrorOf("fields: {id: {optional: true}}"), HasSubstr("never optional"));
  EXPECT_THAT(ErrorOf("source_time: {column: t, optional: x}"), HasSubstr("true or false"));
  EXPECT_THAT(ErrorOf("row_id: {col: t}"), HasSubstr("column, optional"));
}

TEST(MappingTest, SourceTimeHasItsZone) {
  const One one("source_time: t", {"id", "t"}, {"甲", "2026-05-12 11:00:00"});
  EXPECT_EQ(one.out.source_time_us, 1778554800000000);
  const One utc("source_time: {column: [none, t], zone: UTC}", {"id", "t"},
                {"甲", "2026-05-12 03:00:00"});
  EXPECT_EQ(utc.out.source_time_us, 1778554800000000);
  const One bad("source_time: t", {"id", "t"}, {"甲", "昨天"});
  EXPECT_EQ(bad.out.source_time_us, 0);
  EXPECT_EQ(bad.out.error_code, "");
  EXPECT_THAT(bad.out.findings, ElementsAre("source_time:time"));
}

TEST(MappingTest, TheRowIdMayBeAColumn) {
  const One one("row_id: guid", {"id", "guid"}, {"甲", "g-1"});
  EXPECT_EQ(one.out.row_id, "g-1");
}

TEST(MappingTest, ACheckDigitIsAFindingNotALoss) {
  const One one("", {"id", "uscc"}, {"甲", "91350100m000100y44"});
  EXPECT_EQ(one.out.error_code, "");
  EXPECT_EQ(one.Value("uscc"), "91350100M000100Y44");
  EXPECT_THAT(one.out.findings, ElementsAre("uscc:check_digit"));
  const One two("", {"id", "uscc"}, {"甲", "91350100M000100Y43、91350100M000100Y43"});
  EXPECT_EQ(two.Value("uscc"), "91350100M000100Y43、91350100M000100Y43");
  EXPECT_THAT(two.out.findings, ElementsAre("uscc:several_codes"));
}

TEST(MappingTest, MaskedKeysAreReportedAndNeverShareARecord) {
  const One other("", {"id", "uscc"}, {"甲", "9135010000********"});
  EXPECT_TRUE(other.out.masked_at_source);
  EXPECT_EQ(other.out.error_code, "");
  const One key("", {"id"}, {"330921************"});
  EXPECT_TRUE(key.out.masked_at_source);
  EXPECT_EQ(key.out.error_code, "key.masked_at_source");
  EXPECT_THAT(key.out.error_message, testing::Not(HasSubstr("330921")));
  const One free_text("", {"id", "status"}, {"甲", "****"});
  EXPECT_FALSE(free_text.out.masked_at_source);
}

TEST(MappingTest, AMissingKeyIsQuarantined) {
  const One one("", {"id", "status"}, {"N/A", "x"});
  EXPECT_EQ(one.out.error_code, "key.missing");
  EXPECT_EQ(one.out.error_place, "a.csv:2");
  EXPECT_THAT(one.out.error_message, HasSubstr("id"));
}

TEST(MappingTest, AValueOfAnotherTypeIsQuarantinedWithoutBeingSaid) {
  for (const auto& [column, value] : {std::pair("copies", "两份"), std::pair("at", "上周")}) {
    const One one("", {"id", column}, {"甲", value});
    EXPECT_EQ(one.out.error_code, "value.type") << column;
    EXPECT_EQ(one.out.error_place, "a.csv:2");
    EXPECT_THAT(one.out.error_message, HasSubstr(column));
    EXPECT_THAT(one.out.error_message, testing::Not(HasSubstr(value)));
  }
  const One deleted("operation: op", {"id", "copies", "op"}, {"甲", "两份", "D"});
  EXPECT_EQ(deleted.out.error_code, "") << "a delete needs its key only";
}

TEST(MappingTest, CodesThatAreNotListedAreSaid) {
  const std::string yaml = "fields: {status: {codes: {'1': 参保, '2': 停保}}}";
  EXPECT_THAT(One(yaml, {"id", "status"}, {"甲", "参保"}).out.findings, IsEmpty());
  const One unknown(yaml, {"id", "status"}, {"甲", "9"});
  EXPECT_EQ(unknown.Value("status"), "9");
  EXPECT_THAT(unknown.out.findings, ElementsAre("status:unknown_code"));
}

TEST(MappingTest, ZeroBytesAreTakenOut) {
  const One one("", {"id", "status"}, {"甲", std::string("a\0b", 3)});
  EXPECT_EQ(one.Value("status"), "ab");
  EXPECT_THAT(one.out.findings, Contains("status:zero_byte"));
}

TEST(MappingTest, TextThatIsNoUtf8IsQuarantined) {
  EXPECT_EQ(One("", {"id", "status"}, {"甲", "\xff\xfe"}).out.error_code, "value.type");
}

TEST(MappingTest, ARowThatTheSourceCouldNotReadStaysWhatItWas) {
  auto mapping = Of("");
  Rows rows({"id"}, {{"甲"}, {"乙"}});
  ASSERT_TRUE(mapping->BindHeader(rows.columns()).ok());
  MappedRow out;
  mapping->Map(rows.row(0), &out);
  rows.row(1).error_code = Bytes("charset.invalid");
  rows.row(1).error_place = Bytes("a.csv:3:7");
  mapping->Map(rows.row(1), &out);
  EXPECT_EQ(out.error_code, "charset.invalid");
  EXPECT_EQ(out.error_place, "a.csv:3:7");
  EXPECT_EQ(out.key, "") << "nothing of the row before";
  EXPECT_EQ(out.payload, "");
}

TEST(MappingTest, ErrorsOfTheConfigurationNameTheirPlace) {
  EXPECT_THAT(ErrorOf("fields:\n  nothing: a"), HasSubstr("m.yaml:2:3: "));
  EXPECT_THAT(ErrorOf("fields: {id: {colum: a}}"), HasSubstr("m.yaml:1:15: unknown key \"colum\""));
  EXPECT_THAT(ErrorOf("a: [\n"), HasSubstr("m.yaml:"));
  EXPECT_THAT(ErrorOf("dataset: other"), HasSubstr("m.yaml:1:10"));
  EXPECT_THAT(ErrorOf("source_time: {column: t, zone: Mars}"), HasSubstr("m.yaml:1:32: zone"));
  EXPECT_THAT(ErrorOf("sentinels: [soon]"), HasSubstr("m.yaml:1:12"));
  EXPECT_THAT(ErrorOf("fields: {copies: {as: date}}"), HasSubstr("m.yaml:1:23"));
  EXPECT_THAT(ErrorOf("nul: []"), HasSubstr("m.yaml:1:1: unknown key \"nul\""));
  EXPECT_FALSE(ErrorOf("? [a]\n: b").empty());
  EXPECT_FALSE(ErrorOf(std::string(100000, '[')).empty());
  EXPECT_FALSE(ErrorOf(std::string(2 << 20, ' ')).empty());
  EXPECT_FALSE(ErrorOf("- a").empty());
}

}  // namespace
}  // namespace huiliu::mapping
