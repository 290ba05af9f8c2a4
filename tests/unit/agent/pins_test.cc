#include "adapters/agent/pins.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "adapters/agent/override_verbs.h"
#include "adapters/agent/rule_verbs.h"
#include "core/rules/override_match.h"

namespace huiliu::agent {
namespace {

class PinsTest : public testing::Test {
 protected:
  PinsTest() : folder_(absl::StrCat(testing::TempDir(), "/pins-", getpid(), "/state")) {}
  ~PinsTest() override {
    std::filesystem::remove_all(std::filesystem::path(folder_).parent_path());
  }
  const std::string folder_;
};

TEST_F(PinsTest, APinHoldsUntilItIsTakenOff) {
  EXPECT_EQ(*PinnedDigest(folder_, "a"), "");
  ASSERT_TRUE(Pin(folder_, "a", "11").ok()) << "the folder is made";
  ASSERT_TRUE(Pin(folder_, "b", "22").ok());
  EXPECT_EQ(*PinnedDigest(folder_, "a"), "11");
  ASSERT_TRUE(Pin(folder_, "a", "33").ok());
  EXPECT_EQ(*PinnedDigest(folder_, "a"), "33");
  ASSERT_TRUE(Pin(folder_, "a", "").ok());
  EXPECT_EQ(*PinnedDigest(folder_, "a"), "");
  EXPECT_EQ(*PinnedDigest(folder_, "b"), "22");
  EXPECT_TRUE(Pin(folder_, "never pinned", "").ok());
}

// A pin that cannot be read must not be taken for none.
TEST_F(PinsTest, WhatCannotBeReadIsNoMissingPin) {
  std::filesystem::create_directories(folder_);
  for (const char* torn : {"", "{\"a\":", "[]", "{\"a\": 3}", "{\"a\": null}"}) {
    std::ofstream(folder_ + "/pins.json") << torn;
    EXPECT_EQ(PinnedDigest(folder_, "a").status().code(), absl::StatusCode::kDataLoss) << torn;
    EXPECT_THAT(std::string(PinnedDigest(folder_, "a").status().message()),
                testing::HasSubstr(folder_ + "/pins.json"));
    EXPECT_EQ(Pin(folder_, "b", "1").code(), absl::StatusCode::kDataLoss) << torn;
  }
}

TEST_F(PinsTest, WhereRulesArePinnedAcceptedOverridesRun) {
  std::vector<huiliu::v1::TerritoryOverride> in_force(2);
  in_force[0].set_id("ov1");
  in_force[1].set_id("ov2");
  EXPECT_THAT(*OverridesThatRun(folder_, "a", in_force), testing::SizeIs(2)) << "not pinned";
  ASSERT_TRUE(Pin(folder_, "a", "11").ok());
  EXPECT_THAT(*OverridesThatRun(folder_, "a", in_force), testing::IsEmpty());
  const std::string second = absl::BytesToHexString(AsBytes(rules::DigestOfOverride(in_force[1])));
  ASSERT_TRUE(SetAcceptedOverrides(folder_, "a", {second}).ok());
  ASSERT_THAT(*OverridesThatRun(folder_, "a", in_force), testing::SizeIs(1));
  EXPECT_EQ((*OverridesThatRun(folder_, "a", in_force))[0].id(), "ov2");
  in_force[1].set_division("530103");
  EXPECT_THAT(*OverridesThatRun(folder_, "a", in_force), testing::IsEmpty())
      << "what was accepted is what it says";
  EXPECT_THAT(*AcceptedOverrides(folder_, "b"), testing::IsEmpty());
  ASSERT_TRUE(SetAcceptedOverrides(folder_, "a", {}).ok());
  EXPECT_THAT(*AcceptedOverrides(folder_, "a"), testing::IsEmpty());
  std::ofstream(folder_ + "/overrides.json") << "{\"a\": [3]}";
  EXPECT_EQ(OverridesThatRun(folder_, "a", in_force).status().code(), absl::StatusCode::kDataLoss);
}

std::vector<huiliu::v1::RuleSet> Versions() {
  std::vector<huiliu::v1::RuleSet> versions(4);
  const char* digests[] = {"\x11\x22\x33\x44\x55", "\x11\x22\x33\x44\x66", "\xAA\xBB\xCC\xDD",
                           "\xEE\xEE\xEE\xEE"};
  const huiliu::v1::RuleSetState states[] = {
      huiliu::v1::RULE_SET_STATE_IN_FORCE, huiliu::v1::RULE_SET_STATE_SUPERSEDED,
      huiliu::v1::RULE_SET_STATE_SUPERSEDED, huiliu::v1::RULE_SET_STATE_PROPOSED};
  for (size_t i = 0; i < versions.size(); ++i) {
    versions[i].set_version(static_cast<uint32_t>(9 - i));
    versions[i].set_digest(digests[i]);
    versions[i].set_state(states[i]);
  }
  return versions;
}

TEST(FindPinnableTest, OneVersionThatIsOrWasInForce) {
  EXPECT_EQ(FindPinnable(Versions(), "1122334455")->version(), 9u);
  EXPECT_EQ(FindPinnable(Versions(), "AABBCCDD")->version(), 7u) << "eight digits, any case";
  const auto code = [](const char* digest) {
    return FindPinnable(Versions(), digest).status().code();
  };
  EXPECT_EQ(code("zz"), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(code("aabb"), absl::StatusCode::kInvalidArgument) << "too short";
  EXPECT_EQ(code("11223344"), absl::StatusCode::kInvalidArgument) << "two begin like this";
  EXPECT_EQ(code("0123456789"), absl::StatusCode::kNotFound);
  EXPECT_EQ(code("eeeeeeee"), absl::StatusCode::kFailedPrecondition) << "nobody approved it";
}

}  // namespace
}  // namespace huiliu::agent
