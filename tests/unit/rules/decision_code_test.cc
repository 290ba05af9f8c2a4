#include <gtest/gtest.h>

#include <limits>

#include "core/rules/return_engine.h"
#include "core/rules/version_order.h"

namespace huiliu::rules {
namespace {

using namespace huiliu::v1;  // NOLINT: outcomes

PriorDecision Sample() {
  PriorDecision decision;
  decision.source_time_us = 1764000000000000;
  decision.row_id = "2026-01-01.csv:12345";
  for (size_t i = 0; i < kKeptPayloadDigestBytes; ++i)
    decision.payload_digest[i] = static_cast<uint8_t>(200 + i);
  for (size_t i = 0; i < kKeptRuleDigestBytes; ++i)
    decision.rule_digest[i] = static_cast<uint8_t>(i);
  decision.holders = {"530100"};
  decision.division = "530102";
  decision.counted_day = 20600;
  decision.outcomes = {OUTCOME_RETURNED};
  return decision;
}

void ExpectSame(const PriorDecision& a, const PriorDecision& b) {
  EXPECT_EQ(a.source_time_us, b.source_time_us);
  EXPECT_EQ(a.row_id, b.row_id);
  EXPECT_EQ(a.source, b.source);
  EXPECT_EQ(a.payload_digest, b.payload_digest);
  EXPECT_EQ(a.rule_digest, b.rule_digest);
  EXPECT_EQ(a.deleted, b.deleted);
  EXPECT_EQ(a.holders, b.holders);
  EXPECT_EQ(a.division, b.division);
  EXPECT_EQ(a.conflict, b.conflict);
  EXPECT_EQ(a.counted_day, b.counted_day);
  EXPECT_EQ(a.outcomes, b.outcomes);
  EXPECT_EQ(a.seen, b.seen);
  EXPECT_EQ(a.corrected, b.corrected);
  EXPECT_EQ(a.told, b.told);
  EXPECT_EQ(a.by_hand, b.by_hand);
}

TEST(DecisionCodeTest, WhatIsEncodedIsDecoded) {
  std::vector<PriorDecision> decisions = {PriorDecision(), Sample()};
  PriorDecision many = Sample();
  many.deleted = true;
  many.source_time_us = std::numeric_limits<int64_t>::min();
  many.counted_day = -1;
  many.division = "000001";
  many.conflict = true;
  many.outcomes = {OUTCOME_RETURNED, OUTCOME_OUTSIDE_AREA, OUTCOME_PENDING};
  many.holders = {"530100", std::string(300, 'x'), ""};
  many.seen = {1, std::numeric_limits<uint64_t>::max(), 7};
  many.corrected = true;
  many.source = "file.1";
  many.by_hand = "ov1,ov2";
  for (size_t i = 0; i < kKeptPayloadDigestBytes; ++i) many.told[i] = static_cast<uint8_t>(100 + i);
  decisions.push_back(many);
  PriorDecision reused = many;
  decisions.push_back(Sample());  // `reused` held a correction before
  for (const PriorDecision& decision : decisions) {
    ASSERT_TRUE(DecodeDecision(EncodeDecision(decision), &reused).ok());
    ExpectSame(decision, reused);
  }
  EXPECT_LE(EncodeDecision(Sample()).size(), 75u);
}

TEST(DecisionCodeTest, CutLengthenedAndForeignBytesAreDataLoss) {
  PriorDecision decision = Sample();
  decision.seen = {1, 2};
  decision.corrected = true;
  const std::string bytes = EncodeDecision(decision);
  for (size_t cut = 0; cut < bytes.size(); ++cut) {
    EXPECT_EQ(DecodeDecision(bytes.substr(0, cut)).status().code(), absl::StatusCode::kDataLoss)
        << cut;
  }
  EXPECT_FALSE(DecodeDecision(bytes + "x").ok());
  EXPECT_FALSE(DecodeDecision("\x02" + bytes.substr(1)).ok());
}

TEST(VersionOrderTest, RunsOfDigitsCompareAsNumbers) {
  const char* rising[] = {"",          "a",        "a.csv:9",   "a.csv:10",
                          "a.csv:100", "a2.csv:1", "a10.csv:1", "b"};
  for (size_t i = 0; i < std::size(rising); ++i) {
    for (size_t j = 0; j < std::size(rising); ++j) {
      const int order = CompareRowIds(rising[i], rising[j]);
      EXPECT_EQ(order < 0, i < j) << rising[i] << " " << rising[j];
      EXPECT_EQ(order == 0, i == j) << rising[i] << " " << rising[j];
    }
  }
  EXPECT_NE(CompareRowIds("a01", "a1"), 0);
  EXPECT_LT(CompareRowIds("99999999999999999999998", "99999999999999999999999"), 0);
}

TEST(VersionOrderTest, TheLatestTimeHoldsThenTheHighestRow) {
  // Of one source, whether a memory has only that one or several.
  for (const char* source : {"", "a9"}) {
    const auto at = [&](int64_t time, absl::string_view row) {
      return VersionPlace{time, source, row};
    };
    EXPECT_TRUE(IsOlder(at(1, "z"), at(2, "a")));
    EXPECT_FALSE(IsOlder(at(2, "a"), at(1, "z")));
    EXPECT_TRUE(IsOlder(at(1, "a"), at(1, "b")));
    EXPECT_FALSE(IsOlder(at(1, "a"), at(1, "a")));
    EXPECT_TRUE(IsOlder(at(0, "a"), at(5, "b"))) << "an unknown time leaves it to the row";
    EXPECT_FALSE(IsOlder(at(5, "b"), at(0, "a")));
    EXPECT_FALSE(IsOlder(at(0, ""), at(5, "b")));
    EXPECT_FALSE(IsOlder(at(0, "b"), at(5, "")));
  }
}

TEST(VersionOrderTest, OfTwoSourcesTheTimeSpeaksThenTheirIds) {
  EXPECT_TRUE(IsOlder({1, "b", "2"}, {2, "a", "1"}));
  EXPECT_FALSE(IsOlder({2, "a", "1"}, {1, "b", "2"}));
  EXPECT_TRUE(IsOlder({1, "a9", "5"}, {1, "a10", "1"})) << "as row ids: 9 comes before 10";
  EXPECT_FALSE(IsOlder({1, "a10", "1"}, {1, "a9", "5"}));
  EXPECT_TRUE(IsOlder({0, "a", "5"}, {7, "b", "1"}))
      << "a time that is not known leaves it to them";
  EXPECT_FALSE(IsOlder({7, "b", "1"}, {0, "a", "5"}));
  EXPECT_TRUE(IsOlder({0, "a", ""}, {0, "b", ""}));
}

TEST(FingerprintTest, RowsOfTwoSourcesAreApartAndThoseOfBeforeAreFoundAgain) {
  Digest digest{};
  digest[0] = 7;
  const uint64_t alone = FingerprintOf("", "a:1", digest);
  EXPECT_EQ(FingerprintIn("", alone), alone);
  EXPECT_EQ(FingerprintIn("one", alone), FingerprintOf("one", "a:1", digest));
  EXPECT_NE(FingerprintOf("one", "a:1", digest), FingerprintOf("two", "a:1", digest));
}

}  // namespace
}  // namespace huiliu::rules
