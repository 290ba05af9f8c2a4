#include "broker/http/openapi.h"

#include <gmock/gmock.h>
#include <google/protobuf/descriptor.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "broker/http/proto_comments.h"
#include "huiliu/v1/audit.pb.h"
#include "huiliu/v1/catalog.pb.h"
#include "huiliu/v1/delivery.pb.h"
#include "huiliu/v1/governance.pb.h"
#include "huiliu/v1/intake.pb.h"
#include "huiliu/v1/registry.pb.h"
#include "huiliu/v1/rules.pb.h"

namespace huiliu::http {
namespace {

using testing::HasSubstr;

TEST(ProtoCommentsTest, EveryMethodOfEveryServiceIsCommented) {
  const ProtoComments comments;
  for (const google::protobuf::FileDescriptor* file :
       {huiliu::v1::Row::descriptor()->file(), huiliu::v1::Grant::descriptor()->file(),
        huiliu::v1::Source::descriptor()->file(), huiliu::v1::Batch::descriptor()->file(),
        huiliu::v1::RuleSet::descriptor()->file(), huiliu::v1::LineageEntry::descriptor()->file(),
        huiliu::v1::SubscribeRequest::descriptor()->file()}) {
    ASSERT_EQ(file->service_count(), 1) << file->name();
    for (int i = 0; i < file->service(0)->method_count(); ++i) {
      const std::string& name = file->service(0)->method(i)->full_name();
      EXPECT_NE(comments.OfMethod(name), "") << name;
    }
  }
}

void ExpectFieldsCommented(const ProtoComments& comments,
                           const google::protobuf::Descriptor& message) {
  if (message.options().map_entry()) return;
  for (int i = 0; i < message.field_count(); ++i)
    EXPECT_NE(comments.OfField(message.field(i)->full_name()), "") << message.field(i)->full_name();
  for (int i = 0; i < message.nested_type_count(); ++i)
    ExpectFieldsCommented(comments, *message.nested_type(i));
}

TEST(ProtoCommentsTest, EveryFieldIsCommented) {
  const ProtoComments comments;
  for (const google::protobuf::FileDescriptor* file :
       {huiliu::v1::Row::descriptor()->file(), huiliu::v1::Grant::descriptor()->file(),
        huiliu::v1::Source::descriptor()->file(), huiliu::v1::Batch::descriptor()->file(),
        huiliu::v1::RuleSet::descriptor()->file(), huiliu::v1::Mask::descriptor()->file(),
        huiliu::v1::Envelope::descriptor()->file(), huiliu::v1::LineageEntry::descriptor()->file(),
        huiliu::v1::SubscribeRequest::descriptor()->file()}) {
    for (int i = 0; i < file->message_type_count(); ++i)
      ExpectFieldsCommented(comments, *file->message_type(i));
  }
}

TEST(ProtoCommentsTest, ACommentOfSeveralLinesIsOne) {
  const ProtoComments comments;
  EXPECT_EQ(comments.OfMethod("huiliu.v1.Catalog.Get"),
            "One row by its business key. A row that the grant's filter hides is NOT_FOUND.");
  EXPECT_EQ(comments.OfField("huiliu.v1.Grant.purpose"), "使用场景");
  EXPECT_EQ(comments.OfMessage("huiliu.v1.Nothing"), "");
}

TEST(OpenApiTest, DescribesPathsSchemasAndFields) {
  service::MethodTable methods;
  struct Service {
    absl::Status Get(const service::CallContext&, const huiliu::v1::GetRequest&,
                     huiliu::v1::GetResponse*) {
      return absl::OkStatus();
    }
  } service;
  methods.AddUnary("huiliu.v1.Catalog", service, "Get", &Service::Get);
  const auto document = nlohmann::json::parse(OpenApi(methods));
  const auto& post = document["paths"]["/huiliu.v1.Catalog/Get"]["post"];
  EXPECT_THAT(post["description"].get<std::string>(), HasSubstr("business key"));
  const auto& schemas = document["components"]["schemas"];
  const auto& key = schemas["huiliu.v1.GetRequest"]["properties"]["key"];
  EXPECT_EQ(key.at("allOf").at(0).at("$ref"), "#/components/schemas/huiliu.v1.RowKey");
  EXPECT_THAT(
      schemas["huiliu.v1.ReadContext"]["properties"]["purpose"]["description"].get<std::string>(),
      HasSubstr("as granted"));
  EXPECT_THAT(
      schemas["huiliu.v1.GetRequest"]["properties"]["format"]["description"].get<std::string>(),
      HasSubstr("PROTO over gRPC"));
  EXPECT_EQ(schemas["huiliu.v1.Row"]["properties"]["source_time"]["format"], "date-time");
}

}  // namespace
}  // namespace huiliu::http
