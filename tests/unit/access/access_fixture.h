// A contract, records and grants for the tests of access.
#ifndef HUILIU_TESTS_UNIT_ACCESS_ACCESS_FIXTURE_H_
#define HUILIU_TESTS_UNIT_ACCESS_ACCESS_FIXTURE_H_

#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "broker/access/access_plan.h"
#include "core/schema/record_writer.h"
#include "huiliu/v1/common.pb.h"

namespace huiliu::access {

inline constexpr char kContract[] = R"(
syntax = "proto3";
package huiliu.dataset.test.v1;
import "google/protobuf/timestamp.proto";
import "huiliu/v1/dataset.proto";
message Person {
  option (huiliu.v1.dataset) = {
    id: "person" title: "人员" catalog_code: "301001/000009" theme: "population" provider: "测试"
    abstract: "测试" sharing: SHARING_CONDITIONAL sharing_condition: "按需" update_cycle: UPDATE_CYCLE_DAILY
    territory: { title: "参保地" evidence: {field: "place" kind: EVIDENCE_KIND_CODE} }
  };
  string number = 1 [(huiliu.v1.data) = {title: "编号" key: true grade: GRADE_GENERAL_2 required: true}];
  string citizen_id = 2 [(huiliu.v1.data) = {title: "身份证号" grade: GRADE_GENERAL_4 personal: true default_mask: {partial: {keep_first: 6 keep_last: 4}}}];
  string name = 3 [(huiliu.v1.data) = {title: "姓名" grade: GRADE_GENERAL_3 personal: true default_mask: {partial: {keep_first: 1}}}];
  string place = 4 [(huiliu.v1.data) = {title: "参保地" grade: GRADE_GENERAL_1}];
  string secret_note = 5 [(huiliu.v1.data) = {title: "备注" grade: GRADE_GENERAL_4 default_mask: {drop: true}}];
  int64 salary = 6 [(huiliu.v1.data) = {title: "工资" grade: GRADE_GENERAL_3}];
  google.protobuf.Timestamp updated_at = 7 [(huiliu.v1.data) = {title: "更新时间" grade: GRADE_GENERAL_1}];
  repeated string phones = 8 [(huiliu.v1.data) = {title: "电话" grade: GRADE_GENERAL_3 personal: true default_mask: {partial: {keep_first: 3 keep_last: 4}}}];
  string employer = 9 [(huiliu.v1.data) = {title: "单位代码" index: true grade: GRADE_GENERAL_1 value: VALUE_KIND_USCC}];
}
)";

inline constexpr char kPseudonymKey[] = "0123456789abcdef0123456789abcdef";

class AccessFixture : public ::testing::Test {
 protected:
  AccessFixture() {
    auto parsed = schema::Contract::Parse("person.proto", kContract, 1);
    EXPECT_TRUE(parsed.ok()) << parsed.status();
    contract_ = *parsed;
    envelope_.set_system("si");
    envelope_.set_division("530102");
  }

  static huiliu::v1::Grant Granted() {
    huiliu::v1::Grant grant;
    grant.set_id("hrss-person");
    grant.set_organisation("km-hrss");
    grant.set_receiver("530100");
    grant.set_dataset("person");
    grant.set_purpose("就业服务");
    grant.set_legal_basis("依据");
    grant.set_version(5);
    grant.mutable_valid_from()->set_seconds(1'700'000'000);
    grant.mutable_valid_to()->set_seconds(1'800'000'000);
    return grant;
  }

  std::string Record(absl::string_view citizen_id = "530102199001011234",
                     absl::string_view name = "张小明", int64_t salary = 8000) {
    schema::RecordWriter writer(*contract_);
    const auto field = [&](const char* field_name) -> const schema::Field& {
      return *contract_->FindField(field_name);
    };
    writer.SetString(field("number"), "P001");
    writer.SetString(field("citizen_id"), citizen_id);
    writer.SetString(field("name"), name);
    writer.SetString(field("place"), "530102");
    writer.SetString(field("secret_note"), "do not show");
    writer.SetInt64(field("salary"), salary);
    return writer.Finish();
  }

  absl::StatusOr<std::shared_ptr<const AccessPlan>> Compile(const huiliu::v1::Grant& grant,
                                                            absl::string_view key = kPseudonymKey) {
    return AccessPlan::Compile(grant, contract_, environment_, key);
  }
  // What the reader sees, as JSON.
  std::string Seen(const AccessPlan& plan, absl::string_view record) {
    std::string shown;
    auto allowed = plan.Apply(record, envelope_.SerializeAsString(), &shown);
    if (!allowed.ok()) return std::string(allowed.status().message());
    if (!*allowed) return "hidden";
    return *schema::RecordToJson(*contract_, shown);
  }

  std::shared_ptr<const schema::Contract> contract_;
  huiliu::v1::Envelope envelope_;
  cel::Environment environment_{[](absl::string_view area, absl::string_view code) {
    return code.substr(0, 4) == area.substr(0, 4);
  }};
};

}  // namespace huiliu::access

#endif  // HUILIU_TESTS_UNIT_ACCESS_ACCESS_FIXTURE_H_
