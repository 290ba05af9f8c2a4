// Every kind of mask over every kind of value: what leaves, or that nothing does.
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "core/rules/masks.h"
#include "core/rules/utf8.h"
#include "tests/unit/rules/engine_fixture.h"

namespace huiliu::rules {
namespace {

using huiliu::v1::Mask;

constexpr char kKey[] = "0123456789abcdef0123456789abcdef";
constexpr size_t kVeryLong = size_t{4} << 20;

bool HasYunnan(absl::string_view code) { return YunnanDivisions()->Find(code) != nullptr; }

struct NamedMask {
  const char* name;
  Mask mask;
};

std::vector<NamedMask> EveryMask() {
  std::vector<NamedMask> masks;
  const auto add = [&](const char* name) -> Mask& {
    masks.push_back({name, {}});
    return masks.back().mask;
  };
  Mask::Partial* partial = add("partial 1+1").mutable_partial();
  partial->set_keep_first(1);
  partial->set_keep_last(1);
  add("hash").set_hash(true);
  add("hash sm3").set_hash_sm3(true);
  add("constant").set_constant("保密");
  add("division").mutable_generalise()->set_division(Mask::Generalise::LEVEL_COUNTY);
  add("date").mutable_generalise()->set_date(Mask::Generalise::PRECISION_YEAR);
  add("band").mutable_generalise()->set_band(10);
  add("drop").set_drop(true);
  return masks;
}

struct Value {
  const char* name;
  std::string text;
  bool utf8 = true;
};

std::vector<Value> EveryValue() {
  std::string long_text;
  while (long_text.size() < kVeryLong) absl::StrAppend(&long_text, "昆明市五华区");
  return {{"whole number", "530102"},
          {"negative number", "-37.5"},
          {"one digit", "7"},
          {"multi-byte", "张三丰"},
          {"one character", "张"},
          {"four bytes a character", "𠮷野家𠮷"},
          {"combining", "e\xCC\x81g\xCC\x80"},
          {"joined emoji", "\xF0\x9F\x91\xA8\xE2\x80\x8D\xF0\x9F\x91\xA9"},
          {"zero bytes", std::string("a\0b\0c", 5)},
          {"very long", long_text},
          {"very long digits", std::string(kVeryLong, '9')},
          {"cut in a character", "张三\xE4\xB8", false},
          {"GBK", "\xD5\xC5\xC8\xFD\xB7\xE1", false},
          {"surrogate", "a\xED\xA0\x80z", false},
          {"overlong", "a\xC0\xAFz", false}};
}

// What lies between the first and the last code point.
std::string WithoutEnds(absl::string_view text) {
  text.remove_prefix(std::max<size_t>(CodePointLength(text), 1));
  while (!text.empty() && (static_cast<uint8_t>(text.back()) & 0xC0) == 0x80) text.remove_suffix(1);
  if (!text.empty()) text.remove_suffix(1);
  return std::string(text.data(), text.size());
}

TEST(MaskValuesTest, AnEmptyValueStaysEmptyUnderEveryMask) {
  for (const NamedMask& mask : EveryMask()) {
    std::string out = "before";
    EXPECT_TRUE(AppendMasked(mask.mask, "", {kKey, HasYunnan}, &out)) << mask.name;
    EXPECT_EQ(out, "before") << mask.name;
  }
}

// A value that a mask cannot be applied to leaves nothing.
TEST(MaskValuesTest, TheMiddleOfAValueNeverLeaves) {
  for (const NamedMask& mask : EveryMask()) {
    for (const Value& value : EveryValue()) {
      SCOPED_TRACE(absl::StrCat(mask.name, " over ", value.name));
      std::string out = "before";
      const bool shown = AppendMasked(mask.mask, value.text, {kKey, HasYunnan}, &out);
      ASSERT_TRUE(absl::StartsWith(out, "before"));
      out.erase(0, 6);
      if (!shown) {
        EXPECT_EQ(out, "");
        continue;
      }
      if (!value.utf8) {
        // Only masks that never look at the value may go on.
        EXPECT_TRUE(out.empty() || out == "保密");
      }
      EXPECT_TRUE(IsUtf8(out));
      if (value.text.size() > 6) {
        EXPECT_EQ(out.find(value.text), std::string::npos);
      }
      const std::string middle = WithoutEnds(value.text);
      if (mask.mask.has_partial() && !middle.empty())
        EXPECT_EQ(out.find(middle), std::string::npos);
    }
  }
}

TEST(MaskValuesTest, AVeryLongValueIsMaskedWhole) {
  std::string value, shown;
  for (int i = 0; i < 1 << 20; ++i) value += "秘";
  Mask partial;
  partial.mutable_partial()->set_keep_first(1);
  ASSERT_TRUE(AppendMasked(partial, value, {kKey}, &shown));
  EXPECT_EQ(shown, absl::StrCat("秘", std::string((1 << 20) - 1, '*')));
}

}  // namespace
}  // namespace huiliu::rules
