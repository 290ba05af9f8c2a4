// A small dataset and its divisions: what the targets of rules and expressions decide about.
#ifndef HUILIU_TESTS_FUZZ_WORLD_H_
#define HUILIU_TESTS_FUZZ_WORLD_H_

#include <memory>
#include <string>

#include "core/schema/contract.h"
#include "core/territory/territory.h"
#include "tests/fuzz/fuzz.h"

namespace huiliu::fuzz {

inline constexpr char kPersonContract[] = R"(syntax = "proto3";
package fuzz.v1;
import "google/protobuf/timestamp.proto";
import "huiliu/v1/dataset.proto";
message Person {
  option (huiliu.v1.dataset) = {
    id: "person" title: "人员" provider: "测试" theme: "population"
    sharing: SHARING_UNCONDITIONAL update_cycle: UPDATE_CYCLE_DAILY
    territory: {title: "登记地" evidence: {field: "division" kind: EVIDENCE_KIND_CODE}}
  };
  enum State { STATE_UNSPECIFIED = 0; STATE_OPEN = 1; STATE_CLOSED = 2; }
  string id = 1 [(huiliu.v1.data) = {title: "编号" key: true}];
  string name = 2 [(huiliu.v1.data) = {title: "姓名" required: true}];
  string phone = 3 [(huiliu.v1.data) = {title: "电话"}];
  int64 age = 4 [(huiliu.v1.data) = {title: "年龄"}];
  string division = 5 [(huiliu.v1.data) = {title: "区划"}];
  repeated string tags = 6 [(huiliu.v1.data) = {title: "标签"}];
  google.protobuf.Timestamp at = 7 [(huiliu.v1.data) = {title: "时间"}];
  bool open = 8 [(huiliu.v1.data) = {title: "公开"}];
  double amount = 9 [(huiliu.v1.data) = {title: "金额"}];
  State state = 10 [(huiliu.v1.data) = {title: "状态"}];
  uint64 serial = 11 [(huiliu.v1.data) = {title: "序号"}];
  repeated int64 marks = 12 [(huiliu.v1.data) = {title: "分"}];
  bytes photo = 100 [(huiliu.v1.data) = {title: "照片"}];
})";

inline const std::shared_ptr<const schema::Contract>& PersonContract() {
  static const auto& contract =
      *new auto(Must(schema::Contract::Parse("person.proto", kPersonContract)));
  return contract;
}

// Every code of two to six digits, inside what it begins with.
class PrefixDivisions : public territory::Divisions {
 public:
  const territory::Division* Find(absl::string_view) const override { return nullptr; }
  std::string Resolve(absl::string_view code) const override {
    return std::string(code.substr(0, 6));
  }
  bool Contains(absl::string_view area, absl::string_view code) const override {
    while (area.size() > 2 && area.substr(area.size() - 2) == "00") area.remove_suffix(2);
    return !area.empty() && code.substr(0, area.size()) == area;
  }
};

}  // namespace huiliu::fuzz

#endif  // HUILIU_TESTS_FUZZ_WORLD_H_
