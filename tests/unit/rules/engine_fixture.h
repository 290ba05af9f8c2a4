// One dataset, one or more receivers, decisions remembered as an agent does.
#ifndef HUILIU_TESTS_UNIT_RULES_ENGINE_FIXTURE_H_
#define HUILIU_TESTS_UNIT_RULES_ENGINE_FIXTURE_H_

#include <gtest/gtest.h>

#include <cstdlib>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "core/rules/return_engine.h"
#include "core/schema/record_writer.h"

namespace huiliu::rules {

inline constexpr char kPersonContract[] = R"(syntax = "proto3";
package test.v1;
import "huiliu/v1/dataset.proto";
message Person {
  option (huiliu.v1.dataset) = {
    id: "person" title: "人员" provider: "测试" theme: "population"
    sharing: SHARING_UNCONDITIONAL update_cycle: UPDATE_CYCLE_DAILY
    territory: {title: "登记地"
      evidence: {field: "division" kind: EVIDENCE_KIND_CODE}
      evidence: {field: "other_division" kind: EVIDENCE_KIND_CODE}
      %s}
  };
  string id = 1 [(huiliu.v1.data) = {title: "编号" key: true}];
  string name = 2 [(huiliu.v1.data) = {title: "姓名" required: true}];
  string phone = 3 [(huiliu.v1.data) = {title: "电话" personal: true}];
  string division = 4 [(huiliu.v1.data) = {title: "区划"}];
  string other_division = 5 [(huiliu.v1.data) = {title: "另一区划"}];
  string citizen_id = 6 [(huiliu.v1.data) = {title: "身份证号" value: VALUE_KIND_CITIZEN_ID}];
  int64 age = 7 [(huiliu.v1.data) = {title: "年龄"}];
})";

inline constexpr char kOpenRules[] = R"(
legal_basis: 政务数据共享条例
rules:
  - id: own
)";

inline const std::string& RepositoryRoot() {
  static const std::string root = [] {
    const char* named = std::getenv("HUILIU_ROOT");
    return std::string(named != nullptr ? named : ".");
  }();
  return root;
}

inline std::shared_ptr<const territory::Divisions> YunnanDivisions() {
  static const auto divisions = territory::Divisions::Load(RepositoryRoot() + "/schemas/divisions");
  EXPECT_TRUE(divisions.ok()) << divisions.status();
  return divisions.ok() ? *divisions : nullptr;
}

class EngineFixture {
 public:
  explicit EngineFixture(bool conflicts_wait = false) {
    std::string source = kPersonContract;
    source.replace(source.find("%s"), 2, conflicts_wait ? "conflicts_wait: true" : "");
    auto parsed = schema::Contract::Parse("person.proto", source);
    EXPECT_TRUE(parsed.ok()) << parsed.status();
    contract = *parsed;
  }

  std::shared_ptr<const RuleSet> Rules(absl::string_view receiver, absl::string_view body) {
    const auto set = ParseRuleSet(
        absl::StrCat(receiver, ".yaml"),
        absl::StrCat("dataset: person\nreceiver: \"", receiver, "\"\n", body), *contract, nullptr);
    EXPECT_TRUE(set.ok()) << set.status();
    return set.ok() ? *set : nullptr;
  }
  // Makes the engine anew; what is remembered stays.
  void Use(std::vector<Receiver> receivers, std::vector<std::shared_ptr<const RuleSet>> sets) {
    auto made =
        ReturnEngine::Create({std::move(receivers)}, contract, std::move(sets), YunnanDivisions());
    ASSERT_TRUE(made.ok()) << made.status();
    engine = std::move(*made);
  }
  void UseKunming(absl::string_view body = kOpenRules) {
    Use({{ReceiverId("530100"), "昆明市", {"530100"}, std::string(32, 'k')}},
        {Rules("530100", body)});
  }

  std::string Record(absl::string_view json) {
    auto record = schema::RecordFromJson(*contract, json);
    EXPECT_TRUE(record.ok()) << record.status();
    return record.ok() ? *record : "";
  }
  // Decides, and remembers through the stored form.
  Decision& Send(absl::string_view key, absl::string_view record, absl::string_view row,
                 int64_t time = 0, bool is_delete = false) {
    SourceChange change;
    change.operation = is_delete ? huiliu::v1::OPERATION_DELETE : huiliu::v1::OPERATION_UPSERT;
    change.key = key;
    change.payload = record;
    change.row_id = row;
    change.source_time_us = time;
    change.now_us = now_us;
    change.redrive = redrive;
    change.kept = kept;
    change.uncorrected = uncorrected;
    change.recall = recall;
    change.source = source;
    const auto stored = memory.find(std::string(key));
    PriorDecision prior;
    if (stored != memory.end()) {
      EXPECT_TRUE(DecodeDecision(stored->second, &prior).ok());
    }
    engine->Decide(change, stored == memory.end() ? nullptr : &prior, &decision);
    if (decision.store) memory[std::string(key)] = EncodeDecision(decision.next);
    return decision;
  }
  Decision& SendJson(absl::string_view key, absl::string_view json, absl::string_view row,
                     int64_t time = 0) {
    payload = Record(json);
    return Send(key, payload, row, time);
  }
  Decision& Delete(absl::string_view key, absl::string_view row, int64_t time = 0,
                   absl::string_view record = "") {
    return Send(key, record, row, time, true);
  }
  std::string Shown(int output = 0) {
    return *schema::RecordToJson(*contract, decision.outputs.at(output).payload);
  }

  std::shared_ptr<const schema::Contract> contract;
  std::unique_ptr<ReturnEngine> engine;
  std::map<std::string, std::string> memory;
  Decision decision;
  std::string payload;
  bool redrive = false;
  Kept kept = Kept::kLast;
  bool uncorrected = false, recall = false;
  std::string source;
  int64_t now_us = 1767225600000000;  // 2026-01-01 08:00 in Shanghai
};

}  // namespace huiliu::rules

#endif  // HUILIU_TESTS_UNIT_RULES_ENGINE_FIXTURE_H_
