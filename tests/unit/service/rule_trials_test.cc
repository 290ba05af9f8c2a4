// Rules tried and explained at the node: who may, what he sees, and that it stands in lineage.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/match.h"
#include "absl/strings/str_replace.h"
#include "broker/service/rule_trials_service.h"
#include "tests/unit/service/services_fixture.h"

namespace huiliu::service {
namespace {

using namespace huiliu::v1;  // NOLINT: categories, roles
using absl::StatusCode;
using testing::HasSubstr;
using testing::Not;

constexpr char kKunming[] = "530100";
constexpr char kDraft[] = R"(dataset: person
receiver: "530100"
legal_basis: x
rules:
  - {id: minors, when: age < 18, withhold: 未成年人}
  - {id: own, masks: {phone: {partial: {keep_first: 3}}}}
)";

// Kunming has 昆一 (a minor), 昆二, 昆三; Dali has 理一.
class RuleTrialsTest : public testing::Test {
 protected:
  RuleTrialsTest() {
    EXPECT_TRUE(
        f_.node
            .Send(
                {{R"({"id":"k1","name":"昆一","age":9,"division":"530102"})", "r1", 1},
                 {R"({"id":"k2","name":"昆二","age":30,"phone":"13800001111","division":"530102"})",
                  "r2", 1},
                 {R"({"id":"k3","name":"昆三","age":31,"phone":"13900002222","division":"530103"})",
                  "r3", 1},
                 {R"({"id":"d1","name":"理一","age":9,"division":"532901"})", "r4", 1}})
            .ok());
    f_.Settle();
  }
  static CallContext As(const std::string& account, const std::string& organisation,
                        std::vector<Role> roles = {ROLE_DATA_OFFICER}) {
    CallContext context;
    context.caller = governance::Principal{account, organisation, std::move(roles)};
    context.method = "huiliu.v1.Rules/DryRun";
    return context;
  }
  static DryRunRequest Text(const std::string& yaml = kDraft) {
    DryRunRequest request;
    request.set_source_name("draft.yaml");
    request.set_yaml(yaml);
    return request;
  }
  absl::Status Run(const CallContext& context, const DryRunRequest& request) {
    last_.Clear();
    return f_.trials->DryRun(context, request, [&](const google::protobuf::Message& message) {
      last_ = static_cast<const DryRunResponse&>(message);
      return true;
    });
  }
  std::string Counts() const {
    std::string text;
    for (const DryRunCount& count : last_.report().counts())
      absl::StrAppend(&text, DryRunCategory_Name(count.category()).substr(17), " ", count.records(),
                      " ");
    return text;
  }
  const DryRunSample* SampleOf(DryRunCategory category) const {
    for (const DryRunSample& sample : last_.report().samples()) {
      if (sample.category() == category) return &sample;
    }
    return nullptr;
  }
  // A grant for id and name in clear and the phone masked; nothing else.
  void AddGrant() {
    Grant grant = f_.GrantOf("g", "km-data", kKunming);
    for (const char* field : {"id", "name", "phone"}) grant.add_fields(field);
    (*grant.mutable_masks())["phone"].mutable_partial()->set_keep_last(4);
    const absl::Status put = f_.node.Put(grant);
    ASSERT_TRUE(put.ok()) << put;
  }
  void Propose(const std::string& account) {
    ProposeRuleSetRequest request;
    request.set_source_name("draft.yaml");
    request.set_yaml(kDraft);
    ProposeRuleSetResponse response;
    const absl::Status proposed =
        f_.rules->ProposeRuleSet(As(account, "km-data"), request, &response);
    ASSERT_TRUE(proposed.ok()) << proposed;
    ASSERT_EQ(response.rule_set().version(), 2u);
  }
  RuleSet Version(uint32_t version) {
    for (const RuleSet& set : f_.node.state.RuleSets(f_.node.clock().Now())) {
      if (set.receiver() == kKunming && set.version() == version) return set;
    }
    return {};
  }
  std::vector<LineageEntry> Reads(const std::string& method) {
    std::vector<LineageEntry> reads;
    for (const LineageEntry& entry : f_.node.Entries()) {
      if (entry.method() == method && entry.step() == STEP_READ) reads.push_back(entry);
    }
    return reads;
  }
  ExplainRequest Asked(const std::string& id, uint32_t version = 0) {
    ExplainRequest request;
    *request.mutable_context() = ServicesFixture::Of(kKunming);
    request.mutable_key()->add_values(id);
    request.set_version(version);
    return request;
  }
  absl::Status Explain(const CallContext& context, const ExplainRequest& request) {
    ExplainResponse response;
    const absl::Status status = f_.trials->Explain(context, request, &response);
    explained_ = response.explanation();
    return status;
  }

  ServicesFixture f_;
  DryRunResponse last_;
  Explanation explained_;
};

TEST_F(RuleTrialsTest, ATextIsTriedOnWhatTheNodeHolds) {
  const absl::Status status = Run(As("officer", "km-data"), Text());
  ASSERT_TRUE(status.ok()) << status;
  EXPECT_EQ(Counts(), "UNCHANGED 1 NO_LONGER_RETURNED 1 DIFFERENTLY_MASKED 2 ");
  const DryRunReport& report = last_.report();
  EXPECT_EQ(report.records(), 4);
  EXPECT_EQ(report.active_version(), 1u);
  EXPECT_EQ(report.draft_version(), 0u);
  EXPECT_EQ(report.time(), DRY_RUN_TIME_ARRIVAL);
  EXPECT_TRUE(report.has_log_from());
  EXPECT_THAT(report.sources(), testing::ElementsAre("src"));
  EXPECT_FALSE(last_.recorded()) << "a text is no version";
}

TEST_F(RuleTrialsTest, OtherCitiesCountiesAreNotNamedToAnOfficerOfOne) {
  ASSERT_TRUE(Run(As("officer", "km-data"), Text()).ok());
  std::vector<std::string> names;
  int64_t elsewhere = 0;
  for (const auto& part : last_.report().divisions()) {
    names.push_back(part.elsewhere() ? "elsewhere" : part.name());
    if (part.elsewhere()) {
      EXPECT_EQ(part.name(), "");
      for (const DryRunCount& count : part.counts()) elsewhere += count.records();
    }
  }
  EXPECT_THAT(names, testing::UnorderedElementsAre("530102", "530103", "elsewhere"));
  EXPECT_EQ(elsewhere, 1) << "of Dali";
  EXPECT_THAT(last_.report().DebugString(), Not(HasSubstr("5329")));
}

TEST_F(RuleTrialsTest, WithoutAGrantSamplesShowDigestsAlone) {
  ASSERT_TRUE(Run(As("officer", "km-data"), Text()).ok());
  ASSERT_EQ(last_.report().samples_size(), 3);
  for (const DryRunSample& sample : last_.report().samples()) {
    EXPECT_EQ(sample.values_size(), 0);
    EXPECT_THAT(sample.why_no_values(), HasSubstr("--purpose"));
    EXPECT_EQ(sample.key_digest().size(), 32u);
    EXPECT_THAT(sample.place(), HasSubstr("source.person/"));
  }
  EXPECT_THAT(last_.DebugString(), Not(HasSubstr("138")));
  EXPECT_THAT(last_.DebugString(), Not(HasSubstr("昆")));
  const auto reads = Reads("Rules.DryRun");
  ASSERT_EQ(reads.size(), 1u);
  EXPECT_EQ(reads[0].key_digests_size(), 3);
  EXPECT_EQ(reads[0].actor(), "officer");
  EXPECT_EQ(reads[0].receiver(), kKunming);
  EXPECT_EQ(reads[0].rule_set().size(), 64u);
  DryRunRequest none = Text();
  none.set_samples(-1);
  ASSERT_TRUE(Run(As("officer", "km-data"), none).ok());
  EXPECT_EQ(last_.report().samples_size(), 0);
  EXPECT_EQ(Reads("Rules.DryRun").size(), 2u) << "whoever asks with conditions of his own reads";
}

TEST_F(RuleTrialsTest, AGrantShowsItsFieldsAsItMasksThem) {
  AddGrant();
  DryRunRequest request = Text();
  request.set_purpose(ServicesFixture::kPurpose);
  const absl::Status status = Run(As("officer", "km-data"), request);
  ASSERT_TRUE(status.ok()) << status;
  const DryRunSample* masked = SampleOf(DRY_RUN_CATEGORY_DIFFERENTLY_MASKED);
  ASSERT_NE(masked, nullptr);
  std::map<std::string, DryRunSample::Value> values;
  for (const auto& value : masked->values()) values[value.field()] = value;
  EXPECT_EQ(values.size(), 3u);
  EXPECT_EQ(values["name"].shown(), DryRunSample::SHOWN_CLEAR);
  EXPECT_THAT(values["name"].active(), HasSubstr("昆"));
  EXPECT_EQ(values["phone"].shown(), DryRunSample::SHOWN_MASKED);
  EXPECT_THAT(values["phone"].active(), testing::StartsWith("*******"));
  EXPECT_TRUE(values["phone"].draft_withheld()) << "nobody reads through rules of his own";
  EXPECT_EQ(values["phone"].draft(), "");
  EXPECT_THAT(last_.DebugString(), Not(HasSubstr("13800001111")));
  // The counter that a grant would have to open: another purpose is refused before any work.
  request.set_purpose("别的用途");
  EXPECT_EQ(Run(As("officer", "km-data"), request).code(), StatusCode::kPermissionDenied);
  EXPECT_FALSE(last_.has_report());
}

TEST_F(RuleTrialsTest, AnotherPersonThanTheAuthorSeesWhatAProposedVersionWouldReturn) {
  AddGrant();
  Propose("author");
  DryRunRequest request;
  request.set_dataset("person");
  request.set_receiver(kKunming);
  request.set_purpose(ServicesFixture::kPurpose);
  ASSERT_TRUE(Run(As("author", "km-data"), request).ok());
  for (const auto& value : SampleOf(DRY_RUN_CATEGORY_DIFFERENTLY_MASKED)->values())
    EXPECT_TRUE(value.draft_withheld());
  ASSERT_TRUE(Run(As("approver", "km-data"), request).ok());
  EXPECT_EQ(last_.report().draft_version(), 2u);
  bool seen = false;
  for (const auto& value : SampleOf(DRY_RUN_CATEGORY_DIFFERENTLY_MASKED)->values()) {
    EXPECT_FALSE(value.draft_withheld());
    seen = seen || (value.field() == "name" && !value.draft().empty());
  }
  EXPECT_TRUE(seen);
}

// Counts tell of single records where the condition is about one: hidden values are not found by
// asking, nor are other areas' records.
TEST_F(RuleTrialsTest, ATextOfOnesOwnAsksForNoPersonalValueThatHeDoesNotSee) {
  const std::string probe =
      absl::StrReplaceAll(kDraft, {{"rules:\n",
                                    "rules:\n  - {id: probe, when: 'id == \"k2\" && "
                                    "phone.startsWith(\"138\")', withhold: x}\n"}});
  DryRunRequest request = Text(probe);
  const absl::Status refused = Run(As("author", "km-data"), request);
  EXPECT_EQ(refused.code(), StatusCode::kPermissionDenied);
  EXPECT_THAT(std::string(refused.message()), HasSubstr("rule probe reads or replaces phone"));
  // What a derived field or a constant changes tells as much.
  for (const char* rule :
       {"discloses: [phone], derive: {name: 'phone.startsWith(\"138\") ? name + \"!\" : name'}",
        "discloses: [phone], derive: {name: '1 / (phone.startsWith(\"138\") ? 0 : 1) == 1 ? name : "
        "name'}",
        "derive: {phone: '\"1380000000\"'}", "rename: {name: phone}",
        "masks: {phone: {constant: '1380000000'}}", "masks: {phone: {generalise: {band: 10}}}",
        "masks: {phone: {generalise: month}}", "masks: {phone: {generalise: city}}",
        "masks: {phone: {partial: {keep_first: 3, fill: '8'}}}"}) {
    const DryRunRequest other = Text(absl::StrReplaceAll(
        kDraft, {{"rules:\n", absl::StrCat("rules:\n  - {id: probe, when: 'id == \"k2\"', ", rule,
                                           ", legal_basis: x}\n")}}));
    const absl::Status status = Run(As("author", "km-data"), other);
    EXPECT_EQ(status.code(), StatusCode::kPermissionDenied) << rule << ": " << status;
    EXPECT_THAT(std::string(status.message()), HasSubstr("rule probe reads or replaces phone"))
        << rule;
  }
  AddGrant();  // it masks the phone
  request.set_purpose(ServicesFixture::Of(kKunming).purpose());
  EXPECT_EQ(Run(As("author", "km-data"), request).code(), StatusCode::kPermissionDenied);
  Grant clear = *f_.node.state.FindGrant("g");
  (*clear.mutable_masks())["phone"].set_keep(true);
  ASSERT_TRUE(f_.node.Put(clear, clear.version()).ok());
  EXPECT_TRUE(Run(As("author", "km-data"), request).ok());
  DryRunRequest elsewhere = Text();
  elsewhere.add_divisions("530102");
  elsewhere.add_divisions("532901");
  EXPECT_EQ(Run(As("author", "km-data"), elsewhere).code(), StatusCode::kPermissionDenied);
  for (const char* none : {"530199", "530102001"}) {
    elsewhere.set_divisions(1, none);
    const absl::Status unknown = Run(As("author", "km-data"), elsewhere);
    EXPECT_EQ(unknown.code(), StatusCode::kInvalidArgument) << none;
    EXPECT_THAT(std::string(unknown.message()), HasSubstr(none));
  }
}

TEST_F(RuleTrialsTest, ADryRunStandsWithTheProposedVersionForItsApprover) {
  Propose("author");
  EXPECT_EQ(Version(2).dry_runs_size(), 0);
  ASSERT_TRUE(Run(As("author", "km-data"), Text()).ok());
  EXPECT_TRUE(last_.recorded()) << "the text is the version's";
  const RuleSet tried = Version(2);
  ASSERT_EQ(tried.dry_runs_size(), 1);
  EXPECT_EQ(tried.state(), RULE_SET_STATE_PROPOSED);
  EXPECT_EQ(tried.dry_runs(0).account(), "author");
  EXPECT_EQ(tried.dry_runs(0).records(), 4);
  EXPECT_EQ(tried.dry_runs(0).active_version(), 1u);
  EXPECT_EQ(tried.dry_runs(0).counts_size(), 3);
  DryRunRequest other_area = Text();
  other_area.add_divisions("530102");
  ASSERT_TRUE(Run(As("author", "km-data"), other_area).ok());
  EXPECT_FALSE(last_.recorded()) << "another area is no part of the version";
  for (int i = 0; i < 12; ++i) ASSERT_TRUE(Run(As("author", "km-data"), Text()).ok());
  EXPECT_EQ(Version(2).dry_runs_size(), 10) << "the last ten";
  DecideRuleSetRequest decision;
  decision.set_dataset("person");
  decision.set_receiver(kKunming);
  decision.set_version(2);
  decision.set_approve(true);
  DecideRuleSetResponse decided;
  ASSERT_TRUE(f_.rules->DecideRuleSet(As("approver", "km-data"), decision, &decided).ok());
  EXPECT_EQ(Version(2).dry_runs_size(), 10);
  ASSERT_TRUE(Run(As("author", "km-data"), Text()).ok());
  EXPECT_FALSE(last_.recorded()) << "it is in force";
  const auto entries = f_.node.Entries();
  EXPECT_TRUE(std::none_of(entries.begin(), entries.end(), [](const LineageEntry& entry) {
    return absl::StrContains(entry.detail(), "without a dry run");
  }));
}

TEST_F(RuleTrialsTest, AnApprovalWithoutADryRunStatesWhyAndSaysSoInLineage) {
  Propose("author");
  DecideRuleSetRequest decision;
  decision.set_dataset("person");
  decision.set_receiver(kKunming);
  decision.set_version(2);
  decision.set_approve(true);
  DecideRuleSetResponse decided;
  EXPECT_EQ(f_.rules->DecideRuleSet(As("approver", "km-data"), decision, &decided).code(),
            StatusCode::kFailedPrecondition);
  EXPECT_EQ(Version(2).state(), RULE_SET_STATE_PROPOSED);
  decision.set_untried_reason("来源尚未接入，无数据可试");
  ASSERT_TRUE(f_.rules->DecideRuleSet(As("approver", "km-data"), decision, &decided).ok());
  const auto entries = f_.node.Entries();
  EXPECT_TRUE(std::any_of(entries.begin(), entries.end(), [](const LineageEntry& entry) {
    return entry.method() == "Rules.DecideRuleSet" &&
           absl::StrContains(entry.detail(), "without a dry run");
  }));
}

TEST_F(RuleTrialsTest, OnlyTheReceiversDataOfficersTryItsRules) {
  for (const auto& context :
       {As("clerk", "km-data", {ROLE_CONSUMER}),
        As("admin", "km-data", {ROLE_SECURITY_ADMINISTRATOR}), As("officer", "dl-data")}) {
    EXPECT_EQ(Run(context, Text()).code(), StatusCode::kPermissionDenied);
    EXPECT_FALSE(last_.has_report());
    DryRunRequest kept;
    kept.set_dataset("person");
    kept.set_receiver(kKunming);
    EXPECT_EQ(Run(context, kept).code(), StatusCode::kPermissionDenied);
  }
  EXPECT_TRUE(Run(As("officer", "yn-data"), Text()).ok()) << "an upper level";
  CallContext unknown;
  EXPECT_EQ(Run(unknown, Text()).code(), StatusCode::kUnauthenticated);
}

TEST_F(RuleTrialsTest, OneRunAReceiverAndItEndsWhenItsCallerIsGone) {
  absl::Status second;
  const auto sink = [&](const google::protobuf::Message& message) {
    if (static_cast<const DryRunResponse&>(message).has_progress())
      second = Run(As("officer", "km-data"), Text());
    return true;
  };
  ASSERT_TRUE(f_.trials->DryRun(As("officer", "km-data"), Text(), sink).ok());
  EXPECT_EQ(second.code(), StatusCode::kResourceExhausted);
  CallContext gone = As("officer", "km-data");
  gone.gone = [] { return true; };
  EXPECT_EQ(Run(gone, Text()).code(), StatusCode::kCancelled);
  EXPECT_TRUE(Run(As("officer", "km-data"), Text()).ok()) << "its place is free again";
}

TEST_F(RuleTrialsTest, TheRangeAndTheKeysAtOnceAreKeptTo) {
  DryRunRequest request = Text();
  *request.mutable_from() = ToProto(f_.node.clock().Now() + absl::Hours(1));
  ASSERT_TRUE(Run(As("officer", "km-data"), request).ok());
  EXPECT_EQ(last_.report().changes(), 0);
  *request.mutable_to() = request.from();
  EXPECT_EQ(Run(As("officer", "km-data"), request).code(), StatusCode::kInvalidArgument);
  // The newest version counts, whatever part of the keys is read when.
  ASSERT_TRUE(
      f_.node.Send({{R"({"id":"k1","name":"昆一","age":40,"division":"530102"})", "r1", 2}}).ok());
  for (const int64_t at_once : {1, 2, 1000}) {
    f_.MakeTrials(at_once);
    const absl::Status status = Run(As("officer", "km-data"), Text());
    ASSERT_TRUE(status.ok()) << status;
    EXPECT_EQ(Counts(), "UNCHANGED 2 DIFFERENTLY_MASKED 2 ") << at_once;
    EXPECT_EQ(last_.report().superseded(), 1);
  }
}

TEST_F(RuleTrialsTest, OfSourcesAtTheEdgeTheDepartmentIsAsked) {
  Source source = *f_.node.state.FindSource("src");
  source.set_id("edge");
  source.set_placement(PLACEMENT_EDGE);
  source.clear_receivers();
  source.add_receivers(kKunming);
  ASSERT_TRUE(f_.node.Put(source).ok());
  ASSERT_TRUE(Run(As("officer", "km-data"), Text()).ok());
  EXPECT_THAT(last_.report().edge_sources(), testing::ElementsAre("edge"));
  EXPECT_THAT(last_.report().note(), HasSubstr("huiliu-agent rules dry-run"));
  source.clear_receivers();
  source.add_receivers("530300");
  source.set_id("other");
  ASSERT_TRUE(f_.node.Put(source).ok());
  std::string draft = kDraft;
  draft.replace(draft.find(kKunming), 6, "530300");
  const absl::Status status = Run(As("officer", "yn-data"), Text(draft));
  EXPECT_EQ(status.code(), StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(status.message()), HasSubstr("huiliu-agent rules dry-run"));

  // What it came to there stands with the version.
  Propose("author");
  RecordDryRunRequest record;
  record.set_dataset("person");
  record.set_receiver(kKunming);
  record.set_version(2);
  record.set_digest(Version(2).digest());
  record.mutable_summary()->set_source("edge");
  record.mutable_summary()->set_account("somebody else");
  RecordDryRunResponse response;
  EXPECT_EQ(f_.trials->RecordDryRun(As("agent", "km-data", {ROLE_AGENT}), record, &response).code(),
            StatusCode::kPermissionDenied)
      << "another organisation's source";
  const auto agent = As("dept-agent", "dept", {ROLE_AGENT});
  ASSERT_TRUE(f_.trials->RecordDryRun(agent, record, &response).ok());
  ASSERT_EQ(Version(2).dry_runs_size(), 1);
  EXPECT_EQ(Version(2).dry_runs(0).account(), "dept-agent");
  EXPECT_EQ(Version(2).dry_runs(0).source(), "edge");
  record.mutable_summary()->set_records(-1);
  EXPECT_EQ(f_.trials->RecordDryRun(agent, record, &response).code(), StatusCode::kInvalidArgument);
  record.mutable_summary()->set_records(1);
  record.set_digest("another text");
  EXPECT_EQ(f_.trials->RecordDryRun(agent, record, &response).code(),
            StatusCode::kFailedPrecondition);
  record.set_version(1);
  record.set_digest(Version(1).digest());
  EXPECT_EQ(f_.trials->RecordDryRun(agent, record, &response).code(),
            StatusCode::kFailedPrecondition)
      << "it is in force";
}

TEST_F(RuleTrialsTest, ExplainNeedsAGrantAndTellsWhatItShows) {
  const CallContext officer = As("officer", "km-data");
  EXPECT_EQ(Explain(officer, Asked("k2")).code(), StatusCode::kPermissionDenied);
  AddGrant();
  EXPECT_EQ(Explain(As("clerk", "km-data", {ROLE_CONSUMER}), Asked("k2")).code(),
            StatusCode::kPermissionDenied);
  const absl::Status status = Explain(officer, Asked("k2"));
  ASSERT_TRUE(status.ok()) << status;
  EXPECT_EQ(explained_.outcome(), OUTCOME_RETURNED);
  EXPECT_EQ(explained_.division(), "530102");
  EXPECT_EQ(explained_.version(), 1u);
  EXPECT_EQ(explained_.source(), "src");
  EXPECT_THAT(explained_.place(), HasSubstr("source.person/"));
  ASSERT_EQ(explained_.links_size(), 2);
  EXPECT_EQ(explained_.links(0).value().shown(), DryRunSample::SHOWN_WITHHELD)
      << "the division is not granted";
  EXPECT_TRUE(explained_.links(0).decided());
  EXPECT_EQ(explained_.links(0).division(), "530102") << "which is told anyway";
  ASSERT_EQ(Reads("Rules.Explain").size(), 1u);
  EXPECT_EQ(Reads("Rules.Explain")[0].key_digests_size(), 1);
  EXPECT_EQ(Reads("Rules.Explain")[0].grant(), "g");
  // By its place, too.
  ExplainRequest at = Asked("");
  at.clear_key();
  at.set_place(explained_.place());
  ASSERT_TRUE(Explain(officer, at).ok());
  EXPECT_EQ(explained_.division(), "530102");
  at.set_place("source.other/0@1");
  EXPECT_EQ(Explain(officer, at).code(), StatusCode::kInvalidArgument);
  at.set_place("nonsense");
  EXPECT_EQ(Explain(officer, at).code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(Explain(officer, Asked("nobody")).code(), StatusCode::kNotFound);
  EXPECT_EQ(Explain(officer, Asked("d1")).code(), StatusCode::kNotFound)
      << "that Dali has it is none of Kunming's business";
}

TEST_F(RuleTrialsTest, WhatAConditionReadsAndTheViewerDoesNotIsNotTold) {
  AddGrant();
  Propose("author");
  const CallContext approver = As("approver", "km-data");
  EXPECT_EQ(Explain(As("author", "km-data"), Asked("k1", 2)).code(), StatusCode::kPermissionDenied)
      << "with conditions of his own he could ask anything";
  const absl::Status status = Explain(approver, Asked("k1", 2));
  ASSERT_TRUE(status.ok()) << status;
  EXPECT_EQ(explained_.outcome(), OUTCOME_WITHHELD);
  EXPECT_EQ(explained_.reason(), "rule.withheld:minors");
  EXPECT_EQ(explained_.reason_words(), "未成年人");
  ASSERT_EQ(explained_.rules_size(), 1);
  EXPECT_TRUE(explained_.rules(0).decides());
  EXPECT_EQ(explained_.rules(0).when().truth(), Explanation::TRUTH_TRUE) << "the outcome tells it";
  ASSERT_EQ(explained_.rules(0).when().values_size(), 1);
  EXPECT_EQ(explained_.rules(0).when().values(0).shown(), DryRunSample::SHOWN_WITHHELD);
  EXPECT_EQ(explained_.rules(0).when().values(0).text(), "");
  ASSERT_TRUE(Explain(approver, Asked("k2", 2)).ok());
  EXPECT_EQ(explained_.rules(0).when().truth(), Explanation::TRUTH_FALSE);
  EXPECT_THAT(explained_.changed(), testing::ElementsAre("phone"));
}

TEST_F(RuleTrialsTest, PartsOfAConditionAreToldWhereAllTheyReadIsClear) {
  AddGrant();
  f_.node.PutRules(kKunming, R"(
legal_basis: x
rules:
  - {id: both, when: 'name == "昆二" && phone.endsWith("1111") && age > 90', withhold: x}
  - {id: own}
)");
  ASSERT_TRUE(Explain(As("officer", "km-data"), Asked("k2")).ok());
  const auto& when = explained_.rules(0).when();
  EXPECT_EQ(when.truth(), Explanation::TRUTH_FALSE);
  ASSERT_EQ(when.parts_size(), 3);
  EXPECT_EQ(when.parts(0).truth(), Explanation::TRUTH_TRUE);
  EXPECT_EQ(when.parts(0).values(0).text(), "昆二");
  EXPECT_EQ(when.parts(1).truth(), Explanation::TRUTH_WITHHELD) << "the phone is masked";
  EXPECT_EQ(when.parts(1).values(0).shown(), DryRunSample::SHOWN_MASKED);
  EXPECT_EQ(when.parts(1).values(0).text(), "*******1111");
  EXPECT_EQ(when.parts(2).truth(), Explanation::TRUTH_WITHHELD);
}

TEST_F(RuleTrialsTest, OfARecordThatIsNotReturnedNothingIsShown) {
  AddGrant();
  f_.node.PutRules(kKunming,
                   "legal_basis: x\nrules:\n  - {id: no, when: name == \"昆二\", withhold: 不予}\n"
                   "  - {id: own}\n");
  ASSERT_TRUE(Explain(As("officer", "km-data"), Asked("k2")).ok());
  EXPECT_EQ(explained_.outcome(), OUTCOME_WITHHELD);
  EXPECT_EQ(explained_.reason_words(), "不予");
  EXPECT_NE(explained_.note(), "");
  for (const auto& link : explained_.links())
    EXPECT_EQ(link.value().shown(), DryRunSample::SHOWN_WITHHELD);
  EXPECT_THAT(explained_.DebugString(), Not(HasSubstr("138")));
}

TEST_F(RuleTrialsTest, TheNewestOfAKeyIsFoundFromTheEndBlockByBlock) {
  AddGrant();
  f_.MakeTrials(1);
  ASSERT_TRUE(f_.node
                  .Send({{R"({"id":"k2","name":"昆二新","age":30,"division":"530103"})", "r2", 2},
                         {R"({"id":"x1","name":"甲","age":30,"division":"530103"})", "r9", 2},
                         {R"({"id":"x2","name":"乙","age":30,"division":"530103"})", "r10", 2}})
                  .ok());
  ASSERT_TRUE(Explain(As("officer", "km-data"), Asked("k2")).ok());
  EXPECT_EQ(explained_.division(), "530103");
  ASSERT_TRUE(Explain(As("officer", "km-data"), Asked("k3")).ok());
  EXPECT_EQ(explained_.division(), "530103");
  ASSERT_TRUE(f_.node.Send({{R"({"id":"k2","name":"x"})", "r2", 3, true}}).ok());
  EXPECT_EQ(Explain(As("officer", "km-data"), Asked("k2")).code(), StatusCode::kNotFound);
  f_.AddGrant("up", "yn-data", kKunming);
  ASSERT_TRUE(Explain(As("officer", "yn-data"), Asked("k2")).ok());
  EXPECT_TRUE(explained_.deleted());
}

}  // namespace
}  // namespace huiliu::service
