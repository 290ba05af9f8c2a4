#include "core/rules/predicate_index.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "core/rules/rule_matcher.h"
#include "core/rules/segment_map.h"
#include "core/schema/record_writer.h"

namespace huiliu::rules {
namespace {

constexpr char kContract[] = R"(syntax = "proto3";
package test.v1;
import "google/protobuf/timestamp.proto";
import "huiliu/v1/dataset.proto";
message Row {
  option (huiliu.v1.dataset) = {
    id: "row" title: "行" provider: "测试" theme: "t"
    sharing: SHARING_UNCONDITIONAL update_cycle: UPDATE_CYCLE_DAILY
    territory: {title: "登记地" evidence: {field: "place" kind: EVIDENCE_KIND_CODE}}
  };
  string id = 1 [(huiliu.v1.data) = {title: "编号" key: true}];
  string place = 2 [(huiliu.v1.data) = {title: "区划"}];
  string kind = 3 [(huiliu.v1.data) = {title: "类别"}];
  int64 count = 4 [(huiliu.v1.data) = {title: "数"}];
  uint64 total = 5 [(huiliu.v1.data) = {title: "总"}];
  double rate = 6 [(huiliu.v1.data) = {title: "率"}];
  bool active = 7 [(huiliu.v1.data) = {title: "在用"}];
  google.protobuf.Timestamp at = 8 [(huiliu.v1.data) = {title: "时间"}];
  string day = 9 [(huiliu.v1.data) = {title: "日期"}];
})";

class PredicateIndexTest : public testing::Test {
 protected:
  PredicateIndexTest() {
    for (const schema::Field& field : contract_->fields()) numbers_.push_back(field.number);
    plan_ = std::make_unique<schema::FieldPlan>(numbers_);
    slots_.resize(numbers_.size());
  }

  std::shared_ptr<const cel::Predicate> Compile(const std::string& text) {
    std::vector<cel::Issue> issues;
    auto predicate = cel::Predicate::Compile(text, *contract_, environment_, &issues);
    EXPECT_TRUE(predicate.ok()) << text << ": " << predicate.status();
    return *std::move(predicate);
  }
  // The record must outlive the activation.
  cel::Activation Read(const std::string& record, absl::string_view division) {
    EXPECT_TRUE(plan_->Scan(record, absl::MakeSpan(slots_)).ok());
    return {slots_, division, record};
  }
  std::string Row(const std::string& json) { return *schema::RecordFromJson(*contract_, json); }

  const std::shared_ptr<const schema::Contract> contract_ =
      *schema::Contract::Parse("row.proto", kContract);
  std::shared_ptr<const CompiledRules> CompileSet(std::shared_ptr<const RuleSet> set,
                                                  const CompiledRules* previous = nullptr) {
    auto compiled = CompiledRules::Compile({contract_, environment_, ""}, std::move(set), previous);
    EXPECT_TRUE(compiled.ok()) << compiled.status();
    return *std::move(compiled);
  }

  const std::shared_ptr<const cel::Environment> environment_ =
      std::make_shared<const cel::Environment>(
          cel::Environment{[](absl::string_view area, absl::string_view code) {
            return !code.empty() && absl::StartsWith(code, area);
          }});
  std::vector<uint32_t> numbers_;
  std::unique_ptr<schema::FieldPlan> plan_;
  std::vector<schema::FieldSlot> slots_;
};

// The candidates as "rule" where it is known to hold, "rule?" where terms of it are left.
std::vector<std::string> Candidates(const PredicateIndex& index, const cel::Activation& activation,
                                    AreaMemory* memory) {
  std::vector<std::string> found;
  index.Find(activation, memory, [&](Candidate candidate) {
    found.push_back(absl::StrCat(candidate.rule, candidate.left == 0 ? "" : "?"));
  });
  return found;
}

TEST_F(PredicateIndexTest, ARuleStandsUnderItsMostTellingConjunct) {
  std::vector<PredicateIndex::When> rules;
  for (int i = 0; i < 30; ++i)
    rules.push_back(
        Compile(absl::StrCat("kind == 'a' && count > 0 && inDivision('5301", 10 + i, "')")));
  rules.push_back(Compile("kind != 'a'"));
  rules.push_back(nullptr);
  const PredicateIndex index(*contract_, environment_, rules);
  EXPECT_THAT(index.always(), testing::ElementsAre(30, 31));
  AreaMemory memory;
  const std::string row = Row(R"({"id":"1","kind":"b"})");
  for (int again = 0; again < 2; ++again) {
    EXPECT_THAT(Candidates(index, Read(row, "530112005"), &memory), testing::ElementsAre("2?"))
        << "by its area, whatever its kind";
  }
  EXPECT_THAT(Candidates(index, Read(row, ""), &memory), testing::IsEmpty());
}

TEST_F(PredicateIndexTest, WhatTheWayShowsIsNotTestedAgain) {
  std::vector<PredicateIndex::When> rules;
  for (int i = 0; i < 100; ++i)
    rules.push_back(Compile(
        absl::StrCat("count >= ", i / 10, " && kind == 'k", i % 10, "' && count < ", i / 10 + 1)));
  rules.push_back(Compile("kind == 'k3' && (count == 7 || count == 8) && conflict"));
  rules.push_back(Compile("kind == 'k3' && kind in ['k3', 'k4']"));
  const PredicateIndex index(*contract_, environment_, rules);
  AreaMemory memory;
  EXPECT_THAT(Candidates(index, Read(Row(R"({"id":"1","kind":"k3","count":7})"), ""), &memory),
              testing::UnorderedElementsAre("73", "100?", "101?"));
  EXPECT_THAT(Candidates(index, Read(Row(R"({"id":"1","kind":"k4","count":7})"), ""), &memory),
              testing::UnorderedElementsAre("74"));
}

TEST_F(PredicateIndexTest, NaNAndLongCodesLeaveTheRuleItsWord) {
  std::vector<PredicateIndex::When> rules;
  for (int i = 0; i < 20; ++i) rules.push_back(Compile(absl::StrCat("rate < ", i, ".5")));
  rules.push_back(Compile("inDivision(place, '5301')"));
  const PredicateIndex index(*contract_, environment_, rules);
  AreaMemory memory;
  EXPECT_EQ(Candidates(index, Read(Row(R"({"id":"1","rate":"NaN"})"), ""), &memory).size(), 20U);
  const std::string far = absl::StrCat("5301", std::string(40, '0'));
  EXPECT_THAT(
      Candidates(index, Read(Row(absl::StrCat(R"({"id":"1","rate":99,"place":")", far, "\"}")), ""),
                 &memory),
      testing::ElementsAre("20?"));
}

// Random rules and records: with the index the same rule decides as without it.
class RandomRules {
 public:
  explicit RandomRules(uint64_t seed) : random_(seed) {}
  int Below(int n) { return static_cast<int>(random_() % static_cast<uint64_t>(n)); }

  std::string Place() {
    return absl::StrCat("530", 1 + Below(3), 10 + Below(4), Below(2) == 0 ? "" : "005");
  }
  std::string Day() { return absl::StrCat("20", 10 + Below(15), "-0", 1 + Below(9), "-01"); }

  std::string Atom() {
    switch (Below(17)) {
      case 0:
        return absl::StrCat("inDivision('", Place().substr(0, 2 + Below(8)), "')");
      case 1:
        return absl::StrCat("place.startsWith('", Place().substr(0, Below(7)), "')");
      case 2:
        return absl::StrCat("place == '", Place(), "'");
      case 3:
        return absl::StrCat("kind in ['k", Below(9), "', 'k", Below(9), "']");
      case 4:
        return absl::StrCat("count ", Operator(), " ", Below(40) - 20);
      case 5:
        return absl::StrCat("count == ", Below(5));
      case 6:
        return absl::StrCat("total ", Operator(), " ", Below(9), "u");
      case 7:
        return absl::StrCat("rate ", Operator(), " ", Below(9), ".5");
      case 8:
        return Below(2) == 0 ? "active" : "!active";
      case 9:
        return "has(kind)";
      case 10:
        return absl::StrCat("day ", Operator(), " '", Day(), "'");
      case 11:
        return absl::StrCat("at ", Operator(), " timestamp('", Day(), "T00:00:00Z')");
      case 12:
        return absl::StrCat("kind != 'k", Below(5), "'");
      case 13:
        return absl::StrCat("int(kind) == ", Below(9));  // mostly an error
      case 14:
        return absl::StrCat("(kind == 'k1' || kind == 'k", Below(9), "')");
      case 15:
        return absl::StrCat("total == ", Below(4), "u");
      default:
        return absl::StrCat("inDivision(place, '", Place().substr(0, 6), "')");
    }
  }
  std::string Rule() {
    std::string text = Atom();
    for (int n = Below(4); n > 0; --n) absl::StrAppend(&text, " && ", Atom());
    if (Below(12) == 0) absl::StrAppend(&text, " || ", Atom());
    return text;
  }
  std::string Json() {
    std::string json = R"({"id":"1")";
    if (Below(5) > 0) absl::StrAppend(&json, R"(,"place":")", Place(), "\"");
    if (Below(5) > 0)
      absl::StrAppend(&json, R"(,"kind":")", Below(6) == 0 ? "" : "k", Below(9), "\"");
    if (Below(5) > 0) absl::StrAppend(&json, R"(,"count":)", Below(40) - 20);
    if (Below(5) > 0) absl::StrAppend(&json, R"(,"total":)", Below(9));
    if (Below(5) > 0)
      absl::StrAppend(&json, R"(,"rate":)",
                      Below(9) == 0 ? "\"NaN\"" : absl::StrCat(Below(9), ".5"));
    if (Below(2) > 0) absl::StrAppend(&json, R"(,"active":true)");
    if (Below(5) > 0) absl::StrAppend(&json, R"(,"day":")", Day(), "\"");
    if (Below(5) > 0) absl::StrAppend(&json, R"(,"at":")", Day(), "T00:00:00Z\"");
    return json + "}";
  }

 private:
  const char* Operator() {
    constexpr const char* kOperators[] = {"<", "<=", ">", ">=", "=="};
    return kOperators[Below(5)];
  }
  std::mt19937_64 random_;
};

TEST_F(PredicateIndexTest, TheSameRuleDecidesAsWithoutTheIndex) {
  const uint64_t seed = std::random_device{}();
  SCOPED_TRACE(absl::StrCat("seed ", seed));
  RandomRules random(seed);
  int decided = 0, errors = 0;
  for (int round = 0; round < 40; ++round) {
    auto set = std::make_shared<RuleSet>();
    std::vector<std::shared_ptr<const cel::Predicate>> plain;
    const int rules = 17 + random.Below(150);
    for (int i = 0; i < rules; ++i) {
      Rule rule;
      rule.id = absl::StrCat("r", i);
      rule.when = random.Rule();
      rule.returns = false;
      plain.push_back(Compile(rule.when));
      set->rules.push_back(std::move(rule));
    }
    RuleMatcher matcher(CompileSet(set));
    matcher.SetTime(0);
    for (int row = 0; row < 300; ++row) {
      const std::string json = random.Json();
      const std::string record = Row(json);
      // A timestamp that is none makes a condition an error, not false.
      const std::string bad_time("\x42\x0B\x08\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x01", 13);
      const std::string bytes = random.Below(9) == 0 ? record + bad_time : record;
      const cel::Activation activation = Read(bytes, random.Below(9) == 0 ? "" : random.Place());
      RuleMatch expected;
      for (int i = 0; i < rules && expected.rule < 0; ++i) {
        const cel::Truth truth = plain[static_cast<size_t>(i)]->Evaluate(activation);
        if (truth != cel::Truth::kFalse) expected = {i, truth == cel::Truth::kError};
      }
      const RuleMatch match = matcher.First(activation);
      ASSERT_EQ(match.rule, expected.rule) << json << " " << activation.division;
      ASSERT_EQ(match.error, expected.error) << json;
      decided += expected.rule >= 0 ? 1 : 0;
      errors += expected.error ? 1 : 0;
    }
  }
  EXPECT_GT(decided, 1000);
  EXPECT_GT(errors, 100);
}

// A set that changes again and again, compiled from its predecessor each time, over times at which
// rules begin and end: always as a matcher of its own and as trying each rule.
TEST_F(PredicateIndexTest, AVersionThatFollowsAnotherDecidesAsOneCompiledAnew) {
  const uint64_t seed = std::random_device{}();
  SCOPED_TRACE(absl::StrCat("seed ", seed));
  RandomRules random(seed);
  int next_id = 0, decided = 0, anew = 0;
  const auto new_rule = [&] {
    Rule rule;
    rule.id = absl::StrCat("r", next_id++);
    rule.when = random.Below(40) == 0 ? "" : random.Rule();
    rule.returns = false;
    if (random.Below(4) == 0) rule.valid_from = absl::FromUnixMicros(1 + random.Below(50));
    if (random.Below(4) == 0) rule.valid_to = absl::FromUnixMicros(50 + random.Below(50));
    return rule;
  };
  auto set = std::make_shared<RuleSet>();
  for (int i = 0; i < 400; ++i) set->rules.push_back(new_rule());
  std::shared_ptr<const CompiledRules> compiled = CompileSet(set);
  auto matcher = std::make_unique<RuleMatcher>(compiled);
  for (int version = 0; version < 60; ++version) {
    auto changed = std::make_shared<RuleSet>(*set);
    std::vector<Rule>& rules = changed->rules;
    for (int n = 1 + random.Below(version % 10 == 9 ? 90 : 4); n > 0; --n) {
      const auto at = rules.begin() + random.Below(static_cast<int>(rules.size()));
      switch (random.Below(5)) {
        case 0:
          rules.insert(at, new_rule());
          break;
        case 1:
          if (rules.size() > 50) rules.erase(at);
          break;
        case 2:
          at->when = random.Rule();
          break;
        case 3:
          std::swap(*at, rules[static_cast<size_t>(random.Below(static_cast<int>(rules.size())))]);
          break;
        default:
          at->valid_from = absl::FromUnixMicros(1 + random.Below(80));
      }
    }
    set = changed;
    compiled = CompileSet(set, compiled.get());
    anew += static_cast<int>(compiled->compiled_anew());
    auto follower = std::make_unique<RuleMatcher>(compiled);
    follower->TakeOver(matcher.get());
    matcher = std::move(follower);
    RuleMatcher fresh(CompileSet(set));
    for (const int64_t now : {int64_t{0}, int64_t{1 + random.Below(100)}, int64_t{50},
                              int64_t{1 + random.Below(100)}}) {
      matcher->SetTime(now);
      fresh.SetTime(now);
      ASSERT_TRUE(std::equal(matcher->in_force().begin(), matcher->in_force().end(),
                             fresh.in_force().begin(), fresh.in_force().end()));
      for (int row = 0; row < 25; ++row) {
        const std::string json = random.Json();
        const std::string record = Row(json);
        const cel::Activation activation = Read(record, random.Place());
        RuleMatch expected;
        for (const int i : fresh.in_force()) {
          const auto& when = fresh.compiled()->rules()[static_cast<size_t>(i)].when;
          const cel::Truth truth = when == nullptr ? cel::Truth::kTrue : when->Evaluate(activation);
          if (truth == cel::Truth::kFalse) continue;
          expected = {i, truth == cel::Truth::kError};
          break;
        }
        for (RuleMatcher* each : {matcher.get(), &fresh}) {
          const RuleMatch match = each->First(activation);
          ASSERT_EQ(match.rule, expected.rule) << json << " at " << now;
          ASSERT_EQ(match.error, expected.error) << json << " at " << now;
        }
        decided += expected.rule >= 0 ? 1 : 0;
      }
    }
  }
  EXPECT_GT(decided, 1000);
  EXPECT_LT(anew, 60 * 20) << "only what differs is compiled";
}

TEST_F(PredicateIndexTest, RulesThatAreTheSameAreTakenOverWithTheIndex) {
  auto set = std::make_shared<RuleSet>();
  for (int i = 0; i < 1000; ++i) {
    Rule rule;
    rule.id = absl::StrCat("r", i);
    rule.when = absl::StrCat("kind == 'k", i, "'");
    rule.keep = {"id", "kind"};
    set->rules.push_back(std::move(rule));
  }
  const auto before = CompileSet(set);
  EXPECT_EQ(before->rules()[1].transform, before->rules()[999].transform) << "one for all alike";
  auto changed = std::make_shared<RuleSet>(*set);
  changed->rules[500].when = "kind == 'other'";
  changed->rules[501].keep = {"id"};
  std::swap(changed->rules[0], changed->rules[1]);
  const auto after = CompileSet(changed, before.get());
  EXPECT_EQ(after->compiled_anew(), 2U);
  EXPECT_EQ(after->parts()[0].index, before->parts()[0].index);
  EXPECT_EQ(after->rules()[0].when, before->rules()[1].when);
  EXPECT_NE(after->rules()[501].transform, before->rules()[501].transform);
  auto other_key =
      CompiledRules::Compile({contract_, environment_, std::string(32, 'k')}, changed, after.get());
  ASSERT_TRUE(other_key.ok());
  EXPECT_EQ((*other_key)->compiled_anew(), 1000U) << "pseudonyms would be the old ones";
}

std::string TextOf(int value) { return absl::StrCat("2026-11-", 10 + value); }

TEST(IntervalTreeTest, FindsWhatHoldsTheValueAsTheSegmentsDo) {
  std::mt19937 random(7);
  const auto below = [&](int n) { return static_cast<int>(random() % static_cast<unsigned>(n)); };
  for (int round = 0; round < 200; ++round) {
    std::vector<Interval<int>> all;
    IntervalTree<int> tree;
    std::vector<Interval<std::string>> texts;
    for (int i = below(60); i > 0; --i) {
      Interval<int> interval;
      if (below(5) > 0) interval.low = {below(50), below(2) == 0};
      if (below(5) > 0) interval.high = {below(50), below(2) == 0};
      interval.payload = i;
      all.push_back(interval);
      tree.Add(interval);
      Interval<std::string> text;
      if (interval.low) text.low = {TextOf(interval.low->value), interval.low->inclusive};
      if (interval.high) text.high = {TextOf(interval.high->value), interval.high->inclusive};
      text.payload = i;
      texts.push_back(text);
    }
    tree.Build();
    SegmentMap<int> segments;
    SegmentMap<std::string> text_segments;
    ASSERT_TRUE(segments.Build(all, 1 << 20));
    ASSERT_TRUE(text_segments.Build(texts, 1 << 20));
    EXPECT_FALSE(SegmentMap<int>().Build({Interval<int>{}}, 0)) << "more than are wanted";
    for (int value = -1; value <= 51; ++value) {
      std::vector<int> expected, found;
      for (const Interval<int>& i : all) {
        const bool low =
            !i.low || i.low->value < value || (i.low->inclusive && i.low->value == value);
        const bool high =
            !i.high || i.high->value > value || (i.high->inclusive && i.high->value == value);
        if (low && high) expected.push_back(i.payload);
      }
      tree.Find(value, [&](int payload) { found.push_back(payload); });
      EXPECT_THAT(found, testing::UnorderedElementsAreArray(expected));
      EXPECT_THAT(segments.Find(value), testing::UnorderedElementsAreArray(expected));
      if (value >= 0) {
        EXPECT_THAT(text_segments.Find(absl::string_view(TextOf(value))),
                    testing::UnorderedElementsAreArray(expected));
      }
    }
  }
}

}  // namespace
}  // namespace huiliu::rules
