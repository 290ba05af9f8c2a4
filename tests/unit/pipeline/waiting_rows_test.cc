// Rows that wait at the node and are told again, corrected, claimed, taken back and told better:
// each counts once, and nobody holds what is not decided (docs/formats/decision.md, "Rows that
// wait"). Against a model, in random order.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>
#include <set>

#include "tests/unit/pipeline/override_node.h"

namespace huiliu::pipeline {
namespace {

using huiliu::v1::QuarantinedRow;
using testing::IsEmpty;
using testing::SizeIs;
using F = NodeFixture;

constexpr char kWaits[] = R"({"id":"1","name":"甲"})";
constexpr char kGood[] = R"({"id":"1","name":"甲","division":"530102"})";
constexpr char kElsewhere[] = R"({"id":"1","name":"甲","division":"532901"})";

class WaitingRowsNode : public OverrideNode {
 public:
  // All that is due, and what follows by itself.
  void SettleAll() {
    for (int i = 0; i < 2; ++i) {
      ASSERT_TRUE(Judge().ok());
      clock().Advance(absl::Hours(1));
    }
    ASSERT_TRUE(Judge().ok());
  }
  std::string WaitingAt(const std::string& row_id) {
    for (const QuarantinedRow& row : Kept()) {
      if (row.row_id() == row_id) return row.id();
    }
    ADD_FAILURE() << row_id << " does not wait";
    return "";
  }
};

TEST(WaitingRowsTest, TheFirstOfSeveralIsCorrectedAndTheOthersFollow) {
  WaitingRowsNode node;
  for (const char* row : {"d1:2", "d2:2", "d3:2"}) ASSERT_TRUE(node.Send({{kWaits, row}}).ok());
  ASSERT_TRUE(node.Judge().ok());
  EXPECT_EQ(node.Balance(F::kKunming), "pending 3");
  EXPECT_EQ(node.Redrive(node.WaitingAt("d1:2"), kGood)->error(), "");
  EXPECT_EQ(node.Balance(F::kKunming), "returned 1 pending 2") << "one row, one count";
  EXPECT_EQ(node.Held(F::kKunming)["1"], kGood);
  node.SettleAll();
  EXPECT_EQ(node.Balance(F::kKunming), "returned 3");
  EXPECT_EQ(node.Balance(F::kDali), "outside 3");
  EXPECT_THAT(node.Kept(), IsEmpty());
  node.Held(F::kKunming);
  EXPECT_EQ(node.appended, 1) << "published once";
}

TEST(WaitingRowsTest, WhatBetterDataEndedCountsAsThatOnceSomebodyLooksAtIt) {
  WaitingRowsNode node;
  ASSERT_TRUE(node.Send({{kWaits, "d1:2"}, {kWaits, "d1:3"}}).ok());
  node.SettleAll();
  ASSERT_TRUE(node.Send({{kElsewhere, "d2:2"}}).ok());
  node.SettleAll();
  EXPECT_EQ(node.Balance(F::kKunming), "outside 1 pending 2");
  for (const char* row : {"d1:2", "d1:3"})
    EXPECT_EQ(node.Redrive(node.WaitingAt(row), kWaits)->error(), "");
  EXPECT_EQ(node.Balance(F::kKunming), "outside 3");
  EXPECT_EQ(node.Balance(F::kDali), "returned 3");
  EXPECT_THAT(node.Kept(), IsEmpty());
}

TEST(WaitingRowsTest, AWithdrawalTakesBackWhatSomethingNewerLeftStanding) {
  WaitingRowsNode node;
  const std::string claim = node.Approve("甲", "530102");
  ASSERT_TRUE(node.Send({{kWaits, "d1:2"}}).ok());
  node.SettleAll();
  ASSERT_TRUE(node.Send({{R"({"id":"1","name":"乙"})", "d2:2"}}).ok());
  node.SettleAll();
  EXPECT_THAT(node.Held(F::kKunming), SizeIs(1)) << "what waits leaves holders what they have";
  node.Withdraw(claim);
  node.SettleAll();
  EXPECT_THAT(node.Held(F::kKunming), IsEmpty());
  EXPECT_EQ(node.Balance(F::kKunming), "pending 2");
  EXPECT_THAT(node.Kept(), SizeIs(2));
}

TEST(WaitingRowsTest, NewRulesLeaveEveryKeptRowTheRowThatItIs) {
  WaitingRowsNode node;
  for (const char* row : {"d1:2", "d2:2", "d3:2"}) ASSERT_TRUE(node.Send({{kWaits, row}}).ok());
  node.SettleAll();
  const std::string claim = node.Approve("甲", "530102");
  node.SettleAll();
  node.PutRules(F::kKunming, "legal_basis: x\nrules:\n  - {id: no, withhold: 停止回流}\n", true);
  node.SettleAll();
  EXPECT_EQ(node.Balance(F::kKunming), "returned 2 withheld 1")
      << "the newest alone is decided again";
  node.Withdraw(claim);
  node.SettleAll();
  EXPECT_EQ(node.Balance(F::kKunming), "pending 3");
  std::multiset<std::string> rows;
  for (const QuarantinedRow& row : node.Kept()) rows.insert(row.row_id());
  EXPECT_THAT(rows, testing::ElementsAre("d1:2", "d2:2", "d3:2"));
}

TEST(WaitingRowsTest, WhatWasMadeToFollowAClaimIsTakenBackWithIt) {
  WaitingRowsNode node;
  constexpr char kOlder[] = R"({"id":"1","name":"乙"})";
  ASSERT_TRUE(node.Send({{kOlder, "d1:2"}}).ok());
  ASSERT_TRUE(node.Send({{kWaits, "d2:2"}}).ok());
  node.SettleAll();
  const std::string claim = node.Approve("甲", "530102");
  node.SettleAll();
  EXPECT_EQ(node.Balance(F::kKunming), "returned 1 pending 1");
  EXPECT_EQ(node.Redrive(node.WaitingAt("d1:2"), kOlder)->error(), "");
  EXPECT_EQ(node.Balance(F::kKunming), "returned 2");
  node.Withdraw(claim);
  node.SettleAll();
  EXPECT_EQ(node.Balance(F::kKunming), "pending 2");
  EXPECT_THAT(node.Kept(), SizeIs(2));
}

TEST(WaitingRowsTest, OverridesThatContradictEachOtherLeaveNothingWithAnybody) {
  WaitingRowsNode node;
  ASSERT_TRUE(node.Send({{kWaits, "d1:2"}, {kWaits, "d2:2"}}).ok());
  node.Approve("甲", "530102");
  node.SettleAll();
  EXPECT_THAT(node.Held(F::kKunming), SizeIs(1));
  const std::string other = node.Approve("甲", "530103");
  node.SettleAll();
  EXPECT_THAT(node.Held(F::kKunming), IsEmpty());
  EXPECT_EQ(node.Balance(F::kKunming), "pending 2");
  ASSERT_THAT(node.Kept(), SizeIs(2));
  EXPECT_THAT(node.Kept()[0].reason(), testing::HasSubstr("territory.override_conflict:"));
  node.Withdraw(other);
  node.SettleAll();
  EXPECT_THAT(node.Held(F::kKunming), SizeIs(1));
  EXPECT_EQ(node.Balance(F::kKunming), "returned 2");
}

TEST(WaitingRowsTest, ADeleteOfWhatNeverCameIsClaimedByItsRecord) {
  WaitingRowsNode node;
  ASSERT_TRUE(node.Send({{kWaits, "d1:2", 0, true}}).ok());
  ASSERT_TRUE(node.Judge().ok());
  ASSERT_THAT(node.Kept(), SizeIs(1));
  EXPECT_EQ(node.Kept()[0].reason(), "delete.unknown_key");
  EXPECT_THAT(node.Redrive(node.Kept()[0].id(), kGood)->error(), testing::HasSubstr("--record"))
      << "there is nothing to correct";
  const std::string claim = node.Approve("甲", "530102");
  node.SettleAll();
  EXPECT_EQ(node.Balance(F::kKunming), "pending 1") << "it has no name";
  const std::string record = node.ApproveRecord("1", "530102");
  node.SettleAll();
  EXPECT_EQ(node.Balance(F::kKunming), "returned 1");
  EXPECT_EQ(node.Balance(F::kDali), "outside 1");
  EXPECT_THAT(node.Kept(), IsEmpty());
  node.Held(F::kKunming);
  EXPECT_EQ(node.appended, 0) << "nobody ever held it";
  node.Withdraw(record);
  node.SettleAll();
  EXPECT_EQ(node.Balance(F::kKunming), "pending 1");
  ASSERT_THAT(node.Kept(), SizeIs(1));
  EXPECT_EQ(node.Kept()[0].reason(), "delete.unknown_key");
}

// What the node should have come to.
class Model {
 public:
  enum class State { kPending, kReturned, kOutside };
  struct Row {
    std::string key, content;
    State state = State::kPending;
    bool by_claim = false;
  };
  struct Record {
    std::string content, corrected, held;
    bool held_by_claim = false;
  };

  static State Evidence(const std::string& content) {
    if (content.find("530102") != std::string::npos) return State::kReturned;
    return content.find("532901") != std::string::npos ? State::kOutside : State::kPending;
  }
  bool Claims(const std::string& content) const {
    return claimed && Evidence(content) == State::kPending &&
           content.find("甲") != std::string::npos;
  }
  State StateOf(const Record& record) const {
    if (!record.corrected.empty()) return Evidence(record.corrected);
    return Claims(record.content) ? State::kReturned : Evidence(record.content);
  }
  void Tell(const std::string& key, const std::string& content, const std::string& row) {
    Record& record = records[key];
    if (record.content != content) record.corrected.clear();
    // The source tells itself what it was corrected to.
    if (record.corrected == content) record.corrected.clear();
    record.content = content;
    rows[row] = {key, content};
    Publish(&record);
    Count(&rows[row]);
  }
  void Correct(const std::string& row, const std::string& content) {
    Row& waits = rows[row];
    Record& record = records[waits.key];
    if (record.content == waits.content) {
      record.corrected = content;
      Publish(&record);
    } else {
      waits.state = Evidence(content);
    }
  }
  void Claim(bool on) {
    claimed = on;
    for (auto& [id, row] : rows) {
      if (on || !row.by_claim) continue;
      row.state = State::kPending;
      row.by_claim = false;
    }
    for (auto& [key, record] : records) {
      if (!on && record.held_by_claim) record.held.clear();
      record.held_by_claim = record.held_by_claim && on;
      Publish(&record);
    }
  }
  // What waits although its record is decided counts as that.
  void Settle() {
    for (auto& [id, row] : rows) Count(&row);
  }
  std::string Balance() const {
    std::map<State, int> sums;
    for (const auto& [id, row] : rows) ++sums[row.state];
    std::string text;
    for (const auto& [state, name] :
         {std::make_pair(State::kReturned, "returned"), std::make_pair(State::kOutside, "outside"),
          std::make_pair(State::kPending, "pending")}) {
      if (sums[state] > 0) absl::StrAppend(&text, text.empty() ? "" : " ", name, " ", sums[state]);
    }
    return text;
  }
  std::map<std::string, std::string> Held() const {
    std::map<std::string, std::string> held;
    for (const auto& [key, record] : records) {
      if (!record.held.empty()) held[key] = record.held;
    }
    return held;
  }
  std::vector<std::string> Waiting() const {
    std::vector<std::string> waiting;
    for (const auto& [id, row] : rows) {
      if (row.state == State::kPending) waiting.push_back(id);
    }
    return waiting;
  }

  bool claimed = false;
  std::map<std::string, Row> rows;
  std::map<std::string, Record> records;

 private:
  void Count(Row* row) {
    const Record& record = records[row->key];
    const State state = StateOf(record);
    if (row->state != State::kPending || state == State::kPending || row->content != record.content)
      return;
    row->state = state;
    row->by_claim = record.corrected.empty() && Evidence(record.content) == State::kPending;
  }
  void Publish(Record* record) const {
    const State state = StateOf(*record);
    if (state == State::kPending) return;
    const std::string& content = record->corrected.empty() ? record->content : record->corrected;
    record->held = state == State::kReturned ? content : "";
    record->held_by_claim = state == State::kReturned && Evidence(content) == State::kPending;
  }
};

TEST(WaitingRowsTest, InAnyOrderItComesToTheSame) {
  const uint32_t seed = std::random_device()();
  SCOPED_TRACE(absl::StrCat("seed ", seed));
  std::mt19937 dice(seed);
  const auto roll = [&](size_t sides) {
    return std::uniform_int_distribution<size_t>(0, sides - 1)(dice);
  };
  for (int run = 0; run < 12 && !testing::Test::HasFailure(); ++run) {
    WaitingRowsNode node;
    Model model;
    std::string claim, story;
    for (int step = 0, row = 0; step < 25; ++step) {
      const std::string key = std::to_string(1 + roll(2));
      const std::string as[] = {
          absl::StrCat(R"({"id":")", key, R"(","name":"甲"})"),
          absl::StrCat(R"({"id":")", key, R"(","name":"乙"})"),
          absl::StrCat(R"({"id":")", key, R"(","name":"丙","division":"530102"})"),
          absl::StrCat(R"({"id":")", key, R"(","name":"丁","division":"532901"})")};
      const size_t what = roll(10);
      if (what >= 5) {  // several things may come before anything is looked at
        node.SettleAll();
        model.Settle();
      }
      const std::vector<std::string> waiting = model.Waiting();
      if (what < 5) {
        const std::string id = absl::StrCat("d:", ++row);
        const std::string& content = as[std::min<size_t>(roll(7), 6) % 4];
        absl::StrAppend(&story, "\n", id, " tells ", content);
        model.Tell(key, content, id);
        ASSERT_TRUE(node.Send({{content, id}}).ok());
      } else if (what < 7 && !waiting.empty()) {
        const std::string id = waiting[roll(waiting.size())];
        const std::string of = model.rows[id].key;
        const std::string content = absl::StrCat(R"({"id":")", of, R"(","name":"戊","division":")",
                                                 roll(2) == 0 ? "530102" : "532901", R"("})");
        absl::StrAppend(&story, "\n", id, " is corrected to ", content);
        model.Correct(id, content);
        const auto done = node.Redrive(node.WaitingAt(id), content);
        ASSERT_TRUE(done.ok());
        EXPECT_EQ(done->error(), "");
      } else if (what == 7) {
        absl::StrAppend(&story, "\n", model.claimed ? "withdrawn" : "claimed");
        model.Claim(!model.claimed);
        if (model.claimed) {
          claim = node.Approve("甲", "530102");
        } else {
          node.Withdraw(claim);
        }
      } else if (what == 8) {
        const bool lose = roll(2) == 0;
        absl::StrAppend(&story, "\n", lose ? "restarts without its stores" : "restarts");
        node.Restart(lose);
      }
      if (what < 5 && roll(4) == 0) continue;
      node.SettleAll();
      model.Settle();
      std::set<std::string> listed;
      for (const QuarantinedRow& one : node.Kept()) listed.insert(one.row_id());
      const std::vector<std::string> expected = model.Waiting();
      ASSERT_EQ(listed, std::set<std::string>(expected.begin(), expected.end())) << story;
      ASSERT_EQ(node.Held(F::kKunming), model.Held()) << story;
      ASSERT_EQ(node.BalanceOfAllDays(F::kKunming), model.Balance()) << story;
    }
  }
}

}  // namespace
}  // namespace huiliu::pipeline
