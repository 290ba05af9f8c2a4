#include "core/rules/masks.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>
#include <set>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "core/base/digest.h"
#include "core/model/varint.h"
#include "core/rules/utf8.h"
#include "core/schema/record_writer.h"

namespace huiliu::rules {
namespace {

using huiliu::v1::Mask;

constexpr char kKey[] = "0123456789abcdef0123456789abcdef";

constexpr char kContract[] = R"(syntax = "proto3";
package test.v1;
import "huiliu/v1/dataset.proto";
message Person {
  option (huiliu.v1.dataset) = {
    id: "person" title: "人员" provider: "测试" theme: "population"
    sharing: SHARING_UNCONDITIONAL update_cycle: UPDATE_CYCLE_DAILY
    territory: {title: "登记地" evidence: {field: "division" kind: EVIDENCE_KIND_CODE}}
  };
  string id = 1 [(huiliu.v1.data) = {title: "编号" key: true}];
  string name = 2 [(huiliu.v1.data) = {title: "姓名"}];
  string phone = 3 [(huiliu.v1.data) = {title: "电话"}];
  int64 age = 4 [(huiliu.v1.data) = {title: "年龄"}];
  string division = 5 [(huiliu.v1.data) = {title: "区划"}];
  repeated string tags = 6 [(huiliu.v1.data) = {title: "标签"}];
  bytes photo = 100 [(huiliu.v1.data) = {title: "照片"}];
})";

Mask Partial(int first, int last, absl::string_view fill = "") {
  Mask mask;
  mask.mutable_partial()->set_keep_first(first);
  mask.mutable_partial()->set_keep_last(last);
  mask.mutable_partial()->set_fill(std::string(fill));
  return mask;
}
Mask Hash() {
  Mask mask;
  mask.set_hash(true);
  return mask;
}
Mask Drop() {
  Mask mask;
  mask.set_drop(true);
  return mask;
}

std::string Masked(const Mask& mask, absl::string_view value, absl::string_view key = kKey) {
  std::string out;
  return AppendMasked(mask, value, {key}, &out) ? out : "(refused)" + out;
}

TEST(MaskTest, PartialCountsCodePointsAndHidesShortValuesWhole) {
  struct Case {
    int first, last;
    const char* value;
    const char* shown;
  };
  const Case cases[] = {
      {3, 4, "13888886666", "138****6666"},
      {3, 4, "1234567", "*******"},  // keep_first + keep_last reach its length
      {3, 4, "12345678", "123*5678"},
      {0, 4, "abcd", "****"},  // "show last 4" of four characters shows nothing
      {0, 4, "abcde", "*bcde"},
      {1, 0, "张三丰", "张**"},
      {1, 0, "张", "*"},
      {8, 0, "云南省昆明市五华区人民中路1号", "云南省昆明市五华*******"},
      {6, 4, "530102199001011234", "530102********1234"},
      {0, 0, "secret", "******"},
      {1, 1, "", ""},
      {1, 0, "e\xCC\x81galite",
       "e*******"},               // a combining accent is hidden like any other code point
      {1, 1, "𠮷野家", "𠮷*家"},  // four bytes, one code point
      {1000, 1000, "short", "*****"},
      {0, 0, "a\nb\0c", "***"},
  };
  for (const Case& c : cases)
    EXPECT_EQ(Masked(Partial(c.first, c.last), c.value), c.shown) << c.value;
  EXPECT_EQ(Masked(Partial(1, 0, "某"), "张三丰"), "张某某");
}

TEST(MaskTest, WhatIsNotUtf8IsRefusedByEveryMask) {
  const char* bad[] = {"\x80",   "\xC0\xAF", "\xE0\x80\x80",    "\xED\xA0\x80", "\xF4\x90\x80\x80",
                       "ab\xFF", "\xE4\xBD", "\xD5\xC5\xC8\xFD"};  // the last: 张三 in GBK
  for (const char* value : bad) {
    EXPECT_EQ(Masked(Partial(1, 1), value), "(refused)");
    EXPECT_EQ(Masked(Hash(), value), "(refused)");
  }
  EXPECT_EQ(Masked(Mask(), "value"), "(refused)");
}

TEST(MaskTest, AHashIsStableUnderAKeyAndDiffersUnderAnother) {
  // HMAC-SHA-256, RFC 4231 case 6 has a long key; this one was computed with openssl dgst -sha256
  // -hmac.
  const std::string one = Masked(Hash(), "530102199001011234");
  EXPECT_EQ(one.size(), 64u);
  EXPECT_EQ(one, Masked(Hash(), "530102199001011234"));
  EXPECT_NE(one, Masked(Hash(), "530102199001011235"));
  EXPECT_NE(one, Masked(Hash(), "530102199001011234", "another key of sixteen"));
  EXPECT_EQ(Masked(Hash(), ""), "");
  EXPECT_EQ(Masked(Hash(), "x", "short key"), "(refused)");
  EXPECT_EQ(Masked(Hash(), "x", ""), "(refused)");
}

// No code point that a mask hides appears in what it shows; shown ones stand where they stood.
TEST(MaskTest, NoHiddenCodePointAppearsInTheOutput) {
  const uint32_t seed = std::random_device()();
  SCOPED_TRACE(absl::StrCat("seed ", seed));
  std::mt19937 random(seed);
  const auto append = [](uint32_t code, std::string* out) {
    if (code < 0x80) {
      out->push_back(static_cast<char>(code));
    } else if (code < 0x800) {
      out->push_back(static_cast<char>(0xC0 | code >> 6));
      out->push_back(static_cast<char>(0x80 | (code & 63)));
    } else if (code < 0x10000) {
      out->push_back(static_cast<char>(0xE0 | code >> 12));
      out->push_back(static_cast<char>(0x80 | (code >> 6 & 63)));
      out->push_back(static_cast<char>(0x80 | (code & 63)));
    } else {
      out->push_back(static_cast<char>(0xF0 | code >> 18));
      out->push_back(static_cast<char>(0x80 | (code >> 12 & 63)));
      out->push_back(static_cast<char>(0x80 | (code >> 6 & 63)));
      out->push_back(static_cast<char>(0x80 | (code & 63)));
    }
  };
  const auto split = [](absl::string_view text) {
    std::vector<std::string> points;
    while (!text.empty()) {
      const size_t length = CodePointLength(text);
      points.emplace_back(text.data(), length);
      text.remove_prefix(length);
    }
    return points;
  };
  for (int round = 0; round < 20000; ++round) {
    // Distinct code points, none of them the fill.
    std::set<uint32_t> used = {'*'};
    std::string value;
    const int length = random() % 30;
    for (int i = 0; i < length; ++i) {
      uint32_t code;
      do {
        const uint32_t limits[] = {0x80, 0x800, 0x10000, 0x110000};
        code = random() % limits[random() % 4];
      } while ((code >= 0xD800 && code < 0xE000) || !used.insert(code).second);
      append(code, &value);
    }
    const int first = random() % 12, last = random() % 12;
    std::string out;
    ASSERT_TRUE(AppendMasked(Partial(first, last), value, {kKey}, &out));
    const auto in = split(value), shown = split(out);
    ASSERT_EQ(in.size(), shown.size());
    const bool whole = first + last >= length;
    for (int i = 0; i < length; ++i) {
      const bool keeps = !whole && (i < first || i >= length - last);
      ASSERT_EQ(shown[i], keeps ? in[i] : "*");
      if (!keeps) {
        ASSERT_EQ(out.find(in[i]), std::string::npos);
      }
    }
    std::string hash;
    ASSERT_TRUE(AppendMasked(Hash(), value, {kKey}, &hash));
    ASSERT_EQ(hash.find_first_not_of("0123456789abcdef"), std::string::npos);
  }
}

TEST(MaskTest, ASm3PseudonymIsTheHmacOfThatName) {
  Mask sm3;
  sm3.set_hash_sm3(true);
  EXPECT_EQ(Masked(sm3, "530102199001011234"),
            absl::BytesToHexString(AsBytes(HmacSm3(kKey, "530102199001011234"))));
  EXPECT_NE(Masked(sm3, "530102199001011234"), Masked(Hash(), "530102199001011234"));
  EXPECT_NE(Masked(sm3, "530102199001011234"),
            Masked(sm3, "530102199001011234", "another city's key, 16 or more"));
  EXPECT_EQ(Masked(sm3, ""), "");
  EXPECT_EQ(Masked(sm3, "x", "short"), "(refused)");
  EXPECT_EQ(Masked(sm3, "\xFF"), "(refused)");
  EXPECT_TRUE(NeedsKey(sm3) && NeedsKey(Hash()) && !NeedsKey(Partial(1, 1)));
}

TEST(MaskTest, AConstantStandsForEveryValueAndForNone) {
  Mask constant;
  constant.set_constant("已登记");
  for (const char* value : {"张三", "x", "e\xCC\x81", "\xFF\xFE"})
    EXPECT_EQ(Masked(constant, value), "已登记");
  EXPECT_EQ(Masked(constant, std::string(1 << 20, 'x')), "已登记");
  EXPECT_EQ(Masked(constant, ""), "");
}

TEST(MaskTest, WhatNobodySeesHidesNothingWell) {
  const auto fill = [](absl::string_view text) { return CheckVisible(Partial(1, 0, text)); };
  const auto constant = [](absl::string_view text) {
    Mask mask;
    mask.set_constant(std::string(text));
    return CheckVisible(mask);
  };
  for (const char* shown : {"", "*", "＊", "××", "●", "某", "🙈", "隐é"})
    EXPECT_TRUE(fill(shown).ok()) << shown;
  for (const char* hidden :
       {"\x07",   "\u0085", "\u00AD", "\u034F", "\u061C",     "\u115F",  "\u180E",  "\u200B",
        "\u200C", "\u200D", "\u200E", "\u200F", "\u2028",     "\u202E",  "\u2060",  "\u2066",
        "\u3164", "\uFE0F", "\uFEFF", "\uFFA0", "\U000E0020", "*\u200B", "\u202E*", "\xFF"}) {
    EXPECT_FALSE(fill(hidden).ok()) << absl::CEscape(hidden);
    EXPECT_FALSE(constant(absl::StrCat("保", hidden, "密")).ok()) << absl::CEscape(hidden);
  }
  for (const char* space : {" ", "\u00A0", "\u2003", "\u3000", "\u2800", "* *"})
    EXPECT_FALSE(fill(space).ok()) << absl::CEscape(space);
  EXPECT_FALSE(fill("\u0336").ok()) << "it is drawn on what is kept";
  EXPECT_FALSE(constant("\u3000").ok());
  EXPECT_TRUE(constant("Not shown").ok());
  EXPECT_THAT(std::string(fill("\u200B").message()),
              testing::AllOf(testing::HasSubstr("零宽"), testing::HasSubstr("zero-width")));
  EXPECT_TRUE(CheckVisible(Hash()).ok());
}

TEST(MaskTest, MasksThatDoNotFitTheFieldAreRefusedBeforehand) {
  const auto contract = *schema::Contract::Parse("person.proto", kContract);
  const auto check = [&](const char* field, const Mask& mask) {
    return CheckMask(mask, *contract->FindField(field)).ok();
  };
  const auto constant = [](const char* text) {
    Mask mask;
    mask.set_constant(text);
    return mask;
  };
  Mask sm3;
  sm3.set_hash_sm3(true);
  EXPECT_TRUE(check("name", Partial(1, 0)));
  EXPECT_TRUE(check("age", Drop()));
  EXPECT_FALSE(check("age", Partial(1, 0)));
  EXPECT_FALSE(check("age", sm3));
  EXPECT_FALSE(check("photo", Hash()));
  EXPECT_FALSE(check("name", Mask()));
  EXPECT_FALSE(check("name", Partial(1, 0, "*****")));
  EXPECT_FALSE(check("name", Partial(1, 0, "\n")));
  EXPECT_FALSE(check("name", Partial(100000, 0)));
  EXPECT_TRUE(check("name", constant("保密")));
  EXPECT_TRUE(check("age", constant("0")));
  EXPECT_FALSE(check("age", constant("保密")));
  EXPECT_FALSE(check("name", constant("")));
  EXPECT_FALSE(check("name", constant("\xFF")));
  EXPECT_FALSE(check("photo", constant("x")));
}

}  // namespace
}  // namespace huiliu::rules
