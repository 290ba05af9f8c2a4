// Whole runs of the command line against a node that answers from a script.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "huiliu/v1/audit.pb.h"
#include "huiliu/v1/catalog.pb.h"
#include "huiliu/v1/delivery.pb.h"
#include "huiliu/v1/governance.pb.h"
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

}  // namespace
}  // namespace huiliu::cli
