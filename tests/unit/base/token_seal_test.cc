#include "core/base/token_seal.h"

#include <gtest/gtest.h>

namespace huiliu {
namespace {

constexpr char kSecret[] = "0123456789abcdef";

TEST(TokenSealTest, OpensInItsContextOnly) {
  const TokenSeal seal(kSecret);
  for (const std::string& content : {std::string(), std::string("k\0ey 530102199001011234", 23)}) {
    const std::string token = seal.Seal("page\nperson", content);
    EXPECT_EQ(*seal.Open("page\nperson", token), content);
    EXPECT_EQ(*TokenSeal(kSecret).Open("page\nperson", token), content) << "after a restart";
    EXPECT_FALSE(seal.Open("page\nother", token).ok());
    EXPECT_FALSE(seal.Open("", token).ok());
    EXPECT_FALSE(TokenSeal("another secret..").Open("page\nperson", token).ok());
  }
}

TEST(TokenSealTest, NothingOfTheContentShows) {
  const std::string token = TokenSeal(kSecret).Seal("c", "530102199001011234");
  EXPECT_EQ(token.find("5301"), std::string::npos);
  EXPECT_NE(token, TokenSeal(kSecret).Seal("c", "530102199001011235"));
}

TEST(TokenSealTest, WhatWasChangedOrCutDoesNotOpen) {
  const TokenSeal seal(kSecret);
  const std::string token = seal.Seal("c", "content");
  for (size_t i = 0; i < token.size(); ++i) {
    std::string changed = token;
    changed[i] = static_cast<char>(changed[i] ^ 1);
    EXPECT_EQ(seal.Open("c", changed).status().code(), absl::StatusCode::kInvalidArgument) << i;
    EXPECT_FALSE(seal.Open("c", token.substr(0, i)).ok()) << i;
  }
  EXPECT_FALSE(seal.Open("c", token + "x").ok());
}

}  // namespace
}  // namespace huiliu
