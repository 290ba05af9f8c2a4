#include "broker/governance/state.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>

namespace huiliu::governance {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::string Root() {
  const char* root = std::getenv("HUILIU_ROOT");
  return root == nullptr ? "." : root;
}

// A state with one organisation, proposals made durable at once.
class StateTest : public testing::Test {
 protected:
  template <typename T>
  absl::Status Put(const T& entity, uint64_t seen = 0) {
    auto record = state_.Propose(entity, seen);
    if (!record.ok()) return record.status();
    return state_.Apply(*record);
  }

  static huiliu::v1::PutGrantRequest Asked(const huiliu::v1::Grant& grant, uint64_t seen = 0) {
    huiliu::v1::PutGrantRequest request;
    *request.mutable_grant() = grant;
    request.set_seen_version(seen);
    return request;
  }
  absl::Status Put(const huiliu::v1::PutGrantRequest& request) {
    auto record = state_.Propose(request);
    if (!record.ok()) return record.status();
    return state_.Apply(*record);
  }
  absl::Status Put(const huiliu::v1::Grant& grant, uint64_t seen = 0) {
    return Put(Asked(grant, seen));
  }

  void SetUp() override {
    huiliu::v1::Organisation organisation;
    organisation.set_id("km");
    organisation.set_title("昆明");
    ASSERT_TRUE(Put(organisation).ok());
  }

  static huiliu::v1::Account Account(std::initializer_list<huiliu::v1::Role> roles) {
    huiliu::v1::Account account;
    account.set_id("a");
    account.set_organisation("km");
    for (huiliu::v1::Role role : roles) account.add_roles(role);
    return account;
  }

  State state_;
};

TEST_F(StateTest, TheThreeAdministratorsNeverMeetInOneAccount) {
  const absl::Status status =
      Put(Account({huiliu::v1::ROLE_SYSTEM_ADMINISTRATOR, huiliu::v1::ROLE_AUDIT_ADMINISTRATOR}));
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(status.message()), HasSubstr("三员"));
  EXPECT_FALSE(
      Put(Account({huiliu::v1::ROLE_SECURITY_ADMINISTRATOR, huiliu::v1::ROLE_CONSUMER})).ok());
  EXPECT_TRUE(Put(Account({huiliu::v1::ROLE_AGENT, huiliu::v1::ROLE_CONSUMER})).ok());
}

TEST_F(StateTest, ACommandThatSawAnOlderVersionIsAConflict) {
  huiliu::v1::Organisation organisation;
  organisation.set_id("km");
  organisation.set_title("昆明市");
  EXPECT_EQ(Put(organisation, 0).code(), absl::StatusCode::kAborted);
  EXPECT_TRUE(Put(organisation, 1).ok());
  EXPECT_EQ(Put(organisation, 1).code(), absl::StatusCode::kAborted);
  EXPECT_EQ(state_.FindOrganisation("km")->title(), "昆明市");
}

// Over JSON the whole list could not be written any more.
TEST_F(StateTest, ATimeThatNobodyCanWriteIsRefused) {
  huiliu::v1::Receiver receiver;
  receiver.set_id("530100");
  receiver.set_title("昆明市");
  receiver.add_divisions("530100");
  ASSERT_TRUE(Put(receiver).ok());
  huiliu::v1::Grant grant;
  grant.set_id("g");
  grant.set_organisation("km");
  grant.set_receiver("530100");
  grant.set_dataset("row");
  grant.set_purpose("查询");
  grant.set_legal_basis("条例");
  grant.mutable_valid_to()->set_seconds(253402300800);  // the year 10000
  EXPECT_THAT(std::string(Put(grant).message()), HasSubstr("grant g: valid_to is no time"));
  grant.mutable_valid_to()->set_seconds(1'800'000'000);
  grant.mutable_valid_from()->set_nanos(-1);
  EXPECT_THAT(std::string(Put(grant).message()), HasSubstr("grant g: valid_from is no time"));
  huiliu::v1::System system;
  system.set_id("sys");
  system.set_title("系统");
  system.set_tier(huiliu::v1::TIER_PROVINCIAL);
  system.set_status(huiliu::v1::SYSTEM_STATUS_CONFIRMED);
  system.mutable_last_batch()->set_seconds(INT64_MAX);
  EXPECT_THAT(std::string(Put(system).message()), HasSubstr("system sys: last_batch is no time"));
}

TEST_F(StateTest, WhatIsNoDivisionIsNoReceiversArea) {
  const auto divisions = territory::Divisions::Load(Root() + "/schemas/divisions");
  ASSERT_TRUE(divisions.ok()) << divisions.status();
  state_.KnowDivisions(*divisions);
  huiliu::v1::Receiver receiver;
  receiver.set_id("530100");
  receiver.set_title("昆明市");
  receiver.add_divisions("530100");
  ASSERT_TRUE(Put(receiver).ok());
  receiver.set_id("new");
  receiver.add_divisions("530199");
  const absl::Status status = Put(receiver);
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(status.message()),
              HasSubstr("接收方 new / receiver new: 区划 \"530199\""));
  // One that stands is never checked again.
  State restarted;
  restarted.KnowDivisions(*divisions);
  huiliu::v1::ControlRecord record;
  record.set_version(1);
  *record.mutable_receiver() = receiver;
  EXPECT_TRUE(restarted.Apply(record).ok());
}

// What was superseded comes back only as the newest version, which somebody approves anew.
TEST_F(StateTest, AnOlderVersionIsNotApprovedOverANewerOne) {
  huiliu::v1::Receiver receiver;
  receiver.set_id("530100");
  receiver.set_title("昆明市");
  receiver.add_divisions("530100");
  ASSERT_TRUE(Put(receiver).ok());
  const auto contract = state_.ProposeDataset(
      "d.proto",
      "syntax = \"proto3\"; package t; import \"huiliu/v1/dataset.proto\"; message D { option "
      "(huiliu.v1.dataset) = {id: \"d\" title: \"数据\"}; "
      "string id = 1 [(huiliu.v1.data) = {title: \"编号\" key: true}]; }");
  ASSERT_TRUE(contract.ok()) << contract.status();
  ASSERT_TRUE(state_.Apply(**contract).ok());
  const auto propose = [&](const std::string& id) {
    const auto record = state_.ProposeRuleSet(
        "d.yaml", "dataset: d\nreceiver: \"530100\"\nlegal_basis: x\nrules:\n  - id: " + id + "\n",
        "a");
    ASSERT_TRUE(record.ok()) << record.status();
    ASSERT_TRUE(state_.Apply(**record).ok());
  };
  absl::Time now = absl::FromUnixSeconds(1'790'000'000);
  huiliu::v1::DecideRuleSetRequest decision;
  decision.set_untried_reason("test");
  decision.set_dataset("d");
  decision.set_receiver("530100");
  const auto decide = [&](uint32_t version, bool approve) -> absl::Status {
    decision.set_version(version);
    decision.set_approve(approve);
    now += absl::Seconds(1);
    const auto record = state_.ProposeDecision(decision, "b", now);
    return record.ok() ? state_.Apply(*record) : record.status();
  };
  propose("one");
  propose("two");
  propose("three");
  decision.mutable_active_from()->set_seconds(1'790'000'900);
  ASSERT_TRUE(decide(2, true).ok()) << "for later";
  decision.clear_active_from();
  const absl::Status refused = decide(1, true);
  EXPECT_EQ(refused.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(refused.message()), HasSubstr("较新的第 2 版已审批"));
  EXPECT_THAT(std::string(refused.message()), HasSubstr("propose their text anew"));
  EXPECT_TRUE(decide(3, true).ok()) << "a newer one may";
  EXPECT_EQ(state_.FindRuleSet("d", "530100", now + absl::Hours(1))->version, 3u);
  decision.set_reason("旧版");
  EXPECT_TRUE(decide(1, false).ok()) << "rejecting it stays possible";
  propose("one");
  EXPECT_TRUE(decide(4, true).ok()) << "its text as the newest version";
}

TEST_F(StateTest, NoAccountIsOneAdministratorAfterTheOther) {
  ASSERT_TRUE(Put(Account({huiliu::v1::ROLE_SYSTEM_ADMINISTRATOR})).ok());
  ASSERT_TRUE(Put(Account({huiliu::v1::ROLE_AGENT}), state_.version()).ok());
  const absl::Status other = Put(Account({huiliu::v1::ROLE_AUDIT_ADMINISTRATOR}), state_.version());
  EXPECT_EQ(other.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(other.message()), HasSubstr("has been ROLE_SYSTEM_ADMINISTRATOR"));
  EXPECT_TRUE(Put(Account({huiliu::v1::ROLE_SYSTEM_ADMINISTRATOR}), state_.version()).ok());
}

TEST_F(StateTest, TheLastSecurityAdministratorStays) {
  huiliu::v1::Account account = Account({huiliu::v1::ROLE_SECURITY_ADMINISTRATOR});
  account.add_token_sha256(std::string(32, 's'));
  ASSERT_TRUE(Put(account).ok());
  huiliu::v1::Account gone = account;
  gone.set_disabled(true);
  EXPECT_EQ(Put(gone, state_.version()).code(), absl::StatusCode::kFailedPrecondition);
  gone = account;
  gone.clear_token_sha256();
  EXPECT_EQ(Put(gone, state_.version()).code(), absl::StatusCode::kFailedPrecondition)
      << "who cannot log in is none";
  huiliu::v1::Account second = account;
  second.set_id("second");
  second.clear_token_sha256();
  second.add_token_sha256(std::string(32, 'u'));
  const uint64_t seen = state_.version();
  ASSERT_TRUE(Put(second).ok());
  EXPECT_TRUE(Put(gone, seen).ok());
}

TEST_F(StateTest, AnAccountIsFoundByItsTokenUntilItIsDisabled) {
  huiliu::v1::Account account = Account({huiliu::v1::ROLE_CONSUMER});
  const std::string token(32, 't');
  account.add_token_sha256(token);
  ASSERT_TRUE(Put(account).ok());
  ASSERT_TRUE(state_.FindByToken(token).has_value());
  EXPECT_EQ(state_.FindByToken(token)->organisation, "km");
  EXPECT_FALSE(state_.FindByToken(std::string(32, 'x')).has_value());
  account.set_disabled(true);
  ASSERT_TRUE(Put(account, state_.version()).ok());
  EXPECT_FALSE(state_.FindByToken(token).has_value());
}

TEST_F(StateTest, ACredentialBelongsToOneAccount) {
  huiliu::v1::Account account = Account({huiliu::v1::ROLE_CONSUMER});
  account.add_token_sha256(std::string(32, 't'));
  ASSERT_TRUE(Put(account).ok());
  account.set_id("b");
  EXPECT_EQ(Put(account).code(), absl::StatusCode::kAlreadyExists);
}

TEST_F(StateTest, ReplayingTheRecordsGivesTheSameState) {
  auto record = state_.Propose(Account({huiliu::v1::ROLE_CONSUMER}), 0);
  ASSERT_TRUE(record.ok());
  State other;
  ASSERT_TRUE(other.Apply(*record).ok());
  EXPECT_EQ(other.version(), record->version());
  EXPECT_EQ(ControlKey(*record), "account/a");
  EXPECT_EQ(other.Apply(huiliu::v1::ControlRecord()).code(), absl::StatusCode::kDataLoss);
}

TEST_F(StateTest, ABreakingContractIsRefusedByFieldName) {
  const std::string head =
      "syntax = \"proto3\"; package t; import \"huiliu/v1/dataset.proto\"; message D { option "
      "(huiliu.v1.dataset) = {id: \"d\" title: \"数据\"}; "
      "string id = 1 [(huiliu.v1.data) = {title: \"编号\" key: true}]; ";
  auto first = state_.ProposeDataset("d.proto",
                                     head + "string a = 2 [(huiliu.v1.data) = {title: \"甲\"}]; }");
  ASSERT_TRUE(first.ok()) << first.status();
  ASSERT_TRUE(state_.Apply(**first).ok());
  EXPECT_FALSE(
      state_
          .ProposeDataset("d.proto", head + "string a = 2 [(huiliu.v1.data) = {title: \"甲\"}]; }")
          ->has_value());
  const absl::Status broken = state_.ProposeDataset("d.proto", head + "}").status();
  EXPECT_EQ(broken.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(broken.message()), HasSubstr("field a"));
}

// What a later version of the contract adds is opened by nobody unasked.
TEST_F(StateTest, AGrantWithoutFieldsNamesThoseOfItsDay) {
  const std::string head =
      "syntax = \"proto3\"; package t; import \"huiliu/v1/dataset.proto\"; message D { option "
      "(huiliu.v1.dataset) = {id: \"d\" title: \"数据\"}; "
      "string id = 1 [(huiliu.v1.data) = {title: \"编号\" key: true}]; "
      "string a = 2 [(huiliu.v1.data) = {title: \"甲\"}]; "
      "string b = 3 [(huiliu.v1.data) = {title: \"乙\" default_mask: {drop: true}}]; ";
  const auto put = [&](const std::string& text) {
    auto record = state_.ProposeDataset("d.proto", text);
    ASSERT_TRUE(record.ok()) << record.status();
    ASSERT_TRUE(state_.Apply(**record).ok());
  };
  put(head + "}");
  huiliu::v1::Receiver receiver;
  receiver.set_id("530100");
  receiver.set_title("昆明市");
  receiver.add_divisions("530100");
  ASSERT_TRUE(Put(receiver).ok());
  huiliu::v1::Grant grant;
  grant.set_id("g");
  grant.set_organisation("km");
  grant.set_receiver("530100");
  grant.set_dataset("d");
  grant.set_purpose("查询");
  grant.set_legal_basis("条例");
  grant.mutable_valid_to()->set_seconds(1'800'000'000);
  ASSERT_TRUE(Put(grant).ok());
  EXPECT_THAT(state_.FindGrant("g")->fields(), ElementsAre("id", "a"));
  put(head + "string c = 4 [(huiliu.v1.data) = {title: \"丙\"}]; }");
  EXPECT_THAT(state_.FindGrant("g")->fields(), ElementsAre("id", "a"));
  // An amendment that names none keeps them, also of a field with a mask of its own.
  (*grant.mutable_masks())["b"].set_hash(true);
  grant.set_row_filter("a == \"x\"");
  ASSERT_TRUE(Put(grant, state_.FindGrant("g")->version()).ok());
  EXPECT_THAT(state_.FindGrant("g")->fields(), ElementsAre("id", "a"));
  EXPECT_EQ(state_.FindGrant("g")->row_filter(), "a == \"x\"");
  // A new one, and one that is dropped by default with a mask of its own.
  grant.set_id("h");
  ASSERT_TRUE(Put(grant).ok());
  EXPECT_THAT(state_.FindGrant("h")->fields(), ElementsAre("id", "a", "b", "c"));
  grant.set_id("g");
  grant.add_fields("a");
  ASSERT_TRUE(Put(grant, state_.FindGrant("g")->version()).ok());
  EXPECT_THAT(state_.FindGrant("g")->fields(), ElementsAre("a"));
}

class GrantTest : public StateTest {
 protected:
  void SetUp() override {
    StateTest::SetUp();
    for (const char* id : {"d", "e"}) {
      auto record = state_.ProposeDataset(
          "d.proto",
          absl::StrCat("syntax = \"proto3\"; package t.v1; import \"huiliu/v1/dataset.proto\";\n"
                       "message D { option (huiliu.v1.dataset) = {id: \"",
                       id,
                       "\" title: \"测试\" provider: \"测试\" theme: \"test\" "
                       "sharing: SHARING_UNCONDITIONAL update_cycle: UPDATE_CYCLE_DAILY}; "
                       "string id = 1 [(huiliu.v1.data) = {title: \"编号\" key: true}]; "
                       "string a = 2 [(huiliu.v1.data) = {title: \"甲\"}]; "
                       "string b = 3 [(huiliu.v1.data) = {title: \"乙\"}]; }"));
      ASSERT_TRUE(record.ok()) << record.status();
      ASSERT_TRUE(state_.Apply(**record).ok());
    }
    huiliu::v1::Receiver receiver;
    receiver.set_id("530100");
    receiver.set_title("昆明市");
    receiver.add_divisions("530100");
    ASSERT_TRUE(StateTest::Put(receiver).ok());
    bare_.set_id("g");
    bare_.set_organisation("km");
    bare_.set_receiver("530100");
    bare_.set_dataset("d");
    bare_.set_purpose("查询");
    bare_.set_legal_basis("条例");
    bare_.mutable_valid_to()->set_seconds(1'800'000'000);
    huiliu::v1::Grant narrow = bare_;
    narrow.set_row_filter("a == \"x\"");
    (*narrow.mutable_masks())["a"].set_hash(true);
    (*narrow.mutable_masks())["b"].set_drop(true);
    ASSERT_TRUE(Put(narrow).ok());
  }
  huiliu::v1::PutGrantRequest Amend() { return Asked(bare_, state_.FindGrant("g")->version()); }
  huiliu::v1::Grant now() { return *state_.FindGrant("g"); }
  huiliu::v1::Grant bare_;  // names no field, filter or mask
};

TEST_F(GrantTest, AnAmendmentThatLeavesOutFilterAndMasksKeepsThem) {
  ASSERT_TRUE(Put(Amend()).ok());
  EXPECT_EQ(now().row_filter(), "a == \"x\"");
  EXPECT_TRUE(now().masks().at("a").hash());
  EXPECT_TRUE(now().masks().at("b").drop());
  // One that names some replaces those.
  huiliu::v1::PutGrantRequest request = Amend();
  (*request.mutable_grant()->mutable_masks())["a"].set_keep(true);
  request.mutable_grant()->set_row_filter("a == \"y\"");
  ASSERT_TRUE(Put(request).ok());
  EXPECT_EQ(now().row_filter(), "a == \"y\"");
  EXPECT_TRUE(now().masks().at("a").keep());
  EXPECT_TRUE(now().masks().at("b").drop());
}

TEST_F(GrantTest, FilterAndMasksAreClearedOnPurpose) {
  huiliu::v1::PutGrantRequest request = Amend();
  request.set_clear_row_filter(true);
  request.add_clear_masks("a");
  ASSERT_TRUE(Put(request).ok());
  EXPECT_EQ(now().row_filter(), "");
  EXPECT_FALSE(now().masks().contains("a"));
  EXPECT_TRUE(now().masks().at("b").drop());
}

TEST_F(GrantTest, WhatIsBothNamedAndClearedIsRefused) {
  huiliu::v1::PutGrantRequest request = Amend();
  request.set_clear_row_filter(true);
  request.mutable_grant()->set_row_filter("true");
  EXPECT_EQ(Put(request).code(), absl::StatusCode::kInvalidArgument);
  request = Amend();
  request.add_clear_masks("a");
  (*request.mutable_grant()->mutable_masks())["a"].set_keep(true);
  EXPECT_EQ(Put(request).code(), absl::StatusCode::kInvalidArgument);
  request = Amend();
  request.add_clear_masks("typo");
  const absl::Status unknown = Put(request);
  EXPECT_EQ(unknown.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(unknown.message()), HasSubstr("typo"));
  EXPECT_EQ(now().row_filter(), "a == \"x\"");
}

TEST_F(GrantTest, TheMaskOfAFieldThatIsGrantedNoMoreGoesWithIt) {
  huiliu::v1::PutGrantRequest request = Amend();
  request.mutable_grant()->add_fields("a");
  ASSERT_TRUE(Put(request).ok());
  EXPECT_TRUE(now().masks().contains("a"));
  EXPECT_FALSE(now().masks().contains("b"));
}

TEST_F(GrantTest, AGrantThatMovesToAnotherDatasetNamesItsRestrictionsAnew) {
  huiliu::v1::PutGrantRequest request = Amend();
  request.mutable_grant()->set_dataset("e");
  const absl::Status refused = Put(request);
  EXPECT_EQ(refused.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(refused.message()), HasSubstr("row_filter"));
  request.mutable_grant()->set_row_filter("a == \"z\"");
  (*request.mutable_grant()->mutable_masks())["b"].set_hash(true);
  EXPECT_THAT(std::string(Put(request).message()), HasSubstr("masks[a]"));
  request.add_clear_masks("a");
  ASSERT_TRUE(Put(request).ok());
  EXPECT_EQ(now().dataset(), "e");
  EXPECT_FALSE(now().masks().contains("a"));
}

TEST_F(StateTest, ARevocationNeedsItsReasonAndHappensOnce) {
  EXPECT_EQ(state_.ProposeRevocation("g", "x").status().code(), absl::StatusCode::kNotFound);
  huiliu::v1::ControlRecord record;
  record.set_version(9);
  record.mutable_grant()->set_id("g");
  ASSERT_TRUE(state_.Apply(record).ok());
  EXPECT_EQ(state_.ProposeRevocation("g", "").status().code(), absl::StatusCode::kInvalidArgument);
  auto revoked = state_.ProposeRevocation("g", "到期");
  ASSERT_TRUE(revoked.ok());
  ASSERT_TRUE(state_.Apply(*revoked).ok());
  EXPECT_TRUE(state_.FindGrant("g")->revoked());
  EXPECT_EQ(state_.ProposeRevocation("g", "x").status().code(),
            absl::StatusCode::kFailedPrecondition);
}

}  // namespace
}  // namespace huiliu::governance
