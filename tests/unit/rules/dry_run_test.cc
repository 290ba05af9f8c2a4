#include "core/rules/dry_run.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <random>
#include <set>

#include "absl/strings/escaping.h"
#include "core/rules/override_match.h"
#include "tests/unit/rules/engine_fixture.h"

namespace huiliu::rules {
namespace {

using namespace huiliu::v1;  // NOLINT: categories
using testing::ElementsAre;
using testing::IsEmpty;

constexpr char kActiveRules[] = R"(
legal_basis: 政务数据共享条例
rules:
  - {id: secret, when: name == "密", withhold: 不予公开}
  - {id: own, when: 'inDivision("530100")', masks: {phone: {partial: {keep_first: 3, keep_last: 4}}}}
)";

class DryRunTest : public testing::Test {
 protected:
  explicit DryRunTest(bool conflicts_wait = false) : f_(conflicts_wait) {}

  void Begin(const char* active, const char* draft, int samples = 5, uint64_t seed = 1,
             size_t max_keys = 1000) {
    options_.active = {{"530100"}, active == nullptr ? nullptr : f_.Rules("530100", active)};
    options_.draft.rules = f_.Rules("530100", draft);
    if (options_.draft.divisions.empty()) options_.draft.divisions = {"530100"};
    options_.pseudonym_key = std::string(32, 'k');
    options_.samples = samples;
    options_.seed = seed;
    options_.max_keys = max_keys;
    auto made = DryRun::Create(options_, f_.contract, YunnanDivisions());
    ASSERT_TRUE(made.ok()) << made.status();
    run_ = std::move(*made);
  }
  absl::Status Send(absl::string_view json, int64_t time = 0, bool is_delete = false,
                    absl::string_view system = "hr") {
    const std::string record = f_.Record(json);
    return SendBytes(*f_.contract->KeyOf(record), record, time, is_delete, system);
  }
  absl::Status SendBytes(absl::string_view key, absl::string_view record, int64_t time = 0,
                         bool is_delete = false, absl::string_view system = "hr") {
    SourceChange change;
    change.operation = is_delete ? OPERATION_DELETE : OPERATION_UPSERT;
    change.key = key;
    change.payload = is_delete ? absl::string_view() : record;
    change.source_time_us = time;
    return run_->Add(system, change, absl::StrCat("row ", ++row_));
  }
  static std::map<std::string, int64_t> Of(
      const google::protobuf::RepeatedPtrField<DryRunCount>& counts) {
    std::map<std::string, int64_t> out;
    for (const DryRunCount& count : counts)
      out[DryRunCategory_Name(count.category()).substr(17)] = count.records();
    return out;
  }
  std::map<std::string, int64_t> Counts() { return Of(run_->Report().counts()); }
  std::vector<std::string> Keys(DryRunCategory category) {
    std::vector<std::string> keys;
    for (const DryRunExample* example : run_->Examples()) {
      if (example->category == category) keys.push_back(example->key);
    }
    return keys;
  }

  EngineFixture f_;
  DryRun::Options options_;
  std::unique_ptr<DryRun> run_;
  int row_ = 0;
};

using Map = std::map<std::string, int64_t>;

// What was decided by hand is decided so on both sides: rules apply to it like to the rest.
TEST_F(DryRunTest, TerritoryOverridesHoldOnBothSides) {
  const auto by_name = [&](const std::string& id, const std::string& name) {
    TerritoryOverride& held = options_.overrides.emplace_back();
    held.set_id(id);
    held.set_dataset("person");
    held.set_receiver("530100");
    held.set_division("530102");
    held.mutable_name()->set_field("name");
    held.mutable_name()->set_text(name);
  };
  by_name("ov1", "甲");
  by_name("ov2", "乙");
  TerritoryOverride& record = options_.overrides.emplace_back(options_.overrides[0]);
  record.set_id("ov3");
  record.set_record(absl::BytesToHexString(
      AsBytes(RecordDigest("tax", *f_.contract->KeyOf(f_.Record(R"({"id":"9"})"))))));
  Begin(kActiveRules, R"(
legal_basis: 政务数据共享条例
rules:
  - {id: minors, when: age < 18, withhold: 未成年人}
  - {id: own, when: 'inDivision("530100")', masks: {phone: {partial: {keep_first: 3, keep_last: 4}}}}
)");
  ASSERT_TRUE(Send(R"({"id":"1","name":"甲","age":40})").ok());
  ASSERT_TRUE(Send(R"({"id":"2","name":"乙","age":7})").ok());
  ASSERT_TRUE(Send(R"({"id":"3","name":"丙","age":7})").ok());
  // Of one system's record, not of another's with the same key.
  ASSERT_TRUE(Send(R"({"id":"9","name":"丁","age":8})", 0, false, "hr").ok());
  ASSERT_TRUE(Send(R"({"id":"9","name":"丁","age":8})", 0, false, "tax").ok());
  ASSERT_TRUE(Send(R"({"id":"2","name":"乙","age":8})", 1, false, "hr").ok());
  EXPECT_EQ(Counts(), (Map{{"UNCHANGED", 3}, {"NO_LONGER_RETURNED", 2}}));
}

TEST_F(DryRunTest, ADraftThatWithholdsOneKindNoLongerReturnsIt) {
  Begin(kActiveRules, R"(
legal_basis: 政务数据共享条例
rules:
  - {id: secret, when: name == "密", withhold: 不予公开}
  - {id: minors, when: age < 18, withhold: 未成年人}
  - {id: own, when: 'inDivision("530100")', masks: {phone: {partial: {keep_first: 3, keep_last: 4}}}}
)");
  ASSERT_TRUE(Send(R"({"id":"1","name":"张三","division":"530102","age":40})").ok());
  ASSERT_TRUE(Send(R"({"id":"2","name":"李四","division":"530102","age":7})").ok());
  ASSERT_TRUE(
      Send(R"({"id":"3","name":"王五","division":"530103","age":8})", 0, false, "tax").ok());
  ASSERT_TRUE(Send(R"({"id":"4","name":"密","division":"530102","age":9})").ok());
  ASSERT_TRUE(Send(R"({"id":"5","name":"远","division":"532901","age":9})").ok());
  run_->AddUnmapped();
  EXPECT_EQ(Counts(), (Map{{"UNCHANGED", 3}, {"NO_LONGER_RETURNED", 2}}));
  const DryRunReport report = run_->Report();
  EXPECT_EQ(report.dataset(), "person");
  EXPECT_EQ(report.receiver(), "530100");
  EXPECT_EQ(report.records(), 5);
  EXPECT_EQ(report.changes(), 5);
  EXPECT_EQ(report.unmapped(), 1);
  std::map<std::string, Map> divisions, systems;
  for (const auto& part : report.divisions()) divisions[part.name()] = Of(part.counts());
  for (const auto& part : report.systems()) systems[part.name()] = Of(part.counts());
  EXPECT_EQ(divisions,
            (std::map<std::string, Map>{{"530102", {{"UNCHANGED", 2}, {"NO_LONGER_RETURNED", 1}}},
                                        {"530103", {{"NO_LONGER_RETURNED", 1}}},
                                        {"532901", {{"UNCHANGED", 1}}}}));
  EXPECT_EQ(systems["tax"], (Map{{"NO_LONGER_RETURNED", 1}}));
  ASSERT_EQ(report.rules_size(), 1);
  EXPECT_EQ(report.rules(0).active_rule(), "own");
  EXPECT_EQ(report.rules(0).draft_rule(), "minors");
  EXPECT_EQ(report.rules(0).draft_reason(), "rule.withheld:minors");
  EXPECT_EQ(report.rules(0).records(), 2);
  std::map<Outcome, std::pair<int64_t, int64_t>> outcomes;
  for (const auto& line : report.outcomes())
    outcomes[line.outcome()] = {line.active(), line.draft()};
  EXPECT_EQ(outcomes[OUTCOME_RETURNED], (std::pair<int64_t, int64_t>(3, 1)));
  EXPECT_EQ(outcomes[OUTCOME_WITHHELD], (std::pair<int64_t, int64_t>(1, 3)));
}

TEST_F(DryRunTest, WithoutRulesInForceAllThatTheDraftReturnsIsNew) {
  Begin(nullptr, kActiveRules);
  ASSERT_TRUE(Send(R"({"id":"1","name":"张三","division":"530102"})").ok());
  ASSERT_TRUE(Send(R"({"id":"2","name":"密","division":"530102"})").ok());
  ASSERT_TRUE(Send(R"({"id":"3","name":"无"})").ok());
  ASSERT_TRUE(Send(R"({"id":"4","division":"530102"})").ok());
  EXPECT_EQ(Counts(), (Map{{"UNCHANGED", 3}, {"NEWLY_RETURNED", 1}}));
  EXPECT_EQ(run_->Report().active_version(), 0u);
}

TEST_F(DryRunTest, OtherMasksDifferInTheFieldsThatTheyChange) {
  Begin(kActiveRules, R"(
legal_basis: 政务数据共享条例
rules:
  - {id: secret, when: name == "密", withhold: 不予公开}
  - {id: own, when: 'inDivision("530100")', drop: [age], masks: {phone: {partial: {keep_first: 3}}}}
)");
  ASSERT_TRUE(Send(R"({"id":"1","name":"甲","division":"530102","phone":"13800001111"})").ok());
  ASSERT_TRUE(Send(R"({"id":"2","name":"乙","division":"530102","age":3})").ok());
  ASSERT_TRUE(
      Send(R"({"id":"3","name":"丙","division":"530102","age":3,"phone":"13800001111"})").ok());
  ASSERT_TRUE(Send(R"({"id":"4","name":"丁","division":"530102"})").ok()) << "nothing to mask";
  EXPECT_EQ(Counts(), (Map{{"UNCHANGED", 1}, {"DIFFERENTLY_MASKED", 3}}));
  std::map<std::string, Map> fields;
  const DryRunReport report = run_->Report();
  for (const auto& part : report.fields()) fields[part.name()] = Of(part.counts());
  EXPECT_EQ(fields, (std::map<std::string, Map>{{"age", {{"DIFFERENTLY_MASKED", 2}}},
                                                {"phone", {{"DIFFERENTLY_MASKED", 2}}}}));
  for (const DryRunExample* example : run_->Examples()) {
    EXPECT_NE(example->active_payload, example->draft_payload);
    EXPECT_THAT(example->fields, testing::Not(IsEmpty()));
  }
}

TEST_F(DryRunTest, TheSameContentInAnotherOrderIsNoDifference) {
  Begin("legal_basis: x\nrules:\n  - {id: own}\n",
        "legal_basis: x\nrules:\n  - {id: own, derive: {name: name}}\n");
  ASSERT_TRUE(Send(R"({"id":"1","name":"甲","phone":"1","division":"530102"})").ok());
  EXPECT_EQ(Counts(), (Map{{"UNCHANGED", 1}}));
}

TEST_F(DryRunTest, AnotherAreaMakesRecordsPendingOutsideOrDecidedOtherwise) {
  options_.draft.divisions = {"530102"};
  Begin(kActiveRules, kActiveRules);
  ASSERT_TRUE(Send(R"({"id":"1","name":"甲","division":"530100"})").ok());
  ASSERT_TRUE(Send(R"({"id":"2","name":"乙","division":"530103"})").ok());
  ASSERT_TRUE(Send(R"({"id":"3","name":"密","division":"530103"})").ok());
  ASSERT_TRUE(Send(R"({"id":"4","name":"丁","division":"530102"})").ok());
  EXPECT_EQ(Counts(), (Map{{"NEWLY_PENDING", 1},
                           {"NO_LONGER_RETURNED", 1},
                           {"DECIDED_OTHERWISE", 1},
                           {"UNCHANGED", 1}}));
}

TEST_F(DryRunTest, AKeptValueThatIsNoTextIsNewlyQuarantined) {
  Begin("legal_basis: x\nrules:\n  - {id: own, drop: [phone]}\n",
        "legal_basis: x\nrules:\n  - {id: own}\n");
  const std::string record = f_.Record(R"({"id":"1","name":"甲","division":"530102"})") +
                             std::string("\x1A\x02\xD5\xC5", 4);
  ASSERT_TRUE(SendBytes("k", record).ok());
  EXPECT_EQ(Counts(), (Map{{"NEWLY_QUARANTINED", 1}}));
  EXPECT_EQ(run_->Report().rules(0).draft_reason(), "field.invalid:phone");
}

TEST_F(DryRunTest, WhatIsNewlyReturnedAgainstItsEvidenceIsInConflictToo) {
  Begin("legal_basis: x\nrules:\n  - {id: doubt, when: conflict, withhold: 存疑}\n  - {id: own}\n",
        "legal_basis: x\nrules:\n  - {id: own}\n");
  ASSERT_TRUE(Send(R"({"id":"1","name":"甲","division":"530102","other_division":"532901"})").ok());
  ASSERT_TRUE(Send(R"({"id":"2","name":"乙","division":"530102"})").ok());
  EXPECT_EQ(Counts(), (Map{{"NEWLY_RETURNED", 1}, {"NEWLY_IN_CONFLICT", 1}, {"UNCHANGED", 1}}));
  EXPECT_EQ(Keys(DRY_RUN_CATEGORY_NEWLY_IN_CONFLICT), Keys(DRY_RUN_CATEGORY_NEWLY_RETURNED));
}

TEST_F(DryRunTest, OfSeveralVersionsTheNewestCountsAndADeleteEndsAll) {
  Begin(kActiveRules, "legal_basis: x\nrules:\n  - {id: all}\n");
  const char secret[] = R"({"id":"1","name":"密","division":"530102"})";
  const char open[] = R"({"id":"1","name":"开","division":"530102"})";
  ASSERT_TRUE(Send(secret, 5).ok());
  EXPECT_EQ(Counts(), (Map{{"NEWLY_RETURNED", 1}}));
  ASSERT_TRUE(Send(open, 4).ok()) << "older: changes nothing";
  EXPECT_EQ(Counts(), (Map{{"NEWLY_RETURNED", 1}}));
  ASSERT_TRUE(Send(open, 6).ok());
  EXPECT_EQ(Counts(), (Map{{"UNCHANGED", 1}}));
  EXPECT_THAT(run_->Examples(), IsEmpty()) << "its sample went with the version";
  ASSERT_TRUE(Send(secret, 0).ok()) << "without a time: what comes later";
  EXPECT_EQ(Counts(), (Map{{"NEWLY_RETURNED", 1}}));
  ASSERT_TRUE(Send(secret, 7, true).ok());
  EXPECT_EQ(Counts(), Map());
  DryRunReport report = run_->Report();
  EXPECT_EQ(report.deleted(), 1);
  EXPECT_EQ(report.records(), 0);
  EXPECT_EQ(report.changes(), 5);
  EXPECT_EQ(report.superseded(), 4);
  EXPECT_EQ(report.divisions_size(), 0);
  ASSERT_TRUE(Send(secret, 8).ok());
  report = run_->Report();
  EXPECT_EQ(report.deleted(), 0);
  EXPECT_EQ(Counts(), (Map{{"NEWLY_RETURNED", 1}}));
  ASSERT_TRUE(Send(secret, 8, false, "tax").ok());
  EXPECT_EQ(Counts(), (Map{{"NEWLY_RETURNED", 2}})) << "another system's key is another key";
}

TEST_F(DryRunTest, SamplesAreBoundedChosenByTheSeedAndTheSameInAnyOrder) {
  const auto keys_of = [&](uint64_t seed, bool backwards) {
    Begin(nullptr, "legal_basis: x\nrules:\n  - {id: all}\n", 7, seed);
    for (int i = 0; i < 200; ++i) {
      const int id = backwards ? 199 - i : i;
      EXPECT_TRUE(
          Send(absl::StrCat(R"({"id":")", id, R"(","name":"甲","division":"530102"})")).ok());
    }
    EXPECT_EQ(Counts(), (Map{{"NEWLY_RETURNED", 200}}));
    return Keys(DRY_RUN_CATEGORY_NEWLY_RETURNED);
  };
  const auto first = keys_of(1, false);
  EXPECT_EQ(first.size(), 7u);
  EXPECT_EQ(keys_of(1, true), first);
  EXPECT_NE(keys_of(2, false), first);
  Begin(nullptr, "legal_basis: x\nrules:\n  - {id: all}\n", 0);
  ASSERT_TRUE(Send(R"({"id":"1","name":"甲","division":"530102"})").ok());
  EXPECT_THAT(run_->Examples(), IsEmpty());
  options_.samples = DryRun::kMaxSamples + 1;
  EXPECT_EQ(DryRun::Create(options_, f_.contract, YunnanDivisions()).status().code(),
            absl::StatusCode::kInvalidArgument);
}

TEST_F(DryRunTest, SamplesThatANewerVersionTakesAwayAreReplaced) {
  Begin(nullptr, "legal_basis: x\nrules:\n  - {id: all, when: name == \"甲\"}\n", 5);
  const auto send = [&](int id, const char* name) {
    return Send(absl::StrCat(R"({"id":")", id, R"(","name":")", name, R"(","division":"530102"})"));
  };
  for (int id = 0; id < 200; ++id) ASSERT_TRUE(send(id, "甲").ok());
  for (int id = 0; id < 200; id += 2) ASSERT_TRUE(send(id, "乙").ok());
  EXPECT_EQ(Counts(), (Map{{"NEWLY_RETURNED", 100}, {"UNCHANGED", 100}}));
  EXPECT_EQ(Keys(DRY_RUN_CATEGORY_NEWLY_RETURNED).size(), 5u);
}

TEST_F(DryRunTest, KeysAreBoundedUntilTheyAreForgotten) {
  Begin(nullptr, "legal_basis: x\nrules:\n  - {id: all}\n", 5, 1, 2);
  const auto send = [&](int id) {
    return Send(absl::StrCat(R"({"id":")", id, R"(","name":"甲","division":"530102"})"));
  };
  EXPECT_TRUE(send(1).ok());
  EXPECT_TRUE(send(2).ok());
  EXPECT_TRUE(send(1).ok()) << "a known key needs no room";
  EXPECT_EQ(send(3).code(), absl::StatusCode::kResourceExhausted);
  run_->ForgetKeys();
  EXPECT_TRUE(send(3).ok());
  EXPECT_EQ(Counts(), (Map{{"NEWLY_RETURNED", 3}})) << "what was counted stays";
  std::set<uint32_t> parts;
  for (int i = 0; i < 100; ++i) parts.insert(DryRun::PartOf(absl::StrCat(i), 4));
  EXPECT_THAT(parts, ElementsAre(0, 1, 2, 3));
}

TEST_F(DryRunTest, RulesAreInForceAsOfTheTimeAskedFor) {
  options_.as_of_us = 1767225600000000;  // 2026-01-01
  Begin("legal_basis: x\nrules:\n  - {id: own}\n",
        "legal_basis: x\nrules:\n  - {id: own, valid_from: 2026-06-01}\n");
  ASSERT_TRUE(Send(R"({"id":"1","name":"甲","division":"530102"})").ok());
  EXPECT_EQ(Counts(), (Map{{"NO_LONGER_RETURNED", 1}}));
  options_.as_of_us = 1790000000000000;  // 2026-09
  Begin("legal_basis: x\nrules:\n  - {id: own}\n",
        "legal_basis: x\nrules:\n  - {id: own, valid_from: 2026-06-01}\n");
  ASSERT_TRUE(Send(R"({"id":"1","name":"甲","division":"530102"})").ok());
  EXPECT_EQ(Counts(), (Map{{"UNCHANGED", 1}}));
}

// Whatever comes in whatever order: the report says what two engines of their own say of the newest
// versions.
TEST_F(DryRunTest, AgreesWithTwoEnginesOnRandomRecords) {
  const uint32_t seed = std::random_device{}();
  SCOPED_TRACE(absl::StrCat("seed ", seed));
  std::mt19937 random(seed);
  const char draft[] = R"(
legal_basis: x
rules:
  - {id: minors, when: age < 18, withhold: 未成年人}
  - {id: wuhua, when: 'inDivision("530102")', masks: {phone: hash}}
  - {id: panlong, when: 'inDivision("530103") && name != "密"'}
)";
  Begin(kActiveRules, draft, 3, seed, 10'000);
  struct Version {
    int64_t time = 0;
    std::string record;
    bool is_delete = false;
  };
  std::map<std::string, Version> newest;
  const char* divisions[] = {"530102", "530103", "530100", "532901", "", "530102001"};
  const char* names[] = {"甲", "密", "乙"};
  for (int i = 0; i < 3000; ++i) {
    const std::string id = absl::StrCat(random() % 500);
    Version version;
    version.time = 1 + static_cast<int64_t>(random() % 50);
    version.is_delete = random() % 10 == 0;
    version.record =
        f_.Record(absl::StrCat(R"({"id":")", id, R"(","name":")", names[random() % 3],
                               R"(","division":")", divisions[random() % 6], R"(","phone":"138)",
                               random() % 100, R"(","age":)", random() % 40, "}"));
    ASSERT_TRUE(SendBytes(id, version.record, version.time, version.is_delete).ok());
    if (version.time >= newest[id].time) newest[id] = version;
  }
  Map expected;
  int64_t deleted = 0;
  std::map<std::string, std::pair<Outcome, std::string>> active;
  for (const char* rules : {kActiveRules, draft}) {
    f_.UseKunming(rules);
    for (const auto& [id, version] : newest) {
      if (version.is_delete) {
        deleted += rules == draft;
        continue;
      }
      f_.memory.clear();
      const Decision& d = f_.Send("k", version.record, "row");
      const Outcome outcome = d.outcomes[0];
      const std::string payload = d.outputs.empty() ? "" : d.outputs[0].payload;
      if (rules == kActiveRules) {
        active[id] = {outcome, payload};
        continue;
      }
      const bool was = active[id].first == OUTCOME_RETURNED, is = outcome == OUTCOME_RETURNED;
      ++expected[was && is ? (payload == active[id].second ? "UNCHANGED" : "DIFFERENTLY_MASKED")
                 : was     ? "NO_LONGER_RETURNED"
                 : is      ? "NEWLY_RETURNED"
                           : "UNCHANGED"];
    }
  }
  EXPECT_EQ(Counts(), expected);
  EXPECT_EQ(run_->Report().deleted(), deleted);
}

}  // namespace
}  // namespace huiliu::rules
