// Two receivers in one node: nothing that an account of one may ask shows anything of the other.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "absl/strings/escaping.h"
#include "broker/lineage/words.h"
#include "tests/unit/service/services_fixture.h"

namespace huiliu::service {
namespace {

using absl::StatusCode;
using huiliu::v1::Role;
using testing::HasSubstr;
using testing::Not;

constexpr char kKunming[] = "530100";
constexpr char kDali[] = "532900";

// Kunming's rows are of 昆一, 昆二, 昆三; Dali's of 理一, 理二. One source brings both.
class ReceiversApartTest : public testing::Test {
 protected:
  ReceiversApartTest() {
    EXPECT_TRUE(f_.node
                    .Send({{R"({"id":"k1","name":"昆一","division":"530102"})", "r1", 1},
                           {R"({"id":"k2","name":"昆二","division":"530102"})", "r2", 1},
                           {R"({"id":"k3","name":"昆三","division":"530103"})", "r3", 1},
                           {R"({"id":"d1","name":"理一","division":"532901"})", "r4", 1},
                           {R"({"id":"d2","name":"理二","division":"532901"})", "r5", 1}})
                    .ok());
    f_.Settle();
    f_.AddGrant("km-person", "km-data", kKunming);
    f_.AddGrant("dl-person", "dl-data", kDali);
  }

  CallContext As(const std::string& organisation, Role role) {
    return ServicesFixture::As(organisation, role);
  }
  // Every name that `organisation` sees of the receiver; the status is kept.
  std::string Query(const std::string& organisation, const std::string& receiver,
                    const std::string& token = "", int page_size = 0) {
    huiliu::v1::QueryRequest request;
    *request.mutable_context() = ServicesFixture::Of(receiver);
    request.set_page_token(token);
    request.set_page_size(page_size);
    huiliu::v1::QueryResponse response;
    status_ =
        f_.catalog->QueryAndWait(As(organisation, huiliu::v1::ROLE_CONSUMER), request, &response);
    next_page_ = response.next_page_token();
    return response.DebugString() + Names(response.rows());
  }
  template <typename Rows>
  static std::string Names(const Rows& rows) {
    std::string names;
    for (const auto& row : rows) names += row.fields().fields().at("name").string_value() + " ";
    return names;
  }
  absl::Status Subscribe(const std::string& organisation,
                         const huiliu::v1::SubscribeRequest& request, std::string* seen) {
    return f_.delivery->Subscribe(As(organisation, huiliu::v1::ROLE_CONSUMER), request,
                                  [&](const google::protobuf::Message& message) {
                                    const auto& response =
                                        static_cast<const huiliu::v1::SubscribeResponse&>(message);
                                    *seen += Names(response.rows());
                                    cursor_ = response.cursor();
                                    return true;
                                  });
  }
  static huiliu::v1::SubscribeRequest SubscriptionOf(const std::string& receiver) {
    huiliu::v1::SubscribeRequest request;
    *request.mutable_context() = ServicesFixture::Of(receiver);
    return request;
  }

  ServicesFixture f_;
  absl::Status status_;
  std::string next_page_;
  std::string cursor_;
};

TEST_F(ReceiversApartTest, AReadShowsTheGrantsReceiverAlone) {
  const std::string kunming = Query("km-data", kKunming);
  EXPECT_THAT(kunming, HasSubstr("昆一 昆二 昆三"));
  EXPECT_THAT(kunming, Not(HasSubstr("理")));
  const std::string dali = Query("dl-data", kDali);
  EXPECT_THAT(dali, HasSubstr("理一 理二"));
  EXPECT_THAT(dali, Not(HasSubstr("昆")));
  for (const auto& [organisation, receiver] :
       {std::pair("km-data", kDali), std::pair("dl-data", kKunming)}) {
    EXPECT_THAT(Query(organisation, receiver), Not(HasSubstr("name")));
    EXPECT_EQ(status_.code(), StatusCode::kPermissionDenied) << status_;
    huiliu::v1::GetRequest get;
    *get.mutable_context() = ServicesFixture::Of(receiver);
    get.mutable_key()->add_values(receiver == kDali ? "d1" : "k1");
    huiliu::v1::GetResponse got;
    EXPECT_EQ(f_.catalog->GetAndWait(As(organisation, huiliu::v1::ROLE_CONSUMER), get, &got).code(),
              StatusCode::kPermissionDenied);
    EXPECT_FALSE(got.has_row());
  }
  // The other's key, through one's own grant.
  huiliu::v1::MultiGetRequest request;
  *request.mutable_context() = ServicesFixture::Of(kDali);
  for (const char* id : {"d1", "k1"}) request.add_keys()->add_values(id);
  huiliu::v1::MultiGetResponse response;
  ASSERT_TRUE(
      f_.catalog->MultiGetAndWait(As("dl-data", huiliu::v1::ROLE_CONSUMER), request, &response)
          .ok());
  EXPECT_TRUE(response.results(0).found());
  EXPECT_FALSE(response.results(1).found());
  EXPECT_FALSE(response.results(1).has_row());
}

// A filter that fails is no answer "none matches"; rows that the grant hides are not counted.
TEST_F(ReceiversApartTest, AFilterThatFailsSaysOnHowManyRows) {
  huiliu::v1::QueryRequest request;
  *request.mutable_context() = ServicesFixture::Of(kKunming);
  request.set_filter("int(name) > 0");
  huiliu::v1::QueryResponse response;
  ASSERT_TRUE(
      f_.catalog->QueryAndWait(As("km-data", huiliu::v1::ROLE_CONSUMER), request, &response).ok());
  EXPECT_EQ(response.rows_size(), 0);
  EXPECT_EQ(response.not_evaluated(), 3);
  EXPECT_THAT(response.not_evaluated_reason(), HasSubstr("no int"));
  EXPECT_THAT(response.not_evaluated_reason(), Not(HasSubstr("昆一")));
  request.set_filter("name == '昆一' || int(name) > 0");
  response.Clear();
  ASSERT_TRUE(
      f_.catalog->QueryAndWait(As("km-data", huiliu::v1::ROLE_CONSUMER), request, &response).ok());
  EXPECT_EQ(response.rows_size(), 1);
  EXPECT_EQ(response.not_evaluated(), 2);
  huiliu::v1::Grant grant = f_.GrantOf("dl-some", "yn-data", kKunming);
  grant.set_row_filter("id == 'k3'");
  ASSERT_TRUE(f_.node.Put(grant).ok());
  response.Clear();
  ASSERT_TRUE(
      f_.catalog->QueryAndWait(As("yn-data", huiliu::v1::ROLE_CONSUMER), request, &response).ok());
  EXPECT_EQ(response.not_evaluated(), 1);
}

// What is told of a row's way depends on what the grant shows.
TEST_F(ReceiversApartTest, TheEnvelopeTellsTheRowIdToWhoSeesEverything) {
  const auto envelope_of = [&](const std::string& organisation) {
    huiliu::v1::SubscribeRequest request = SubscriptionOf(kKunming);
    request.set_snapshot(true);
    request.set_format(huiliu::v1::ROW_FORMAT_PROTO);
    huiliu::v1::Envelope envelope;
    EXPECT_TRUE(f_.delivery
                    ->Subscribe(As(organisation, huiliu::v1::ROLE_CONSUMER), request,
                                [&](const google::protobuf::Message& message) {
                                  const auto& response =
                                      static_cast<const huiliu::v1::SubscribeResponse&>(message);
                                  if (response.envelopes_size() > 0)
                                    envelope.ParseFromString(response.envelopes(0));
                                  return true;
                                })
                    .ok());
    return envelope;
  };
  EXPECT_EQ(envelope_of("km-data").row_id(), "r1");
  huiliu::v1::Grant grant = f_.GrantOf("masked", "yn-data", kKunming);
  (*grant.mutable_masks())["name"].set_drop(true);
  ASSERT_TRUE(f_.node.Put(grant).ok());
  const huiliu::v1::Envelope masked = envelope_of("yn-data");
  EXPECT_EQ(masked.row_id(), "");
  EXPECT_EQ(masked.division(), "530102");
}

TEST_F(ReceiversApartTest, APageTokenIsOfItsReceiver) {
  f_.AddGrant("both", "dl-data", kKunming);  // by Kunming's own word
  Query("dl-data", kKunming, "", 1);
  ASSERT_FALSE(next_page_.empty());
  EXPECT_THAT(Query("dl-data", kDali, next_page_), Not(HasSubstr("name")));
  EXPECT_EQ(status_.code(), StatusCode::kInvalidArgument) << status_;
  Query("dl-data", kKunming, "", 1);
  EXPECT_THAT(Query("km-data", kDali, next_page_), Not(HasSubstr("name")));
  EXPECT_EQ(status_.code(), StatusCode::kPermissionDenied) << status_;
}

// A place is a row's key, which the grant may hide.
TEST_F(ReceiversApartTest, TokensAndCursorsAreSealed) {
  Query("km-data", kKunming, "", 1);
  std::string token;
  ASSERT_TRUE(absl::WebSafeBase64Unescape(next_page_, &token));
  EXPECT_THAT(token, Not(HasSubstr("k1")));
  EXPECT_THAT(Query("km-data", kKunming, next_page_, 1), HasSubstr("昆二"));
  token.back() ^= 1;
  Query("km-data", kKunming, absl::WebSafeBase64Escape(token), 1);
  EXPECT_EQ(status_.code(), StatusCode::kInvalidArgument) << status_;

  huiliu::v1::SubscribeRequest request = SubscriptionOf(kKunming);
  request.set_max_batch_rows(1);
  std::string seen;
  std::string first;
  ASSERT_TRUE(f_.delivery
                  ->Subscribe(As("km-data", huiliu::v1::ROLE_CONSUMER), request,
                              [&](const google::protobuf::Message& message) {
                                const auto& r =
                                    static_cast<const huiliu::v1::SubscribeResponse&>(message);
                                first = r.cursor();
                                seen = Names(r.rows());
                                return false;
                              })
                  .ok());
  EXPECT_EQ(seen, "昆一 ");
  EXPECT_THAT(first, Not(HasSubstr("k1")));
  request.set_cursor(first);
  ASSERT_TRUE(Subscribe("km-data", request, &seen).ok());
  EXPECT_EQ(seen, "昆一 昆二 昆三 ");
}

TEST_F(ReceiversApartTest, ACursorIsOfItsReceiver) {
  std::string kunming, dali;
  ASSERT_TRUE(Subscribe("km-data", SubscriptionOf(kKunming), &kunming).ok());
  EXPECT_THAT(kunming, HasSubstr("昆一"));
  EXPECT_THAT(kunming, Not(HasSubstr("理")));
  huiliu::v1::SubscribeRequest request = SubscriptionOf(kDali);
  request.set_cursor(cursor_);
  EXPECT_EQ(Subscribe("dl-data", request, &dali).code(), StatusCode::kOutOfRange);
  EXPECT_EQ(Subscribe("km-data", SubscriptionOf(kDali), &dali).code(),
            StatusCode::kPermissionDenied);
  EXPECT_EQ(dali, "");
  // A name is its organisation's: the other's subscription of that name begins at its own start.
  huiliu::v1::CommitCursorRequest commit;
  *commit.mutable_context() = ServicesFixture::Of(kKunming);
  commit.set_subscription("daily");
  commit.set_cursor(cursor_);
  huiliu::v1::CommitCursorResponse committed;
  ASSERT_TRUE(
      f_.delivery->CommitCursor(As("km-data", huiliu::v1::ROLE_CONSUMER), commit, &committed).ok());
  request = SubscriptionOf(kDali);
  request.set_subscription("daily");
  ASSERT_TRUE(Subscribe("dl-data", request, &dali).ok());
  EXPECT_EQ(dali, "理一 理二 ");
}

TEST_F(ReceiversApartTest, AGrantIsGivenAndTakenByItsReceiversAdministrator) {
  huiliu::v1::PutGrantRequest put;
  *put.mutable_grant() = f_.GrantOf("sly", "km-data", kDali);
  huiliu::v1::PutGrantResponse response;
  const auto admin = As("km-data", huiliu::v1::ROLE_SECURITY_ADMINISTRATOR);
  const absl::Status refused = f_.governance->PutGrant(admin, put, &response);
  EXPECT_EQ(refused.code(), StatusCode::kPermissionDenied) << refused;
  EXPECT_THAT(std::string(refused.message()), HasSubstr("请由该接收方或上级的管理员办理"));
  // Nor by turning another's grant into one's own.
  *put.mutable_grant() = f_.GrantOf("dl-person", "km-data", kKunming);
  put.set_seen_version(f_.node.state.FindGrant("dl-person")->version());
  EXPECT_EQ(f_.governance->PutGrant(admin, put, &response).code(), StatusCode::kAlreadyExists);
  huiliu::v1::RevokeGrantRequest revoke;
  revoke.set_id("dl-person");
  revoke.set_reason("不再需要");
  huiliu::v1::RevokeGrantResponse revoked;
  EXPECT_EQ(f_.governance->RevokeGrant(admin, revoke, &revoked).code(), StatusCode::kNotFound);
  huiliu::v1::ListGrantsResponse listed;
  for (const Role role : {huiliu::v1::ROLE_SECURITY_ADMINISTRATOR,
                          huiliu::v1::ROLE_AUDIT_ADMINISTRATOR, huiliu::v1::ROLE_DATA_OFFICER}) {
    listed.Clear();
    ASSERT_TRUE(f_.governance->ListGrants(As("km-data", role), {}, &listed).ok());
    ASSERT_EQ(listed.grants_size(), 1);
    EXPECT_EQ(listed.grants(0).id(), "km-person");
  }
  EXPECT_TRUE(
      f_.governance
          ->RevokeGrant(As("dl-data", huiliu::v1::ROLE_SECURITY_ADMINISTRATOR), revoke, &revoked)
          .ok());
  *put.mutable_grant() = f_.GrantOf("upper", "km-data", kDali);
  put.clear_seen_version();
  EXPECT_TRUE(f_.governance
                  ->PutGrant(As("yn-data", huiliu::v1::ROLE_SECURITY_ADMINISTRATOR), put, &response)
                  .ok());
}

TEST_F(ReceiversApartTest, AccountsAndOrganisationsAreTheirReceivers) {
  huiliu::v1::PutAccountRequest put;
  put.mutable_account()->set_id("mole");
  put.mutable_account()->add_roles(huiliu::v1::ROLE_CONSUMER);
  huiliu::v1::PutAccountResponse response;
  const auto admin = As("km-data", huiliu::v1::ROLE_SECURITY_ADMINISTRATOR);
  for (const char* organisation : {"dl-data", "yn-data"}) {
    put.mutable_account()->set_organisation(organisation);
    EXPECT_EQ(f_.registry->PutAccount(admin, put, &response).code(), StatusCode::kPermissionDenied);
  }
  put.mutable_account()->set_organisation("km-data");
  EXPECT_TRUE(f_.registry->PutAccount(admin, put, &response).ok());
  huiliu::v1::ListAccountsResponse accounts;
  ASSERT_TRUE(
      f_.registry
          ->ListAccounts(As("dl-data", huiliu::v1::ROLE_SECURITY_ADMINISTRATOR), {}, &accounts)
          .ok());
  EXPECT_EQ(accounts.accounts_size(), 0);

  huiliu::v1::PutOrganisationRequest organisation;
  organisation.mutable_organisation()->set_id("dl-data");
  organisation.mutable_organisation()->set_title("昆明的了");
  organisation.mutable_organisation()->set_receiver(kKunming);
  organisation.set_seen_version(f_.node.state.FindOrganisation("dl-data")->version());
  huiliu::v1::PutOrganisationResponse taken;
  const auto system = As("km-data", huiliu::v1::ROLE_SYSTEM_ADMINISTRATOR);
  EXPECT_EQ(f_.registry->PutOrganisation(system, organisation, &taken).code(),
            StatusCode::kPermissionDenied);
  huiliu::v1::PutReceiverRequest receiver;
  *receiver.mutable_receiver() = *f_.node.state.FindReceiver(kDali);
  receiver.set_seen_version(receiver.receiver().version());
  huiliu::v1::PutReceiverResponse changed;
  EXPECT_EQ(f_.registry->PutReceiver(system, receiver, &changed).code(),
            StatusCode::kPermissionDenied);
  // His own he may change, but for its quota.
  *receiver.mutable_receiver() = *f_.node.state.FindReceiver(kKunming);
  receiver.set_seen_version(receiver.receiver().version());
  receiver.mutable_receiver()->mutable_quota()->set_streams(100);
  EXPECT_EQ(f_.registry->PutReceiver(system, receiver, &changed).code(),
            StatusCode::kPermissionDenied);
  huiliu::v1::ListReceiversResponse receivers;
  ASSERT_TRUE(f_.registry->ListReceivers(system, {}, &receivers).ok());
  ASSERT_EQ(receivers.receivers_size(), 1);
  EXPECT_EQ(receivers.receivers(0).id(), kKunming);
}

TEST_F(ReceiversApartTest, BalanceAndCountsAreTheReceivers) {
  huiliu::v1::GetBalanceResponse balance;
  const auto officer = As("km-data", huiliu::v1::ROLE_DATA_OFFICER);
  Query("km-data", kDali);  // a refusal that is Dali's to know of
  f_.Settle();
  ASSERT_TRUE(f_.audit->GetBalance(officer, {}, &balance).ok());
  ASSERT_EQ(balance.lines_size(), 1);
  EXPECT_EQ(balance.lines(0).receiver(), kKunming);
  EXPECT_EQ(balance.lines(0).returned(), 3);
  EXPECT_EQ(balance.refused_reads(), 0);
  huiliu::v1::GetBalanceRequest other;
  other.set_receiver(kDali);
  balance.Clear();
  EXPECT_EQ(f_.audit->GetBalance(officer, other, &balance).code(), StatusCode::kPermissionDenied);
  EXPECT_EQ(balance.lines_size(), 0);
  ASSERT_TRUE(
      f_.audit->GetBalance(As("yn-data", huiliu::v1::ROLE_DATA_OFFICER), other, &balance).ok());
  EXPECT_EQ(balance.lines(0).returned(), 2);
  EXPECT_EQ(balance.refused_reads(), 1);
  // A department's agent sees what its own sources brought.
  balance.Clear();
  ASSERT_TRUE(f_.audit->GetBalance(As("yn-data", huiliu::v1::ROLE_AGENT), {}, &balance).ok());
  EXPECT_EQ(balance.lines_size(), 0);
  ASSERT_TRUE(f_.audit->GetBalance(As("dept", huiliu::v1::ROLE_AGENT), {}, &balance).ok());
  EXPECT_EQ(balance.lines_size(), 2);
  EXPECT_EQ(balance.refused_reads(), 0);

  huiliu::v1::StatsRequest stats;
  stats.set_receiver(kDali);
  huiliu::v1::StatsResponse counted;
  EXPECT_EQ(f_.catalog->Stats(officer, stats, &counted).code(), StatusCode::kPermissionDenied);
  EXPECT_EQ(counted.datasets_size(), 0);
}

TEST_F(ReceiversApartTest, WhoHasSeenARowIsToldToTheEnd) {
  constexpr int kSeen = 230;
  for (int i = 0; i < kSeen; ++i) Query("km-data", kKunming);
  f_.Settle();
  huiliu::v1::TraceRecordRequest request;
  request.set_receiver(kKunming);
  request.set_dataset("person");
  request.mutable_key()->add_values("k1");
  const auto auditor = As("km-data", huiliu::v1::ROLE_AUDIT_ADMINISTRATOR);
  std::set<int64_t> seen;
  int answers = 0;
  do {
    huiliu::v1::TraceRecordResponse response;
    ASSERT_TRUE(f_.audit->TraceRecord(auditor, request, &response).ok());
    for (const auto& read : response.reads()) EXPECT_TRUE(seen.insert(read.index()).second);
    EXPECT_EQ(response.hops_size() > 0, answers == 0);
    request.set_reads_before(response.more_reads_before());
    ++answers;
  } while (request.reads_before() > 0);
  EXPECT_EQ(seen.size(), static_cast<size_t>(kSeen));
  EXPECT_EQ(answers, 3);
}

// A key could be tried by asking: who asks stands in the log, the key does not.
TEST_F(ReceiversApartTest, AnAuditorsQuestionIsInTheLogBeforeItsAnswer) {
  f_.Settle();
  const int64_t before = f_.lineage->SignCheckpoint()->tree_size();
  huiliu::v1::TraceRecordRequest request;
  request.set_receiver(kKunming);
  request.set_dataset("person");
  request.mutable_key()->add_values("k1");
  huiliu::v1::TraceRecordResponse response;
  ASSERT_TRUE(
      f_.audit->TraceRecord(As("km-data", huiliu::v1::ROLE_AUDIT_ADMINISTRATOR), request, &response)
          .ok());
  f_.Settle();
  ASSERT_EQ(f_.lineage->SignCheckpoint()->tree_size(), before + 1);
  const auto entry = f_.lineage->Entry(before);
  ASSERT_TRUE(entry.ok()) << entry.status();
  EXPECT_EQ(entry->step(), huiliu::v1::STEP_READ);
  EXPECT_EQ(entry->method(), "Audit.TraceRecord");
  EXPECT_EQ(entry->actor(), "km-data-someone");
  EXPECT_EQ(entry->receiver(), kKunming);
  EXPECT_EQ(entry->dataset(), "person");
  EXPECT_EQ(entry->key_digests_size(), 0);
  EXPECT_THAT(entry->DebugString(), Not(HasSubstr("k1")));
  EXPECT_THAT(lineage::InWords(*entry, false), HasSubstr("追溯数据集 person 的一条记录"));
}

TEST_F(ReceiversApartTest, LineageAnswersOnesOwnQuestionsAlone) {
  Query("dl-data", kDali);
  Query("km-data", kKunming);
  f_.Settle();
  huiliu::v1::TraceRecordRequest request;
  request.set_receiver(kDali);
  request.set_dataset("person");
  request.mutable_key()->add_values("d1");
  huiliu::v1::TraceRecordResponse response;
  const auto auditor = As("km-data", huiliu::v1::ROLE_AUDIT_ADMINISTRATOR);
  EXPECT_EQ(f_.audit->TraceRecord(auditor, request, &response).code(),
            StatusCode::kPermissionDenied);
  EXPECT_EQ(response.hops_size() + response.reads_size(), 0);
  // One's own row of the shared batch: neither the other's counts nor its readers.
  request.set_receiver(kKunming);
  request.mutable_key()->set_values(0, "k1");
  ASSERT_TRUE(f_.audit->TraceRecord(auditor, request, &response).ok());
  ASSERT_GT(response.hops_size(), 0);
  EXPECT_EQ(response.reads_size(), 1);
  EXPECT_THAT(response.DebugString(), Not(HasSubstr(kDali)));
  EXPECT_THAT(response.DebugString(), Not(HasSubstr("dl-data")));
  EXPECT_THAT(response.unseen(), HasSubstr("其他接收方的计数已略去"));
  // The upper level sees the batch as it was, with its proof.
  response.Clear();
  ASSERT_TRUE(
      f_.audit->TraceRecord(As("yn-data", huiliu::v1::ROLE_AUDIT_ADMINISTRATOR), request, &response)
          .ok());
  EXPECT_GT(response.hops(0).inclusion_size(), 0);
  EXPECT_EQ(response.hops(0).entry().counts_size(), 2);
  // Another receiver's key, asked of one's own catalog.
  request.mutable_key()->set_values(0, "d1");
  response.Clear();
  ASSERT_TRUE(f_.audit->TraceRecord(auditor, request, &response).ok());
  EXPECT_FALSE(response.found());
  EXPECT_EQ(response.hops_size() + response.reads_size(), 0);
}

TEST_F(ReceiversApartTest, TheWholeLogIsTheUpperLevels) {
  int messages = 0;
  const auto count = [&](const google::protobuf::Message&) {
    ++messages;
    return true;
  };
  const absl::Status refused =
      f_.audit->ExportEntries(As("km-data", huiliu::v1::ROLE_AUDIT_ADMINISTRATOR), {}, count);
  EXPECT_EQ(refused.code(), StatusCode::kPermissionDenied) << refused;
  EXPECT_EQ(messages, 0);
  EXPECT_TRUE(
      f_.audit->ExportEntries(As("yn-data", huiliu::v1::ROLE_AUDIT_ADMINISTRATOR), {}, count).ok());
  EXPECT_GT(messages, 0);
  // What proves the log to everybody shows hashes alone.
  huiliu::v1::GetCheckpointResponse checkpoint;
  EXPECT_TRUE(
      f_.audit->GetCheckpoint(As("km-data", huiliu::v1::ROLE_AUDIT_ADMINISTRATOR), {}, &checkpoint)
          .ok());
}

TEST_F(ReceiversApartTest, RulesAndSourcesAreTheirReceivers) {
  const auto officer = As("km-data", huiliu::v1::ROLE_DATA_OFFICER);
  huiliu::v1::ListRuleSetsResponse listed;
  ASSERT_TRUE(f_.rules->ListRuleSets(officer, {}, &listed).ok());
  ASSERT_EQ(listed.rule_sets_size(), 1);
  EXPECT_EQ(listed.rule_sets(0).receiver(), kKunming);
  huiliu::v1::GetRuleSetRequest get;
  get.set_dataset("person");
  get.set_receiver(kDali);
  huiliu::v1::GetRuleSetResponse got;
  EXPECT_EQ(f_.rules->GetRuleSet(officer, get, &got).code(), StatusCode::kPermissionDenied);
  huiliu::v1::ProposeRuleSetRequest propose;
  propose.set_source_name("x.yaml");
  propose.set_yaml(std::string("dataset: person\nreceiver: \"532900\"") + rules::kOpenRules);
  huiliu::v1::ProposeRuleSetResponse proposed;
  EXPECT_EQ(f_.rules->ProposeRuleSet(officer, propose, &proposed).code(),
            StatusCode::kPermissionDenied);
  huiliu::v1::DecideRuleSetRequest decide;
  decide.set_dataset("person");
  decide.set_receiver(kDali);
  decide.set_version(1);
  huiliu::v1::DecideRuleSetResponse decided;
  EXPECT_EQ(f_.rules->DecideRuleSet(officer, decide, &decided).code(),
            StatusCode::kPermissionDenied);
  huiliu::v1::PutSourceRequest source;
  *source.mutable_source() = *f_.node.state.FindSource("src");
  source.set_seen_version(source.source().version());
  huiliu::v1::PutSourceResponse put;
  EXPECT_EQ(
      f_.registry->PutSource(As("km-data", huiliu::v1::ROLE_SYSTEM_ADMINISTRATOR), source, &put)
          .code(),
      StatusCode::kPermissionDenied);
}

TEST_F(ReceiversApartTest, BoundOrganisationJudgesForItsReceiverAlone) {
  huiliu::v1::Source source = *f_.node.state.FindSource("src");
  source.set_id("src-edge");
  source.set_organisation("km-data");
  source.set_placement(huiliu::v1::PLACEMENT_EDGE);
  source.clear_receivers();
  source.add_receivers(kDali);
  const absl::Status refused = f_.node.Put(source);
  EXPECT_EQ(refused.code(), StatusCode::kFailedPrecondition) << refused;
  EXPECT_NE(refused.message().find("bound to receiver 530100"), std::string::npos) << refused;
  source.set_receivers(0, kKunming);
  EXPECT_TRUE(f_.node.Put(source).ok());
}

// A second system of another receiver's does not make one's own keys ambiguous, nor itself known.
TEST_F(ReceiversApartTest, SystemsOfAnotherReceiverDoNotCount) {
  huiliu::v1::System system = *f_.node.state.FindSystem("sys");
  system.set_id("sys-dali");
  ASSERT_TRUE(f_.node.Put(system).ok());
  huiliu::v1::Source source = *f_.node.state.FindSource("src");
  source.set_id("src-dali");
  source.set_system("sys-dali");
  source.clear_receivers();
  source.add_receivers(kDali);
  ASSERT_TRUE(f_.node.Put(source).ok());
  huiliu::v1::GetRequest get;
  *get.mutable_context() = ServicesFixture::Of(kKunming);
  get.mutable_key()->add_values("k1");
  huiliu::v1::GetResponse got;
  const absl::Status status =
      f_.catalog->GetAndWait(As("km-data", huiliu::v1::ROLE_CONSUMER), get, &got);
  EXPECT_TRUE(status.ok()) << status;
  EXPECT_EQ(got.row().fields().fields().at("name").string_value(), "昆一");
}

}  // namespace
}  // namespace huiliu::service
