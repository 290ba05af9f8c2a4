// Whole runs of the command line against a node that answers from a script.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "huiliu/v1/audit.pb.h"
#include "huiliu/v1/catalog.pb.h"
#include "huiliu/v1/delivery.pb.h"
#include "huiliu/v1/governance.pb.h"
#include "huiliu/v1/intake.pb.h"
#include "huiliu/v1/overrides.pb.h"
#include "huiliu/v1/registry.pb.h"
#include "tests/unit/cli/scripted_node.h"

namespace huiliu::cli {
namespace {

namespace v1 = huiliu::v1;
using testing::HasSubstr;
using testing::Not;

v1::GetBalanceResponse Balance(int64_t returned) {
  v1::GetBalanceResponse response;
  auto* line = response.add_lines();
  line->set_source("si");
  line->set_read(10);
  line->set_returned(returned);
  line->set_outside_area(4);
  return response;
}

TEST(RunTest, UnevenBalanceIsAFinding) {
  EXPECT_EQ(RunHuiliu({"audit", "balance"}, {{"Audit/GetBalance", Answer(Balance(6))}}).code, 0);
  const Ran uneven = RunHuiliu({"audit", "balance"}, {{"Audit/GetBalance", Answer(Balance(5))}});
  EXPECT_EQ(uneven.code, 1);
  EXPECT_THAT(uneven.out, HasSubstr("不平"));
  v1::GetBalanceResponse held = Balance(6);
  held.set_outside_rows_held(1);
  EXPECT_EQ(
      RunHuiliu({"audit", "balance", "-o", "json"}, {{"Audit/GetBalance", Answer(held)}}).code, 1);
}

TEST(RunTest, ListsAreWholeWhateverThePages) {
  int calls = 0;
  const Handler pages = [&](const google::protobuf::Message& request,
                            google::protobuf::Message* response) {
    const auto& asked = static_cast<const v1::ListOrganisationsRequest&>(request);
    auto* page = static_cast<v1::ListOrganisationsResponse*>(response);
    page->add_organisations()->set_id(asked.page_token().empty() ? "a" : "b");
    if (asked.page_token().empty()) page->set_next_page_token("t");
    ++calls;
    return absl::OkStatus();
  };
  const Ran ran = RunHuiliu({"organisation", "list", "--output", "json"},
                            {{"Registry/ListOrganisations", pages}});
  EXPECT_EQ(calls, 2);
  EXPECT_EQ(nlohmann::json::parse(ran.out)["organisations"].size(), 2u);
  EXPECT_THAT(ran.out, Not(HasSubstr("next_page_token")));
}

TEST(RunTest, APutKeepsWhatIsNotNamedAndSaysTheVersionItSaw) {
  v1::ListGrantsResponse known;
  v1::Grant& grant = *known.add_grants();
  grant.set_id("g");
  grant.set_version(7);
  grant.set_receiver("530100");
  grant.set_purpose("p");
  (*grant.mutable_masks())["name"].set_drop(true);
  v1::PutGrantRequest sent;
  const Handler put = [&](const google::protobuf::Message& request, google::protobuf::Message*) {
    sent.CopyFrom(request);
    return absl::OkStatus();
  };
  const Ran ran =
      RunHuiliu({"grant", "put", "g", "--filter", "true"},
                {{"Governance/ListGrants", Answer(known)}, {"Governance/PutGrant", put}});
  EXPECT_EQ(ran.code, 0) << ran.err;
  EXPECT_EQ(sent.seen_version(), 7u);
  EXPECT_EQ(sent.grant().purpose(), "p");
  EXPECT_EQ(sent.grant().row_filter(), "true");
  EXPECT_TRUE(sent.grant().masks().at("name").drop());
}

TEST(RunTest, AGrantsFilterAndMasksAreClearedOnPurposeOnly) {
  v1::ListGrantsResponse known;
  v1::Grant& grant = *known.add_grants();
  grant.set_id("g");
  grant.set_version(7);
  grant.set_receiver("530100");
  grant.set_row_filter("a == 1");
  (*grant.mutable_masks())["name"].set_drop(true);
  (*grant.mutable_masks())["phone"].set_hash(true);
  v1::PutGrantRequest sent;
  const auto put = [&](std::vector<const char*> arguments) {
    sent.Clear();
    arguments.insert(arguments.begin(), {"grant", "put", "g"});
    return RunHuiliu(arguments,
                     {{"Governance/ListGrants", Answer(known)},
                      {"Governance/PutGrant",
                       [&](const google::protobuf::Message& request, google::protobuf::Message*) {
                         sent.CopyFrom(request);
                         return absl::OkStatus();
                       }}});
  };
  EXPECT_EQ(put({"--mask", "phone=keep"}).code, 0);
  EXPECT_EQ(sent.grant().row_filter(), "a == 1");
  EXPECT_FALSE(sent.clear_row_filter());
  EXPECT_TRUE(sent.grant().masks().at("name").drop()) << "another field's mask stays";
  EXPECT_TRUE(sent.grant().masks().at("phone").keep());

  EXPECT_EQ(put({"--no-filter", "--no-mask", "phone"}).code, 0);
  EXPECT_EQ(sent.grant().row_filter(), "");
  EXPECT_TRUE(sent.clear_row_filter());
  EXPECT_FALSE(sent.grant().masks().contains("phone"));
  EXPECT_EQ(sent.clear_masks_size(), 1);
  EXPECT_TRUE(sent.grant().masks().at("name").drop());

  EXPECT_EQ(put({"--field", "phone"}).code, 0);
  EXPECT_FALSE(sent.grant().masks().contains("name")) << "it is granted no more";
  const Ran empty = put({"--filter", ""});
  EXPECT_NE(empty.code, 0);
  EXPECT_THAT(empty.err, HasSubstr("--no-filter"));
  EXPECT_NE(put({"--filter", "true", "--no-filter"}).code, 0);
}

TEST(RunTest, RefusalsInTheReadersLanguage) {
  const Handler refuse = [](const google::protobuf::Message&, google::protobuf::Message*) {
    return absl::PermissionDeniedError("no_grant");
  };
  const Ran chinese = RunHuiliu({"whoami"}, {{"Governance/WhoAmI", refuse}});
  EXPECT_EQ(chinese.code, 4);
  EXPECT_EQ(chinese.err, "未授权：no_grant\n");
  EXPECT_EQ(RunHuiliu({"whoami", "--lang", "en"}, {{"Governance/WhoAmI", refuse}}).err,
            "refused: no_grant\n");
}

TEST(RunTest, RowsStandUnderTheirTitlesInTheContractsOrder) {
  v1::GetDatasetResponse dataset;
  for (const auto& [name, title] : {std::pair{"b_second", "第一列"}, {"a_first", "第二列"}}) {
    auto* field = dataset.mutable_dataset()->add_fields();
    field->set_name(name);
    field->set_title(title);
  }
  v1::QueryResponse rows;
  auto& fields = *rows.add_rows()->mutable_fields()->mutable_fields();
  fields["a_first"].set_string_value("甲");
  fields["b_second"].set_number_value(42);
  const Ran ran =
      RunHuiliu({"query", "d", "--receiver", "530100", "--purpose", "p"},
                {{"Registry/GetDataset", Answer(dataset)}, {"Catalog/Query", Answer(rows)}});
  EXPECT_EQ(ran.code, 0) << ran.err;
  EXPECT_THAT(ran.out, HasSubstr("第一列  第二列"));
  EXPECT_THAT(ran.out, HasSubstr("42  甲"));
  const Ran unknown =
      RunHuiliu({"query", "d", "--receiver", "530100", "--purpose", "p", "--column", "zz"},
                {{"Registry/GetDataset", Answer(dataset)}, {"Catalog/Query", Answer(rows)}});
  EXPECT_EQ(unknown.code, 2);
  EXPECT_THAT(unknown.err, HasSubstr("\"zz\""));
}

TEST(RunTest, MoreRowsThanAskedForAreSaid) {
  v1::QueryResponse rows;
  rows.add_rows();
  rows.set_next_page_token("t");
  const Ran ran = RunHuiliu(
      {"query", "d", "--receiver", "r", "--purpose", "p", "--limit", "1"},
      {{"Registry/GetDataset", Answer(v1::GetDatasetResponse())}, {"Catalog/Query", Answer(rows)}});
  EXPECT_THAT(ran.out, HasSubstr("还有更多"));
}

TEST(RunTest, ASubscriptionsDeletesAreMarkedAndItsCursorIsCommittedAfterTheRows) {
  v1::SubscribeResponse message;
  message.add_rows()->set_division("530102");
  message.add_deletes(true);
  message.set_cursor("c");
  std::string committed;
  const Handler commit = [&](const google::protobuf::Message& request, google::protobuf::Message*) {
    committed = static_cast<const v1::CommitCursorRequest&>(request).cursor();
    return absl::OkStatus();
  };
  const Ran ran = RunHuiliu(
      {"subscribe", "d", "--receiver", "r", "--purpose", "p", "--subscription", "s", "-o", "json"},
      {{"Delivery/Subscribe", Answer(message)}, {"Delivery/CommitCursor", commit}});
  EXPECT_EQ(ran.code, 0) << ran.err;
  EXPECT_EQ(ran.out, "{\"delete\":true,\"row\":{\"division\":\"530102\"}}\n{\"cursor\":\"Yw\"}\n");
  EXPECT_EQ(committed, "c");
}

TEST(RunTest, WrongUseEndsWithTwo) {
  EXPECT_EQ(RunHuiliu({}, {}).code, 2);
  EXPECT_EQ(RunHuiliu({"frob"}, {}).code, 2);
  EXPECT_EQ(RunHuiliu({"whoami", "--output", "xml"}, {}).code, 2);
  EXPECT_EQ(RunHuiliu({"system", "list", "--tier", "galactic"}, {}).code, 2);
  EXPECT_EQ(RunHuiliu({"--help"}, {}).code, 0);
}

TEST(RunTest, ARecordsKeyStaysHereAndItsDigestLeaves) {
  v1::GetDatasetResponse dataset;
  dataset.mutable_dataset()->set_source_name("person.proto");
  dataset.mutable_dataset()->set_version(1);
  dataset.mutable_dataset()->set_source_text(R"(syntax = "proto3";
package test.v1;
import "huiliu/v1/dataset.proto";
message Person {
  option (huiliu.v1.dataset) = {id: "person" title: "人员" provider: "测试" theme: "population"
    sharing: SHARING_UNCONDITIONAL update_cycle: UPDATE_CYCLE_DAILY territory: {title: "登记地"
    evidence: {field: "division" kind: EVIDENCE_KIND_CODE}}};
  string citizen = 1 [(huiliu.v1.data) = {title: "身份证号" key: true personal: true}];
  string division = 2 [(huiliu.v1.data) = {title: "区划"}];
})");
  v1::ListSourcesResponse sources;
  sources.add_sources()->set_dataset("person");
  sources.mutable_sources(0)->set_system("sys");
  std::string sent;
  const Handler propose = [&](const google::protobuf::Message& request,
                              google::protobuf::Message* response) {
    sent = request.SerializeAsString();
    const auto& asked = static_cast<const v1::ProposeOverrideRequest&>(request);
    auto* answer = static_cast<v1::ProposeOverrideResponse*>(response);
    *answer->mutable_territory_override() = asked.territory_override();
    answer->mutable_territory_override()->set_id("ov7");
    answer->mutable_territory_override()->set_state(v1::OVERRIDE_STATE_PROPOSED);
    return absl::OkStatus();
  };
  const std::map<std::string, Handler> node = {{"Registry/GetDataset", Answer(dataset)},
                                               {"Registry/ListSources", Answer(sources)},
                                               {"Overrides/ProposeOverride", propose}};
  const Ran ran = RunHuiliu(
      {"--node", "localhost:1", "override", "propose", "--dataset", "person", "--receiver",
       "530100", "--record-key", "530102199001011234", "--division", "530102", "--reason", "户籍"},
      node);
  EXPECT_EQ(ran.code, 0) << ran.err;
  EXPECT_THAT(sent, Not(HasSubstr("530102199001011234")));
  v1::ProposeOverrideRequest request;
  ASSERT_TRUE(request.ParseFromString(sent));
  EXPECT_EQ(request.territory_override().record().size(), 64U);
  EXPECT_THAT(ran.out, HasSubstr("huiliu override approve ov7"));
  EXPECT_EQ(RunHuiliu({"override", "propose", "--dataset", "person", "--receiver", "530100",
                       "--division", "530102", "--reason", "x"},
                      node)
                .code,
            2)
      << "which records?";
}

TEST(RunTest, PendingRecordsAreListedWithReasonsAndCounted) {
  v1::ListQuarantineResponse kept;
  for (const char* reason :
       {"territory.no_evidence", "territory.no_evidence", "territory.override_conflict:ov3,ov7"}) {
    v1::QuarantinedRow& row = *kept.add_rows();
    row.set_id("si/1/1/0");
    row.set_reason(reason);
    row.add_counts()->set_receiver("530100");
    row.mutable_counts(0)->set_outcome(v1::OUTCOME_PENDING);
  }
  v1::ListQuarantineRequest asked;
  const Handler list = [&](const google::protobuf::Message& request,
                           google::protobuf::Message* response) {
    asked.CopyFrom(request);
    response->CopyFrom(kept);
    return absl::OkStatus();
  };
  const Ran ran =
      RunHuiliu({"pending", "list", "--source", "si"}, {{"Intake/ListQuarantine", list}});
  EXPECT_EQ(ran.code, 0) << ran.err;
  EXPECT_EQ(asked.outcome(), v1::OUTCOME_PENDING);
  EXPECT_THAT(ran.out, HasSubstr("没有任何归属依据"));
  EXPECT_THAT(ran.out, HasSubstr("认领决定相互矛盾：ov3,ov7"));
  const Ran english = RunHuiliu({"--lang", "en", "pending", "list", "--source", "si", "--counts"},
                                {{"Intake/ListQuarantine", list}});
  EXPECT_THAT(english.out, HasSubstr("nothing says where it belongs"));
  EXPECT_THAT(english.out, Not(HasSubstr("si/1/1/0")));
}

TEST(RunTest, CorrectionsOfKeptRowsGoToTheNode) {
  v1::RedriveRequest sent;
  const Handler redrive = [&](const google::protobuf::Message& request,
                              google::protobuf::Message* response) {
    sent.CopyFrom(request);
    auto* result = static_cast<v1::RedriveResponse*>(response)->add_results();
    result->set_id("si/3/17/0");
    result->set_outcome(v1::OUTCOME_RETURNED);
    return absl::OkStatus();
  };
  const Ran ran =
      RunHuiliu({"quarantine", "redrive", "--source", "si", "si/3/17/0", "--json", "{\"a\":1}"},
                {{"Intake/Redrive", redrive}});
  EXPECT_EQ(ran.code, 0) << ran.err;
  ASSERT_EQ(sent.corrections_size(), 1);
  EXPECT_EQ(sent.source(), "si");
  EXPECT_EQ(sent.corrections(0).id(), "si/3/17/0");
  EXPECT_EQ(sent.corrections(0).json(), "{\"a\":1}");
  const Ran nothing = RunHuiliu({"quarantine", "redrive", "--source", "si"}, {});
  EXPECT_EQ(nothing.code, 2);
  EXPECT_THAT(nothing.err, HasSubstr("--file"));
}

}  // namespace
}  // namespace huiliu::cli
