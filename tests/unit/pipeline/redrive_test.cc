#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/pipeline/node_fixture.h"

namespace huiliu::pipeline {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;
using F = NodeFixture;

constexpr char kGood[] = R"({"id":"1","name":"张三","division":"530102"})";
constexpr char kNowhere[] = R"({"id":"1","name":"张三"})";

TEST(RedriveTest, ACorrectedRowMovesItsCountWithinItsOwnDay) {
  NodeFixture node;
  ASSERT_TRUE(node.Send({}, {"坏行"}).ok());
  ASSERT_TRUE(node.Judge().ok());
  ASSERT_THAT(node.Kept(), SizeIs(1));
  const std::string id = node.Kept()[0].id();
  EXPECT_EQ(node.Kept()[0].day(), "2026-01-01");
  node.clock().Advance(absl::Hours(48));
  const auto result = node.Redrive(id, kGood);
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(result->outcome(), huiliu::v1::OUTCOME_RETURNED);
  EXPECT_EQ(result->error(), "");
  EXPECT_EQ(node.Balance(F::kKunming), "returned 1");
  EXPECT_EQ(node.Balance(F::kDali), "outside 1");
  EXPECT_EQ(node.Balance(F::kKunming, "2026-01-03"), "");
  EXPECT_THAT(node.Held(F::kKunming), SizeIs(1));
  EXPECT_THAT(node.Kept(), IsEmpty());
  ASSERT_THAT(node.Kept(true), SizeIs(1));
  EXPECT_EQ(node.Kept(true)[0].raw(), "") << "its content is no longer kept";
  EXPECT_THAT(node.Redrive(id, kGood)->error(), HasSubstr("already"));
  EXPECT_EQ(node.Balance(F::kKunming), "returned 1");
}

TEST(RedriveTest, ARowThatStaysUndecidedStaysAsItWas) {
  NodeFixture node;
  ASSERT_TRUE(node.Send({}, {"坏行"}).ok());
  ASSERT_TRUE(node.Judge().ok());
  const std::string id = node.Kept()[0].id();
  EXPECT_EQ(node.Redrive(id, kNowhere)->error(), "territory.no_evidence");
  EXPECT_THAT(node.Redrive(id, R"({"name":"无编号"})")->error(), HasSubstr("id"));
  EXPECT_THAT(node.Redrive(id, R"({"no_such":1})")->error(), Not(IsEmpty()));
  EXPECT_THAT(node.Redrive("src/1/99/0", kGood)->error(), HasSubstr("no such row"));
  EXPECT_EQ(node.Redrive("x", kGood)->outcome(), huiliu::v1::OUTCOME_UNSPECIFIED);
  EXPECT_EQ(node.Balance(F::kKunming), "quarantined 1");
  EXPECT_THAT(node.Kept(), SizeIs(1));
}

TEST(RedriveTest, ARowThatTheEngineKeptIsDecidedAgain) {
  NodeFixture node;
  ASSERT_TRUE(node.Send({{kNowhere, "a:1", 10}}).ok());
  ASSERT_TRUE(node.Judge().ok());
  EXPECT_EQ(node.Balance(F::kKunming), "pending 1");
  ASSERT_THAT(node.Kept(), SizeIs(1));
  ASSERT_EQ(node.Redrive(node.Kept()[0].id(), kGood)->error(), "");
  EXPECT_EQ(node.Balance(F::kKunming), "returned 1");
  EXPECT_EQ(node.Balance(F::kDali), "outside 1");
  // A re-read of the row as it was is an older truth of the same row, not another change.
  ASSERT_TRUE(node.Send({{kGood, "a:1", 10}}).ok());
  ASSERT_TRUE(node.Judge().ok());
  EXPECT_EQ(node.Balance(F::kKunming), "returned 1");
  // The next version of it is.
  ASSERT_TRUE(node.Send({{R"({"id":"1","name":"李四","division":"532901"})", "a:2", 20}}).ok());
  ASSERT_TRUE(node.Judge().ok());
  EXPECT_THAT(node.Held(F::kKunming), IsEmpty());
  EXPECT_THAT(node.Held(F::kDali), SizeIs(1));
}

TEST(RedriveTest, ANewerVersionOutlivesTheCorrectionOfAnOlderOne) {
  NodeFixture node;
  ASSERT_TRUE(node.Send({{kNowhere, "a:1", 10}}).ok());
  ASSERT_TRUE(node.Send({{R"({"id":"1","name":"李四","division":"532901"})", "a:2", 20}}).ok());
  ASSERT_TRUE(node.Judge().ok());
  EXPECT_EQ(node.Balance(F::kKunming), "outside 1 pending 1");
  ASSERT_EQ(node.Redrive(node.Kept()[0].id(), kGood)->error(), "");
  EXPECT_EQ(node.Balance(F::kKunming), "returned 1 outside 1");
  EXPECT_THAT(node.Held(F::kKunming), IsEmpty());
  EXPECT_EQ(node.Held(F::kDali)["1"], R"({"id":"1","name":"李四","division":"532901"})");
}

TEST(RedriveTest, ARuleThatDecidesAReReadReleasesTheKeptRow) {
  NodeFixture node;
  node.PutRules(
      F::kKunming,
      "legal_basis: x\nrules:\n  - {id: own, masks: {name: {partial: {keep_first: 1}}}}\n");
  ASSERT_TRUE(node.Send({{kNowhere, "a:1", 10}}).ok());
  ASSERT_TRUE(node.Judge().ok());
  ASSERT_THAT(node.Kept(), SizeIs(1));
  // The receiver's area is redrawn: everything is decided anew when it is read again.
  node.PutRules(F::kKunming, rules::kOpenRules);
  ASSERT_TRUE(node.Send({{kNowhere, "a:1", 10}}).ok());
  ASSERT_TRUE(node.Judge().ok());
  ASSERT_THAT(node.Kept(), SizeIs(1)) << "still pending: the same row, not a second one";
  EXPECT_EQ(node.Balance(F::kKunming), "pending 1");
  const std::string id = node.Kept()[0].id();
  ASSERT_EQ(node.Redrive(id, kGood)->error(), "");
  EXPECT_EQ(node.Balance(F::kKunming), "returned 1");
}

TEST(RedriveTest, WhatWasCorrectedToAnotherKeyIsReadUnderTheOldOne) {
  NodeFixture node;
  ASSERT_TRUE(node.Send({{kNowhere, "a:1", 10}}).ok());
  ASSERT_TRUE(node.Judge().ok());
  ASSERT_EQ(
      node.Redrive(node.Kept()[0].id(), R"({"id":"7","name":"张三","division":"530102"})")->error(),
      "");
  EXPECT_EQ(node.Balance(F::kKunming), "returned 1");
  EXPECT_EQ(node.Held(F::kKunming).count("7"), 1U);
  // Its file is read once more, and then a day's next one.
  ASSERT_TRUE(node.Send({{kNowhere, "a:1", 10}}).ok());
  ASSERT_TRUE(node.Judge().ok());
  EXPECT_EQ(node.Balance(F::kKunming), "returned 1");
  ASSERT_TRUE(node.Send({{kNowhere, "b:1", 20}}).ok());
  ASSERT_TRUE(node.Judge().ok());
  EXPECT_EQ(node.Balance(F::kKunming), "returned 2") << "counted as it was corrected";
  EXPECT_THAT(node.Kept(), IsEmpty());
  EXPECT_THAT(node.Held(F::kKunming), SizeIs(1));
}

TEST(RedriveTest, ACrashAroundItsCommitMovesTheCountOnce) {
  for (const Fault fault : {Fault::kNotWritten, Fault::kAnswerLost}) {
    NodeFixture node;
    ASSERT_TRUE(node.Send({{kNowhere, "a:1", 10}}, {"坏行"}).ok());
    ASSERT_TRUE(node.Judge().ok());
    ASSERT_THAT(node.Kept(), SizeIs(2));
    const std::string id = node.Kept()[0].id();
    node.writer().Fail(fault);
    EXPECT_FALSE(node.Redrive(id, kGood).ok());
    node.Restart();
    const auto again = node.Redrive(id, kGood);
    ASSERT_TRUE(again.ok()) << again.status();
    EXPECT_EQ(again->error().empty(), fault == Fault::kNotWritten);
    EXPECT_EQ(node.Balance(F::kKunming), "returned 1 quarantined 1");
    node.Held(F::kKunming);
    EXPECT_EQ(node.appended, 1);
  }
}

TEST(RedriveTest, WhoLooksAtKeptRowsIsInLineageFirst) {
  NodeFixture node;
  ASSERT_TRUE(node.Send({}, {"坏行"}).ok());
  ASSERT_TRUE(node.Judge().ok());
  node.Kept();
  const huiliu::v1::LineageEntry entry = node.Entries().back();
  EXPECT_EQ(entry.step(), huiliu::v1::STEP_READ);
  EXPECT_EQ(entry.actor(), "dept-agent");
  EXPECT_EQ(entry.method(), "Intake.ListQuarantine");
  EXPECT_EQ(entry.records(), 1);
}

}  // namespace
}  // namespace huiliu::pipeline
