// A dataset with a field of every kind, and rows of it from text format.
#ifndef HUILIU_TESTS_UNIT_CEL_ROWS_H_
#define HUILIU_TESTS_UNIT_CEL_ROWS_H_

#include <google/protobuf/dynamic_message.h>
#include <google/protobuf/text_format.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "core/cel/program.h"

namespace huiliu::cel {

inline constexpr char kRowSource[] = R"(syntax = "proto3";
package t;
import "huiliu/v1/dataset.proto";
import "google/protobuf/timestamp.proto";
import "google/protobuf/duration.proto";
enum Kind { KIND_UNSPECIFIED = 0; KIND_A = 1; KIND_B = 2; }
message Inner { string x = 1; }
message Row {
  option (huiliu.v1.dataset) = {id: "row" title: "行"};
  string id = 1 [(huiliu.v1.data) = {title: "编号" key: true}];
  string name = 2 [(huiliu.v1.data) = {title: "名称"}];
  string code = 3 [(huiliu.v1.data) = {title: "区划"}];
  int64 count = 4 [(huiliu.v1.data) = {title: "数"}];
  int32 small = 5 [(huiliu.v1.data) = {title: "小数"}];
  sint64 zigzag = 6 [(huiliu.v1.data) = {title: "曲"}];
  uint64 total = 7 [(huiliu.v1.data) = {title: "总"}];
  double amount = 8 [(huiliu.v1.data) = {title: "额"}];
  float rate = 9 [(huiliu.v1.data) = {title: "率"}];
  bool active = 10 [(huiliu.v1.data) = {title: "有效"}];
  Kind kind = 11 [(huiliu.v1.data) = {title: "类"}];
  bytes raw = 12 [(huiliu.v1.data) = {title: "原文"}];
  google.protobuf.Timestamp at = 13 [(huiliu.v1.data) = {title: "时间"}];
  google.protobuf.Duration took = 14 [(huiliu.v1.data) = {title: "时长"}];
  optional string note = 15 [(huiliu.v1.data) = {title: "备注"}];
  repeated string tags = 16 [(huiliu.v1.data) = {title: "标签"}];
  repeated int32 marks = 17 [(huiliu.v1.data) = {title: "分"}];
  Inner inner = 18 [(huiliu.v1.data) = {title: "内"}];
  fixed32 fix = 19 [(huiliu.v1.data) = {title: "定"}];
  sfixed64 sfix = 200 [(huiliu.v1.data) = {title: "定"}];
  string package = 20 [(huiliu.v1.data) = {title: "包"}];
}
)";

class Rows {
 public:
  explicit Rows(const std::string& source = kRowSource) {
    auto contract = schema::Contract::Parse("row.proto", source);
    EXPECT_TRUE(contract.ok()) << contract.status();
    contract_ = *contract;
    std::vector<uint32_t> numbers;
    for (const schema::Field& field : contract_->fields()) numbers.push_back(field.number);
    plan_ = std::make_unique<schema::FieldPlan>(numbers);
    environment_.contains = [](absl::string_view area, absl::string_view code) {
      return absl::StartsWith(code, area);
    };
  }

  const schema::Contract& contract() const { return *contract_; }
  const Environment& environment() const { return environment_; }
  const schema::FieldPlan& plan() const { return *plan_; }

  std::string Wire(const std::string& text_format) {
    std::unique_ptr<google::protobuf::Message> row(
        factory_.GetPrototype(contract_->descriptor())->New());
    EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text_format, row.get()))
        << text_format;
    return row->SerializeAsString();
  }

  std::unique_ptr<const Predicate> Compile(const std::string& text) {
    auto predicate = Predicate::Compile(text, *contract_, environment_, nullptr);
    EXPECT_TRUE(predicate.ok()) << text << ": " << predicate.status();
    return predicate.ok() ? std::move(*predicate) : nullptr;
  }

  std::vector<Issue> Issues(const std::string& text) {
    std::vector<Issue> issues;
    EXPECT_FALSE(Predicate::Compile(text, *contract_, environment_, &issues).ok()) << text;
    return issues;
  }

  Truth Evaluate(const Predicate& predicate, absl::string_view wire,
                 absl::string_view division = "530102") {
    std::vector<schema::FieldSlot> slots(contract_->fields().size());
    EXPECT_TRUE(plan_->Scan(wire, absl::MakeSpan(slots)).ok());
    return predicate.Evaluate({slots, division, wire});
  }

  std::string Explain(const Predicate& predicate, absl::string_view wire,
                      absl::string_view division = "530102") {
    std::vector<schema::FieldSlot> slots(contract_->fields().size());
    EXPECT_TRUE(plan_->Scan(wire, absl::MakeSpan(slots)).ok());
    return predicate.ExplainError({slots, division, wire});
  }

  Truth Ask(const std::string& text, const std::string& row,
            absl::string_view division = "530102") {
    const auto predicate = Compile(text);
    return predicate == nullptr ? Truth::kError : Evaluate(*predicate, Wire(row), division);
  }

 private:
  std::shared_ptr<const schema::Contract> contract_;
  std::unique_ptr<schema::FieldPlan> plan_;
  Environment environment_;
  google::protobuf::DynamicMessageFactory factory_;
};

}  // namespace huiliu::cel

#endif  // HUILIU_TESTS_UNIT_CEL_ROWS_H_
