#include "core/schema/contract.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>

#include "absl/strings/str_replace.h"
#include "core/base/files.h"
#include "core/schema/record_writer.h"
#include "core/schema/text_value.h"

namespace huiliu::schema {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr char kSource[] = R"(syntax = "proto3";
package t;
import "huiliu/v1/dataset.proto";
import "google/protobuf/timestamp.proto";
enum Kind { KIND_UNSPECIFIED = 0; KIND_A = 1; }
message Row {
  option (huiliu.v1.dataset) = {id: "row" title: "行" territory: {title: "登记地" evidence: {field: "place" kind: EVIDENCE_KIND_NAME}}};
  string id = 1 [(huiliu.v1.data) = {title: "编号" key: true}];
  int64 n = 2 [(huiliu.v1.data) = {title: "数" key: true}];
  string place = 3 [(huiliu.v1.data) = {title: "地" grade: GRADE_GENERAL_3}];
  google.protobuf.Timestamp at = 4 [(huiliu.v1.data) = {title: "时间"}];
  Kind kind = 5 [(huiliu.v1.data) = {title: "类"}];
  double amount = 200 [(huiliu.v1.data) = {title: "额"}];
}
)";

std::string Root() {
  const char* root = std::getenv("HUILIU_ROOT");
  return root == nullptr ? "." : root;
}

absl::Status ErrorOf(const std::string& source) {
  return Contract::Parse("row.proto", source).status();
}

std::string With(const std::string& from, const std::string& to) {
  const std::string changed = absl::StrReplaceAll(kSource, {{from, to}});
  EXPECT_NE(changed, kSource) << from;
  return changed;
}

TEST(ContractTest, OptionsAndFieldsAreRead) {
  auto contract = Contract::Parse("row.proto", kSource);
  ASSERT_TRUE(contract.ok()) << contract.status();
  EXPECT_EQ((*contract)->id(), DatasetId("row"));
  EXPECT_EQ((*contract)->options().title(), "行");
  EXPECT_EQ((*contract)->fields().size(), 6U);
  EXPECT_EQ((*contract)->key_fields().size(), 2U);
  EXPECT_EQ((*contract)->grade(), huiliu::v1::GRADE_GENERAL_3);
  EXPECT_EQ((*contract)->FindField("at")->type, FieldType::kTimestamp);
  EXPECT_EQ((*contract)->FindFieldByNumber(200)->name, "amount");
  EXPECT_EQ((*contract)->FindField("none"), nullptr);
}

TEST(ContractTest, ErrorsNameFileLineAndColumn) {
  EXPECT_THAT(std::string(ErrorOf(With("int64 n = 2", "int64 n = = 2")).message()),
              HasSubstr("row.proto:9:13"));
  EXPECT_THAT(std::string(ErrorOf(With("Kind kind", "Knd kind")).message()),
              HasSubstr("row.proto:12:3"));
  EXPECT_THAT(std::string(ErrorOf(With("huiliu/v1/dataset.proto", "/etc/passwd")).message()),
              HasSubstr("row.proto"));
}

TEST(ContractTest, IncompleteOptionsAreRefused) {
  EXPECT_THAT(std::string(ErrorOf(With("field: \"place\"", "field: \"nowhere\"")).message()),
              HasSubstr("nowhere"));
  EXPECT_THAT(std::string(ErrorOf(With("key: true", "")).message()), HasSubstr("key"));
  EXPECT_THAT(std::string(ErrorOf(With("id: \"row\"", "id: \"Row!\"")).message()), HasSubstr("id"));
  EXPECT_THAT(
      std::string(ErrorOf(With("title: \"行\"", "title: \"行\" contains_secret: true")).message()),
      HasSubstr("涉密"));
  EXPECT_THAT(
      std::string(
          ErrorOf(With("title: \"行\"", "title: \"行\" sharing: SHARING_NOT_SHARED")).message()),
      HasSubstr("not_shared_reason"));
  EXPECT_THAT(std::string(ErrorOf(With("proto3", "proto2")).message()), HasSubstr("proto3"));
}

TEST(ContractTest, ATornSyntaxLineIsNamedByItsPlace) {
  const std::string message(ErrorOf(With("\"proto3\";", "\"proto3\"")).message());
  EXPECT_THAT(message, Not(HasSubstr(":1:1:")));
  EXPECT_THAT(message, HasSubstr("Expected \";\""));
}

TEST(ContractTest, HostileSourcesAreRefusedNotFollowed) {
  EXPECT_FALSE(ErrorOf(std::string(2 << 20, ' ')).ok());
  std::string deep = "syntax = \"proto3\"; ";
  for (int i = 0; i < 100000; ++i) deep += "message A {";
  EXPECT_FALSE(ErrorOf(deep).ok());
  EXPECT_FALSE(ErrorOf("").ok());
  EXPECT_FALSE(ErrorOf(std::string("\0\xff\xfe", 3)).ok());
}

TEST(ContractTest, WrongOptionsNameTheirPlace) {
  EXPECT_THAT(std::string(ErrorOf(With("title: \"额\"", "")).message()),
              HasSubstr("row.proto:13:3: "));
  EXPECT_THAT(std::string(ErrorOf(With("id: \"row\"", "id: \"Row!\"")).message()),
              HasSubstr("row.proto:6:1: "));
  EXPECT_THAT(std::string(ErrorOf(With("title: \"额\"", "title: \"额\" key: true")).message()),
              HasSubstr("row.proto:13:3: dataset row: key field amount"));
  EXPECT_THAT(std::string(ErrorOf(With("title: \"额\"", "titel: \"额\"")).message()),
              HasSubstr("row.proto:13:"));
}

// A string of a proto3 message that is not UTF-8 cannot be received: neither the source nor what is
// said of it may be one.
TEST(ContractTest, TextsThatAreNotUtf8AreRefusedInUtf8) {
  EXPECT_THAT(std::string(ErrorOf(With("title: \"额\"", "title: \"\xFF\"")).message()),
              HasSubstr("row.proto:13:1: a contract is UTF-8"));
  EXPECT_THAT(std::string(ErrorOf(With("title: \"额\"", "title: \"\\377\"")).message()),
              HasSubstr("row.proto:1:1: t.Row.amount: "));
  // The compiler repeats what an escape writes.
  const absl::Status status =
      ErrorOf(With("string id = 1", "reserved \"\\377\", \"\\377\"; string id = 1"));
  EXPECT_FALSE(status.ok());
  EXPECT_TRUE(IsUtf8(status.message())) << status.message();
}

TEST(ContractTest, OneFileDeclaresOneDataset) {
  const std::string again = std::string(kSource) +
                            "message Again { option (huiliu.v1.dataset) = {id: \"again\" title: "
                            "\"又\"}; string id = 1; }\n";
  EXPECT_THAT(std::string(ErrorOf(again).message()), HasSubstr("row.proto:15:1: Row and Again"));
  EXPECT_THAT(std::string(ErrorOf(With("string id = 1",
                                       "message In { option (huiliu.v1.dataset) = {id: \"in\" "
                                       "title: \"内\"}; }\n string id = 1"))
                              .message()),
              HasSubstr("not one inside another"));
  EXPECT_TRUE(ErrorOf(std::string(kSource) + "message Helper { string a = 1; }\n").ok());
  EXPECT_THAT(
      std::string(
          ErrorOf(std::string(kSource) + "service S { rpc Get(Row) returns (Row); }\n").message()),
      HasSubstr("row.proto:15:9: a contract has no services"));
}

// The parser would overflow its stack: depth must be seen before it, whatever hides it.
TEST(ContractTest, HiddenNestingIsRefused) {
  for (const std::string level :
       {"message A { // }\n", "message A { /* } */", "message A { option x = \"}\";",
        "message A { ] ) > ", "option (x) = { a < b: '>' "}) {
    std::string deep = "syntax = \"proto3\";\n";
    for (int i = 0; i < 30000; ++i) deep += level;
    EXPECT_THAT(std::string(ErrorOf(deep).message()), HasSubstr("nested deeper")) << level;
  }
}

TEST(ContractTest, KeyFromARecordAndFromValuesIsTheSame) {
  auto contract = *Contract::Parse("row.proto", kSource);
  RecordWriter writer(*contract);
  ASSERT_TRUE(writer.SetText(*contract->FindField("n"), "7").ok());
  writer.SetString(*contract->FindField("id"), "甲");
  const std::string record = writer.Finish();
  auto key = contract->KeyOf(record);
  ASSERT_TRUE(key.ok()) << key.status();
  EXPECT_EQ(*key, *contract->KeyFromValues({"甲", "007"}));
  EXPECT_FALSE(contract->KeyFromValues({"甲"}).ok());
  EXPECT_THAT(std::string(contract->KeyOf("").status().message()), HasSubstr("id"));
}

TEST(ContractTest, EveryShippedContractParses) {
  int count = 0;
  for (const auto& entry :
       std::filesystem::recursive_directory_iterator(Root() + "/schemas/datasets")) {
    if (entry.path().extension() != ".proto") continue;
    auto contract =
        Contract::Parse(entry.path().filename().string(), *ReadFile(entry.path().string()));
    EXPECT_TRUE(contract.ok()) << contract.status();
    ++count;
  }
  EXPECT_GE(count, 10);
}

TEST(RecordJsonTest, JsonAndBack) {
  auto contract = *Contract::Parse("row.proto", kSource);
  auto record = RecordFromJson(
      *contract, R"({"id":"甲","n":"5","at":"2024-03-01T00:00:00Z","kind":"KIND_A","amount":1.5})");
  ASSERT_TRUE(record.ok()) << record.status();
  auto json = RecordToJson(*contract, *record);
  ASSERT_TRUE(json.ok());
  EXPECT_EQ(*RecordFromJson(*contract, *json), *record);
  EXPECT_EQ(*FieldToText(*contract, *contract->FindField("at"), *record), "2024-03-01T00:00:00Z");
  EXPECT_EQ(*FieldToText(*contract, *contract->FindField("amount"), *record), "1.5");
  const auto wrong = RecordFromJson(*contract, R"({"id":"secret-value","n":"x"})").status();
  EXPECT_FALSE(wrong.ok());
  EXPECT_EQ(wrong.message().find("secret-value"), absl::string_view::npos);
}

TEST(RecordJsonTest, AKeyOfZeroIsAKey) {
  auto contract = *Contract::Parse("row.proto", kSource);
  for (const char* json : {R"({"id":"甲","n":"0"})", R"({"id":"甲","n":0})"}) {
    auto key = contract->KeyOf(*RecordFromJson(*contract, json));
    ASSERT_TRUE(key.ok()) << key.status();
    EXPECT_EQ(*key, *contract->KeyFromValues({"甲", "0"}));
  }
  EXPECT_FALSE(contract->KeyOf(*RecordFromJson(*contract, R"({"id":"甲"})")).ok());
}

TEST(RecordJsonTest, ErrorsNameTheFieldAndNoValue) {
  auto contract = *Contract::Parse("row.proto", kSource);
  const auto wrong = RecordFromJson(*contract, R"({"id":"甲","n":"secret-value"})").status();
  EXPECT_THAT(std::string(wrong.message()), HasSubstr("field n:"));
  EXPECT_EQ(wrong.message().find("secret-value"), absl::string_view::npos);
  EXPECT_FALSE(RecordFromJson(*contract, R"({"secret-value": 1})").ok());
  EXPECT_FALSE(RecordFromJson(*contract, "[1]").ok());
  EXPECT_FALSE(RecordFromJson(*contract, std::string(100000, '[')).ok());
}

}  // namespace
}  // namespace huiliu::schema
