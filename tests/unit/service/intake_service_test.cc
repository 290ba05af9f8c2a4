#include "broker/service/intake_service.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/pipeline/node_fixture.h"

namespace huiliu::service {
namespace {

using huiliu::v1::Role;
using testing::HasSubstr;

class IntakeServiceTest : public testing::Test {
 protected:
  IntakeServiceTest()
      : service_(node_.state, *node_.intake, [this](const std::string&) {
          return std::shared_ptr<pipeline::ReturnWorker>(std::shared_ptr<void>(),
                                                         node_.worker.get());
        }) {
    EXPECT_TRUE(node_.Send({}, {"坏行"}).ok());
    EXPECT_TRUE(node_.Judge().ok());
    huiliu::v1::Source edge = *node_.state.FindSource("src");
    edge.set_id("edge");
    edge.set_placement(huiliu::v1::PLACEMENT_EDGE);
    edge.mutable_receivers()->DeleteSubrange(1, 1);
    EXPECT_TRUE(node_.Put(edge).ok());
  }

  absl::Status List(const std::string& organisation, Role role, const std::string& source = "src") {
    CallContext context;
    context.caller = governance::Principal{"someone", organisation, {role}};
    context.method = "huiliu.v1.Intake/ListQuarantine";
    huiliu::v1::ListQuarantineRequest request;
    request.set_source(source);
    request.set_page_size(page_size_);
    listed_.Clear();
    return service_.ListQuarantine(context, request, &listed_);
  }

  pipeline::NodeFixture node_;
  IntakeService service_;
  int page_size_ = 0;
  huiliu::v1::ListQuarantineResponse listed_;
};

TEST_F(IntakeServiceTest, KeptRowsAreTheirDepartmentsAlone) {
  ASSERT_TRUE(List("dept", huiliu::v1::ROLE_AGENT).ok());
  EXPECT_EQ(listed_.rows_size(), 1);
  EXPECT_TRUE(List("dept", huiliu::v1::ROLE_DATA_OFFICER).ok());
  for (const Role role : {huiliu::v1::ROLE_CONSUMER, huiliu::v1::ROLE_SYSTEM_ADMINISTRATOR}) {
    EXPECT_EQ(List("dept", role).code(), absl::StatusCode::kPermissionDenied) << role;
  }
  EXPECT_EQ(List("other", huiliu::v1::ROLE_AGENT).code(), absl::StatusCode::kPermissionDenied);
  EXPECT_EQ(List("dept", huiliu::v1::ROLE_AGENT, "no-such").code(),
            absl::StatusCode::kPermissionDenied);
  EXPECT_EQ(listed_.rows_size(), 0);
  CallContext unknown;
  EXPECT_EQ(service_.ListQuarantine(unknown, {}, &listed_).code(),
            absl::StatusCode::kUnauthenticated);
}

TEST_F(IntakeServiceTest, ARowIsRedrivenByItsDepartmentAlone) {
  ASSERT_TRUE(List("dept", huiliu::v1::ROLE_AGENT).ok());
  huiliu::v1::RedriveRequest request;
  request.set_source("src");
  request.add_corrections()->set_id(listed_.rows(0).id());
  request.mutable_corrections(0)->set_json(R"({"id":"1","name":"张三","division":"530102"})");
  CallContext context;
  context.caller = governance::Principal{"someone", "other", {huiliu::v1::ROLE_AGENT}};
  huiliu::v1::RedriveResponse response;
  EXPECT_EQ(service_.Redrive(context, request, &response).code(),
            absl::StatusCode::kPermissionDenied);
  EXPECT_EQ(node_.Balance("530100"), "quarantined 1");
  context.caller->organisation = "dept";
  ASSERT_TRUE(service_.Redrive(context, request, &response).ok());
  EXPECT_EQ(node_.Balance("530100"), "returned 1");
  request.clear_corrections();
  EXPECT_EQ(service_.Redrive(context, request, &response).code(),
            absl::StatusCode::kInvalidArgument);
}

TEST_F(IntakeServiceTest, AtTheEdgeTheyNeverLeftTheDepartment) {
  const absl::Status refused = List("dept", huiliu::v1::ROLE_AGENT, "edge");
  EXPECT_EQ(refused.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(refused.message()), HasSubstr("huiliu-agent quarantine"));
  page_size_ = 1001;
  EXPECT_EQ(List("dept", huiliu::v1::ROLE_AGENT).code(), absl::StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace huiliu::service
