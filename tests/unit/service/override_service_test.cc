// Territory overrides as they are asked for: two people, one receiver, nothing personal.
#include "broker/service/override_service.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/rules/override_match.h"
#include "tests/unit/service/services_fixture.h"

namespace huiliu::service {
namespace {

using absl::StatusCode;
using huiliu::v1::Role;
using huiliu::v1::TerritoryOverride;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

constexpr Role kOfficer = huiliu::v1::ROLE_DATA_OFFICER;
constexpr Role kAgent = huiliu::v1::ROLE_AGENT;
constexpr auto kKunming = ServicesFixture::kKunming;
constexpr auto kDali = ServicesFixture::kDali;

class OverrideServiceTest : public testing::Test {
 protected:
  static CallContext As(const std::string& organisation, Role role,
                        const std::string& person = "someone") {
    CallContext context = ServicesFixture::As(organisation, role, "huiliu.v1.Overrides/Test");
    context.caller->account = organisation + "-" + person;
    return context;
  }
  absl::StatusOr<TerritoryOverride> Propose(const CallContext& context, const std::string& division,
                                            const std::string& receiver = kKunming,
                                            const std::string& name = "甲") {
    huiliu::v1::ProposeOverrideRequest request;
    TerritoryOverride& given = *request.mutable_territory_override();
    given.set_dataset("person");
    given.set_receiver(receiver);
    given.set_division(division);
    given.set_reason("执照");
    given.set_approver("nobody");
    given.mutable_name()->set_field("name");
    given.mutable_name()->set_text(name);
    huiliu::v1::ProposeOverrideResponse response;
    const absl::Status status = f_.overrides->ProposeOverride(context, request, &response);
    if (!status.ok()) return status;
    return response.territory_override();
  }
  absl::Status Approve(const CallContext& context, const std::string& id) {
    huiliu::v1::DecideOverrideRequest request;
    request.set_id(id);
    request.set_approve(true);
    huiliu::v1::DecideOverrideResponse response;
    return f_.overrides->DecideOverride(context, request, &response);
  }
  absl::Status Withdraw(const CallContext& context, const std::string& id) {
    huiliu::v1::WithdrawOverrideRequest request;
    request.set_id(id);
    request.set_reason("有误");
    huiliu::v1::WithdrawOverrideResponse response;
    return f_.overrides->WithdrawOverride(context, request, &response);
  }
  std::vector<std::string> Listed(const CallContext& context) {
    huiliu::v1::ListOverridesResponse response;
    EXPECT_TRUE(f_.overrides->ListOverrides(context, {}, &response).ok());
    std::vector<std::string> ids;
    for (const auto& one : response.territory_overrides()) ids.push_back(one.id());
    return ids;
  }
  absl::StatusOr<huiliu::v1::GetOverridesInForceResponse> InForce(const CallContext& context,
                                                                  const std::string& receiver,
                                                                  const std::string& unless = "") {
    huiliu::v1::GetOverridesInForceRequest request;
    request.set_dataset("person");
    request.set_receiver(receiver);
    request.set_unless_digest(unless);
    huiliu::v1::GetOverridesInForceResponse response;
    const absl::Status status = f_.overrides->GetOverridesInForce(context, request, &response);
    if (!status.ok()) return status;
    return response;
  }
  ServicesFixture f_;
};

TEST_F(OverrideServiceTest, OneProposesAnotherApprovesAndTheRowReturns) {
  ASSERT_TRUE(f_.node.Send({{R"({"id":"1","name":"甲"})", "r1", 1}}).ok());
  f_.Settle();
  const auto proposed = Propose(As("km-data", kOfficer, "a"), "530102");
  ASSERT_TRUE(proposed.ok()) << proposed.status();
  EXPECT_EQ(proposed->author(), "km-data-a");
  EXPECT_EQ(proposed->approver(), "") << "not the caller's to say";
  EXPECT_EQ(Approve(As("km-data", kOfficer, "a"), proposed->id()).code(),
            StatusCode::kPermissionDenied);
  ASSERT_TRUE(Approve(As("km-data", kOfficer, "b"), proposed->id()).ok());
  f_.Settle();
  EXPECT_EQ(f_.node.Balance(kKunming), "returned 1");
  std::vector<std::string> told;
  for (const auto& entry : f_.node.Entries()) {
    if (entry.step() != huiliu::v1::STEP_GOVERN) continue;
    told.push_back(entry.detail());
    EXPECT_EQ(entry.detail().find("甲"), std::string::npos) << "lineage holds no name";
    EXPECT_EQ(entry.receiver(), kKunming);
  }
  ASSERT_THAT(told, SizeIs(2));
  EXPECT_THAT(told[1], HasSubstr("override/" + proposed->id()));
  EXPECT_THAT(told[1], HasSubstr("APPROVED, author km-data-a, division 530102"));
}

TEST_F(OverrideServiceTest, WhatItWouldClaimIsCountedForItsApprover) {
  ASSERT_TRUE(f_.node
                  .Send({{R"({"id":"1","name":"甲","age":3})", "a:1", 1},
                         {R"({"id":"2","name":"乙"})", "a:2", 1},
                         {R"({"id":"3","name":"甲","division":"530102"})", "a:3", 1},
                         {R"({"id":"4","name":"甲","division":"532901"})", "a:4", 1},
                         {R"({"id":"1","name":"甲","age":4})", "a:1", 2}})
                  .ok());
  f_.Settle();
  const auto proposed = Propose(As("km-data", kOfficer, "a"), "530102");
  ASSERT_TRUE(proposed.ok()) << proposed.status();
  const huiliu::v1::OverrideReach& reach = proposed->reach();
  EXPECT_EQ(reach.pending_read(), 2) << "each key once";
  EXPECT_EQ(reach.pending_matched(), 1);
  EXPECT_EQ(reach.known_read(), 3) << "of Dali's record nothing is told";
  EXPECT_EQ(reach.known_matched(), 2);
  EXPECT_FALSE(reach.partial());
  // It stands with it.
  huiliu::v1::ListOverridesResponse listed;
  ASSERT_TRUE(f_.overrides->ListOverrides(As("km-data", kOfficer, "b"), {}, &listed).ok());
  ASSERT_EQ(listed.territory_overrides_size(), 1);
  EXPECT_EQ(listed.territory_overrides(0).reach().pending_matched(), 1);
  ASSERT_TRUE(Approve(As("km-data", kOfficer, "b"), proposed->id()).ok());
  f_.Settle();
  // What holds already leaves less to claim.
  const auto other = Propose(As("km-data", kOfficer, "a"), "530102", kKunming, "乙");
  ASSERT_TRUE(other.ok()) << other.status();
  EXPECT_EQ(other->reach().pending_read(), 1);
  EXPECT_EQ(other->reach().pending_matched(), 1);
}

TEST_F(OverrideServiceTest, ReceiversAreApart) {
  const std::string id = Propose(As("km-data", kOfficer), "530102")->id();
  EXPECT_EQ(Propose(As("dl-data", kOfficer), "530102").status().code(),
            StatusCode::kPermissionDenied);
  EXPECT_EQ(Approve(As("dl-data", kOfficer), id).code(), StatusCode::kNotFound);
  EXPECT_EQ(Withdraw(As("dl-data", kOfficer), id).code(), StatusCode::kNotFound);
  EXPECT_THAT(Listed(As("dl-data", kOfficer)), IsEmpty());
  EXPECT_THAT(Listed(As("km-data", kOfficer)), SizeIs(1));
  EXPECT_THAT(Listed(As("yn-data", kOfficer)), SizeIs(1)) << "the level above sees both";
  EXPECT_EQ(InForce(As("dl-data", kOfficer), kKunming).status().code(), StatusCode::kNotFound);
}

TEST_F(OverrideServiceTest, ADepartmentSeesWhatItsSourcesAreDecidedBy) {
  const std::string id = Propose(As("km-data", kOfficer), "530102")->id();
  EXPECT_THAT(Listed(As("dept", kAgent)), SizeIs(1));
  EXPECT_THAT(Listed(As("yn-data", kAgent)), IsEmpty()) << "it has no source of the dataset";
  EXPECT_THAT(InForce(As("dept", kAgent), kKunming)->territory_overrides(), IsEmpty());
  ASSERT_TRUE(Approve(As("km-data", kOfficer, "b"), id).ok());
  const auto held = InForce(As("dept", kAgent), kKunming);
  ASSERT_EQ(held->territory_overrides_size(), 1);
  EXPECT_FALSE(held->unchanged());
  const auto again = InForce(As("dept", kAgent), kKunming, held->digest());
  EXPECT_TRUE(again->unchanged());
  EXPECT_EQ(again->territory_overrides_size(), 0);
  EXPECT_EQ(InForce(As("yn-data", kAgent), kKunming).status().code(), StatusCode::kNotFound);
  ASSERT_TRUE(Withdraw(As("km-data", kOfficer), id).ok());
  EXPECT_FALSE(InForce(As("dept", kAgent), kKunming, held->digest())->unchanged());
}

TEST_F(OverrideServiceTest, TheDivisionMustDecide) {
  const auto why = [&](const std::string& division) {
    return std::string(Propose(As("km-data", kOfficer), division).status().message());
  };
  EXPECT_THAT(why("534001"), HasSubstr("GB/T 2260"));
  EXPECT_THAT(why("530121"), HasSubstr("530114")) << "an abolished code names its successor";
  EXPECT_THAT(why("530000"), HasSubstr("省级"));
  EXPECT_THAT(why("530102401"), HasSubstr("GB/T 2260"));
  EXPECT_FALSE(Propose(As("km-data", kOfficer), "530102")->outside());
  EXPECT_TRUE(Propose(As("km-data", kOfficer), "532901", kKunming, "乙")->outside());
  EXPECT_TRUE(Propose(As("dl-data", kOfficer), "530102", kDali, "乙")->outside());
}

}  // namespace
}  // namespace huiliu::service
