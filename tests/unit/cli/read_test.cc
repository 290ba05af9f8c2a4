// The reading verbs and grants: what is refused before the node is asked for rows.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "huiliu/v1/catalog.pb.h"
#include "huiliu/v1/governance.pb.h"
#include "huiliu/v1/registry.pb.h"
#include "tests/unit/cli/scripted_node.h"

namespace huiliu::cli {
namespace {

namespace v1 = huiliu::v1;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

constexpr char kContract[] = R"(syntax = "proto3";
package t;
import "huiliu/v1/dataset.proto";
message Row {
  option (huiliu.v1.dataset) = {id: "d" title: "数据"};
  string id = 1 [(huiliu.v1.data) = {title: "编号" key: true}];
  string name = 2 [(huiliu.v1.data) = {title: "姓名"}];
  string phone = 3 [(huiliu.v1.data) = {title: "电话"}];
  string secret = 4 [(huiliu.v1.data) = {title: "口令" default_mask: {drop: true}}];
}
)";

class ReadTest : public testing::Test {
 protected:
  ReadTest() {
    grant_.set_id("g");
    grant_.set_organisation("civil");
    grant_.set_receiver("530100");
    grant_.set_dataset("d");
    grant_.set_purpose("救助");
    grant_.add_fields("id");
    grant_.add_fields("name");
    grant_.add_fields("secret");
    grant_.mutable_valid_to()->set_seconds(absl::ToUnixSeconds(absl::Now()) + 3600);
    grant_.set_version(3);
  }
  Ran Query(std::vector<const char*> columns, const char* output = "table") {
    std::vector<const char*> arguments = {"query",    "d",         "--receiver", "530100",
                                          "--node",   "localhost", "--purpose",  "救助",
                                          "--output", output};
    for (const char* column : columns) {
      arguments.push_back("--column");
      arguments.push_back(column);
    }
    return RunHuiliu(arguments, Node());
  }
  std::map<std::string, Handler> Node() {
    v1::WhoAmIResponse who;
    who.set_organisation("civil");
    v1::ListGrantsResponse grants;
    *grants.add_grants() = grant_;
    v1::GetDatasetResponse dataset;
    dataset.mutable_dataset()->set_id("d");
    dataset.mutable_dataset()->set_version(1);
    dataset.mutable_dataset()->set_source_name("d.proto");
    dataset.mutable_dataset()->set_source_text(kContract);
    for (const auto& [name, title] : std::map<std::string, std::string>{
             {"id", "编号"}, {"name", "姓名"}, {"phone", "电话"}, {"secret", "口令"}}) {
      v1::DatasetField* field = dataset.mutable_dataset()->add_fields();
      field->set_name(name);
      field->set_title(title);
    }
    v1::QueryResponse page;
    (*page.add_rows()->mutable_fields()->mutable_fields())["name"].set_string_value("张三");
    return {{"Governance/WhoAmI", Answer(who)},
            {"Governance/ListGrants", Answer(grants)},
            {"Registry/GetDataset", Answer(dataset)},
            {"Catalog/Query",
             [this, page](const google::protobuf::Message&, google::protobuf::Message* response) {
               ++queries_;
               response->CopyFrom(page);
               return absl::OkStatus();
             }},
            {"Governance/PutGrant",
             [this](const google::protobuf::Message& request, google::protobuf::Message*) {
               put_.CopyFrom(request);
               return absl::OkStatus();
             }}};
  }

  v1::Grant grant_;
  int queries_ = 0;
  v1::PutGrantRequest put_;
};

TEST_F(ReadTest, JsonShowsTheColumnsThatAreAskedForAlone) {
  EXPECT_THAT(Query({"姓名"}, "json").out, HasSubstr("张三"));
  const Ran other = Query({"id"}, "json");
  EXPECT_EQ(other.code, 0) << other.err;
  EXPECT_THAT(other.out, Not(HasSubstr("张三")));
  EXPECT_THAT(Query({}, "json").out, HasSubstr("张三"));
}

TEST_F(ReadTest, AColumnThatTheGrantDoesNotOpenIsRefused) {
  const Ran shown = Query({"姓名", "id"});
  EXPECT_EQ(shown.code, 0) << shown.err;
  EXPECT_THAT(shown.out, HasSubstr("张三"));
  const Ran closed = Query({"姓名", "电话"});
  EXPECT_EQ(closed.code, 4);
  EXPECT_THAT(closed.err,
              AllOf(HasSubstr("未开放这个字段"),
                    HasSubstr("grant g does not open field \"电话\"; it opens: id, name"),
                    Not(HasSubstr("secret"))));
  EXPECT_EQ(Query({"secret"}).code, 4) << "named by the grant, dropped by the contract";
  EXPECT_EQ(queries_, 1) << "nothing is read, and recorded, for a column that stays empty";
  (*grant_.mutable_masks())["secret"].set_hash(true);
  (*grant_.mutable_masks())["name"].set_drop(true);
  EXPECT_EQ(Query({"secret"}).code, 0);
  EXPECT_EQ(Query({"name"}).code, 4);
}

TEST_F(ReadTest, AnUnknownColumnIsRefusedWithTheKnownOnes) {
  const Ran ran = Query({"nmae"});
  EXPECT_EQ(ran.code, 2);
  EXPECT_THAT(ran.err, AllOf(HasSubstr("数据集没有这个字段"), HasSubstr("has no field \"nmae\""),
                             HasSubstr("it has: id, name, phone, secret")));
  EXPECT_EQ(queries_, 0);
}

// The node says why a read is refused.
TEST_F(ReadTest, WithoutAGrantThatFitsTheNodeIsAsked) {
  grant_.set_purpose("别的");
  EXPECT_EQ(Query({"phone"}).code, 0);
  EXPECT_EQ(queries_, 1);
}

TEST_F(ReadTest, AllFieldsOfAnAmendmentAreNamed) {
  Ran ran = RunHuiliu({"grant", "put", "g", "--all-fields", "--node", "localhost"}, Node());
  EXPECT_EQ(ran.code, 0) << ran.err;
  EXPECT_THAT(put_.grant().fields(), ElementsAre("id", "name", "phone"));
  ran = RunHuiliu({"grant", "put", "g", "--purpose", "x", "--node", "localhost"}, Node());
  EXPECT_THAT(put_.grant().fields(), ElementsAre("id", "name", "secret"));
}

TEST_F(ReadTest, APartitionIsNamedOnce) {
  const Ran ran =
      RunHuiliu({"subscribe", "d", "--receiver", "530100", "--node", "localhost", "--purpose",
                 "救助", "--from-offset", "0:1", "--from-offset", "1:1", "--from-offset", "0:2"},
                Node());
  EXPECT_EQ(ran.code, 2);
  EXPECT_THAT(ran.err, HasSubstr("同一分区给出不止一次，请只留一个：分区 0"));
}

// What a name of the input holds does not turn what stands beside it.
TEST_F(ReadTest, AnErrorDrawsNothing) {
  const Ran ran = Query({"a\u2067\u202Eb\x1b[31m"});
  EXPECT_EQ(ran.code, 2);
  EXPECT_THAT(ran.err, AllOf(HasSubstr("\"a      b [31m\""), Not(HasSubstr("\u2067"))));
}

}  // namespace
}  // namespace huiliu::cli
