#include "broker/access/authorise.h"

#include <gmock/gmock.h>

#include <atomic>
#include <thread>

#include "absl/strings/str_cat.h"
#include "tests/unit/access/access_fixture.h"

namespace huiliu::access {
namespace {

using ::testing::HasSubstr;

const absl::Time kNow = absl::FromUnixSeconds(1'750'000'000);

class AuthoriseTest : public AccessFixture {
 protected:
  Request Ask() {
    return {.account = "reader",
            .organisation = "km-hrss",
            .receiver = "530100",
            .dataset = "person",
            .purpose = "就业服务",
            .now = kNow};
  }
  static Decision Over(const Request& request, const std::vector<huiliu::v1::Grant>& grants) {
    static std::vector<huiliu::v1::Grant> kept;
    kept = grants;
    std::vector<const huiliu::v1::Grant*> pointers;
    for (const auto& grant : kept) pointers.push_back(&grant);
    return Decide(request, pointers);
  }
  static void ExpectRefused(const Decision& decision, RefusalReason reason, const char* zh,
                            const char* en) {
    EXPECT_EQ(decision.grant, nullptr);
    EXPECT_EQ(decision.refusal.reason, reason) << decision.refusal.message();
    EXPECT_THAT(decision.refusal.message(), HasSubstr(zh));
    EXPECT_THAT(decision.refusal.message(), HasSubstr(en));
    EXPECT_THAT(decision.refusal.message(), HasSubstr(std::string(CodeOf(reason))));
  }
  Authoriser::Options Options() {
    Authoriser::Options options;
    options.environment = environment_;
    options.pseudonym_key = [](absl::string_view) { return std::string(kPseudonymKey); };
    return options;
  }
};

TEST_F(AuthoriseTest, AFittingGrantIsFoundAndTheNewestCounts) {
  auto older = Granted();
  auto newer = Granted();
  newer.set_id("hrss-person-2");
  newer.set_version(9);
  auto decision = Over(Ask(), {newer, older});
  ASSERT_NE(decision.grant, nullptr);
  EXPECT_EQ(decision.grant->id(), "hrss-person-2");
  EXPECT_EQ(Over(Ask(), {older, newer}).grant->id(), "hrss-person-2");
}

TEST_F(AuthoriseTest, EachRefusalSaysWhyAndWhatNext) {
  ExpectRefused(Over(Ask(), {}), RefusalReason::kNoGrant, "申请授权", "apply to the security");
  auto grant = Granted();
  grant.set_organisation("km-police");
  ExpectRefused(Over(Ask(), {grant}), RefusalReason::kNoGrant, "没有数据集 person", "no grant");
  grant = Granted();
  grant.set_dataset("employment");
  ExpectRefused(Over(Ask(), {grant}), RefusalReason::kNoGrant, "没有数据集 person", "no grant");
  grant = Granted();
  grant.set_receiver("530181");
  ExpectRefused(Over(Ask(), {grant}), RefusalReason::kWrongReceiver, "530181", "not 530100");
  grant = Granted();
  grant.set_purpose("信用评价");
  ExpectRefused(Over(Ask(), {grant}), RefusalReason::kWrongPurpose, "信用评价", "its own grant");
  grant = Granted();
  grant.mutable_valid_from()->set_seconds(1'760'000'000);
  ExpectRefused(Over(Ask(), {grant}), RefusalReason::kNotYetValid, "2025-10-09 16:53 起生效",
                "begins at 2025-10-09 16:53");
  grant = Granted();
  grant.mutable_valid_to()->set_seconds(1'750'000'000);
  ExpectRefused(Over(Ask(), {grant}), RefusalReason::kExpired, "到期", "apply for its renewal");
  grant = Granted();
  grant.set_revoked(true);
  grant.set_revoked_reason("张三违规");
  auto revoked = Over(Ask(), {grant});
  ExpectRefused(revoked, RefusalReason::kRevoked, "已被收回", "was revoked");
  EXPECT_THAT(revoked.refusal.message(), ::testing::Not(HasSubstr("张三")));
}

TEST_F(AuthoriseTest, EmptyQuestionsAreNeverGranted) {
  auto grant = Granted();
  grant.clear_organisation();
  Request request = Ask();
  request.organisation = "";
  EXPECT_EQ(Over(request, {grant}).grant, nullptr);
  grant = Granted();
  grant.clear_purpose();
  request = Ask();
  request.purpose = "";
  EXPECT_EQ(Over(request, {grant}).grant, nullptr);
  grant = Granted();
  grant.clear_valid_to();
  EXPECT_EQ(Over(Ask(), {grant}).grant, nullptr);
  const std::vector<const huiliu::v1::Grant*> null = {nullptr};
  EXPECT_EQ(Decide(Ask(), null).grant, nullptr);
}

TEST_F(AuthoriseTest, ARevocationHoldsFromTheNextRead) {
  Authoriser authoriser(Options());
  auto grant = Granted();
  const huiliu::v1::Grant* grants[] = {&grant};
  auto first = authoriser.Authorise(Ask(), grants, contract_);
  ASSERT_NE(first.plan, nullptr);
  EXPECT_EQ(authoriser.Authorise(Ask(), grants, contract_).plan, first.plan) << "compiled once";
  grant.set_revoked(true);
  grant.set_version(6);
  auto second = authoriser.Authorise(Ask(), grants, contract_);
  EXPECT_EQ(second.plan, nullptr);
  EXPECT_EQ(second.refusal.reason, RefusalReason::kRevoked);
}

TEST_F(AuthoriseTest, AChangedGrantIsCompiledAnew) {
  Authoriser authoriser(Options());
  auto grant = Granted();
  const huiliu::v1::Grant* grants[] = {&grant};
  auto first = authoriser.Authorise(Ask(), grants, contract_);
  grant.add_fields("number");
  grant.set_version(6);
  auto second = authoriser.Authorise(Ask(), grants, contract_);
  ASSERT_NE(second.plan, nullptr);
  EXPECT_EQ(second.plan->visible_fields().size(), 1u);
  EXPECT_EQ(authoriser.cached_plans(), 2u);
}

TEST_F(AuthoriseTest, AGrantThatDoesNotFitShowsNothing) {
  Authoriser authoriser(Options());
  auto grant = Granted();
  grant.add_fields("gone");
  const huiliu::v1::Grant* grants[] = {&grant};
  auto result = authoriser.Authorise(Ask(), grants, contract_);
  EXPECT_EQ(result.plan, nullptr);
  EXPECT_EQ(result.refusal.reason, RefusalReason::kUnusable);
  EXPECT_THAT(result.refusal.message(), HasSubstr("gone"));
  EXPECT_EQ(authoriser.Authorise(Ask(), grants, nullptr).plan, nullptr);
}

TEST_F(AuthoriseTest, TheCacheIsBoundedAndSharedByThreads) {
  auto options = Options();
  options.max_plans = 8;
  Authoriser authoriser(std::move(options));
  std::atomic<int> wrong{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 200; ++i) {
        auto grant = Granted();
        grant.set_id(absl::StrCat("g", (i + t) % 20));
        const huiliu::v1::Grant* grants[] = {&grant};
        auto result = authoriser.Authorise(Ask(), grants, contract_);
        if (result.plan == nullptr || result.plan->grant().id() != grant.id()) ++wrong;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong, 0);
  EXPECT_LE(authoriser.cached_plans(), 8u);
}

}  // namespace
}  // namespace huiliu::access
