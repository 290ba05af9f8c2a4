// Who may call what: every method of the contract, every role, and nobody.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <set>

#include "absl/strings/escaping.h"
#include "broker/service/cluster_service.h"
#include "broker/service/credentials.h"
#include "broker/service/method_table.h"
#include "core/base/digest.h"
#include "tests/unit/service/services_fixture.h"

namespace huiliu::service {
namespace {

using absl::StatusCode;
using huiliu::v1::Role;
using testing::HasSubstr;
using testing::Not;

constexpr Role kSystem = huiliu::v1::ROLE_SYSTEM_ADMINISTRATOR;
constexpr Role kSecurity = huiliu::v1::ROLE_SECURITY_ADMINISTRATOR;
constexpr Role kAudit = huiliu::v1::ROLE_AUDIT_ADMINISTRATOR;
constexpr Role kAgent = huiliu::v1::ROLE_AGENT;
constexpr Role kConsumer = huiliu::v1::ROLE_CONSUMER;
constexpr Role kOfficer = huiliu::v1::ROLE_DATA_OFFICER;
const std::set<Role> kAll = {kSystem, kSecurity, kAudit, kAgent, kConsumer, kOfficer};

// A person whose data a caller mistook for a name.
constexpr char kPerson[] = "530102199001011234";

class AuthorisationTest : public testing::Test {
 protected:
  AuthorisationTest() {
    f_.AddGrant("dept-person", "dept", ServicesFixture::kKunming);
    const std::string registry = "huiliu.v1.Registry";
    Unary(registry, *f_.registry, "PutOrganisation", &RegistryService::PutOrganisation, {kSystem});
    Unary(registry, *f_.registry, "ListOrganisations", &RegistryService::ListOrganisations, kAll);
    Unary(registry, *f_.registry, "PutAccount", &RegistryService::PutAccount, {kSecurity});
    Unary(registry, *f_.registry, "ListAccounts", &RegistryService::ListAccounts,
          {kSecurity, kAudit});
    Unary(registry, *f_.registry, "PutReceiver", &RegistryService::PutReceiver, {kSystem});
    Unary(registry, *f_.registry, "ListReceivers", &RegistryService::ListReceivers, kAll);
    Unary(registry, *f_.registry, "PutSystem", &RegistryService::PutSystem, {kSystem});
    Unary(registry, *f_.registry, "ListSystems", &RegistryService::ListSystems, kAll);
    Unary(registry, *f_.registry, "PutSource", &RegistryService::PutSource, {kSystem});
    Unary(registry, *f_.registry, "ListSources", &RegistryService::ListSources, kAll);
    Unary(registry, *f_.registry, "PutDataset", &RegistryService::PutDataset, {kSystem});
    Unary(registry, *f_.registry, "GetDataset", &RegistryService::GetDataset, kAll);
    Unary(registry, *f_.registry, "ListDatasets", &RegistryService::ListDatasets, kAll);
    const std::string rules = "huiliu.v1.Rules";
    Unary(rules, *f_.rules, "ProposeRuleSet", &RulesService::ProposeRuleSet, {kOfficer});
    Unary(rules, *f_.rules, "DecideRuleSet", &RulesService::DecideRuleSet, {kOfficer});
    Unary(rules, *f_.rules, "GetRuleSet", &RulesService::GetRuleSet, kAll);
    Unary(rules, *f_.rules, "ListRuleSets", &RulesService::ListRuleSets, kAll);
    Unary(rules, *f_.rules, "CheckRuleSet", &RulesService::CheckRuleSet, kAll);
    Unary(rules, *f_.rules, "GetRuleImpact", &RulesService::GetRuleImpact, kAll);
    Stream(rules, *f_.trials, "DryRun", huiliu::v1::DryRunResponse::default_instance(),
           &RuleTrialsService::DryRun, {kOfficer});
    Unary(rules, *f_.trials, "RecordDryRun", &RuleTrialsService::RecordDryRun, {kAgent, kOfficer});
    // And only with a grant: RuleTrialsTest.
    Unary(rules, *f_.trials, "Explain", &RuleTrialsService::Explain, {kOfficer});
    const std::string overrides = "huiliu.v1.Overrides";
    Unary(overrides, *f_.overrides, "ProposeOverride", &OverrideService::ProposeOverride,
          {kOfficer});
    Unary(overrides, *f_.overrides, "DecideOverride", &OverrideService::DecideOverride, {kOfficer});
    Unary(overrides, *f_.overrides, "WithdrawOverride", &OverrideService::WithdrawOverride,
          {kOfficer});
    Unary(overrides, *f_.overrides, "ListOverrides", &OverrideService::ListOverrides,
          {kOfficer, kAgent, kAudit});
    Unary(overrides, *f_.overrides, "GetOverridesInForce", &OverrideService::GetOverridesInForce,
          {kOfficer, kAgent, kAudit});
    const std::string governance = "huiliu.v1.Governance";
    Unary(governance, *f_.governance, "PutGrant", &GovernanceService::PutGrant, {kSecurity});
    Unary(governance, *f_.governance, "RevokeGrant", &GovernanceService::RevokeGrant, {kSecurity});
    Unary(governance, *f_.governance, "ListGrants", &GovernanceService::ListGrants,
          {kSecurity, kAudit, kConsumer, kOfficer});
    Unary(governance, *f_.governance, "WhoAmI", &GovernanceService::WhoAmI, kAll);
    const std::string catalog = "huiliu.v1.Catalog";
    Unary(catalog, *f_.catalog, "Get", &CatalogService::GetAndWait, {kConsumer});
    Unary(catalog, *f_.catalog, "MultiGet", &CatalogService::MultiGetAndWait, {kConsumer});
    Unary(catalog, *f_.catalog, "Query", &CatalogService::QueryAndWait, {kConsumer});
    Unary(catalog, *f_.catalog, "Stats", &CatalogService::Stats, kAll);
    const std::string intake = "huiliu.v1.Intake";
    Unary(intake, *f_.intake, "GetPosition", &IntakeService::GetPosition, {kAgent, kOfficer});
    Unary(intake, *f_.intake, "ListQuarantine", &IntakeService::ListQuarantine, {kAgent, kOfficer});
    Unary(intake, *f_.intake, "Redrive", &IntakeService::Redrive, {kAgent, kOfficer});
    const std::string delivery = "huiliu.v1.Delivery";
    Stream(delivery, *f_.delivery, "Subscribe", huiliu::v1::SubscribeResponse::default_instance(),
           &DeliveryService::Subscribe, {kConsumer});
    Unary(delivery, *f_.delivery, "CommitCursor", &DeliveryService::CommitCursor, {kConsumer});
    const std::string audit = "huiliu.v1.Audit";
    Unary(audit, *f_.audit, "TraceRecord", &AuditService::TraceRecord, {kAudit});
    Unary(audit, *f_.audit, "GetCheckpoint", &AuditService::GetCheckpoint, {kAudit});
    Unary(audit, *f_.audit, "GetInclusionProof", &AuditService::GetInclusionProof, {kAudit});
    Unary(audit, *f_.audit, "GetConsistencyProof", &AuditService::GetConsistencyProof, {kAudit});
    Unary(audit, *f_.audit, "GetBalance", &AuditService::GetBalance,
          {kAudit, kOfficer, kSystem, kAgent});
    Stream(audit, *f_.audit, "ExportEntries", huiliu::v1::ExportEntriesResponse::default_instance(),
           &AuditService::ExportEntries, {kAudit});
    Unary("huiliu.v1.Cluster", cluster_, "GetStatus", &ClusterService::GetStatus,
          {kSystem, kSecurity, kAudit});
  }

  template <typename Service, typename Handler>
  void Unary(const std::string& name, Service& service, const char* method, Handler handler,
             const std::set<Role>& roles) {
    table_.AddUnary(name, service, method, handler);
    may_call_[name + "/" + method] = roles;
  }
  template <typename Service, typename Response, typename Handler>
  void Stream(const std::string& name, Service& service, const char* method,
              const Response& prototype, Handler handler, const std::set<Role>& roles) {
    table_.AddStream(name, service, method, prototype, handler);
    may_call_[name + "/" + method] = roles;
  }

  // Calls with what names the department's own things, so that a role alone decides.
  absl::Status Call(const std::string& path, const CallContext& context,
                    const std::string& text = "") {
    const Method& method = *table_.Find(path);
    std::unique_ptr<google::protobuf::Message> request(method.request->New());
    Fill(request.get(), text);
    if (method.stream != nullptr)
      return method.stream(context, *request,
                           [](const google::protobuf::Message&) { return true; });
    std::unique_ptr<google::protobuf::Message> response(method.response->New());
    return method.unary(context, *request, response.get());
  }
  static void Fill(google::protobuf::Message* message, const std::string& text) {
    const auto* reflection = message->GetReflection();
    const auto* type = message->GetDescriptor();
    if (const auto* source = type->FindFieldByName("source");
        source != nullptr &&
        source->cpp_type() == google::protobuf::FieldDescriptor::CPPTYPE_STRING) {
      reflection->SetString(message, source, "src");
    }
    if (const auto* summary = type->FindFieldByName("summary"); summary != nullptr)
      Fill(reflection->MutableMessage(message, summary), "");
    if (const auto* context = type->FindFieldByName("context"); context != nullptr) {
      *static_cast<huiliu::v1::ReadContext*>(reflection->MutableMessage(message, context)) =
          ServicesFixture::Of(ServicesFixture::kKunming);
    }
    if (text.empty()) return;
    for (int i = 0; i < type->field_count(); ++i) {
      const auto* field = type->field(i);
      if (field->cpp_type() == google::protobuf::FieldDescriptor::CPPTYPE_STRING &&
          !field->is_repeated() && field->name() != "source")
        reflection->SetString(message, field, text);
    }
  }

  ServicesFixture f_;
  ClusterService cluster_{f_.node.state, nullptr};
  MethodTable table_;
  std::map<std::string, std::set<Role>> may_call_;
};

TEST_F(AuthorisationTest, EveryMethodOfTheContractStandsHere) {
  for (const google::protobuf::FileDescriptor* file :
       {huiliu::v1::Account::descriptor()->file(), huiliu::v1::Grant::descriptor()->file(),
        huiliu::v1::RuleSet::descriptor()->file(),
        huiliu::v1::TerritoryOverride::descriptor()->file(), huiliu::v1::Row::descriptor()->file(),
        huiliu::v1::Batch::descriptor()->file(), huiliu::v1::SubscribeRequest::descriptor()->file(),
        huiliu::v1::GetBalanceRequest::descriptor()->file()}) {
    for (int s = 0; s < file->service_count(); ++s) {
      for (int m = 0; m < file->service(s)->method_count(); ++m) {
        const auto* method = file->service(s)->method(m);
        if (method->client_streaming()) continue;  // Publish: intake_test
        const std::string path = file->service(s)->full_name() + "/" + method->name();
        EXPECT_TRUE(may_call_.contains(path)) << path;
      }
    }
  }
}

TEST_F(AuthorisationTest, NobodyIsToldHowToBecomeSomebody) {
  for (const auto& [path, roles] : may_call_) {
    CallContext nobody;
    nobody.method = path;
    const absl::Status status = Call(path, nobody);
    EXPECT_EQ(status.code(), StatusCode::kUnauthenticated) << path << ": " << status;
    EXPECT_THAT(std::string(status.message()), HasSubstr("请向安全管理员申请账号")) << path;
    nobody.english = true;
    EXPECT_THAT(std::string(Call(path, nobody).message()),
                HasSubstr("ask the security administrator for an account"))
        << path;
  }
}

TEST_F(AuthorisationTest, ARoleCallsWhatIsItsAlone) {
  for (const auto& [path, roles] : may_call_) {
    for (const Role role : kAll) {
      const absl::Status status = Call(path, ServicesFixture::As("dept", role, path));
      EXPECT_EQ(status.code() == StatusCode::kPermissionDenied, !roles.contains(role))
          << path << " by " << huiliu::v1::Role_Name(role) << ": " << status;
      EXPECT_NE(status.code(), StatusCode::kUnauthenticated) << path;
      if (status.code() != StatusCode::kPermissionDenied) continue;
      // What is missing and whom to ask, in both languages.
      EXPECT_THAT(std::string(status.message()), HasSubstr("请向安全管理员申请")) << path;
      EXPECT_THAT(std::string(status.message()), HasSubstr("ask the security administrator"))
          << path;
    }
    EXPECT_EQ(roles == kAll, Call(path,
                                  [&] {
                                    CallContext none = ServicesFixture::As("dept", kAgent, path);
                                    none.caller->roles.clear();
                                    return none;
                                  }())
                                     .code() != StatusCode::kPermissionDenied)
        << path;
  }
}

TEST_F(AuthorisationTest, ARefusalRepeatsNothingThatTheCallerSent) {
  for (const auto& [path, roles] : may_call_) {
    for (const Role role : kAll) {
      if (roles.contains(role)) continue;
      const absl::Status status = Call(path, ServicesFixture::As("dept", role, path), kPerson);
      EXPECT_EQ(status.code(), StatusCode::kPermissionDenied) << path;
      EXPECT_THAT(std::string(status.message()), Not(HasSubstr(kPerson))) << path;
    }
  }
}

TEST_F(AuthorisationTest, AnotherDepartmentsSourceIsNotSpokenOf) {
  for (const char* path : {"huiliu.v1.Intake/GetPosition", "huiliu.v1.Intake/ListQuarantine",
                           "huiliu.v1.Intake/Redrive"}) {
    EXPECT_EQ(Call(path, ServicesFixture::As("km-data", kAgent, path)).code(),
              StatusCode::kPermissionDenied)
        << path;
  }
  huiliu::v1::GetPositionRequest unknown;
  unknown.set_source("no-such");
  huiliu::v1::GetPositionResponse response;
  EXPECT_EQ(
      f_.intake->GetPosition(ServicesFixture::As("km-data", kAgent), unknown, &response).code(),
      StatusCode::kPermissionDenied);
  huiliu::v1::ListSourcesResponse sources;
  ASSERT_TRUE(f_.registry->ListSources(ServicesFixture::As("km-data", kAgent), {}, &sources).ok());
  EXPECT_EQ(sources.sources_size(), 0);
  ASSERT_TRUE(f_.registry->ListSources(ServicesFixture::As("dept", kAgent), {}, &sources).ok());
  EXPECT_EQ(sources.sources_size(), 1);
}

TEST_F(AuthorisationTest, AGrantIsItsOrganisationsPurposesAndTimes) {
  const std::string path = "huiliu.v1.Catalog/Query";
  EXPECT_TRUE(Call(path, ServicesFixture::As("dept", kConsumer, path)).ok());
  const absl::Status none = Call(path, ServicesFixture::As("dl-data", kConsumer, path));
  EXPECT_EQ(none.code(), StatusCode::kPermissionDenied);
  EXPECT_THAT(std::string(none.message()), HasSubstr("no_grant"));
  f_.node.clock().Advance(absl::Hours(25));
  const absl::Status late = Call(path, ServicesFixture::As("dept", kConsumer, path));
  EXPECT_EQ(late.code(), StatusCode::kPermissionDenied);
  EXPECT_THAT(std::string(late.message()), HasSubstr("expired"));
}

// A name without end is refused and traced in an entry of bounded size.
TEST_F(AuthorisationTest, ARefusedReadIsTracedInBounds) {
  huiliu::v1::QueryRequest request;
  *request.mutable_context() = ServicesFixture::Of(ServicesFixture::kKunming);
  std::string& purpose = *request.mutable_context()->mutable_purpose();
  while (purpose.size() < 200'000) purpose += "目的";
  request.mutable_context()->set_dataset(std::string(100'000, 'd'));
  huiliu::v1::QueryResponse response;
  const absl::Status refused =
      f_.catalog->QueryAndWait(ServicesFixture::As("dept", kConsumer), request, &response);
  EXPECT_EQ(refused.code(), StatusCode::kPermissionDenied) << refused.code();
  const auto entries = f_.node.Entries();
  ASSERT_FALSE(entries.empty());
  EXPECT_EQ(entries.back().step(), huiliu::v1::STEP_REFUSED);
  EXPECT_LT(entries.back().ByteSizeLong(), 2000u);
}

TEST_F(AuthorisationTest, ACredentialIsOfAnAccountThatIsNotDisabled) {
  huiliu::v1::Account account;
  account.set_id("clerk");
  account.set_organisation("dept");
  account.add_roles(kConsumer);
  account.add_token_sha256(ToString(Sha256("secret")));
  account.add_certificate_sha256(ToString(Sha256("DER")));
  ASSERT_TRUE(f_.node.Put(account).ok());
  const std::string pem =
      "-----BEGIN CERTIFICATE-----\n" + absl::Base64Escape("DER") + "\n-----END CERTIFICATE-----\n";
  const auto& state = f_.node.state;
  ASSERT_TRUE(FindByAuthorization(state, "Bearer secret").has_value());
  EXPECT_EQ(FindByAuthorization(state, "bearer  secret ")->account, "clerk");
  EXPECT_EQ(FindByCertificatePem(state, pem)->organisation, "dept");
  for (const char* wrong : {"", "Bearer", "Bearer ", "Bearer secre", "Bearer Secret",
                            "Basic secret", "secret", "Bearer secret secret"}) {
    EXPECT_FALSE(FindByAuthorization(state, wrong).has_value()) << wrong;
  }
  for (const char* wrong : {"", "-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----",
                            "-----END CERTIFICATE----------BEGIN CERTIFICATE-----",
                            "-----BEGIN CERTIFICATE-----*-----END CERTIFICATE-----"}) {
    EXPECT_FALSE(FindByCertificatePem(state, wrong).has_value()) << wrong;
  }
  account.set_disabled(true);
  ASSERT_TRUE(f_.node.Put(account, state.version()).ok());
  EXPECT_FALSE(FindByAuthorization(state, "Bearer secret").has_value());
  EXPECT_FALSE(FindByCertificatePem(state, pem).has_value());
}

}  // namespace
}  // namespace huiliu::service
