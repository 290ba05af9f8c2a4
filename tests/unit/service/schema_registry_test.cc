#include "broker/service/schema_registry.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "absl/strings/escaping.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "google/protobuf/descriptor.pb.h"
#include "tests/unit/service/services_fixture.h"

namespace huiliu::service {
namespace {

using nlohmann::json;
using testing::Contains;
using testing::HasSubstr;

constexpr char kSubject[] = "huiliu.returned.530100.person-value";
constexpr char kImport[] = "huiliu/v1/dataset.proto";

class SchemaRegistryTest : public testing::Test {
 protected:
  std::optional<std::string> receiver_;  // that the caller is bound to
  RegistryAnswer Ask(const std::string& path, const std::string& method = "GET",
                     const std::string& body = "",
                     std::map<std::string, std::string> parameters = {}) {
    RegistryRequest request;
    request.method = method;
    for (absl::string_view segment : absl::StrSplit(path, '/', absl::SkipEmpty()))
      request.path.push_back(absl::StrReplaceAll(segment, {{"%2F", "/"}}));
    request.body = body;
    request.parameters = std::move(parameters);
    request.receiver = receiver_;
    return registry_.Answer(request);
  }
  json Get(const std::string& path, std::map<std::string, std::string> parameters = {}) {
    const RegistryAnswer answer = Ask(path, "GET", "", std::move(parameters));
    EXPECT_EQ(answer.status, 200) << path << ": " << answer.body;
    return json::parse(answer.body);
  }
  void ExpectError(const RegistryAnswer& answer, int status, int code) {
    EXPECT_EQ(answer.status, status) << answer.body;
    EXPECT_EQ(json::parse(answer.body)["error_code"], code) << answer.body;
  }
  std::string Text() { return f_.node.state.FindDataset("person")->source_text(); }

  ServicesFixture f_;
  const SchemaRegistry registry_{f_.node.state, "huiliu."};
};

TEST_F(SchemaRegistryTest, ReturnedTopicsAreSubjects) {
  const json subjects = Get("/subjects");
  EXPECT_THAT(subjects, Contains(kSubject));
  EXPECT_THAT(subjects, Contains(kImport));
  EXPECT_EQ(Get("/subjects", {{"subjectPrefix", "huiliu/"}}), json({kImport}));
  EXPECT_EQ(Get(std::string("/subjects/") + kSubject + "/versions"), json({1}));
}

TEST_F(SchemaRegistryTest, ASchemaIsFoundBySubjectAndById) {
  const json latest = Get(std::string("/subjects/") + kSubject + "/versions/latest");
  EXPECT_EQ(latest["schemaType"], "PROTOBUF");
  EXPECT_EQ(latest["schema"], Text());
  EXPECT_EQ(latest["references"],
            json::parse(R"([{"name":"huiliu/v1/dataset.proto","subject":"huiliu/v1/dataset.proto",)"
                        R"("version":1}])"));
  const int id = latest["id"];
  int message = -1;
  EXPECT_EQ(static_cast<uint32_t>(id), f_.node.state.SchemaId("person", &message));
  EXPECT_EQ(message, 0);
  const std::string by_id = "/schemas/ids/" + std::to_string(id);
  EXPECT_EQ(Get(by_id)["schema"], Text());
  EXPECT_THAT(Get(by_id + "/subjects"), Contains(kSubject));
  EXPECT_EQ(Get(by_id + "/versions")[0]["version"], 1);
  EXPECT_EQ(Ask(by_id + "/schema").body, Text());
  EXPECT_EQ(Get("/schemas/types"), json({"PROTOBUF"}));
}

TEST_F(SchemaRegistryTest, ASerializedSchemaIsAFileDescriptor) {
  for (const std::string& subject :
       {std::string(kSubject), std::string("huiliu%2Fv1%2Fdataset.proto")}) {
    const json answer = Get("/subjects/" + subject + "/versions/1", {{"format", "serialized"}});
    std::string bytes;
    ASSERT_TRUE(absl::Base64Unescape(answer["schema"].get<std::string>(), &bytes));
    google::protobuf::FileDescriptorProto file;
    ASSERT_TRUE(file.ParseFromString(bytes));
    EXPECT_EQ(Get("/schemas/ids/" + answer["id"].dump(), {{"format", "serialized"}})["schema"],
              answer["schema"]);
  }
}

TEST_F(SchemaRegistryTest, EvolutionIsCheckedAsAtRegistration) {
  const std::string path = std::string("/compatibility/subjects/") + kSubject + "/versions/latest";
  const auto ask = [&](const std::string& text) {
    return json::parse(
        Ask(path, "POST", json{{"schema", text}}.dump(), {{"verbose", "true"}}).body);
  };
  EXPECT_EQ(ask(Text())["is_compatible"], true);
  const std::string name = f_.node.state.FindContract("person")->fields().back().name;
  const json renamed = ask(absl::StrReplaceAll(Text(), {{" " + name + " =", " other_name ="}}));
  EXPECT_EQ(renamed["is_compatible"], false);
  EXPECT_THAT(renamed["messages"].dump(), HasSubstr(name));
  ExpectError(Ask(path, "POST", R"({"schema":"no proto"})"), 422, 42201);
  ExpectError(Ask(path, "POST", "[]"), 422, 42201);
}

TEST_F(SchemaRegistryTest, LookingUpFindsTheVersion) {
  const std::string path = std::string("/subjects/") + kSubject;
  EXPECT_EQ(json::parse(Ask(path, "POST", json{{"schema", Text()}}.dump()).body)["version"], 1);
  ExpectError(Ask(path, "POST", R"({"schema":"other"})"), 404, 40403);
}

TEST_F(SchemaRegistryTest, WhatIsNotThereIsSaidInTheRegistrysCodes) {
  ExpectError(Ask("/subjects/x/versions"), 404, 40401);
  ExpectError(Ask("/subjects/huiliu.returned.530100.nobody-value/versions/1"), 404, 40401);
  ExpectError(Ask(std::string("/subjects/") + kSubject + "/versions/9"), 404, 40402);
  ExpectError(Ask(std::string("/subjects/") + kSubject + "/versions/x"), 422, 42202);
  ExpectError(Ask("/schemas/ids/999999"), 404, 40403);
  ExpectError(Ask("/schemas/ids/x"), 404, 40403);
  ExpectError(Ask("/schemas/nothing"), 404, 404);
  ExpectError(Ask("/"), 404, 404);
  ExpectError(Ask(std::string("/subjects/") + kSubject + "/versions", "POST", "{}"), 422, 42205);
  ExpectError(Ask(std::string("/subjects/") + kSubject, "DELETE"), 422, 42205);
  EXPECT_EQ(Get("/mode")["mode"], "READONLY");
  EXPECT_EQ(Get("/config")["compatibilityLevel"], "FULL_TRANSITIVE");
}

TEST_F(SchemaRegistryTest, WhoIsBoundSeesItsReceiversSubjectsAlone) {
  receiver_ = "530100";
  EXPECT_EQ(Get("/subjects"), json({kSubject, kImport}));
  const std::string other = "huiliu.returned.532900.person-value";
  ExpectError(Ask("/subjects/" + other + "/versions"), 404, 40401);
  const std::string id = Get(std::string("/subjects/") + kSubject + "/versions/1")["id"].dump();
  EXPECT_EQ(Get("/schemas/ids/" + id + "/subjects"), json({kSubject}));
  receiver_ = "532900";
  ExpectError(Ask(std::string("/subjects/") + kSubject + "/versions/latest"), 404, 40401);
}

}  // namespace
}  // namespace huiliu::service
