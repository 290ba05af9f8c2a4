#include "core/territory/name_trie.h"

#include <gtest/gtest.h>

namespace huiliu::territory {
namespace {

std::string Found(const NameTrie& trie, absl::string_view text) {
  NameTrie::Match matches[NameTrie::kMaxMatches];
  std::string out;
  for (size_t i = 0, n = trie.MatchesAt(text, matches); i < n; ++i) {
    out += std::string(text.substr(0, matches[i].size)) + "=";
    for (const Naming& naming : *matches[i].namings) out += naming.code + " ";
  }
  return out;
}

TEST(NameTrieTest, NamesThatBeginEachOtherComeLongestFirst) {
  NameTrie trie;
  trie.Add("昆明", {NameKind::kShort, "530100", ""});
  trie.Add("昆明市", {NameKind::kDivision, "530100", ""});
  trie.Add("昆阳镇", {NameKind::kStreet, "530115", ""});
  EXPECT_EQ(Found(trie, "昆明市五华区"), "昆明市=530100 昆明=530100 ");
  EXPECT_EQ(Found(trie, "昆明路"), "昆明=530100 ");
  EXPECT_EQ(Found(trie, "昆"), "");
  EXPECT_EQ(Found(trie, ""), "");
}

TEST(NameTrieTest, ANameMayMeanSeveralPlacesAndTheSameOnlyOnce) {
  NameTrie trie;
  for (const char* code : {"530111", "530112", "530111"})
    trie.Add("前卫镇", {NameKind::kStreet, code, ""});
  EXPECT_EQ(Found(trie, "前卫镇双凤"), "前卫镇=530111 530112 ");
}

TEST(NameTrieTest, BrokenUtf8MatchesNothingAndIsNotAdded) {
  NameTrie trie;
  trie.Add("\xE6\x98", {NameKind::kShort, "530100", ""});
  trie.Add("昆明", {NameKind::kShort, "530100", ""});
  EXPECT_EQ(Found(trie, "\xE6\x98"), "");
  EXPECT_EQ(Found(trie, "昆\xE6\x98"), "");
  EXPECT_EQ(Found(trie, "\xFF"), "");
}

}  // namespace
}  // namespace huiliu::territory
