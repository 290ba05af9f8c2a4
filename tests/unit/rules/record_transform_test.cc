#include "core/rules/record_transform.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "core/model/varint.h"
#include "core/rules/masks.h"
#include "core/schema/record_writer.h"

namespace huiliu::rules {
namespace {

using huiliu::v1::Mask;
using Result = RecordTransform::Result;

constexpr char kKey[] = "0123456789abcdef0123456789abcdef";

constexpr char kContract[] = R"(syntax = "proto3";
package test.v1;
import "google/protobuf/timestamp.proto";
import "huiliu/v1/dataset.proto";
message Person {
  option (huiliu.v1.dataset) = {
    id: "person" title: "人员" provider: "测试" theme: "population"
    sharing: SHARING_UNCONDITIONAL update_cycle: UPDATE_CYCLE_DAILY
    territory: {title: "登记地" evidence: {field: "division" kind: EVIDENCE_KIND_CODE}}
  };
  string id = 1 [(huiliu.v1.data) = {title: "编号" key: true}];
  string name = 2 [(huiliu.v1.data) = {title: "姓名"}];
  string phone = 3 [(huiliu.v1.data) = {title: "电话"}];
  int64 age = 4 [(huiliu.v1.data) = {title: "年龄"}];
  string division = 5 [(huiliu.v1.data) = {title: "区划"}];
  repeated string tags = 6 [(huiliu.v1.data) = {title: "标签"}];
  string alias = 7 [(huiliu.v1.data) = {title: "别名"}];
  google.protobuf.Timestamp born = 8 [(huiliu.v1.data) = {title: "出生"}];
  double income = 9 [(huiliu.v1.data) = {title: "收入"}];
  bool adult = 10 [(huiliu.v1.data) = {title: "成年"}];
  bytes photo = 100 [(huiliu.v1.data) = {title: "照片"}];
})";

Mask Partial(int first, int last, absl::string_view fill = "") {
  Mask mask;
  mask.mutable_partial()->set_keep_first(first);
  mask.mutable_partial()->set_keep_last(last);
  mask.mutable_partial()->set_fill(std::string(fill));
  return mask;
}
Mask Hash() {
  Mask mask;
  mask.set_hash(true);
  return mask;
}
Mask Drop() {
  Mask mask;
  mask.set_drop(true);
  return mask;
}

std::string Masked(const Mask& mask, absl::string_view value, absl::string_view key = kKey) {
  std::string out;
  return AppendMasked(mask, value, {key}, &out) ? out : "(refused)" + out;
}

class RecordTransformTest : public testing::Test {
 protected:
  RecordTransformTest() {
    auto contract = schema::Contract::Parse("person.proto", kContract);
    EXPECT_TRUE(contract.ok()) << contract.status();
    contract_ = *contract;
  }
  std::string Record(absl::string_view json) {
    auto record = schema::RecordFromJson(*contract_, json);
    EXPECT_TRUE(record.ok()) << record.status();
    return *record;
  }
  Result Apply(const Rule& rule, absl::string_view record, absl::string_view key = kKey) {
    auto transform = RecordTransform::Create(*contract_, RecordTransform::FieldsOf(*contract_),
                                             rule, environment_, key);
    EXPECT_TRUE(transform.ok()) << transform.status();
    std::vector<uint32_t> numbers;
    for (const schema::Field& field : contract_->fields()) numbers.push_back(field.number);
    std::vector<schema::FieldSlot> slots(numbers.size());
    schema::FieldPlan(numbers).Scan(record, absl::MakeSpan(slots)).IgnoreError();
    RecordTransform::Workspace workspace;
    const Result result = (*transform)->Apply({slots, "530102", record}, &workspace, &out_);
    failed_ = workspace.failed_field == nullptr ? "" : workspace.failed_field->name;
    return result;
  }
  static std::string Text(int number, absl::string_view value) {
    std::string bytes;
    AppendVarint(&bytes, number << 3 | 2);
    AppendVarint(&bytes, value.size());
    return absl::StrCat(bytes, value);
  }

  const cel::Environment environment_{
      .contains = [](absl::string_view, absl::string_view) { return false; },
      .has_division = [](absl::string_view code) { return absl::StartsWith(code, "5301"); }};
  std::shared_ptr<const schema::Contract> contract_;
  std::string out_;
  std::string failed_;
};

TEST_F(RecordTransformTest, ARecordThatIsKeptWholeKeepsItsBytes) {
  const std::string record = Record(
      R"({"id":"1","name":"张三","phone":"13800001111","age":"30","tags":["a","b"],"photo":"/w=="})");
  EXPECT_EQ(Apply({}, record), Result::kOk);
  EXPECT_EQ(out_, record);
}

TEST_F(RecordTransformTest, KeepDropAndMasksAreApplied) {
  const std::string record = Record(
      R"({"id":"1","name":"张三","phone":"13800001111","age":"30","tags":["abc","de"],"photo":"/w=="})");
  Rule rule;
  rule.drop = {"age"};
  rule.masks = {
      {"phone", Partial(3, 4)}, {"name", Hash()}, {"tags", Partial(1, 0)}, {"photo", Drop()}};
  ASSERT_EQ(Apply(rule, record), Result::kOk);
  EXPECT_EQ(
      *schema::RecordToJson(*contract_, out_),
      *schema::RecordToJson(
          *contract_, Record(absl::StrCat(R"({"id":"1","name":")", Masked(Hash(), "张三"),
                                          R"(","phone":"138****1111","tags":["a**","d*"]})"))));
  Rule keep;
  keep.keep = {"id", "age"};
  ASSERT_EQ(Apply(keep, record), Result::kOk);
  EXPECT_EQ(out_, Record(R"({"id":"1","age":"30"})"));
}

TEST_F(RecordTransformTest, EveryOccurrenceOfAFieldIsMasked) {
  Rule rule;
  rule.masks = {{"phone", Partial(0, 0)}};
  ASSERT_EQ(Apply(rule, Text(3, "secret") + Text(1, "1") + Text(3, "other")), Result::kOk);
  EXPECT_EQ(out_, Text(3, "******") + Text(1, "1") + Text(3, "*****"));
}

TEST_F(RecordTransformTest, FieldsThatTheContractDoesNotKnowNeverLeave) {
  ASSERT_EQ(Apply({}, Text(1, "1") + Text(77, "smuggled") + Text(2, "张三") + Text(5000, "more")),
            Result::kOk);
  EXPECT_EQ(out_, Text(1, "1") + Text(2, "张三"));
}

TEST_F(RecordTransformTest, AMaskThatCannotBeAppliedLetsNothingThrough) {
  Rule rule;
  rule.masks = {{"phone", Partial(3, 4)}};
  EXPECT_EQ(Apply(rule, Text(1, "1") + Text(3, "138\xFF")), Result::kMaskFailed);
  EXPECT_EQ(out_, "");
  EXPECT_EQ(failed_, "phone");
  EXPECT_EQ(Apply(rule, Text(1, "1") + std::string("\x18\x05", 2)), Result::kMaskFailed)
      << "phone as a number";
  EXPECT_EQ(out_, "");
  Rule hash;
  hash.masks = {{"phone", Hash()}};
  EXPECT_EQ(Apply(hash, Text(3, "13800001111"), ""), Result::kMaskFailed);
  EXPECT_EQ(out_, "");
}

TEST_F(RecordTransformTest, InvalidTextAndForeignWireTypesAreNotKept) {
  EXPECT_EQ(Apply({}, Text(1, "1") + Text(2, "\xD5\xC5")), Result::kInvalidText);
  EXPECT_EQ(failed_, "name");
  EXPECT_EQ(Apply({}, std::string("\x10\x05", 2)), Result::kInvalidText) << "name as a number";
  EXPECT_EQ(Apply({}, Text(4, "30")), Result::kInvalidText) << "age as text";
  EXPECT_EQ(Apply({}, Text(100, "\xFF\xFE")), Result::kOk) << "bytes may be anything";
}

TEST_F(RecordTransformTest, TornBytesGiveNothingWhereverTheyAreCut) {
  Rule rule;
  rule.masks = {{"phone", Partial(3, 4)}};
  const std::string parts[] = {Text(1, "1"), Text(2, "张三"), Text(3, "13800001111")};
  const std::string record = parts[0] + parts[1] + parts[2];
  for (size_t cut = 0; cut < record.size(); ++cut) {
    const bool boundary =
        cut == 0 || cut == parts[0].size() || cut == parts[0].size() + parts[1].size();
    EXPECT_EQ(Apply(rule, record.substr(0, cut)), boundary ? Result::kOk : Result::kTorn) << cut;
    if (!boundary) {
      EXPECT_EQ(out_, "");
    }
  }
}

TEST_F(RecordTransformTest, NumbersAndTimesAreMaskedInTheirOwnType) {
  const std::string record = Record(
      R"({"id":"1","age":"37","division":"530102005003","born":"1990-05-17T10:00:00Z","income":12345.6})");
  Mask band, year, county, zero;
  band.mutable_generalise()->set_band(10);
  year.mutable_generalise()->set_date(Mask::Generalise::PRECISION_YEAR);
  county.mutable_generalise()->set_division(Mask::Generalise::LEVEL_COUNTY);
  zero.set_constant("0.5");
  Rule rule;
  rule.masks = {{"age", band}, {"born", year}, {"division", county}, {"income", zero}};
  ASSERT_EQ(Apply(rule, record), Result::kOk);
  EXPECT_EQ(*schema::RecordToJson(*contract_, out_),
            *schema::RecordToJson(*contract_, Record(R"({"id":"1","age":"30","division":"530102",
                "born":"1989-12-31T16:00:00Z","income":0.5})")));
  EXPECT_EQ(Apply(rule, Record(R"({"id":"1","division":"五华区"})")), Result::kMaskFailed);
  EXPECT_EQ(failed_, "division");
  EXPECT_EQ(Apply(rule, Text(1, "1") + Text(4, "37")), Result::kMaskFailed) << "age as text";
  EXPECT_EQ(out_, "");
}

TEST_F(RecordTransformTest, ARenamedFieldLeavesAsTheOtherAndTheOthersOwnValueDoesNot) {
  Rule rule;
  rule.rename = {{"name", "alias"}};
  ASSERT_EQ(Apply(rule, Record(R"({"id":"1","name":"张三","age":"3","alias":"阿三"})")),
            Result::kOk);
  EXPECT_EQ(out_, Text(1, "1") + Text(7, "张三") + std::string("\x20\x03", 2));
  rule.masks = {{"name", Partial(1, 0)}};
  ASSERT_EQ(Apply(rule, Record(R"({"id":"1","name":"张三","alias":"阿三"})")), Result::kOk);
  EXPECT_EQ(out_, Record(R"({"id":"1","alias":"张*"})"));
  Rule swap;
  swap.rename = {{"name", "alias"}, {"alias", "name"}};
  ASSERT_EQ(Apply(swap, Record(R"({"id":"1","name":"张三","alias":"阿三"})")), Result::kOk);
  EXPECT_EQ(
      *schema::RecordToJson(*contract_, out_),
      *schema::RecordToJson(*contract_, Record(R"({"id":"1","name":"阿三","alias":"张三"})")));
  EXPECT_EQ(Apply(rule, Text(1, "1") + Text(2, "\xFF")), Result::kMaskFailed);
  EXPECT_EQ(Apply(swap, Text(1, "1") + Text(2, "\xFF")), Result::kInvalidText);
  EXPECT_EQ(out_, "");
}

TEST_F(RecordTransformTest, ADerivedFieldIsComputedFromTheRecordAsItCame) {
  const std::string record =
      Record(R"({"id":"1","name":"张三丰","phone":"13800001111","age":"37","alias":"阿三"})");
  Rule rule;
  rule.masks = {{"name", Partial(1, 0)}};
  rule.drop = {"phone"};
  rule.derive = {{"alias", "name.substring(0, 1) + '某'"},
                 {"adult", "age >= 18"},
                 {"income", "double(age) / 2.0"},
                 {"born", "timestamp('1990-01-01T00:00:00Z')"}};
  ASSERT_EQ(Apply(rule, record), Result::kOk);
  EXPECT_EQ(
      *schema::RecordToJson(*contract_, out_),
      *schema::RecordToJson(
          *contract_, Record(R"({"id":"1","name":"张**","age":"37","alias":"张某","adult":true,
                "income":18.5,"born":"1990-01-01T00:00:00Z"})")));
}

TEST_F(RecordTransformTest, ADerivedFieldWithoutAValueWithholdsTheRecord) {
  Rule rule;
  rule.derive = {{"age", "int(phone)"}};
  ASSERT_EQ(Apply(rule, Record(R"({"id":"1","phone":"42"})")), Result::kOk);
  EXPECT_EQ(out_, Record(R"({"id":"1","phone":"42","age":"42"})"));
  EXPECT_EQ(Apply(rule, Record(R"({"id":"1","phone":"x"})")), Result::kDeriveFailed);
  EXPECT_EQ(failed_, "age");
  EXPECT_EQ(out_, "");
}

TEST_F(RecordTransformTest, RulesThatDoNotFitTheContractAreRefused) {
  const auto fits = [&](const Rule& rule) {
    return RecordTransform::Create(*contract_, RecordTransform::FieldsOf(*contract_), rule,
                                   environment_, kKey)
        .ok();
  };
  Rule rule;
  rule.masks = {{"age", Partial(1, 0)}};
  EXPECT_FALSE(fits(rule));
  Rule derive;
  derive.derive = {{"age", "name"}};
  EXPECT_FALSE(fits(derive));
  derive.derive = {{"photo", "b'x'"}};
  EXPECT_FALSE(fits(derive));
  derive.derive = {{"tags", "name"}};
  EXPECT_FALSE(fits(derive));
  Rule rename;
  rename.rename = {{"name", "nobody"}};
  EXPECT_FALSE(fits(rename));
}

}  // namespace
}  // namespace huiliu::rules
