#include "adapters/agent/batch_maker.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/model/batch_digest.h"
#include "tests/unit/mapping/rows.h"
#include "tests/unit/rules/engine_fixture.h"

namespace huiliu::agent {
namespace {

using namespace huiliu::v1;  // NOLINT: outcomes
using Cells = mapping::Rows::Cells;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::UnorderedElementsAre;

const std::vector<std::string> kColumns = {"id", "name", "division", "citizen_id", "op"};
constexpr char kMapping[] = "dataset: person\noperation: {column: op, upsert: [U], delete: [D]}\n";
constexpr char kSecretRule[] = R"(
legal_basis: 政务数据共享条例
rules:
  - {id: secret, when: name == "密", withhold: 依法不予公开}
  - {id: own}
)";
constexpr char kNothingReturns[] = R"(
legal_basis: 政务数据共享条例
rules:
  - {id: closed, withhold: 依法不予公开}
)";

class BatchMakerTest : public testing::Test {
 protected:
  BatchMakerTest() {
    f_.UseKunming(kSecretRule);
    auto mapping = mapping::Mapping::Parse("m.yaml", kMapping, f_.contract);
    EXPECT_TRUE(mapping.ok()) << mapping.status();
    mapping_ = *std::move(mapping);
    key_ = *SigningKey::Generate();
    source_.set_id("si");
    source_.set_system("sv-si");
    source_.set_dataset("person");
    source_.set_department("state-si");
    source_.add_receivers("530100");
  }
  // A batch of `rows`, which the node takes over at once.
  MadeBatch Make(std::vector<Cells> rows) {
    mapping::Rows made(columns_, std::move(rows));
    std::vector<std::string> raw;
    huiliu_rows view = made.view();
    raw.reserve(view.row_count);
    for (size_t i = 0; i < view.row_count; ++i) {
      raw.push_back(absl::StrCat(
          "raw ", made.row(i).cells[1].value.size, " ",
          std::string(made.row(i).cells[1].value.data, made.row(i).cells[1].value.size)));
      made.row(i).raw = mapping::Bytes(raw.back());
      if (one_row_id_) made.row(i).row_id = mapping::Bytes("t:1");
      if (!row_id_.empty()) made.row(i).row_id = mapping::Bytes(row_id_);
      made.row(i).table = mapping::Bytes("a.csv");
    }
    view.position = mapping::Bytes("after");
    EXPECT_TRUE(mapping_->BindHeader(made.columns()).ok());
    BatchMaker maker({source_, "530100", "rule-digest", mapping_.get(), f_.engine.get(),
                      decisions_.get(), key_.get(), &clock_});
    auto batch = maker.Make(view, 7, ++sequence_);
    EXPECT_TRUE(batch.ok()) << batch.status();
    EXPECT_TRUE(decisions_->Stage(sequence_, batch->decisions).ok());
    EXPECT_TRUE(decisions_->Commit(sequence_).ok());
    return *std::move(batch);
  }
  // Kept rows, decided again; the node takes the batch over at once.
  MadeBatch MakeAgain(const std::vector<QuarantinedRow>& kept, Again why,
                      KeptKind kind = KeptKind::kPending) {
    std::vector<KeptRows::Row> rows;
    for (const QuarantinedRow& row : kept) rows.push_back({{kind, row.id()}, row, row});
    return MakeAgain(std::move(rows), why);
  }
  MadeBatch MakeAgain(std::vector<KeptRows::Row> rows, Again why) {
    const KeptRows again(std::move(rows));
    EXPECT_TRUE(mapping_->BindHeader({again.rows().columns, again.rows().column_count}).ok());
    BatchMaker maker({source_, "530100", "rule-digest", mapping_.get(), f_.engine.get(),
                      decisions_.get(), key_.get(), &clock_});
    std::vector<RedriveResult> results;
    auto batch = maker.MakeAgain(again, 7, ++sequence_, "after", why, &results);
    EXPECT_TRUE(batch.ok()) << batch.status();
    EXPECT_TRUE(decisions_->Stage(sequence_, batch->decisions).ok());
    EXPECT_TRUE(decisions_->Commit(sequence_).ok());
    return *std::move(batch);
  }
  void Hold(const std::vector<std::pair<std::string, std::string>>& names_by_id) {
    std::vector<TerritoryOverride> held;
    for (const auto& [id, name] : names_by_id) {
      TerritoryOverride& one = held.emplace_back();
      one.set_id(id);
      one.set_dataset("person");
      one.set_receiver("530100");
      one.set_division("530102");
      one.mutable_name()->set_field("name");
      one.mutable_name()->set_text(name);
    }
    f_.engine->SetOverrides("sv-si", held);
  }
  static std::vector<std::string> Counts(const Batch& batch) {
    std::vector<std::string> out;
    for (const CountDelta& c : batch.counts())
      out.push_back(absl::StrCat(c.day(), " ", Outcome_Name(c.outcome()).substr(8), " ",
                                 c.division(), " ", c.rows()));
    return out;
  }
  static Envelope EnvelopeOf(const Batch& batch, int i) {
    Envelope envelope;
    EXPECT_TRUE(envelope.ParseFromString(batch.envelopes(i)));
    return envelope;
  }

  rules::EngineFixture f_;
  std::unique_ptr<mapping::Mapping> mapping_;
  std::unique_ptr<DecisionStore> decisions_ = NewMemoryDecisionStore();
  std::unique_ptr<SigningKey> key_;
  ManualClock clock_{absl::FromUnixSeconds(1767225600)};  // 2026-01-01 08:00 in Shanghai
  Source source_;
  uint64_t sequence_ = 0;
  std::vector<std::string> columns_ = kColumns;
  bool one_row_id_ = false;
  std::string row_id_;  // of a batch's only row
};

Cells Wuhua(const std::string& id) { return {id, "张三", "530102", "", "U"}; }

TEST_F(BatchMakerTest, EachRowCountsInOneOutcomeAndOnlyReturnedRowsLeave) {
  const MadeBatch made = Make({Wuhua("1"),
                               {"2", "外地人", "532901", "", "U"},
                               {"3", "密", "530102", "", "U"},
                               {"4", "待定人", "", "", "U"},
                               {std::nullopt, "无号人", "530102", "", "U"}});
  const Batch& batch = made.batch;
  EXPECT_THAT(Counts(batch),
              UnorderedElementsAre("2026-01-01 RETURNED 530102 1", "2026-01-01 OUTSIDE_AREA  1",
                                   "2026-01-01 WITHHELD  1", "2026-01-01 PENDING  1",
                                   "2026-01-01 QUARANTINED  1"));
  EXPECT_EQ(batch.keys_size(), 1);
  EXPECT_EQ(batch.rest_rows(), 4);
  EXPECT_FALSE(batch.redrive());
  const std::string bytes = batch.SerializeAsString();
  for (const char* stays : {"外地人", "密", "待定人", "无号人"})
    EXPECT_THAT(bytes, Not(HasSubstr(stays)));
  ASSERT_EQ(made.quarantined.size(), 1U);
  ASSERT_EQ(made.pending.size(), 1U);
  EXPECT_EQ(made.pending[0].reason(), "territory.no_evidence");
  EXPECT_THAT(made.pending[0].raw(), HasSubstr("待定人"));
  EXPECT_THAT(made.quarantined[0].raw(), HasSubstr("无号人"));
  EXPECT_THAT(made.quarantined[0].message(), Not(HasSubstr("无号人")));
  EXPECT_EQ(made.quarantined[0].day(), "2026-01-01");
  EXPECT_THAT(made.quarantined[0].id(), testing::StartsWith("si/7/1/"));
  EXPECT_NE(made.quarantined[0].id(), made.pending[0].id());
}

TEST_F(BatchMakerTest, TheBatchIsSignedAndNamesWhereItComesFrom) {
  const Batch batch = Make({Wuhua("1")}).batch;
  EXPECT_TRUE(CheckBatchDigests(batch).ok());
  EXPECT_TRUE(VerifySignature(key_->public_key(), batch.digest(), batch.signature()));
  EXPECT_EQ(batch.source(), "si");
  EXPECT_EQ(batch.epoch(), 7U);
  EXPECT_EQ(batch.sequence(), 1U);
  EXPECT_EQ(batch.position(), "after");
  EXPECT_EQ(batch.rule_set(), "rule-digest");
  EXPECT_THAT(batch.keys(0), testing::StartsWith(std::string("sv-si\0", 6)));
  const Envelope envelope = EnvelopeOf(batch, 0);
  EXPECT_EQ(envelope.division(), "530102");
  EXPECT_EQ(envelope.decided_by(), "division");
  EXPECT_EQ(envelope.rule(), "own@1");
  EXPECT_EQ(envelope.source_table(), "a.csv");
  EXPECT_EQ(envelope.row_id(), "a.csv:2");
  EXPECT_EQ(envelope.operation(), OPERATION_UPSERT);
  EXPECT_EQ(*schema::RecordToJson(*f_.contract, batch.payloads(0)),
            *schema::RecordToJson(*f_.contract,
                                  f_.Record(R"({"id":"1","name":"张三","division":"530102"})")));
}

TEST_F(BatchMakerTest, NotesOfKeptRowsShowNoRowId) {
  const Batch batch = Make({{std::nullopt, "无号人", "530102", "", "U"}}).batch;
  ASSERT_EQ(batch.quarantine_notes_size(), 1);
  EXPECT_THAT(batch.quarantine_notes(0).row_id(), testing::StartsWith("sha256:"));
  EXPECT_THAT(batch.quarantine_notes(0).row_id(), Not(HasSubstr("a.csv")));
  EXPECT_EQ(batch.quarantine_notes(0).raw_sha256().size(), 32U);
}

TEST_F(BatchMakerTest, AReReadNeitherCountsNorTravels) {
  const std::vector<Cells> rows = {Wuhua("1"), {"2", "外地人", "532901", "", "U"}};
  EXPECT_FALSE(Make(rows).empty());
  const MadeBatch again = Make(rows);
  EXPECT_TRUE(again.empty());
  EXPECT_EQ(again.batch.unchanged_rows(), 2U);
  EXPECT_THAT(again.decisions, IsEmpty());
}

TEST_F(BatchMakerTest, ALaterRowOfTheBatchKnowsTheEarlierOne) {
  // The same content under two row ids counts twice, and is held once.
  const MadeBatch made = Make({Wuhua("1"), Wuhua("1")});
  EXPECT_EQ(made.batch.keys_size(), 1);
  EXPECT_THAT(Counts(made.batch), ElementsAre("2026-01-01 RETURNED 530102 2"));
  EXPECT_EQ(made.decisions.size(), 1U);
}

TEST_F(BatchMakerTest, ADeleteTravelsWithoutContent) {
  Make({Wuhua("1")});
  const Batch batch = Make({{"1", std::nullopt, std::nullopt, std::nullopt, "D"}}).batch;
  ASSERT_EQ(batch.keys_size(), 1);
  EXPECT_EQ(batch.payloads(0), "");
  EXPECT_EQ(EnvelopeOf(batch, 0).operation(), OPERATION_DELETE);
  EXPECT_TRUE(CheckBatchDigests(batch).ok());
}

TEST_F(BatchMakerTest, MovingOutOfTheAreaTakesTheRecordBack) {
  Make({Wuhua("1")});
  const Batch batch = Make({{"1", "张三", "532901", "", "U"}}).batch;
  ASSERT_EQ(batch.keys_size(), 1);
  EXPECT_EQ(batch.payloads(0), "") << "what lies outside never travels";
  const Envelope envelope = EnvelopeOf(batch, 0);
  EXPECT_EQ(envelope.operation(), OPERATION_DELETE);
  EXPECT_EQ(envelope.division() + envelope.decided_by() + envelope.row_id() + envelope.rule() +
                envelope.source_table(),
            "")
      << "nor where it went";
  EXPECT_EQ(envelope.source_time_us(), 0);
  EXPECT_EQ(envelope.system(), "sv-si");
  EXPECT_THAT(Counts(batch), ElementsAre("2026-01-01 OUTSIDE_AREA  1"));
}

TEST_F(BatchMakerTest, OtherRulesMoveTheCountWithinItsOwnDay) {
  Make({Wuhua("1")});
  clock_.Advance(absl::Hours(24));
  f_.UseKunming(kNothingReturns);
  const Batch batch = Make({Wuhua("1")}).batch;
  EXPECT_THAT(Counts(batch),
              UnorderedElementsAre("2026-01-01 RETURNED 530102 -1", "2026-01-01 WITHHELD  1"));
  EXPECT_TRUE(batch.redrive());
  ASSERT_EQ(batch.keys_size(), 1);
  EXPECT_EQ(EnvelopeOf(batch, 0).operation(), OPERATION_DELETE);
}

// A2: a re-read of what could not be mapped is one.
TEST_F(BatchMakerTest, ARowThatCouldNotBeMappedCountsOnce) {
  const std::vector<Cells> bad = {{std::nullopt, "无号人", "530102", "", "U"},
                                  {"2", "错词", "530102", "", "X"}};
  EXPECT_EQ(Make(bad).quarantined.size(), 2U);
  clock_.Advance(absl::Hours(24));
  const MadeBatch again = Make(bad);
  EXPECT_TRUE(again.empty());
  EXPECT_EQ(again.batch.unchanged_rows(), 2U);
  EXPECT_THAT(again.quarantined, IsEmpty());
  const MadeBatch other = Make({{std::nullopt, "还是无号人", "530102", "", "U"}});
  EXPECT_THAT(Counts(other.batch), ElementsAre("2026-01-02 QUARANTINED  1"));
  EXPECT_THAT(other.superseded, ElementsAre("a.csv:2")) << "the one before stands for nothing now";
  EXPECT_TRUE(Make({{std::nullopt, "还是无号人", "530102", "", "U"}}).empty());
}

TEST_F(BatchMakerTest, ARowThatIsCorrectedAtItsSourceIsAChangeOfItsOwn) {
  Make({{std::nullopt, "无号人", "530102", "", "U"}});
  const MadeBatch made = Make({Wuhua("1")});
  EXPECT_THAT(Counts(made.batch), ElementsAre("2026-01-01 RETURNED 530102 1"));
  EXPECT_THAT(made.superseded, ElementsAre("a.csv:2"));
  EXPECT_TRUE(Make({Wuhua("1")}).empty());
}

TEST_F(BatchMakerTest, ARowThatIsCorrectedToWhatStandsAlreadyIsSettledOnce) {
  Make({Wuhua("1")});
  Make({{"1", "另一版", "530102", "", "X"}});
  const MadeBatch made = Make({Wuhua("1")});
  EXPECT_EQ(made.batch.unchanged_rows(), 1U);
  EXPECT_EQ(made.batch.counts_size(), 0);
  EXPECT_THAT(made.superseded, ElementsAre("a.csv:2"));
  EXPECT_FALSE(made.empty()) << "what it settles must be stored";
  EXPECT_TRUE(Make({Wuhua("1")}).empty());
}

TEST_F(BatchMakerTest, WhatSomebodyCorrectedAndRedroveStandsUntilItsSourceChangesIt) {
  const std::vector<Cells> bad = {{"1", "错词", "530102", "", "X"}};
  std::vector<QuarantinedRow> kept = Make(bad).quarantined;
  ASSERT_EQ(kept.size(), 1U);
  kept[0].mutable_cells(4)->set_text("U");
  EXPECT_THAT(Counts(MakeAgain(kept, Again::kAsked, KeptKind::kQuarantined).batch),
              UnorderedElementsAre("2026-01-01 QUARANTINED  -1", "2026-01-01 RETURNED 530102 1"));
  EXPECT_TRUE(Make(bad).empty());
  mapping_ = *mapping::Mapping::Parse(
      "m.yaml", "dataset: person\noperation: {column: op, upsert: [X]}\n", f_.contract);
  EXPECT_TRUE(Make(bad).empty()) << "by a mended mapping, too";
  const MadeBatch changed = Make({{"1", "改了名", "530102", "", "X"}});
  EXPECT_THAT(Counts(changed.batch), ElementsAre("2026-01-01 RETURNED 530102 1"));
}

TEST_F(BatchMakerTest, AnotherMappingMovesTheCountOfTheSameVersion) {
  const std::vector<Cells> rows = {{"1", "张三", "530102", "", "X"}};
  EXPECT_THAT(Counts(Make(rows).batch), ElementsAre("2026-01-01 QUARANTINED  1"));
  clock_.Advance(absl::Hours(24));
  mapping_ = *mapping::Mapping::Parse(
      "m.yaml", "dataset: person\noperation: {column: op, upsert: [X]}\n", f_.contract);
  const MadeBatch made = Make(rows);
  EXPECT_THAT(Counts(made.batch),
              UnorderedElementsAre("2026-01-01 QUARANTINED  -1", "2026-01-01 RETURNED 530102 1"));
  EXPECT_TRUE(made.batch.redrive());
  EXPECT_EQ(made.batch.keys_size(), 1);
  EXPECT_THAT(made.superseded, ElementsAre("a.csv:2"));
  EXPECT_TRUE(Make(rows).empty());
}

TEST_F(BatchMakerTest, RowsThatShareAnIdAreEachRememberedAndNoneIsSuperseded) {
  const std::vector<Cells> rows = {{"1", "甲", "530102", "", "X"},
                                   {"1", "乙甲", "530102", "", "X"}};
  one_row_id_ = true;
  EXPECT_EQ(Make(rows).quarantined.size(), 2U);
  EXPECT_TRUE(Make(rows).empty());
  EXPECT_THAT(Make({{"1", "丙乙甲", "530102", "", "X"}}).superseded, IsEmpty());
}

// A6: what other rules leave undecided is kept, or nobody could decide it.
TEST_F(BatchMakerTest, ARowThatOtherRulesLeavePendingIsKept) {
  columns_ = {"id", "name", "division", "other_division", "op"};
  const std::vector<Cells> rows = {{"1", "张三", "530102", "530302", "U"}};
  Make(rows);
  clock_.Advance(absl::Hours(24));
  rules::EngineFixture waiting(true);  // a contract by which conflicts wait
  waiting.UseKunming(kSecretRule);
  f_.engine = std::move(waiting.engine);
  const MadeBatch made = Make(rows);
  EXPECT_THAT(Counts(made.batch),
              UnorderedElementsAre("2026-01-01 RETURNED 530102 -1", "2026-01-01 PENDING  1"));
  ASSERT_EQ(made.pending.size(), 1U);
  EXPECT_EQ(made.pending[0].day(), "2026-01-01");
  EXPECT_EQ(made.batch.quarantine_notes_size(), 1);
  EXPECT_TRUE(made.pending[0].conflict());
  for (const CountDelta& count : made.batch.counts())
    EXPECT_EQ(count.conflicts(), count.rows()) << "the mark moves with the row";
  EXPECT_TRUE(Make(rows).empty()) << "kept once";
}

TEST_F(BatchMakerTest, WhatCameMaskedIsMarkedAndCounted) {
  const Batch batch = Make({{"1", "张三", "530102", "5301**********1234", "U"}}).batch;
  ASSERT_EQ(batch.counts_size(), 1);
  EXPECT_EQ(batch.counts(0).masked_at_source(), 1);
  EXPECT_TRUE(EnvelopeOf(batch, 0).masked_at_source());
}

TEST_F(BatchMakerTest, AnUnreadableDecisionStopsTheBatch) {
  const MadeBatch made = Make({Wuhua("1")});
  ASSERT_TRUE(decisions_->Stage(++sequence_, {{made.decisions[0].key, "\xff\xff"}}).ok());
  ASSERT_TRUE(decisions_->Commit(sequence_).ok());
  mapping::Rows rows(kColumns, {Wuhua("1")});
  ASSERT_TRUE(mapping_->BindHeader(rows.columns()).ok());
  BatchMaker maker({source_, "530100", "", mapping_.get(), f_.engine.get(), decisions_.get(),
                    key_.get(), &clock_});
  EXPECT_EQ(maker.Make(rows.view(), 7, sequence_ + 1).status().code(), absl::StatusCode::kDataLoss);
}

TEST_F(BatchMakerTest, TheEndOfACorrectionTravelsThoughNothingElseHappened) {
  const Cells told = {"1", "待定人", "", "", "U"}, corrected = {"1", "待定人", "530102", "", "U"};
  MadeBatch first = Make({told});
  ASSERT_EQ(first.pending.size(), 1U);
  QuarantinedRow& row = first.pending[0];
  for (int i = 0; i < row.columns_size(); ++i) {
    if (row.columns(i) == "division") row.mutable_cells(i)->set_text("530102");
  }
  EXPECT_THAT(Counts(MakeAgain(first.pending, Again::kAsked).batch),
              UnorderedElementsAre("2026-01-01 PENDING  -1", "2026-01-01 RETURNED 530102 1"));
  EXPECT_TRUE(Make({told}).empty());
  const MadeBatch ended = Make({corrected});
  EXPECT_FALSE(ended.empty()) << "the source tells it itself now: that must be remembered";
  EXPECT_THAT(Counts(ended.batch), IsEmpty());
  EXPECT_TRUE(Make({corrected}).empty());
  EXPECT_THAT(Counts(Make({told}).batch), UnorderedElementsAre("2026-01-01 PENDING  1"));
}

// The row as somebody corrects it to 五华.
KeptRows::Row Corrected(const QuarantinedRow& kept, bool later_kept) {
  KeptRows::Row row{{KeptKind::kPending, kept.id()}, kept, kept, true, later_kept};
  for (int i = 0; i < kept.columns_size(); ++i) {
    if (kept.columns(i) == "division") row.kept.mutable_cells(i)->set_text("530102");
  }
  return row;
}

TEST_F(BatchMakerTest, AKeptVersionDoesNotComeBackOverANewerOneInItsRow) {
  const MadeBatch old = Make({{"1", "旧名", "", "", "U"}});
  ASSERT_EQ(old.pending.size(), 1U);
  Make({Wuhua("1")});  // the same row of the table, decided
  const MadeBatch again = MakeAgain({Corrected(old.pending[0], false)}, Again::kAsked);
  EXPECT_EQ(again.batch.keys_size(), 0) << "the newer version stands";
  EXPECT_THAT(Counts(again.batch),
              UnorderedElementsAre("2026-01-01 PENDING  -1", "2026-01-01 RETURNED 530102 1"));
  EXPECT_TRUE(Make({Wuhua("1")}).empty()) << "and is a re-read as before";
}

TEST_F(BatchMakerTest, OfTwoKeptVersionsInOneRowTheNewerStands) {
  const MadeBatch old = Make({{"1", "旧名", "", "", "U"}});
  const MadeBatch young = Make({{"1", "新名", "", "", "U"}});
  ASSERT_EQ(old.pending.size(), 1U);
  ASSERT_EQ(young.pending.size(), 1U);
  EXPECT_EQ(MakeAgain({Corrected(old.pending[0], true)}, Again::kAsked).batch.keys_size(), 0);
  const MadeBatch again = MakeAgain({Corrected(young.pending[0], false)}, Again::kAsked);
  ASSERT_EQ(again.batch.keys_size(), 1);
  EXPECT_THAT(again.batch.payloads(0), HasSubstr("新名"));
}

TEST_F(BatchMakerTest, AKeptRowThatSharesItsRowIdWithAnothersIsNotReplacedByIt) {
  one_row_id_ = true;
  const MadeBatch made = Make({{"1", "甲", "", "", "U"}, {"2", "乙", "", "", "U"}});
  ASSERT_EQ(made.pending.size(), 2U);
  EXPECT_EQ(MakeAgain({Corrected(made.pending[0], true)}, Again::kAsked).batch.keys_size(), 1);
}

TEST_F(BatchMakerTest, AnOverrideDecidesKeptRowsAgainWithinTheirDay) {
  const MadeBatch first = Make({{"1", "待定人", "", "", "U"}, {"2", "另一人", "", "", "U"}});
  ASSERT_EQ(first.pending.size(), 2U);
  clock_.Advance(absl::Hours(48));
  Hold({{"ov7", "待定人"}});
  const MadeBatch again = MakeAgain(first.pending, Again::kOverrides);
  EXPECT_THAT(Counts(again.batch),
              UnorderedElementsAre("2026-01-01 PENDING  -1", "2026-01-01 RETURNED 530102 1"));
  EXPECT_TRUE(again.batch.redrive());
  EXPECT_THAT(again.batch.overrides(), ElementsAre("ov7"));
  EXPECT_EQ(EnvelopeOf(again.batch, 0).decided_by(), "override:ov7");
  ASSERT_EQ(again.redriven.size(), 1U);
  EXPECT_EQ(again.redriven[0].id, first.pending[0].id());
  ASSERT_EQ(again.pending.size(), 1U) << "kept, for a withdrawal";
  EXPECT_TRUE(again.pending[0].redriven());
  EXPECT_EQ(again.pending[0].territory_override(), "ov7");
  EXPECT_EQ(again.pending[0].day(), "2026-01-01");
  EXPECT_EQ(again.batch.quarantine_notes_size(), 0) << "nothing is left to decide of it";
  // Once more: what still waits does.
  EXPECT_TRUE(MakeAgain({first.pending[1]}, Again::kOverrides).empty());

  Hold({});
  const MadeBatch withdrawn = MakeAgain(again.pending, Again::kWithdrawn);
  EXPECT_THAT(Counts(withdrawn.batch),
              UnorderedElementsAre("2026-01-01 PENDING  1", "2026-01-01 RETURNED 530102 -1"));
  EXPECT_EQ(EnvelopeOf(withdrawn.batch, 0).operation(), OPERATION_DELETE);
  EXPECT_THAT(withdrawn.batch.overrides(), ElementsAre("ov7")) << "lineage says why";
  ASSERT_EQ(withdrawn.pending.size(), 1U);
  EXPECT_FALSE(withdrawn.pending[0].redriven());
  ASSERT_EQ(withdrawn.redriven.size(), 1U) << "settled with this batch, so once";
  EXPECT_EQ(withdrawn.redriven[0].id, again.pending[0].id());
}

TEST_F(BatchMakerTest, WhatAnOverrideDecidesAtFirstSightIsKeptToo) {
  Hold({{"ov7", "待定人"}});
  const MadeBatch made = Make({{"1", "待定人", "", "", "U"}});
  EXPECT_THAT(Counts(made.batch), ElementsAre("2026-01-01 RETURNED 530102 1"));
  EXPECT_THAT(made.batch.overrides(), ElementsAre("ov7"));
  ASSERT_EQ(made.pending.size(), 1U);
  EXPECT_TRUE(made.pending[0].redriven());
  EXPECT_EQ(made.batch.quarantine_notes_size(), 0);
  // Another one takes over: the same count, published anew under its name.
  Hold({{"ov9", "待定人"}});
  const MadeBatch other = MakeAgain(made.pending, Again::kWithdrawn);
  EXPECT_EQ(other.batch.counts_size(), 0);
  EXPECT_EQ(EnvelopeOf(other.batch, 0).decided_by(), "override:ov9");
  EXPECT_EQ(other.pending[0].territory_override(), "ov9");
}

TEST_F(BatchMakerTest, AnOverrideOfAnOlderVersionTakesNothingNewerBack) {
  const MadeBatch older = Make({{"1", "待定人", "", "", "U"}});
  Make({{"1", "待定人", "532901", "", "U"}});
  Hold({{"ov7", "待定人"}});
  EXPECT_TRUE(MakeAgain(older.pending, Again::kOverrides).empty());
}

// A daily full export: each row counts once, and a withdrawal moves back just what it had moved.
TEST_F(BatchMakerTest, EachOfSeveralRowsMovesItsOwnCount) {
  std::vector<QuarantinedRow> waiting;
  for (const char* row : {"d1:2", "d2:2", "d3:2"}) {
    row_id_ = row;
    const MadeBatch made = Make({{"1", "待定人", "", "", "U"}});
    ASSERT_EQ(made.pending.size(), 1U) << row;
    EXPECT_FALSE(made.ends_waiting);
    waiting.push_back(made.pending[0]);
    clock_.Advance(absl::Hours(24));
  }
  Hold({{"ov7", "待定人"}});
  const MadeBatch again = MakeAgain(waiting, Again::kOverrides);
  EXPECT_TRUE(again.ends_waiting);
  EXPECT_EQ(again.batch.keys_size(), 1) << "published once";
  EXPECT_THAT(Counts(again.batch),
              UnorderedElementsAre("2026-01-01 PENDING  -1", "2026-01-01 RETURNED 530102 1",
                                   "2026-01-02 PENDING  -1", "2026-01-02 RETURNED 530102 1",
                                   "2026-01-03 PENDING  -1", "2026-01-03 RETURNED 530102 1"));
  row_id_ = "d4:2";
  const MadeBatch later = Make({{"1", "待定人", "", "", "U"}});
  ASSERT_EQ(later.pending.size(), 1U) << "a repeat of what was decided by hand is kept, too";
  std::vector<QuarantinedRow> held = again.pending;
  held.push_back(later.pending[0]);
  ASSERT_EQ(held.size(), 4U);
  Hold({});
  const MadeBatch withdrawn = MakeAgain(held, Again::kWithdrawn);
  ASSERT_EQ(withdrawn.batch.keys_size(), 1);
  EXPECT_EQ(EnvelopeOf(withdrawn.batch, 0).operation(), OPERATION_DELETE);
  EXPECT_THAT(Counts(withdrawn.batch),
              UnorderedElementsAre("2026-01-01 PENDING  1", "2026-01-01 RETURNED 530102 -1",
                                   "2026-01-02 PENDING  1", "2026-01-02 RETURNED 530102 -1",
                                   "2026-01-03 PENDING  1", "2026-01-03 RETURNED 530102 -1",
                                   "2026-01-04 PENDING  1", "2026-01-04 RETURNED 530102 -1"));
  EXPECT_EQ(withdrawn.pending.size(), 4U);
  EXPECT_EQ(withdrawn.redriven.size(), 4U);
}

TEST_F(BatchMakerTest, WhatWaitsFollowsWhatIsDecidedAndNothingElseIsDecidedByThat) {
  row_id_ = "d1:2";
  const MadeBatch old = Make({{"1", "待定人", "", "", "U"}});
  row_id_ = "d1:3";
  const MadeBatch other = Make({{"2", "待定人", "", "", "U"}});
  row_id_ = "d2:2";
  const MadeBatch again = Make({{"1", "待定人", "", "", "U"}});
  const MadeBatch corrected = MakeAgain({Corrected(again.pending[0], false)}, Again::kAsked);
  EXPECT_TRUE(corrected.ends_waiting);
  Hold({{"ov7", "待定人"}});
  const MadeBatch followed = MakeAgain({old.pending[0], other.pending[0]}, Again::kFollow);
  EXPECT_THAT(Counts(followed.batch),
              UnorderedElementsAre("2026-01-01 PENDING  -1", "2026-01-01 RETURNED 530102 1"));
  EXPECT_EQ(followed.batch.keys_size(), 0);
  ASSERT_EQ(followed.redriven.size(), 1U);
  EXPECT_EQ(followed.redriven[0].id, old.pending[0].id());
}

TEST_F(BatchMakerTest, ARowThatAMendedMappingLeavesPendingIsClaimedAndTakenBack) {
  const MadeBatch bad = Make({{"1", "待定人", "", "", "X"}});
  ASSERT_EQ(bad.quarantined.size(), 1U);
  mapping_ = *mapping::Mapping::Parse(
      "m.yaml", "dataset: person\noperation: {column: op, upsert: [X]}\n", f_.contract);
  const MadeBatch mended = MakeAgain(bad.quarantined, Again::kAsked, KeptKind::kQuarantined);
  ASSERT_EQ(mended.pending.size(), 1U);
  Hold({{"ov7", "待定人"}});
  const MadeBatch claimed = MakeAgain(mended.pending, Again::kOverrides);
  EXPECT_THAT(Counts(claimed.batch),
              UnorderedElementsAre("2026-01-01 PENDING  -1", "2026-01-01 RETURNED 530102 1"));
  ASSERT_EQ(claimed.pending.size(), 1U);
  Hold({});
  const MadeBatch withdrawn = MakeAgain(claimed.pending, Again::kWithdrawn);
  ASSERT_EQ(withdrawn.batch.keys_size(), 1);
  EXPECT_EQ(EnvelopeOf(withdrawn.batch, 0).operation(), OPERATION_DELETE);
}

TEST_F(BatchMakerTest, ADeleteOfWhatWaitsSaysWhyItWaits) {
  Make({{"1", "待定人", "", "", "U"}});
  const MadeBatch deleted = Make({{"1", "待定人", "", "", "D"}});
  ASSERT_EQ(deleted.pending.size(), 1U);
  EXPECT_EQ(deleted.pending[0].reason(), "delete.undecided_version");
}

TEST_F(BatchMakerTest, NewRulesSettleWhatAnOverrideHadDecided) {
  Hold({{"ov7", "待定人"}});
  const std::vector<Cells> rows = {{"1", "待定人", "", "", "U"}};
  ASSERT_EQ(Make(rows).pending.size(), 1U);
  f_.UseKunming("legal_basis: x\nrules:\n  - {id: no, withhold: 停止回流}\n");
  Hold({{"ov7", "待定人"}});
  const MadeBatch made = Make(rows);
  EXPECT_THAT(Counts(made.batch),
              UnorderedElementsAre("2026-01-01 RETURNED 530102 -1", "2026-01-01 WITHHELD  1"));
  ASSERT_EQ(made.released.size(), 1U) << "its count has moved: a withdrawal must not move it again";
  EXPECT_TRUE(made.released[0].by_hand);
  ASSERT_EQ(made.pending.size(), 1U);
  EXPECT_EQ(made.pending[0].counts(0).outcome(), OUTCOME_WITHHELD);
}

}  // namespace
}  // namespace huiliu::agent
