#include "adapters/agent/reevaluation.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "adapters/agent/batch_maker.h"
#include "tests/unit/mapping/rows.h"
#include "tests/unit/rules/engine_fixture.h"

namespace huiliu::agent {
namespace {

using namespace huiliu::v1;  // NOLINT: outcomes
using Cells = mapping::Rows::Cells;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

const std::vector<std::string> kColumns = {"id", "name", "division", "op"};
constexpr char kMapping[] = "dataset: person\noperation: {column: op, upsert: [U], delete: [D]}\n";
constexpr char kNoLiLei[] = R"(
legal_basis: 政务数据共享条例
rules:
  - {id: lilei, when: name == "李雷", withhold: 依法不予公开}
  - {id: own}
)";
constexpr char kMasked[] = R"(
legal_basis: 政务数据共享条例
rules:
  - {id: own, masks: {name: {constant: 某}}}
)";

Cells Person(const std::string& id, const std::string& name,
             const std::string& division = "530102") {
  return {id, name, division, "U"};
}

class ReevaluationTest : public testing::Test {
 protected:
  ReevaluationTest() {
    f_.UseKunming();
    auto mapping = mapping::Mapping::Parse("m.yaml", kMapping, f_.contract);
    EXPECT_TRUE(mapping.ok()) << mapping.status();
    mapping_ = *std::move(mapping);
    key_ = *SigningKey::Generate();
    source_.set_id("si");
    source_.set_system("sv-si");
    source_.set_dataset("person");
    source_.add_receivers("530100");
  }

  // Another version takes over; the one before is known.
  Reevaluation Activate(absl::string_view body, uint32_t version) {
    std::vector<RuleSet> versions(2);
    versions[0].set_version(version);
    versions[1].set_version(version - 1);
    versions[1].mutable_active_from()->set_seconds(1);
    versions[1].set_yaml(absl::StrCat("dataset: person\nreceiver: \"530100\"\n", body_));
    Reevaluation history;
    history.version = version;
    history.former = std::make_unique<rules::FormerRules>(FormerMakers(
        versions, versions[0], f_.engine->receivers()[0], f_.contract, rules::YunnanDivisions()));
    body_ = std::string(body);
    f_.UseKunming(body);
    return history;
  }
  // A batch of `rows`, which the node takes over at once; `history`: of a re-read.
  MadeBatch Make(std::vector<Cells> rows, Reevaluation* history = nullptr) {
    mapping::Rows made(kColumns, std::move(rows));
    huiliu_rows view = made.view();
    view.position = mapping::Bytes("after");
    EXPECT_TRUE(mapping_->BindHeader(made.columns()).ok());
    BatchMaker maker({source_, "530100", "rule-digest", mapping_.get(), f_.engine.get(),
                      decisions_.get(), key_.get(), &clock_, "person/530100@2"});
    auto batch = history == nullptr
                     ? maker.Make(view, 7, ++sequence_)
                     : maker.MakeHistory(view, 7, ++sequence_, "of changes", history);
    EXPECT_TRUE(batch.ok()) << batch.status();
    EXPECT_TRUE(decisions_->Stage(sequence_, batch->decisions).ok());
    EXPECT_TRUE(decisions_->Commit(sequence_).ok());
    return *std::move(batch);
  }
  // A kept row, corrected by hand and decided again; the node takes the batch over at once.
  void Redrive(QuarantinedRow row, const std::string& column, const std::string& value) {
    for (int i = 0; i < row.columns_size(); ++i) {
      if (row.columns(i) == column) row.mutable_cells(i)->set_text(value);
    }
    std::vector<KeptRows::Row> rows;
    rows.push_back({{KeptKind::kPending, row.id()}, row});
    const KeptRows again(std::move(rows));
    ASSERT_TRUE(mapping_->BindHeader({again.rows().columns, again.rows().column_count}).ok());
    BatchMaker maker({source_, "530100", "rule-digest", mapping_.get(), f_.engine.get(),
                      decisions_.get(), key_.get(), &clock_, "person/530100@2"});
    std::vector<RedriveResult> results;
    const auto batch = maker.MakeAgain(again, 7, ++sequence_, "after", Again::kAsked, &results);
    ASSERT_TRUE(batch.ok()) << batch.status();
    ASSERT_TRUE(decisions_->Stage(sequence_, batch->decisions).ok());
    ASSERT_TRUE(decisions_->Commit(sequence_).ok());
  }
  int64_t OutOfReach() {
    rules::Impact impact;
    EXPECT_TRUE(CountOutOfReach(*decisions_, *f_.engine, absl::ToUnixMicros(clock_.Now()), "530100",
                                &impact)
                    .ok());
    ReevaluationCounts counts;
    impact.AddTo(&counts);
    return counts.out_of_reach();
  }
  static std::vector<std::string> Counts(const Batch& batch) {
    std::vector<std::string> out;
    for (const CountDelta& c : batch.counts())
      out.push_back(absl::StrCat(c.day(), " ", Outcome_Name(c.outcome()).substr(8), " ", c.rows()));
    return out;
  }

  rules::EngineFixture f_;
  std::string body_ = rules::kOpenRules;
  std::unique_ptr<mapping::Mapping> mapping_;
  std::unique_ptr<DecisionStore> decisions_ = NewMemoryDecisionStore();
  std::unique_ptr<SigningKey> key_;
  ManualClock clock_{absl::FromUnixSeconds(1767225600)};  // 2026-01-01 08:00 in Shanghai
  Source source_;
  uint64_t sequence_ = 0;
};

TEST_F(ReevaluationTest, WhatDiffersIsSentAndCountsStayInTheirDay) {
  const std::vector<Cells> rows = {Person("1", "张三"), Person("2", "李雷"),
                                   Person("3", "王五", "532901")};
  Make(rows);
  clock_.Advance(absl::Hours(24));
  Reevaluation history = Activate(kNoLiLei, 2);
  const MadeBatch made = Make(rows, &history);
  EXPECT_EQ(made.batch.position(), "of changes") << "the changes' position stays";
  EXPECT_TRUE(made.batch.redrive());
  EXPECT_THAT(Counts(made.batch),
              UnorderedElementsAre("2026-01-01 RETURNED -1", "2026-01-01 WITHHELD 1"));
  ASSERT_EQ(made.batch.keys_size(), 1);
  EXPECT_EQ(made.batch.payloads(0), "");
  Envelope envelope;
  ASSERT_TRUE(envelope.ParseFromString(made.batch.envelopes(0)));
  EXPECT_EQ(envelope.reason(), "rule.withheld:lilei");
  EXPECT_EQ(envelope.rule_set(), "person/530100@2");
  EXPECT_EQ(made.batch.reread().version(), 2U);
  const ReevaluationCounts& counts = made.batch.reread().counts();
  EXPECT_EQ(counts.read(), 3);
  EXPECT_EQ(counts.decided(), 3);
  EXPECT_EQ(counts.withdrawn(), 1);
  EXPECT_EQ(counts.counties(0).division(), "530102");

  history.impact = {};
  const MadeBatch again = Make(rows, &history);
  EXPECT_TRUE(again.empty() && again.decisions.empty()) << "after a crash it is read once more";

  history = Activate(rules::kOpenRules, 3);
  const MadeBatch back = Make(rows, &history);
  ASSERT_EQ(back.batch.keys_size(), 1);
  ASSERT_TRUE(envelope.ParseFromString(back.batch.envelopes(0)));
  EXPECT_EQ(envelope.reason(), "rules.changed");
  EXPECT_EQ(back.batch.reread().counts().returned(), 1);
  EXPECT_THAT(Counts(back.batch),
              UnorderedElementsAre("2026-01-01 RETURNED 1", "2026-01-01 WITHHELD -1"));
}

TEST_F(ReevaluationTest, WhatAnOverrideDecidedIsDecidedByItUnderNewRules) {
  std::vector<TerritoryOverride> held(1);
  held[0].set_id("ov1");
  held[0].set_dataset("person");
  held[0].set_receiver("530100");
  held[0].set_division("530102");
  held[0].mutable_name()->set_field("name");
  held[0].mutable_name()->set_text("张三");
  f_.engine->SetOverrides("sv-si", held);
  ASSERT_EQ(Make({Person("1", "张三", "")}).batch.keys_size(), 1);

  Reevaluation history = Activate(kNoLiLei, 2);
  f_.engine->SetOverrides("sv-si", held);
  history.former->SetOverrides("sv-si", held);
  const MadeBatch made = Make({Person("1", "张三", "")}, &history);
  EXPECT_EQ(made.batch.reread().counts().decided(), 1);
  EXPECT_EQ(made.batch.keys_size(), 0) << "what leaves as before is not sent again";
  rules::Impact impact;
  ASSERT_TRUE(
      CountOutOfReach(*decisions_, *f_.engine, absl::ToUnixMicros(clock_.Now()), "530100", &impact)
          .ok());
  EXPECT_TRUE(impact.empty());

  history = Activate(kMasked, 3);
  f_.engine->SetOverrides("sv-si", held);
  history.former->SetOverrides("sv-si", held);
  const MadeBatch masked = Make({Person("1", "张三", "")}, &history);
  ASSERT_EQ(masked.batch.keys_size(), 1);
  Envelope envelope;
  ASSERT_TRUE(envelope.ParseFromString(masked.batch.envelopes(0)));
  EXPECT_EQ(envelope.reason(), "rules.changed");
  EXPECT_EQ(envelope.decided_by(), "override:ov1");
  EXPECT_THAT(masked.batch.overrides(), testing::ElementsAre("ov1"));
}

TEST_F(ReevaluationTest, WhatIsDecidedAsBeforeIsRememberedThoughNothingLeaves) {
  Make({Person("1", "张三")});
  Reevaluation history = Activate(kNoLiLei, 2);
  const MadeBatch made = Make({Person("1", "张三")}, &history);
  EXPECT_TRUE(made.empty());
  EXPECT_FALSE(made.decisions.empty());
  rules::Impact impact;
  ASSERT_TRUE(
      CountOutOfReach(*decisions_, *f_.engine, absl::ToUnixMicros(clock_.Now()), "530100", &impact)
          .ok());
  ReevaluationCounts counts;
  impact.AddTo(&counts);
  EXPECT_EQ(counts.out_of_reach(), 0);
}

// What it was corrected to is kept nowhere: the source tells the original, and the kept row holds
// that, too.
TEST_F(ReevaluationTest, WhatWasCorrectedByHandIsOutOfReachAndCounted) {
  const std::vector<Cells> rows = {Person("1", "张三", ""), Person("2", "李雷", "")};
  const MadeBatch first = Make(rows);
  ASSERT_EQ(first.pending.size(), 2U);
  for (const QuarantinedRow& row : first.pending) Redrive(row, "division", "530102");
  EXPECT_EQ(OutOfReach(), 0);
  Reevaluation history = Activate(kNoLiLei, 2);
  MadeBatch made = Make(rows, &history);
  EXPECT_TRUE(made.empty() && made.decisions.empty()) << "the corrections stand";
  EXPECT_EQ(OutOfReach(), 2);
  // Decided by these rules when their source tells the correction itself.
  made = Make({Person("1", "张三"), Person("2", "李雷")});
  EXPECT_THAT(Counts(made.batch),
              UnorderedElementsAre("2026-01-01 RETURNED -1", "2026-01-01 WITHHELD 1"));
  EXPECT_EQ(OutOfReach(), 0);
}

TEST_F(ReevaluationTest, ACorrectedRowThatIsWithheldIsOutOfReachToo) {
  Activate(kNoLiLei, 2);
  const MadeBatch first = Make({Person("2", "李雷", "")});
  ASSERT_EQ(first.pending.size(), 1U);
  Redrive(first.pending[0], "division", "530102");
  EXPECT_EQ(OutOfReach(), 0);
  Activate(rules::kOpenRules, 3);
  EXPECT_EQ(OutOfReach(), 1);
}

TEST_F(ReevaluationTest, OtherMasksAreSentAgain) {
  Make({Person("1", "张三")});
  Reevaluation history = Activate(kMasked, 2);
  const MadeBatch made = Make({Person("1", "张三")}, &history);
  ASSERT_EQ(made.batch.keys_size(), 1);
  EXPECT_EQ(made.batch.reread().counts().changed(), 1);
  EXPECT_THAT(Counts(made.batch), IsEmpty());
}

TEST_F(ReevaluationTest, RowsThatAreNotTheNewestOrNotKnownAreTheChangesAffair) {
  Make({Person("1", "李雷")});
  Make({Person("1", "张三")});  // the same row, without a time
  Reevaluation history = Activate(kNoLiLei, 2);
  const MadeBatch made = Make({Person("1", "李雷"), Person("9", "新来")}, &history);
  EXPECT_TRUE(made.empty() && made.decisions.empty());
  EXPECT_EQ(made.batch.reread().counts().unknown(), 1);
  // What stands of rows that could not be mapped is no decision.
  ASSERT_TRUE(decisions_->Stage(++sequence_, {{std::string("\0", 1), "\1"}}).ok());
  ASSERT_TRUE(decisions_->Commit(sequence_).ok());
  rules::Impact impact;
  ASSERT_TRUE(
      CountOutOfReach(*decisions_, *f_.engine, absl::ToUnixMicros(clock_.Now()), "530100", &impact)
          .ok());
  ReevaluationCounts counts;
  impact.AddTo(&counts);
  EXPECT_EQ(counts.out_of_reach(), 1) << "held, and not shown by the re-read";
}

TEST_F(ReevaluationTest, WhoWaitsNowIsKeptAndWhoWaitedIsReleased) {
  const std::vector<Cells> rows = {Person("1", "张三", "530100"), Person("2", "李四", "530103")};
  Make(rows);
  // Only the city is known, and the receiver is one of its districts: it waits.
  f_.Use({{ReceiverId("530100"), "五华", {"530102"}, std::string(32, 'k')}},
         {f_.Rules("530100", rules::kOpenRules)});
  Reevaluation history;
  history.version = 2;
  history.former = std::make_unique<rules::FormerRules>(std::vector<rules::FormerRules::Maker>());
  const MadeBatch waits = Make(rows, &history);
  ASSERT_EQ(waits.pending.size(), 1U);
  EXPECT_EQ(waits.pending[0].reason(), "territory.too_coarse");
  EXPECT_EQ(waits.pending[0].day(), "2026-01-01");
  EXPECT_EQ(waits.batch.reread().counts().pending(), 1);
  ASSERT_EQ(waits.batch.keys_size(), 1) << "a holder keeps what waits, and loses what is elsewhere";
  Envelope envelope;
  ASSERT_TRUE(envelope.ParseFromString(waits.batch.envelopes(0)));
  EXPECT_EQ(envelope.reason(), "territory.outside");
  f_.UseKunming();
  history.version = 3;
  const MadeBatch released = Make(rows, &history);
  // The other one did not wait: only what an override had decided would be kept of it.
  ASSERT_EQ(released.released.size(), 2U);
  for (const MadeBatch::Released& one : released.released)
    EXPECT_EQ(one.by_hand, one.row_id != "a.csv:2");
  EXPECT_THAT(Counts(released.batch),
              UnorderedElementsAre("2026-01-01 RETURNED 1", "2026-01-01 RETURNED 1",
                                   "2026-01-01 OUTSIDE_AREA -1", "2026-01-01 PENDING -1"));
}

TEST_F(ReevaluationTest, IsDueUntilTheNodeKnowsThatItIsDone) {
  RuleSet rules;
  rules.set_version(3);
  Welcome welcome;
  welcome.set_sequence(5);
  EXPECT_FALSE(DueReevaluation(rules, welcome).has_value());
  rules.set_reevaluate_history(true);
  ASSERT_TRUE(DueReevaluation(rules, welcome).has_value());
  EXPECT_EQ(DueReevaluation(rules, welcome)->position, "");
  welcome.mutable_reread()->set_version(2);
  welcome.mutable_reread()->set_position("of another");
  welcome.mutable_reread()->set_done(true);
  EXPECT_EQ(DueReevaluation(rules, welcome)->position, "") << "another version's";
  welcome.mutable_reread()->set_version(3);
  welcome.mutable_reread()->set_position("here");
  welcome.mutable_reread()->set_done(false);
  EXPECT_EQ(DueReevaluation(rules, welcome)->position, "here");
  welcome.mutable_reread()->set_done(true);
  EXPECT_FALSE(DueReevaluation(rules, welcome).has_value());
  welcome.Clear();
  EXPECT_TRUE(DueReevaluation(rules, welcome)->nothing_before);
}

}  // namespace
}  // namespace huiliu::agent
