#include "broker/governance/rule_versions.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/model/proto_time.h"

namespace huiliu::governance {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

const absl::Time kNow = absl::FromUnixSeconds(1'760'000'000);

huiliu::v1::RuleSet Version(uint32_t version, huiliu::v1::RuleSetState state,
                            absl::Time from = absl::InfinitePast()) {
  huiliu::v1::RuleSet proto;
  proto.set_dataset("person");
  proto.set_receiver("530100");
  proto.set_version(version);
  proto.set_author("author");
  proto.set_state(state);
  if (from != absl::InfinitePast()) *proto.mutable_active_from() = ToProto(from);
  return proto;
}
constexpr auto kApproved = huiliu::v1::RULE_SET_STATE_APPROVED;
constexpr auto kProposed = huiliu::v1::RULE_SET_STATE_PROPOSED;
constexpr auto kRejected = huiliu::v1::RULE_SET_STATE_REJECTED;

uint32_t InForce(const RuleVersions& versions, absl::Time now) {
  const auto* found = versions.InForce(now);
  return found == nullptr ? 0 : found->proto.version();
}

TEST(RuleVersionsTest, InForceIsTheVersionApprovedLastOfThoseWhoseDateHasCome) {
  RuleVersions versions;
  EXPECT_EQ(InForce(versions, kNow), 0u);
  versions.Put(Version(1, kApproved, kNow - absl::Hours(2)), nullptr, 1);
  versions.Put(Version(2, kApproved, kNow + absl::Hours(3)), nullptr, 3);
  versions.Put(Version(3, kApproved, kNow - absl::Hours(1)), nullptr, 2);
  versions.Put(Version(4, kRejected), nullptr, 4);
  versions.Put(Version(5, kProposed), nullptr, 5);
  EXPECT_EQ(InForce(versions, kNow - absl::Hours(3)), 0u);
  EXPECT_EQ(InForce(versions, kNow - absl::Hours(2)), 1u);
  EXPECT_EQ(InForce(versions, kNow), 3u);
  EXPECT_EQ(InForce(versions, kNow + absl::Hours(3)), 2u);
  EXPECT_EQ(versions.NextChange(kNow), kNow + absl::Hours(3));
  EXPECT_EQ(versions.NextChange(kNow + absl::Hours(3)), absl::InfiniteFuture());

  std::vector<huiliu::v1::RuleSetState> states;
  for (const auto& version : versions.At(kNow)) states.push_back(version.state());
  EXPECT_THAT(states, ElementsAre(kProposed, kRejected, huiliu::v1::RULE_SET_STATE_IN_FORCE,
                                  kApproved, huiliu::v1::RULE_SET_STATE_SUPERSEDED));
}

TEST(RuleVersionsTest, ComingIsWhatIsApprovedForLaterAndTheNewestThatWaits) {
  RuleVersions versions;
  versions.Put(Version(1, kApproved, kNow - absl::Hours(2)), nullptr, 1);
  versions.Put(Version(2, kApproved, kNow + absl::Hours(3)), nullptr, 2);
  versions.Put(Version(3, kProposed), nullptr, 3);
  const auto coming = [&](absl::Time now) {
    std::vector<uint32_t> numbers;
    for (const auto* version : versions.Coming(now)) numbers.push_back(version->proto.version());
    return numbers;
  };
  EXPECT_THAT(coming(kNow), ElementsAre(2, 3));
  EXPECT_THAT(coming(kNow + absl::Hours(3)), ElementsAre(3)) << "2 is in force";
  versions.Put(Version(4, kRejected), nullptr, 4);
  EXPECT_THAT(coming(kNow), ElementsAre(2)) << "a newer version was proposed after 3";
}

// The clock of the node was set back between the two approvals.
TEST(RuleVersionsTest, ApprovedLastIsWhatTheControlTopicHasLast) {
  RuleVersions versions;
  huiliu::v1::RuleSet first = Version(1, kApproved, kNow), second = Version(2, kApproved, kNow);
  *first.mutable_decided() = ToProto(kNow + absl::Hours(5));
  *second.mutable_decided() = ToProto(kNow);
  versions.Put(first, nullptr, 7);
  versions.Put(second, nullptr, 8);
  EXPECT_EQ(InForce(versions, kNow), 2u);
  // As a reader of the compacted topic gets them.
  RuleVersions replayed;
  replayed.Put(second, nullptr, 8);
  replayed.Put(first, nullptr, 7);
  EXPECT_EQ(InForce(replayed, kNow), 2u);
}

huiliu::v1::RuleSet Decided(uint32_t version, absl::Time decided, absl::Time from) {
  huiliu::v1::RuleSet proto = Version(version, kApproved, from);
  *proto.mutable_decided() = ToProto(decided);
  return proto;
}

// Else the older rules would come back over the newer ones when their date comes.
TEST(RuleVersionsTest, WhatWasApprovedForLaterGivesWayToWhatIsApprovedAfterIt) {
  RuleVersions versions;
  const absl::Time date = kNow + absl::Hours(9);
  versions.Put(Decided(1, kNow - absl::Hours(9), kNow - absl::Hours(9)), nullptr, 1);
  versions.Put(Decided(2, kNow - absl::Hours(5), date), nullptr, 2);
  EXPECT_EQ(versions.NextChange(kNow), date);
  versions.Put(Decided(3, kNow - absl::Hours(1), kNow - absl::Hours(1)), nullptr, 3);
  EXPECT_EQ(InForce(versions, kNow), 3u);
  EXPECT_EQ(InForce(versions, date), 3u);
  EXPECT_EQ(versions.NextChange(kNow), absl::InfiniteFuture());
  EXPECT_TRUE(versions.Coming(kNow).empty());
  EXPECT_EQ(versions.At(kNow)[1].state(), huiliu::v1::RULE_SET_STATE_SUPERSEDED);
  EXPECT_EQ(versions.BeforeInForce(date)->proto.version(), 1u);
  // One for a later date leaves it its time until then.
  versions.Put(Decided(3, kNow - absl::Hours(1), date + absl::Hours(1)), nullptr, 4);
  EXPECT_EQ(InForce(versions, kNow), 1u);
  EXPECT_EQ(InForce(versions, date), 2u);
  EXPECT_EQ(InForce(versions, date + absl::Hours(1)), 3u);
  EXPECT_EQ(versions.At(kNow)[1].state(), kApproved);
  EXPECT_EQ(versions.NextChange(kNow), date);
  // What took its place is stopped before its date: it comes into force again.
  versions.Put(Decided(3, kNow - absl::Hours(1), date), nullptr, 5);
  EXPECT_EQ(InForce(versions, date), 3u);
  versions.Put(Version(3, kRejected), nullptr, 6);
  EXPECT_EQ(InForce(versions, date), 2u);
}

TEST(RuleVersionsTest, WhatGaveWayBeforeItsDateNeverWasInForce) {
  const auto at = [](huiliu::v1::RuleSet version, absl::Time decided) {
    *version.mutable_decided() = ToProto(decided);
    return version;
  };
  RuleVersions versions;
  const absl::Duration hour = absl::Hours(1);
  versions.Put(at(Version(1, kApproved, kNow - 9 * hour), kNow - 9 * hour), nullptr, 1);
  // For two hours ago; three hours ago another was approved from then on.
  versions.Put(at(Version(2, kApproved, kNow - 2 * hour), kNow - 8 * hour), nullptr, 2);
  versions.Put(at(Version(3, kApproved, kNow - 3 * hour), kNow - 3 * hour), nullptr, 3);
  versions.Put(at(Version(4, kApproved, kNow + hour), kNow - hour), nullptr, 4);
  versions.Put(Version(5, kProposed), nullptr, 5);
  EXPECT_TRUE(versions.WasInForce(1, kNow)) << "until 3 took over";
  EXPECT_FALSE(versions.WasInForce(2, kNow));
  EXPECT_TRUE(versions.WasInForce(3, kNow));
  EXPECT_FALSE(versions.WasInForce(4, kNow)) << "not yet";
  EXPECT_TRUE(versions.WasInForce(4, kNow + 2 * hour));
  EXPECT_FALSE(versions.WasInForce(5, kNow));
  EXPECT_FALSE(versions.WasInForce(6, kNow));
}

TEST(RuleVersionsTest, TheNewestThatIsApprovedIsKnown) {
  RuleVersions versions;
  versions.Put(Version(1, kProposed), nullptr, 1);
  versions.Put(Version(2, kApproved, kNow), nullptr, 2);
  versions.Put(Version(3, kRejected), nullptr, 3);
  versions.Put(Version(4, kProposed), nullptr, 4);
  ASSERT_NE(versions.NewerApproved(1), nullptr);
  EXPECT_EQ(versions.NewerApproved(1)->proto.version(), 2u);
  EXPECT_EQ(versions.NewerApproved(2), nullptr);
  EXPECT_EQ(versions.NewerApproved(4), nullptr);
}

TEST(RuleVersionsTest, WhatTheOneInForceTookOverFrom) {
  RuleVersions versions;
  versions.Put(Version(1, kApproved, kNow - absl::Hours(3)), nullptr, 1);
  EXPECT_EQ(versions.BeforeInForce(kNow), nullptr);
  versions.Put(Version(2, kRejected), nullptr, 2);
  versions.Put(Version(3, kApproved, kNow - absl::Hours(2)), nullptr, 3);
  versions.Put(Version(4, kApproved, kNow + absl::Hours(1)), nullptr, 4);
  EXPECT_EQ(versions.BeforeInForce(kNow)->proto.version(), 1u);
  EXPECT_EQ(versions.BeforeInForce(kNow + absl::Hours(1))->proto.version(), 3u);
}

TEST(RuleVersionsTest, AVersionWhoseRulesHaveAllEndedHasExpired) {
  auto rules = std::make_shared<rules::RuleSet>();
  rules->rules.resize(2);
  rules->rules[0].legal_basis = rules->rules[1].legal_basis = "条例";
  rules->rules[0].valid_to = kNow;
  RuleVersions versions;
  versions.Put(Version(1, kApproved, kNow - absl::Hours(3)), rules, 1);
  EXPECT_EQ(versions.At(kNow)[0].state(), huiliu::v1::RULE_SET_STATE_IN_FORCE);
  EXPECT_THAT(versions.At(kNow)[0].legal_bases(), ElementsAre("条例"));
  rules->rules[1].valid_to = kNow + absl::Hours(1);
  EXPECT_EQ(versions.At(kNow)[0].state(), huiliu::v1::RULE_SET_STATE_IN_FORCE);
  EXPECT_EQ(versions.At(kNow + absl::Hours(1))[0].state(), huiliu::v1::RULE_SET_STATE_EXPIRED);
  versions.Put(Version(2, kApproved, kNow), nullptr, 2);
  EXPECT_EQ(versions.At(kNow + absl::Hours(1))[1].state(), huiliu::v1::RULE_SET_STATE_SUPERSEDED);
}

TEST(RuleVersionsTest, AVersionPutAgainIsReplaced) {
  RuleVersions versions;
  versions.Put(Version(1, kProposed), nullptr, 1);
  versions.Put(Version(1, kApproved, kNow), nullptr, 2);
  EXPECT_EQ(InForce(versions, kNow), 1u);
  EXPECT_EQ(versions.At(kNow).size(), 1u);
}

class DecideTest : public ::testing::Test {
 protected:
  absl::StatusOr<huiliu::v1::RuleSet> Try(const huiliu::v1::RuleSet& version, bool approve,
                                          const std::string& officer = "officer") {
    decision_.set_approve(approve);
    return Decide(version, decision_, officer, kNow);
  }
  DecideTest() { decision_.set_untried_reason("test"); }
  huiliu::v1::DecideRuleSetRequest decision_;
};

TEST_F(DecideTest, WhatNobodyTriedIsApprovedOnlyWithAReasonWhichIsKept) {
  decision_.clear_untried_reason();
  const auto refused = Try(Version(3, kProposed), true);
  EXPECT_EQ(refused.status().code(), absl::StatusCode::kFailedPrecondition);
  for (const char* words :
       {"未经试运行", "was never tried",
        "huiliu rules dry-run --dataset person --receiver 530100 --version 3", "--untried"}) {
    EXPECT_THAT(std::string(refused.status().message()), HasSubstr(words));
  }
  decision_.set_reason("依据不足");
  EXPECT_TRUE(Try(Version(3, kProposed), false).ok()) << "it may be rejected untried";
  decision_.set_untried_reason("首次启用");
  EXPECT_EQ(Try(Version(3, kProposed), true)->untried_reason(), "首次启用");
  decision_.set_untried_reason("见 530102199003077416");
  EXPECT_EQ(Try(Version(3, kProposed), true).status().code(), absl::StatusCode::kInvalidArgument);
  // One that was tried needs no reason, and keeps none.
  auto tried = Version(3, kProposed);
  tried.add_dry_runs()->set_account("author");
  decision_.set_untried_reason(" \t");
  EXPECT_FALSE(Try(tried, true).ok()) << "over no record, and without a reason";
  decision_.set_untried_reason("首次启用");
  EXPECT_EQ(Try(tried, true)->untried_reason(), "首次启用") << "kept beside a run over no record";
  tried.mutable_dry_runs(0)->set_records(1);
  decision_.clear_untried_reason();
  EXPECT_TRUE(Try(tried, true).ok());
  decision_.set_untried_reason("首次启用");
  EXPECT_EQ(Try(tried, true)->untried_reason(), "");
}

TEST_F(DecideTest, AnotherOfficerApprovesFromNowOnOrLater) {
  auto decided = Try(Version(1, kProposed), true);
  ASSERT_TRUE(decided.ok()) << decided.status();
  EXPECT_EQ(decided->state(), kApproved);
  EXPECT_EQ(decided->approver(), "officer");
  EXPECT_EQ(FromProto(decided->active_from()), kNow);
  *decision_.mutable_active_from() = ToProto(kNow - absl::Hours(9));
  EXPECT_EQ(FromProto(Try(Version(1, kProposed), true)->active_from()), kNow)
      << "never before its approval";
  *decision_.mutable_active_from() = ToProto(kNow + absl::Hours(9));
  EXPECT_EQ(FromProto(Try(Version(1, kProposed), true)->active_from()), kNow + absl::Hours(9));
}

TEST_F(DecideTest, ADayThatHasPassedIsRefused) {
  for (const absl::Duration ago : {absl::Hours(17), absl::Hours(24 * 400)}) {
    *decision_.mutable_active_from() = ToProto(kNow - ago);
    const auto refused = Try(Version(1, kProposed), true);
    EXPECT_EQ(refused.status().code(), absl::StatusCode::kInvalidArgument);
    EXPECT_THAT(std::string(refused.status().message()), HasSubstr("已过"));
    EXPECT_THAT(std::string(refused.status().message()), HasSubstr("leave the date out"));
  }
  // Today's date, as people write it, is its midnight.
  *decision_.mutable_active_from() = ToProto(kNow - absl::Hours(16));
  EXPECT_EQ(FromProto(Try(Version(1, kProposed), true)->active_from()), kNow);
}

TEST_F(DecideTest, ADateThatNobodyCanWriteIsRefused) {
  decision_.mutable_active_from()->set_seconds(INT64_MAX);
  EXPECT_EQ(Try(Version(1, kProposed), true).status().code(), absl::StatusCode::kInvalidArgument);
}

TEST_F(DecideTest, TheAuthorNeverDecides) {
  for (const bool approve : {true, false}) {
    decision_.set_reason("x");
    const auto decided = Try(Version(1, kProposed), approve, "author");
    EXPECT_EQ(decided.status().code(), absl::StatusCode::kPermissionDenied);
  }
}

TEST_F(DecideTest, ARejectionStatesItsReason) {
  for (const char* blank : {"", " ", "\t\n", "　 "}) {
    decision_.set_reason(blank);
    EXPECT_EQ(Try(Version(1, kProposed), false).status().code(),
              absl::StatusCode::kInvalidArgument);
  }
  decision_.set_reason("依据不足");
  const auto decided = Try(Version(1, kProposed), false);
  ASSERT_TRUE(decided.ok()) << decided.status();
  EXPECT_EQ(decided->state(), kRejected);
  EXPECT_FALSE(decided->has_active_from());
}

TEST_F(DecideTest, WhatIsInForceOrRejectedIsNotDecidedAgain) {
  decision_.set_reason("x");
  for (const auto& version :
       {Version(1, kRejected), Version(1, kApproved, kNow - absl::Hours(1))}) {
    for (const bool approve : {true, false}) {
      EXPECT_EQ(Try(version, approve).status().code(), absl::StatusCode::kFailedPrecondition);
    }
  }
  const auto later = Version(1, kApproved, kNow + absl::Hours(1));
  EXPECT_EQ(Try(later, true).status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(Try(later, false)->state(), kRejected) << "what waits for its date can be stopped";
}

// Whoever tries a version over nothing ten times must not make the runs over records go.
TEST(WithDryRunTest, HollowRunsGoFirst) {
  huiliu::v1::RuleSet version = Version(1, kProposed);
  const auto add = [&](int64_t records) {
    huiliu::v1::RecordDryRunRequest request;
    request.set_digest(version.digest());
    request.mutable_summary()->set_records(records);
    auto tried = WithDryRun(version, request);
    ASSERT_TRUE(tried.ok()) << tried.status();
    version = *std::move(tried);
  };
  const auto records = [&] {
    std::vector<int64_t> all;
    for (const auto& run : version.dry_runs()) all.push_back(run.records());
    return all;
  };
  add(7);
  for (int i = 0; i < 3 * kMaxDryRuns; ++i) add(0);
  EXPECT_EQ(version.dry_runs_size(), kMaxDryRuns);
  EXPECT_EQ(records().front(), 7);
  for (int i = 1; i <= kMaxDryRuns; ++i) add(100 + i);
  EXPECT_THAT(records(), ElementsAre(101, 102, 103, 104, 105, 106, 107, 108, 109, 110));
}

}  // namespace
}  // namespace huiliu::governance
