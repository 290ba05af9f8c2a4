#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "core/schema/contract.h"

namespace huiliu::schema {
namespace {

using testing::HasSubstr;

std::shared_ptr<const Contract> Of(const std::string& fields) {
  auto contract = Contract::Parse(
      "d.proto",
      absl::StrCat("syntax = \"proto3\"; package t; import \"huiliu/v1/dataset.proto\";\n"
                   "enum E { E_UNSPECIFIED = 0; E_A = 1; } enum F { F_UNSPECIFIED = 0; }\n"
                   "message D { option (huiliu.v1.dataset) = {id: \"d\" title: \"数据\"};\n"
                   "string id = 1 [(huiliu.v1.data) = {title: \"编号\" key: true}];\n",
                   fields, "}"));
  EXPECT_TRUE(contract.ok()) << contract.status();
  return *contract;
}

std::string F(const std::string& declaration, const std::string& options = "") {
  return absl::StrCat(declaration, " [(huiliu.v1.data) = {title: \"某\" ", options, "}];\n");
}

std::string Breaks(const std::string& before, const std::string& after) {
  return std::string(CheckEvolution(*Of(before), *Of(after)).message());
}

TEST(EvolutionTest, AddedFieldsAreFine) {
  EXPECT_EQ(Breaks("", F("string a = 2") + F("repeated int64 b = 3")), "");
}

TEST(EvolutionTest, EachBreakIsNamed) {
  EXPECT_THAT(Breaks(F("string a = 2"), ""), HasSubstr("field a = 2 was removed / 被删除"));
  EXPECT_THAT(Breaks(F("string a = 2"), ""),
              HasSubstr("与已登记的版本不兼容 / breaks version 1 of d"));
  EXPECT_THAT(Breaks(F("string a = 2"), F("string a = 3")), HasSubstr("renumbered from 2 to 3"));
  EXPECT_THAT(Breaks(F("string a = 2"), F("string b = 2")), HasSubstr("renamed to b"));
  EXPECT_THAT(Breaks(F("string a = 2"), F("int64 a = 2")),
              HasSubstr("retyped from string to int64"));
  EXPECT_THAT(Breaks(F("string a = 2"), F("repeated string a = 2")), HasSubstr("retyped"));
  EXPECT_THAT(Breaks(F("E a = 2"), F("F a = 2")), HasSubstr("retyped"));
  EXPECT_THAT(Breaks(F("string a = 2"), F("string a = 2", "key: true")),
              HasSubstr("joined the key"));
  EXPECT_THAT(Breaks("", F("string a = 2", "key: true")),
              HasSubstr("new field a is part of the key"));
}

TEST(EvolutionTest, ProtectionMayGrowNeverShrink) {
  const std::string partial = "default_mask: {partial: {keep_first: 1}}";
  const auto change = [](const std::string& before, const std::string& after) {
    return Breaks(F("string a = 2", before), F("string a = 2", after));
  };
  EXPECT_EQ(change("", "personal: true grade: GRADE_GENERAL_4 " + partial), "");
  EXPECT_EQ(change(partial, "default_mask: {drop: true}"), "");
  EXPECT_EQ(change("default_mask: {keep: true}", partial), "");
  EXPECT_THAT(change("personal: true", ""), HasSubstr("field a: is no longer personal"));
  EXPECT_THAT(change("grade: GRADE_GENERAL_4", "grade: GRADE_GENERAL_1"),
              HasSubstr("its grade was lowered"));
  EXPECT_THAT(change(partial, ""), HasSubstr("its default mask was taken away"));
  EXPECT_THAT(change(partial, "default_mask: {keep: true}"), HasSubstr("may show more"));
}

// Citizen numbers are hidden by what the field is said to hold.
TEST(EvolutionTest, AFieldOfNumbersStaysOne) {
  for (const char* kind :
       {"VALUE_KIND_USCC", "VALUE_KIND_ORGANISATION_CODE", "VALUE_KIND_CITIZEN_ID"}) {
    const std::string before = F("string a = 2", absl::StrCat("value: ", kind));
    EXPECT_EQ(Breaks(before, before), "");
    EXPECT_EQ(Breaks(F("string a = 2"), before), "");
    for (const char* after : {"", "value: VALUE_KIND_PHONE"}) {
      EXPECT_THAT(Breaks(before, F("string a = 2", after)),
                  HasSubstr(absl::StrCat("field a: is no longer ", kind)))
          << after;
    }
  }
  EXPECT_EQ(Breaks(F("string a = 2", "value: VALUE_KIND_PHONE"), F("string a = 2")), "");
}

std::string EnumBreaks(const std::string& before, const std::string& after) {
  const auto fields = [](const std::string& values) {
    return absl::StrCat("enum G { ", values, " }\n", F("G g = 2"), F("repeated G h = 3"));
  };
  return Breaks(fields(before), fields(after));
}

TEST(EvolutionTest, EnumsKeepTheirValues) {
  EXPECT_EQ(EnumBreaks("Z = 0; A = 1;", "Z = 0; A = 1; B = 2;"), "");
  EXPECT_THAT(EnumBreaks("Z = 0; A = 1;", "Z = 0;"), HasSubstr("value G.A was removed"));
  EXPECT_THAT(EnumBreaks("Z = 0; A = 1;", "Z = 0; A = 2;"),
              HasSubstr("value G.A was renumbered from 1 to 2"));
  EXPECT_THAT(EnumBreaks("Z = 0; A = 1;", "Z = 0; B = 1;"),
              HasSubstr("value G.A was renamed to B"));
}

TEST(EvolutionTest, MessagesInsideARecordAreCompared) {
  const auto fields = [](const std::string& inner) {
    return absl::StrCat("message In { ", inner, " In again = 9; }\n", F("In in = 2"));
  };
  EXPECT_EQ(Breaks(fields("string a = 1;"), fields("string a = 1; string b = 2;")), "");
  EXPECT_THAT(Breaks(fields("string a = 1;"), fields("")), HasSubstr("field In.a = 1 was removed"));
  EXPECT_THAT(Breaks(fields("string a = 1;"), fields("int64 a = 1;")),
              HasSubstr("field In.a was retyped"));
}

TEST(EvolutionTest, TheKeyKeepsItsOrder) {
  const std::string a = F("string a = 2", "key: true"), b = F("string b = 3", "key: true");
  EXPECT_THAT(Breaks(a + b, b + a), HasSubstr("the key's order changed from id, a, b to id, b, a"));
  EXPECT_THAT(Breaks(a, F("string a = 2")), HasSubstr("field a left the key"));
}

TEST(EvolutionTest, OneofsKeepTheirFields) {
  EXPECT_THAT(Breaks(F("string a = 2"), absl::StrCat("oneof o { ", F("string a = 2"), "}\n")),
              HasSubstr("field a moved into or out of a oneof"));
}

TEST(EvolutionTest, AllBreaksAreListedAtOnce) {
  const std::string all = Breaks(F("string a = 2") + F("int64 b = 3"), F("string b = 3"));
  EXPECT_THAT(all, HasSubstr("field a"));
  EXPECT_THAT(all, HasSubstr("field b"));
}

}  // namespace
}  // namespace huiliu::schema
