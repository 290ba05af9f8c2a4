#include "core/rules/rule_set.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "core/rules/yaml_tree.h"
#include "tests/unit/rules/engine_fixture.h"

namespace huiliu::rules {
namespace {

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
})";

std::shared_ptr<const schema::Contract> Contract() {
  static const auto contract = *schema::Contract::Parse("person.proto", kContract);
  return contract;
}

// "line:column message" of every finding.
std::vector<std::string> Findings(absl::string_view yaml) {
  std::vector<huiliu::v1::RuleError> errors;
  const auto set = ParseRuleSet("p.yaml", yaml, *Contract(), &errors);
  EXPECT_EQ(set.ok(), errors.empty());
  std::vector<std::string> found;
  for (const auto& error : errors) {
    EXPECT_EQ(error.file(), "p.yaml");
    found.push_back(absl::StrCat(error.line(), ":", error.column(), " ", error.message()));
  }
  if (!errors.empty()) {
    EXPECT_EQ(set.status().code(), absl::StatusCode::kInvalidArgument);
    EXPECT_THAT(std::string(set.status().message()),
                testing::HasSubstr(
                    absl::StrCat("p.yaml:", errors[0].line(), ":", errors[0].column(), ": ")));
  }
  return found;
}

constexpr char kGood[] = R"(# 人员
dataset: person
receiver: "530100"
version: 3
legal_basis: 政务数据共享条例
rules:
  - id: secret
    title: 不公开
    when: name == "密"
    withhold: 依法不予公开
    legal_basis: 政府信息公开条例第十四条
  - id: own
    when: inDivision("530100")
    drop: [age]
    masks:
      phone: {partial: {keep_first: 3, keep_last: 4}}
      name: hash
    valid_from: 2025-08-01
    valid_to: 2030-12-31
)";

TEST(RuleSetTest, AFileIsReadAsItIsWritten) {
  std::vector<huiliu::v1::RuleError> errors;
  const auto parsed = ParseRuleSet("p.yaml", kGood, *Contract(), &errors);
  ASSERT_TRUE(parsed.ok()) << parsed.status();
  const RuleSet& set = **parsed;
  EXPECT_EQ(set.dataset.value(), "person");
  EXPECT_EQ(set.receiver.value(), "530100");
  EXPECT_EQ(set.version, 3u);
  EXPECT_EQ(set.digest, Sha256(kGood));
  ASSERT_EQ(set.rules.size(), 2u);
  EXPECT_FALSE(set.rules[0].returns);
  EXPECT_EQ(set.rules[0].reason, "依法不予公开");
  EXPECT_EQ(set.rules[0].legal_basis, "政府信息公开条例第十四条");
  EXPECT_EQ(set.rules[0].when, "name == \"密\"");
  EXPECT_EQ(set.rules[0].line, 7);
  EXPECT_EQ(set.rules[0].when_line, 9);
  EXPECT_EQ(set.rules[0].when_column, 11);
  const Rule& own = set.rules[1];
  EXPECT_TRUE(own.returns);
  EXPECT_EQ(own.legal_basis, "政务数据共享条例");
  EXPECT_THAT(own.drop, testing::ElementsAre("age"));
  ASSERT_EQ(own.masks.size(), 2u);
  EXPECT_EQ(own.masks[0].second.partial().keep_last(), 4u);
  EXPECT_TRUE(own.masks[1].second.hash());
  EXPECT_EQ(absl::FormatTime(own.valid_from, absl::UTCTimeZone()), "2025-07-31T16:00:00+00:00");
  EXPECT_EQ(absl::FormatTime(own.valid_to, absl::UTCTimeZone()), "2030-12-31T16:00:00+00:00")
      << "the last day counts";
  const auto head = ParseRuleSetHead("p.yaml", kGood);
  ASSERT_TRUE(head.ok());
  EXPECT_EQ(head->dataset.value(), "person");
  EXPECT_EQ(WithVersion(set, 9)->version, 9u);
}

TEST(RuleSetTest, EveryFindingNamesItsPlace) {
  struct Case {
    const char* from;
    const char* to;
    const char* finding;
  };
  const Case cases[] = {
      {"version: 3", "vesrion: 3", "4:1 未知的键 vesrion"},
      {"version: 3", "version: -3", "4:10 version"},
      {"version: 3", "dataset: person", "4:1 重复的键 dataset"},
      {"dataset: person\n", "", "2:1 缺少 dataset"},
      {"dataset: person", "dataset: people", "2:10 规则用于数据集 people"},
      {"receiver: \"530100\"\n", "", "2:1 缺少 receiver"},
      {"    title: 不公开", "    titel: 不公开", "8:5 未知的键 titel"},
      {"id: own", "id: secret", "12:9 重复的规则 id secret"},
      {"id: own", "id: Own Area", "12:9 id 用小写"},
      {"- id: own\n    when", "- when", "12:5 规则缺少 id"},
      {"drop: [age]", "drop: [name, 年龄]", "14:18 数据集 person 没有字段 年龄"},
      {"drop: [age]", "drop: [id]", "14:12 主键字段 id 不能去掉"},
      {"drop: [age]", "drop: [age, age]", "14:17 重复的字段 age"},
      {"drop: [age]", "keep: [name]", "14:11 keep 须含主键字段 id"},
      {"drop: [age]", "keep: age", "14:11 keep 应列出字段"},
      {"name: hash", "name: hahs", "17:13 脱敏方式"},
      {"name: hash", "age: hash", "17:12 age: 该脱敏方式只用于文本字段"},
      {"name: hash", "id: hash", "17:7 主键字段 id 不能脱敏"},
      {"name: hash", "nane: hash", "17:7 数据集 person 没有字段 nane"},
      {"keep_last: 4", "keep_lest: 4", "16:40 未知的键 keep_lest"},
      {"keep_last: 4", "keep_last: four", "16:51 keep_last 应为非负整数"},
      {"2030-12-31", "2030-02-30", "19:15 valid_to 应为日期"},
      {"2030-12-31", "2020-12-31", "19:15 valid_to 早于 valid_from"},
      {"withhold: 依法不予公开", "withhold: ''", "10:15 withhold 应为文字"},
      {"withhold: 依法不予公开", "withhold: 依法\n    drop: [age]",
       "11:11 不予回流的规则不写 drop"},
      {"when: name == \"密\"", "when: name == \"密\" && unknown_word", "9:26 "},
      {"drop: [age]", "drop: [phone]", "16:7 字段 phone 并不回流"},
      {"drop: [age]", "drop: [age", "15:10 YAML 语法有误"},
      {"drop: [age]", "drop: &a [age]", "14:11 不支持锚点"},
      {"id: own", "id: !!str own", "12:9 不支持标签"},
      {"rules:", "rules: []\nmore:", "7:1 未知的键 more"},
  };
  for (const Case& c : cases) {
    const std::string yaml = absl::StrReplaceAll(kGood, {{c.from, c.to}});
    ASSERT_NE(yaml, kGood) << c.from;
    EXPECT_THAT(Findings(yaml), testing::Contains(testing::StartsWith(c.finding))) << c.to;
  }
}

// One rule with these lines.
std::string WithFields(absl::string_view lines) {
  return absl::StrCat(
      "dataset: person\nreceiver: \"530100\"\nlegal_basis: 条例\nrules:\n  - id: r\n", lines);
}

TEST(RuleSetTest, EveryMaskRenameAndDerivedFieldIsRead) {
  std::vector<huiliu::v1::RuleError> errors;
  const auto set = ParseRuleSet("p.yaml", WithFields(R"(    masks:
      name: {hash: sm3}
      phone: {constant: "保密"}
      age: {generalise: {band: 10}}
    derive:
      division: divisionOf("530102")
  - id: s
    rename: {name: phone}
    masks:
      name: {hash: sha256}
      division: {generalise: county}
)"),
                                *Contract(), &errors);
  ASSERT_TRUE(set.ok()) << set.status();
  const Rule& r = (*set)->rules[0];
  EXPECT_TRUE(r.masks[0].second.hash_sm3());
  EXPECT_EQ(r.masks[1].second.constant(), "保密");
  EXPECT_EQ(r.masks[2].second.generalise().band(), 10);
  EXPECT_EQ(r.derive[0].field, "division");
  const Rule& s = (*set)->rules[1];
  EXPECT_EQ(s.rename[0], (std::pair<std::string, std::string>("name", "phone")));
  EXPECT_TRUE(s.masks[0].second.hash());
  EXPECT_EQ(s.masks[1].second.generalise().division(), huiliu::v1::Mask::Generalise::LEVEL_COUNTY);
}

TEST(RuleSetTest, FieldsThatCannotBeMaskedRenamedOrDerivedSoAreFindings) {
  const std::pair<const char*, const char*> cases[] = {
      {"    masks: {age: {hash: sm3}}\n", "6:18 age: 该脱敏方式只用于文本字段"},
      {"    masks: {age: {constant: 无}}\n", "6:18 age: 常量与字段类型不符"},
      {"    masks: {age: {generalise: {band: 0.5}}}\n",
       "6:18 age: 文本与整数字段的区间宽度应为整数"},
      {"    masks: {age: {generalise: month}}\n", "6:18 age: 该概化方式不适用于此字段类型"},
      {"    masks: {age: {generalise: street}}\n", "6:31 概化为"},
      {"    masks: {name: {hash: md5}}\n", "6:19 脱敏方式"},
      {"    rename: {id: name}\n", "6:18 主键字段不能改名"},
      {"    rename: {name: id}\n", "6:20 主键字段不能改名"},
      {"    rename: {name: name}\n", "6:20 新旧字段相同"},
      {"    rename: {name: age}\n", "6:20 字段 age 类型不同"},
      {"    rename: {name: phone, division: phone}\n", "6:37 字段 phone 已有来源"},
      {"    rename: {name: phone, phone: name}\n", "6:34 字段 name 既改名又承接另一字段"},
      {"    rename: {phone: division, name: phone}\n", "6:37 字段 phone 既改名又承接另一字段"},
      {"    derive: {phone: 'id'}\n    masks: {phone: drop}\n", "7:13 字段 phone 由 derive 填写"},
      {"    rename: {name: phone}\n    drop: [phone]\n",
       "7:11 字段 phone 由 rename 或 derive 填写"},
      {"    rename: {name: phone}\n    drop: [name]\n", "6:13 字段 name 并不回流"},
      {"    derive: {id: name}\n", "6:14 字段 id 是主键"},
      {"    derive: {age: name}\n", "6:19 字段 age 不能取此类型的值"},
      {"    derive: {age: age + nobody}\n", "6:25 "},
      {"    withhold: 不回流\n    derive: {age: age}\n", "7:13 不予回流的规则不写 derive"},
      {"    rename: [name]\n", "6:13 rename 应为"},
      {"    derive: age\n", "6:13 derive 应为"},
  };
  for (const auto& [lines, finding] : cases) {
    EXPECT_THAT(Findings(WithFields(lines)), testing::ElementsAre(testing::StartsWith(finding)))
        << lines;
  }
}

TEST(RuleSetTest, ANumberThatLeadsToAPersonIsRefusedWhereItStands) {
  const std::pair<const char*, const char*> cases[] = {
      {"    when: 'name == \"11010519491231002X\"'\n", "6:21 规则中不得写身份证号"},
      {"    title: 当事人 11010519491231002x 申请\n", "6:16 规则中不得写身份证号"},
      {"    title: 见 # 电话 13887654321\n", "6:19 规则中不得写身份证号"},
      {"    title: 电话138-8765-4321\n", "6:14 规则中不得写身份证号"},
  };
  for (const auto& [lines, finding] : cases) {
    EXPECT_THAT(Findings(WithFields(lines)), testing::ElementsAre(testing::StartsWith(finding)))
        << lines;
    std::vector<huiliu::v1::RuleError> errors;
    EXPECT_TRUE(
        ParseRuleSet("p.yaml", WithFields(lines), *Contract(), &errors, nullptr, RuleAge::kStanding)
            .ok())
        << "what stands goes on holding";
  }
  // A wrong check digit, a USCC, an office's number, a longer run of digits.
  for (const char* text :
       {"110105194912310021", "91530102MA6K47XC4H", "0871-63112345", "9913887654321001"})
    EXPECT_THAT(Findings(WithFields(absl::StrCat("    title: 见 ", text, "\n"))),
                testing::IsEmpty())
        << text;
}

TEST(RuleSetTest, ADivisionThatNoneIsIsFoundWhereverItIsComparedWith) {
  const auto findings = [](const std::string& yaml) {
    std::vector<huiliu::v1::RuleError> errors;
    (void)ParseRuleSet("p.yaml", yaml, *Contract(), &errors, YunnanDivisions().get());
    std::vector<std::string> found;
    for (const auto& error : errors)
      found.push_back(absl::StrCat(error.line(), ":", error.column(), " ", error.message()));
    return found;
  };
  const std::pair<const char*, const char*> cases[] = {
      {"    when: 'divisionOf(name) == \"530199\"'\n", "6:32 区划 \"530199\""},
      {"    when: '\"530199\" != divisionOf(name)'\n", "6:12 区划 \"530199\""},
      {"    when: 'name == \"中\" || divisionOf(name) in [\"530102\", \"530121\"]'\n",
       "6:58 区划 530121 已由 530114 承接"},
      {"    derive: {name: 'divisionOf(name) == \"5301\" ? \"1\" : \"2\"'}\n",
       "6:41 区划 \"5301\""},
  };
  for (const auto& [lines, finding] : cases) {
    EXPECT_THAT(findings(WithFields(lines)), testing::ElementsAre(testing::StartsWith(finding)))
        << lines;
  }
  EXPECT_THAT(
      findings(WithFields("    when: 'divisionOf(name) == \"530102\" && name == \"530199\"'\n")),
      testing::IsEmpty());
  EXPECT_THAT(findings(WithFields("    when: 'divisionOf(name) == \"\"'\n")), testing::IsEmpty());
  EXPECT_THAT(findings(absl::StrReplaceAll(WithFields(""), {{"530100", "530199"}})),
              testing::ElementsAre(testing::StartsWith("2:11 区划 \"530199\"")));
  EXPECT_THAT(findings(absl::StrReplaceAll(WithFields(""), {{"530100", "dianchi"}})),
              testing::IsEmpty());
}

TEST(RuleSetTest, ARuleWithoutLegalBasisIsRefused) {
  EXPECT_THAT(Findings(absl::StrReplaceAll(kGood, {{"legal_basis: 政务数据共享条例\n", ""}})),
              testing::ElementsAre(testing::StartsWith("11:5 缺少法律依据")));
}

TEST(RuleSetTest, AllFindingsAreReportedAtOnce) {
  EXPECT_EQ(Findings(absl::StrReplaceAll(kGood, {{"title: 不公开", "x: 1"},
                                                 {"drop: [age]", "drop: [a, b]"},
                                                 {"2025-08-01", "soon"}}))
                .size(),
            4u);
}

TEST(RuleSetTest, NotUtf8AndEmptyAndForeignFilesAreRefused) {
  EXPECT_THAT(Findings("dataset: \xD5\xC5\n"),
              testing::ElementsAre(testing::StartsWith("1:10 不是 UTF-8")));
  EXPECT_THAT(Findings(""), testing::SizeIs(1));
  EXPECT_THAT(Findings("- a\n- b\n"),
              testing::Contains(testing::StartsWith("1:1 规则文件应为键值")));
  EXPECT_THAT(Findings(absl::StrCat(kGood, "---\ndataset: x\n")),
              testing::ElementsAre(testing::StartsWith("20:1 一个文件")));
  EXPECT_THAT(Findings(std::string(3000, '[')), testing::SizeIs(1));
}

// A finding travels as a proto3 string: were it not UTF-8, its reader would get no answer at all.
TEST(RuleSetTest, AFindingIsUtf8WhereTheYamlReaderRepeatsHalfACharacter) {
  EXPECT_THAT(
      Findings("dataset: \"\\甲\"\n"),
      testing::ElementsAre("1:13 YAML 语法有误 / YAML syntax: unknown escape character: \\xe7"));
}

TEST(RuleSetTest, AByteOrderMarkAndWindowsLineEndsMoveNothing) {
  const std::string yaml = absl::StrReplaceAll(kGood, {{"\"密\"", "\"密\" && unknown_word"}});
  const auto plain = Findings(yaml);
  ASSERT_EQ(plain.size(), 1u);
  EXPECT_EQ(Findings(absl::StrCat("\xEF\xBB\xBF", absl::StrReplaceAll(yaml, {{"\n", "\r\n"}}))),
            plain);
}

// Where the expression is wrong, in each form that YAML has for a text.
TEST(RuleSetTest, TheErrorInAnExpressionIsFoundInEveryScalarForm) {
  struct Case {
    const char* when;
    const char* place;
  };
  const Case cases[] = {
      {"    when: name == '云' || unknown_word", "9:26 "},
      {"    when:   \"name == '云' || unknown_word\"", "9:29 "},
      {"    when: \"'\\u4e91' == \\\"x\\\" || unknown_word\"", "9:33 "},
      {"    when: 'name == ''云'' || unknown_word'", "9:29 "},
      {"    when: |\n      '云南' == name ||\n        unknown_word", "11:9 "},
      {"    when: |-\n\n      '云南' == name ||\n\n      unknown_word", "13:7 "},
      {"    when: >\n      '云南'\n      == name || unknown_word", "11:18 "},
      {"    when: name ==\n      '云' || unknown_word", "10:14 "},
      {"    when: \"name == \\\n      '云' || unknown_word\"", "10:14 "},
      {"    when: | # 条件\n      unknown_word", "10:7 "},
      {"    when:\n      unknown_word", "10:7 "},
  };
  for (const Case& c : cases) {
    const std::string yaml = absl::StrReplaceAll(kGood, {{"    when: name == \"密\"", c.when}});
    EXPECT_THAT(Findings(yaml), testing::Contains(testing::StartsWith(c.place))) << c.when;
  }
}

// Damaged files give findings inside the file, never more.
TEST(RuleSetTest, DamagedFilesAreRefusedInsideTheirBounds) {
  const uint32_t seed = std::random_device()();
  SCOPED_TRACE(absl::StrCat("seed ", seed));
  std::mt19937 random(seed);
  const std::string pieces[] = {":",
                                "\n",
                                " ",
                                "-",
                                "\"",
                                "'",
                                "|",
                                ">",
                                "{",
                                "}",
                                "[",
                                "]",
                                "#",
                                "&a",
                                "*a",
                                "!!x",
                                "\t",
                                "\xE4",
                                "\xE4\xBA\x91",
                                "\\",
                                "? ",
                                "---\n",
                                "%",
                                "\0x",
                                "unknown_word"};
  for (int round = 0; round < 3000; ++round) {
    std::string yaml = kGood;
    for (int i = random() % 4; i >= 0; --i) {
      const size_t at = random() % yaml.size();
      if (random() % 3 == 0) {
        yaml.erase(at, random() % 20);
      } else {
        yaml.insert(at, pieces[random() % std::size(pieces)]);
      }
    }
    std::vector<huiliu::v1::RuleError> errors;
    const auto set = ParseRuleSet("p.yaml", yaml, *Contract(), &errors);
    ASSERT_EQ(set.ok(), errors.empty());
    const int lines = 2 + static_cast<int>(std::count(yaml.begin(), yaml.end(), '\n'));
    for (const auto& error : errors) {
      ASSERT_GE(error.line(), 1) << yaml;
      ASSERT_LE(error.line(), lines) << yaml;
      ASSERT_GE(error.column(), 1) << yaml;
      ASSERT_LE(error.column(), static_cast<int>(yaml.size()) + 2) << yaml;
    }
  }
}

TEST(RuleSetTest, AnAreaOfNoDivisionIsAFindingWhereItStands) {
  const std::string yaml =
      absl::StrReplaceAll(kGood, {{"name == \"密\"", "name == \"密\" || inDivision(\"530199\")"}});
  std::vector<huiliu::v1::RuleError> errors;
  EXPECT_FALSE(ParseRuleSet("p.yaml", yaml, *Contract(), &errors, YunnanDivisions().get()).ok());
  ASSERT_EQ(errors.size(), 1u);
  EXPECT_EQ(errors[0].line(), 9);
  EXPECT_EQ(errors[0].column(), 37);
  EXPECT_THAT(errors[0].message(), testing::HasSubstr("没有这个代码"));
  EXPECT_THAT(errors[0].message(), testing::HasSubstr("no edition has this code"));
  EXPECT_TRUE(ParseRuleSet("p.yaml", absl::StrReplaceAll(yaml, {{"530199", "530121"}}), *Contract(),
                           &errors, YunnanDivisions().get())
                  .ok());
  EXPECT_TRUE(ParseRuleSet("p.yaml", yaml, *Contract(), &errors).ok()) << "what stands holds";
}

TEST(RuleSetTest, AFillOrConstantThatNobodySeesIsAFindingWhereItStands) {
  const std::string yaml =
      absl::StrReplaceAll(kGood, {{"keep_last: 4}", "keep_last: 4, fill: \"\\u200B\"}"},
                                  {"name: hash", "name: {constant: \"保\\u202E密\"}"}});
  std::vector<huiliu::v1::RuleError> errors;
  EXPECT_FALSE(ParseRuleSet("p.yaml", yaml, *Contract(), &errors, YunnanDivisions().get()).ok());
  ASSERT_EQ(errors.size(), 2u);
  EXPECT_EQ(errors[0].line(), 16);
  EXPECT_THAT(errors[0].message(), testing::HasSubstr("phone: 填充符须为看得见的字符"));
  EXPECT_THAT(errors[1].message(), testing::HasSubstr("a constant is seen"));
  EXPECT_TRUE(ParseRuleSet("p.yaml", yaml, *Contract(), &errors).ok()) << "what stands holds";
}

TEST(RuleSetTest, ALongExpressionOnOneLineCostsLittle) {
  std::string expression = "name == \"" + std::string(15000, 'x') + "\"";
  const std::string yaml = absl::StrReplaceAll(kGood, {{"name == \"密\"", expression}});
  EXPECT_THAT(Findings(yaml), testing::IsEmpty());
  EXPECT_THAT(Findings(absl::StrReplaceAll(yaml, {{"xxxx\"", std::string(2000, 'x') + "\""}})),
              testing::ElementsAre(testing::StartsWith("9:11 表达式最长")));
}

TEST(YamlTreeTest, EveryCodePointOfAScalarHasItsPlace) {
  YamlTree tree;
  YamlTree::Error error;
  ASSERT_TRUE(YamlTree::Parse("a: |\n  x 云\n   y\nb: 'q''r'\n", &tree, &error)) << error.message;
  const auto text = [&](int entry) {
    std::string places;
    for (const Place& place : tree.PlacesOf(tree.root().entries[entry].second)) {
      absl::StrAppend(&places, place.line, ":", place.column, " ");
    }
    return places;
  };
  EXPECT_EQ(tree.root().entries[0].second.value, "x 云\n y\n");
  EXPECT_EQ(text(0), "2:3 2:4 2:5 2:6 3:1 3:4 3:5 3:5 ");
  EXPECT_EQ(text(1), "4:5 4:6 4:8 4:9 ");
}

}  // namespace
}  // namespace huiliu::rules
