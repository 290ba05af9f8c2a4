#include "adapters/agent/pins.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "absl/strings/str_cat.h"

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

}  // namespace
}  // namespace huiliu::agent
