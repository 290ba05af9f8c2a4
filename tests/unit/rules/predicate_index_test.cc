#include "core/rules/predicate_index.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "core/rules/rule_matcher.h"
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

  std::unique_ptr<const cel::Predicate> Compile(const std::string& text) {
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
  const cel::Environment environment_{[](absl::string_view area, absl::string_view code) {
    return !code.empty() && absl::StartsWith(code, area);
  }};
  std::vector<uint32_t> numbers_;
  std::unique_ptr<schema::FieldPlan> plan_;
  std::vector<schema::FieldSlot> slots_;
};

TEST_F(PredicateIndexTest, ARuleStandsUnderItsMostTellingConjunct) {
  std::vector<std::unique_ptr<const cel::Predicate>> rules;
  for (int i = 0; i < 30; ++i)
    rules.push_back(
        Compile(absl::StrCat("kind == 'a' && count > 0 && inDivision('5301", 10 + i, "')")));
  rules.push_back(Compile("kind != 'a'"));
  std::vector<PredicateIndex::Entry> entries;
  for (size_t i = 0; i < rules.size(); ++i)
    entries.push_back({static_cast<int>(i), rules[i].get()});
  entries.push_back({31, nullptr});
  PredicateIndex index(*contract_, environment_, entries);
  EXPECT_THAT(index.always(), testing::ElementsAre(30, 31));
  std::vector<int> found;
  const std::string row = Row(R"({"id":"1","kind":"b"})");
  for (int again = 0; again < 2; ++again) {
    index.Find(Read(row, "530112005"), &found);
    EXPECT_THAT(found, testing::ElementsAre(2)) << "by its area, whatever its kind";
  }
  index.Find(Read(row, ""), &found);
  EXPECT_TRUE(found.empty());
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
    std::vector<std::unique_ptr<const cel::Predicate>> plain;
    const int rules = 17 + random.Below(150);
    for (int i = 0; i < rules; ++i) {
      Rule rule;
      rule.id = absl::StrCat("r", i);
      rule.when = random.Rule();
      rule.returns = false;
      plain.push_back(Compile(rule.when));
      set->rules.push_back(std::move(rule));
    }
    auto matcher = RuleMatcher::Create(*contract_, set, environment_, "");
    ASSERT_TRUE(matcher.ok()) << matcher.status();
    (*matcher)->SetTime(0);
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
      const RuleMatch match = (*matcher)->First(activation);
      ASSERT_EQ(match.rule, expected.rule) << json << " " << activation.division;
      ASSERT_EQ(match.error, expected.error) << json;
      decided += expected.rule >= 0 ? 1 : 0;
      errors += expected.error ? 1 : 0;
    }
  }
  EXPECT_GT(decided, 1000);
  EXPECT_GT(errors, 100);
}

TEST(IntervalTreeTest, FindsWhatHoldsTheValue) {
  std::mt19937 random(7);
  const auto below = [&](int n) { return static_cast<int>(random() % static_cast<unsigned>(n)); };
  for (int round = 0; round < 200; ++round) {
    std::vector<Interval<int>> all;
    IntervalTree<int> tree;
    for (int i = below(60); i > 0; --i) {
      Interval<int> interval;
      if (below(5) > 0) interval.low = {below(50), below(2) == 0};
      if (below(5) > 0) interval.high = {below(50), below(2) == 0};
      interval.payload = i;
      all.push_back(interval);
      tree.Add(interval);
    }
    tree.Build();
    for (int value = -1; value <= 51; ++value) {
      std::vector<int> expected, found;
      for (const Interval<int>& i : all) {
        const bool low =
            !i.low || i.low->value < value || (i.low->inclusive && i.low->value == value);
        const bool high =
            !i.high || i.high->value > value || (i.high->inclusive && i.high->value == value);
        if (low && high) expected.push_back(i.payload);
      }
      tree.Find(value, &found);
      EXPECT_THAT(found, testing::UnorderedElementsAreArray(expected));
    }
  }
}

}  // namespace
}  // namespace huiliu::rules
