// What a whole rule lets out: masks, constants, renames and derived fields together, through the
// projection that the return engine uses. Each field's values are made of code points of its own,
// so each code point in what leaves tells from which field it came.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "core/model/varint.h"
#include "core/rules/record_transform.h"
#include "core/rules/rule_set.h"
#include "core/rules/utf8.h"

namespace huiliu::rules {
namespace {

constexpr char kKey[] = "0123456789abcdef0123456789abcdef";
constexpr int kFields = 8;
constexpr uint32_t kSeeds[] = {1, 20261130, 530100};
constexpr int kRulesOfASeed = 3000;

// By number from 2 on; f2 and f3 are personal, f3, f4 and f5 have a default mask.
constexpr char kContract[] = R"(syntax = "proto3";
package test.v1;
import "huiliu/v1/dataset.proto";
message Person {
  option (huiliu.v1.dataset) = {
    id: "person" title: "人员" provider: "测试" theme: "population"
    sharing: SHARING_UNCONDITIONAL update_cycle: UPDATE_CYCLE_DAILY
    territory: {title: "登记地" evidence: {field: "f0" kind: EVIDENCE_KIND_CODE}}
  };
  string id = 1 [(huiliu.v1.data) = {title: "编号" key: true}];
  string f0 = 2 [(huiliu.v1.data) = {title: "零"}];
  string f1 = 3 [(huiliu.v1.data) = {title: "一"}];
  string f2 = 4 [(huiliu.v1.data) = {title: "二" personal: true}];
  string f3 = 5 [(huiliu.v1.data) = {title: "三" personal: true default_mask: {partial: {keep_first: 1}}}];
  string f4 = 6 [(huiliu.v1.data) = {title: "四" default_mask: {drop: true}}];
  string f5 = 7 [(huiliu.v1.data) = {title: "五" default_mask: {partial: {keep_last: 2}}}];
  string f6 = 8 [(huiliu.v1.data) = {title: "六"}];
  string f7 = 9 [(huiliu.v1.data) = {title: "七"}];
})";

void AppendCodePoint(uint32_t code, std::string* out) {
  if (code < 0x10000) {
    out->push_back(static_cast<char>(0xE0 | code >> 12));
  } else {
    out->push_back(static_cast<char>(0xF0 | code >> 18));
    out->push_back(static_cast<char>(0x80 | (code >> 12 & 0x3F)));
  }
  out->push_back(static_cast<char>(0x80 | (code >> 6 & 0x3F)));
  out->push_back(static_cast<char>(0x80 | (code & 0x3F)));
}

// 256 code points of each field: three bytes long, or four.
uint32_t FirstOf(int field) { return (field % 2 == 0 ? 0x4E00 : 0x20000) + field * 0x100; }
int FieldOfCode(uint32_t code) {
  for (int field = 0; field < kFields; ++field) {
    if (code >= FirstOf(field) && code < FirstOf(field) + 0x100) return field;
  }
  return -1;
}

std::string NameOf(int field) { return absl::StrCat("f", field); }

std::vector<uint32_t> CodePointsOf(absl::string_view text) {
  std::vector<uint32_t> codes;
  for (size_t at = 0; at < text.size();) {
    const uint8_t first = static_cast<uint8_t>(text[at]);
    const size_t size = first < 0x80 ? 1 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
    uint32_t code = size == 1 ? first : first & (0xFF >> (size + 1));
    for (size_t i = 1; i < size && at + i < text.size(); ++i)
      code = code << 6 | (static_cast<uint8_t>(text[at + i]) & 0x3F);
    codes.push_back(code);
    at += size;
  }
  return codes;
}

// A rule as an officer might write it, and what of each field it may let out.
struct Written {
  enum class Shown { kAll, kEnds, kNothing };
  std::string yaml;
  std::map<int, Shown> shown;
  std::map<int, std::pair<size_t, size_t>> ends;
};

class Author {
 public:
  explicit Author(uint32_t seed) : random_(seed) {}
  size_t Below(size_t bound) { return random_() % bound; }

  Written Write() {
    out_ = Written();
    filled_.clear();
    std::vector<std::string> keep = {"id"}, drop, masks, renames, derives;
    std::set<int> reads;
    const bool lists_kept = Below(4) == 0;
    for (int field = 0; field < kFields; ++field) out_.shown[field] = Written::Shown::kAll;
    for (int field = 0; field < kFields; ++field) {
      if (filled_.count(field) > 0) continue;
      switch (Below(6)) {
        case 0:
          Hide(field);
          if (!lists_kept) drop.push_back(NameOf(field));
          continue;
        case 1:
          masks.push_back(absl::StrCat(NameOf(field), ": ", MaskOf(field)));
          break;
        case 2:
          Rename(field, &masks, &renames);
          break;
        case 3:
          filled_.insert(field);
          derives.push_back(absl::StrCat(NameOf(field), ": '", Expression(field, &reads), "'"));
          break;
        default:
          break;
      }
      keep.push_back(NameOf(field));
    }
    // Whoever names a field says that all of it may leave.
    std::vector<std::string> discloses;
    for (const int field : reads) {
      if (Below(3) == 0) continue;
      discloses.push_back(NameOf(field));
    }
    for (const std::string& name : discloses) out_.shown[name[1] - '0'] = Written::Shown::kAll;
    out_.yaml = "dataset: person\nreceiver: \"530100\"\nlegal_basis: x\nrules:\n  - id: r\n";
    const auto list = [&](const char* key, const std::vector<std::string>& names) {
      if (!names.empty())
        absl::StrAppend(&out_.yaml, "    ", key, ": [", absl::StrJoin(names, ", "), "]\n");
    };
    const auto map = [&](const char* key, const std::vector<std::string>& entries) {
      if (!entries.empty())
        absl::StrAppend(&out_.yaml, "    ", key, ":\n      ", absl::StrJoin(entries, "\n      "),
                        "\n");
    };
    if (lists_kept) list("keep", keep);
    list("drop", drop);
    list("discloses", discloses);
    map("masks", masks);
    map("rename", renames);
    map("derive", derives);
    return out_;
  }

 private:
  void Hide(int field) { out_.shown[field] = Written::Shown::kNothing; }
  std::string MaskOf(int field) {
    static const std::vector<std::string> kKinds = {"hash", "{hash: sm3}", "{constant: hidden}",
                                                    "drop", "{generalise: city}"};
    const size_t kind = Below(kKinds.size() + 1);
    if (kind < kKinds.size()) {
      Hide(field);
      return kKinds[kind];
    }
    const size_t first = Below(3), last = Below(3);
    out_.shown[field] = Written::Shown::kEnds;
    out_.ends[field] = {first, last};
    return absl::StrCat("{partial: {keep_first: ", first, ", keep_last: ", last, "}}");
  }
  void Rename(int field, std::vector<std::string>* masks, std::vector<std::string>* renames) {
    const int target = static_cast<int>(Below(kFields));
    if (target <= field || filled_.count(target) > 0) return;
    filled_.insert(target);
    Hide(target);
    renames->push_back(absl::StrCat(NameOf(field), ": ", NameOf(target)));
    if (Below(2) == 0) {
      masks->push_back(absl::StrCat(NameOf(Below(2) == 0 ? field : target), ": ", MaskOf(field)));
      return;
    }
    if (field == 4) Hide(field);
    if (field == 3 || field == 5) {
      out_.shown[field] = Written::Shown::kEnds;
      out_.ends[field] = {field == 3 ? 1 : 0, field == 3 ? 0 : 2};
    }
  }
  std::string Expression(int target, std::set<int>* reads) {
    const int a = static_cast<int>(Below(kFields)), b = static_cast<int>(Below(kFields));
    reads->insert(a);
    reads->insert(b);
    // Its own value leaves only where the expression reads it.
    if (a != target && b != target) Hide(target);
    const std::string x = NameOf(a), y = NameOf(b);
    switch (Below(7)) {
      case 0:
        return absl::StrCat(x, " + ", y);
      case 1:
        return absl::StrCat(x, ".substring(0, 1) + ", y);
      case 2:
        return absl::StrCat("has(", x, ") ? ", x, " : ", y);
      case 3:
        return absl::StrCat("[", x, ", ", y, "].filter(v, v != \"\")[0]");
      case 4:
        return absl::StrCat("record.", x, ".startsWith(", y, ") ? ", x, " : ", y);
      case 5:
        return absl::StrCat("{\"k\": ", x, "}[\"k\"] + string(bytes(", y, "))");
      default:
        return absl::StrCat(x, " == ", y, " ? \"same\" : \"other\"");
    }
  }

  std::mt19937 random_;
  Written out_;
  std::set<int> filled_;
};

// A record, and of each field the values that it has on the wire.
struct Given {
  std::string record;
  std::map<int, std::vector<std::vector<uint32_t>>> values;
};

void AppendField(int number, absl::string_view value, std::string* record) {
  AppendVarint(record, static_cast<uint64_t>(number) << 3 | 2);
  AppendVarint(record, value.size());
  record->append(value.data(), value.size());
}

Given RecordOf(Author* author) {
  Given given;
  AppendField(1, "k1", &given.record);
  for (int field = 0; field < kFields; ++field) {
    // No code point twice: what is hidden is told from what is shown.
    uint32_t next = FirstOf(field) + static_cast<uint32_t>(author->Below(64));
    const size_t occurrences = author->Below(8) == 0 ? 2 : author->Below(8) == 0 ? 0 : 1;
    for (size_t i = 0; i < occurrences; ++i) {
      std::string text;
      std::vector<uint32_t> codes(author->Below(10));
      for (uint32_t& code : codes) AppendCodePoint(code = next++, &text);
      AppendField(field + 2, text, &given.record);
      given.values[field].push_back(std::move(codes));
    }
  }
  return given;
}

std::set<uint32_t> MayLeave(const Written& rule, const Given& given) {
  std::set<uint32_t> may;
  for (const auto& [field, values] : given.values) {
    const Written::Shown shown = rule.shown.at(field);
    if (shown == Written::Shown::kNothing) continue;
    for (const std::vector<uint32_t>& codes : values) {
      size_t first = codes.size(), last = 0;
      if (shown == Written::Shown::kEnds) std::tie(first, last) = rule.ends.at(field);
      if (shown == Written::Shown::kEnds && first + last >= codes.size()) continue;
      for (size_t i = 0; i < codes.size(); ++i) {
        if (i < first || i + last >= codes.size()) may.insert(codes[i]);
      }
    }
  }
  return may;
}

TEST(ProjectionTest, NoHiddenCodePointLeavesByAnyWayThatARuleHas) {
  const auto contract = *schema::Contract::Parse("person.proto", kContract);
  const auto plan = RecordTransform::FieldsOf(*contract);
  const cel::Environment environment{
      .contains = [](absl::string_view, absl::string_view) { return false; },
      .has_division = [](absl::string_view) { return false; }};
  int accepted = 0, derived = 0, renamed = 0, returned = 0;
  for (const uint32_t seed : kSeeds) {
    Author author(seed);
    for (int i = 0; i < kRulesOfASeed; ++i) {
      const Written written = author.Write();
      std::vector<huiliu::v1::RuleError> errors;
      const auto set = ParseRuleSet("r.yaml", written.yaml, *contract, &errors);
      if (!set.ok()) continue;
      const Rule& rule = (*set)->rules[0];
      ++accepted;
      derived += rule.derive.empty() ? 0 : 1;
      renamed += rule.rename.empty() ? 0 : 1;
      auto transform = RecordTransform::Create(*contract, plan, rule, environment, kKey);
      ASSERT_TRUE(transform.ok()) << transform.status();
      for (int r = 0; r < 4; ++r) {
        const Given given = RecordOf(&author);
        std::vector<schema::FieldSlot> slots(contract->fields().size());
        ASSERT_TRUE(plan->Scan(given.record, absl::MakeSpan(slots)).ok());
        RecordTransform::Workspace workspace;
        std::string out;
        if ((*transform)->Apply({slots, "530102", given.record}, &workspace, &out) !=
            RecordTransform::Result::kOk) {
          ASSERT_EQ(out, "");
          continue;
        }
        ++returned;
        const std::set<uint32_t> may = MayLeave(written, given);
        for (const uint32_t code : CodePointsOf(out)) {
          const int field = FieldOfCode(code);
          ASSERT_TRUE(field < 0 || may.count(code) > 0)
              << "seed " << seed << ": a code point of f" << field << " leaves by\n"
              << written.yaml;
        }
      }
    }
  }
  // Enough of each to mean something.
  EXPECT_GT(accepted, 500);
  EXPECT_GT(derived, 100);
  EXPECT_GT(renamed, 100);
  EXPECT_GT(returned, 1000);
}

}  // namespace
}  // namespace huiliu::rules
