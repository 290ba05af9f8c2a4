#include "core/text/gb18030.h"

#include <gtest/gtest.h>

#include "core/text/utf8.h"

namespace huiliu::text {
namespace {

std::string Decoded(absl::string_view bytes, size_t* bad) {
  std::string out;
  *bad = DecodeGb18030(bytes, &out);
  return out;
}

TEST(Gb18030Test, ChineseAndAscii) {
  size_t bad = 0;
  EXPECT_EQ(Decoded("\xc0\xa5\xc3\xf7,530100 km \xca\xd0", &bad), "昆明,530100 km 市");
  EXPECT_EQ(bad, absl::string_view::npos);
}

TEST(Gb18030Test, FourByteCodesOf2022) {
  size_t bad = 0;
  EXPECT_EQ(Decoded("\x95\x32\x82\x36", &bad), "𠀀");
  EXPECT_EQ(Decoded("\xfe\x59", &bad), "龴");
}

TEST(Gb18030Test, InvalidBytesAreNamedByPlace) {
  size_t bad = 0;
  EXPECT_EQ(Decoded("ab\xff", &bad), "ab");
  EXPECT_EQ(bad, 2U);
  Decoded("\xc0", &bad);
  EXPECT_EQ(bad, 0U);
  Decoded("x\x81\x30\x81", &bad);
  EXPECT_EQ(bad, 1U);
  std::string out;
  EXPECT_EQ(DecodeGbk("\x81\x30\x81\x30", &out), 0U);
}

// Every place of a malformed sequence in every kind of company, against a reader that goes byte by
// byte.
TEST(Utf8Test, MalformedSequencesAreFoundWhereverTheyStand) {
  const std::vector<std::string> good = {"a",  "é",     "市", "\xE0\xA0\x80", "\xED\x9F\xBF",
                                         "𠀀", "昆明市"};
  const std::vector<std::string> bad = {
      "\x80",     "\xC1\xBF",         "\xE0\x9F\xBF", "\xED\xA0\x80",
      "\xE6\x98", "\xE6\x28\xA1",     "\xE6\x98\x28", "\xF5\x80\x80\x80",
      "\xEF\xBF", "\xF0\x8F\xBF\xBF", "\xFF"};
  for (const std::string& g : good) {
    for (size_t before = 0; before < 9; ++before) {
      std::string head;
      for (size_t i = 0; i < before; ++i) head += g;
      EXPECT_TRUE(IsValidUtf8(head));
      for (const std::string& b : bad) {
        for (size_t after = 0; after < 4; ++after) {
          std::string text = head + b;
          for (size_t i = 0; i < after; ++i) text += g;
          EXPECT_EQ(FindInvalidUtf8(text), head.size()) << text;
        }
      }
    }
  }
}

TEST(Gb18030Test, GbkHasNoPrivateUse) {
  std::string out;
  EXPECT_EQ(DecodeGbk("a\xAA\xA1", &out), 1U);
  EXPECT_EQ(DecodeGb18030("a\xAA\xA1", &out), absl::string_view::npos);
  EXPECT_EQ(DecodeGb18030("\x80", &out), 0U);
  EXPECT_EQ(DecodeGb18030("\xC0\x7F", &out), 0U);
  EXPECT_EQ(DecodeGb18030("\xC0\xFF", &out), 0U);
  EXPECT_EQ(DecodeGb18030("\xFE\x39\xFE\x39", &out), 0U);
}

TEST(Utf8Test, PrefixAndSuffixCountCodePoints) {
  EXPECT_EQ(CodePointPrefix("昆明市", 2), "昆明");
  EXPECT_EQ(CodePointPrefix("昆明市", 9), "昆明市");
  EXPECT_EQ(CodePointPrefix("昆明市", 0), "");
  EXPECT_EQ(CodePointSuffix("a𠀀市", 2), "𠀀市");
  EXPECT_EQ(CodePointSuffix("a", 2), "a");
  EXPECT_EQ(CodePointSuffix("a", 0), "");
  absl::string_view text = "é市𠀀a\xff";
  std::vector<uint32_t> points;
  while (!text.empty()) points.push_back(TakeCodePoint(&text));
  EXPECT_EQ(points, (std::vector<uint32_t>{0xE9, 0x5E02, 0x20000, 'a', 0xFFFD}));
}

TEST(Utf8Test, ByteOrderMarks) {
  EXPECT_EQ(FindByteOrderMark("\xEF\xBB\xBFx").mark, ByteOrderMark::kUtf8);
  EXPECT_EQ(FindByteOrderMark("\x84\x31\x95\x33x").size, 4U);
  EXPECT_EQ(FindByteOrderMark("\xFF\xFE").mark, ByteOrderMark::kUtf16);
  EXPECT_EQ(FindByteOrderMark("\xEF\xBB").mark, ByteOrderMark::kNone);
}

TEST(Utf8Test, MalformedSequencesAreFound) {
  EXPECT_TRUE(IsValidUtf8("昆明 abcdefghij 𠀀"));
  for (absl::string_view bad :
       {"\xc0\x80", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xe6\x98", "\x80"}) {
    EXPECT_EQ(FindInvalidUtf8(bad), 0U);
  }
  EXPECT_EQ(CodePointCount("昆明a"), 3U);
}

}  // namespace
}  // namespace huiliu::text
