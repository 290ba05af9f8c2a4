#include "core/rules/rule_reader.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/time/civil_time.h"
#include "absl/time/time.h"
#include "core/cel/program.h"
#include "core/rules/expression_mentions.h"
#include "core/text/utf8.h"

namespace huiliu::rules {
namespace {

using Kind = YamlNode::Kind;

constexpr size_t kMaxRules = 20000;
constexpr size_t kMaxIdBytes = 64;
constexpr size_t kMaxExpressionBytes = 16384;
constexpr absl::string_view kHeadKeys[] = {"dataset", "receiver",    "version",
                                           "title",   "legal_basis", "rules"};
constexpr absl::string_view kRuleKeys[] = {
    "id",    "title",  "when",   "withhold",  "legal_basis", "keep",    "drop",
    "masks", "rename", "derive", "discloses", "valid_from",  "valid_to"};

bool IsRuleId(absl::string_view id) {
  if (id.empty() || id.size() > kMaxIdBytes ||
      !(absl::ascii_islower(id[0]) || absl::ascii_isdigit(id[0]))) {
    return false;
  }
  return std::all_of(id.begin(), id.end(), [](char c) {
    return absl::ascii_islower(c) || absl::ascii_isdigit(c) || c == '_' || c == '-' || c == '.';
  });
}

// The start of a day in Asia/Shanghai (UTC+8 since 1991).
bool ParseDay(absl::string_view text, absl::CivilDay* day) {
  return text.size() == 10 && absl::ParseCivilTime(text, day) &&
         absl::FormatCivilTime(*day) == text;
}
absl::Time StartOf(absl::CivilDay day) {
  return absl::FromCivil(day, absl::FixedTimeZone(8 * 3600));
}

}  // namespace

huiliu::v1::RuleError RuleReader::Finding(const Place& place, std::string message) const {
  huiliu::v1::RuleError finding;
  finding.set_file(file_);
  finding.set_line(place.line);
  finding.set_column(place.column);
  finding.set_rule(rule_);
  finding.set_message(std::move(message));
  return finding;
}

void RuleReader::Report(const Place& place, std::string message) {
  errors_->push_back(Finding(place, std::move(message)));
}

const YamlNode* RuleReader::Find(const YamlNode& map, absl::string_view key) {
  for (const auto& [name, value] : map.entries) {
    if (name.value == key) return &value;
  }
  return nullptr;
}

void RuleReader::CheckKeys(const YamlNode& map, absl::Span<const absl::string_view> known) {
  std::set<absl::string_view> seen;
  for (const auto& [name, value] : map.entries) {
    if (name.kind != Kind::kScalar ||
        (!known.empty() && std::find(known.begin(), known.end(), name.value) == known.end())) {
      Report(name.place, absl::StrCat("未知的键 ", name.value, "，可用：",
                                      absl::StrJoin(known, " "), " / unknown key ", name.value));
    } else if (!seen.insert(name.value).second) {
      Report(name.place, absl::StrCat("重复的键 ", name.value, " / duplicate key ", name.value));
    }
  }
}

std::string RuleReader::Text(const YamlNode& node, absl::string_view what) {
  const std::string text(absl::StripAsciiWhitespace(node.value));
  if (node.kind == Kind::kScalar && !text.empty()) return text;
  Report(node.place,
         absl::StrCat(what, " 应为文字且不为空 / ", what, " must be text and not empty"));
  return "";
}

const schema::Field* RuleReader::FieldOf(const YamlNode& node) {
  const std::string name = Text(node, "field");
  if (name.empty()) return nullptr;
  const schema::Field* field = contract_->FindField(name);
  if (field == nullptr) {
    Report(node.place, absl::StrCat("数据集 ", contract_->id().value(), " 没有字段 ", name,
                                    " / unknown field ", name));
  }
  return field;
}

void RuleReader::ReadHead(RuleSet* set) {
  const YamlNode& root = tree_.root();
  if (root.kind != Kind::kMap) {
    Report(root.place, "规则文件应为键值 / a rule file is a map with dataset, receiver, rules");
    return;
  }
  for (const absl::string_view key : {"dataset", "receiver"}) {
    const YamlNode* node = Find(root, key);
    if (node == nullptr) {
      Report(root.place, absl::StrCat("缺少 ", key, " / ", key, " is missing"));
      continue;
    }
    std::string text = Text(*node, key);
    if (key == "dataset") {
      if (contract_ != nullptr && !text.empty() && text != contract_->id().value()) {
        Report(node->place,
               absl::StrCat("规则用于数据集 ", text, "，而契约是 ", contract_->id().value(),
                            " / the rules are for another dataset than the contract"));
      }
      set->dataset = DatasetId(std::move(text));
    } else {
      const bool is_code =
          text.size() == 6 && std::all_of(text.begin(), text.end(), absl::ascii_isdigit);
      if (divisions_ != nullptr && is_code) {
        if (const absl::Status known = territory::CheckArea(*divisions_, text); !known.ok())
          Report(node->place, std::string(known.message()));
      }
      set->receiver = ReceiverId(std::move(text));
    }
  }
}

void RuleReader::ReadRules(RuleSet* set) {
  const YamlNode& root = tree_.root();
  if (root.kind != Kind::kMap) return;
  CheckKeys(root, kHeadKeys);
  set->version = 1;
  if (const YamlNode* node = Find(root, "version"); node != nullptr) {
    if (!absl::SimpleAtoi(Text(*node, "version"), &set->version) || set->version == 0) {
      Report(node->place, "version 应为正整数 / version is a positive integer");
    }
  }
  if (const YamlNode* node = Find(root, "title"); node != nullptr) Text(*node, "title");
  if (const YamlNode* node = Find(root, "legal_basis"); node != nullptr)
    default_basis_ = Text(*node, "legal_basis");
  const YamlNode* rules = Find(root, "rules");
  if (rules == nullptr || rules->kind != Kind::kSequence || rules->items.empty()) {
    Report(rules == nullptr ? root.place : rules->place,
           "rules 应列出至少一条规则 / rules lists at least one rule");
    return;
  }
  if (rules->items.size() > kMaxRules) {
    Report(rules->place,
           absl::StrCat("最多 ", kMaxRules, " 条规则 / at most ", kMaxRules, " rules a file"));
    return;
  }
  for (const YamlNode& item : rules->items) {
    rule_.clear();
    Rule rule;
    ReadRule(item, set, &rule);
    set->rules.push_back(std::move(rule));
  }
  rule_.clear();
}

void RuleReader::ReadRule(const YamlNode& node, RuleSet* set, Rule* rule) {
  rule->line = node.place.line;
  if (node.kind != Kind::kMap) {
    Report(node.place, "规则应为键值 / a rule is a map");
    return;
  }
  ReadId(node, rule);
  CheckKeys(node, kRuleKeys);
  if (const YamlNode* title = Find(node, "title"); title != nullptr)
    rule->title = Text(*title, "title");
  rule->legal_basis = default_basis_;
  if (const YamlNode* basis = Find(node, "legal_basis"); basis != nullptr) {
    rule->legal_basis = Text(*basis, "legal_basis");
  } else if (default_basis_.empty()) {
    Report(node.place, "缺少法律依据 legal_basis / legal_basis is missing");
  }
  if (const YamlNode* when = Find(node, "when"); when != nullptr) ReadWhen(*when, rule);
  if (const YamlNode* withhold = Find(node, "withhold"); withhold != nullptr) {
    rule->returns = false;
    rule->reason = Text(*withhold, "withhold");
  }
  if (const YamlNode* keep = Find(node, "keep"); keep != nullptr)
    ReadFields(*keep, "keep", &rule->keep);
  if (const YamlNode* drop = Find(node, "drop"); drop != nullptr)
    ReadFields(*drop, "drop", &rule->drop);
  if (const YamlNode* rename = Find(node, "rename"); rename != nullptr) ReadRename(*rename, rule);
  if (const YamlNode* derive = Find(node, "derive"); derive != nullptr) ReadDerive(*derive, rule);
  if (const YamlNode* masks = Find(node, "masks"); masks != nullptr) ReadMasks(*masks, rule);
  if (const YamlNode* discloses = Find(node, "discloses"); discloses != nullptr)
    ReadFields(*discloses, "discloses", &rule->discloses);
  MaskRenamed(rule);
  ReadValidity(node, rule);
  CheckProjection(node, *rule);
  if (rule->returns) CheckDisclosures(node, *rule, set);
}

void RuleReader::ReadId(const YamlNode& node, Rule* rule) {
  const YamlNode* id = Find(node, "id");
  if (id == nullptr) {
    Report(node.place, "规则缺少 id / the rule has no id");
    return;
  }
  rule->id = Text(*id, "id");
  if (rule->id.empty()) return;
  if (!IsRuleId(rule->id)) {
    Report(
        id->place,
        "id 用小写字母、数字、_ - .，最长 64 / id: lower-case letters, digits, _ - ., at most 64");
    return;
  }
  rule_ = rule->id;
  if (!ids_.insert(rule->id).second) {
    Report(id->place, absl::StrCat("重复的规则 id ", rule->id, " / duplicate rule id ", rule->id));
  }
}

void RuleReader::ReadWhen(const YamlNode& node, Rule* rule) {
  rule->when = ReadExpression(
      node, "when", [&](const cel::Environment& environment, std::vector<cel::Issue>* issues) {
        return cel::Predicate::Compile(node.value, *contract_, environment, issues).status();
      });
  if (rule->when.empty()) return;
  const Place place = tree_.PlacesOf(node)[0];
  rule->when_line = place.line;
  rule->when_column = place.column;
}

std::string RuleReader::ReadExpression(const YamlNode& node, absl::string_view what,
                                       const Compile& compile) {
  if (Text(node, what).empty()) return "";
  if (node.value.size() > kMaxExpressionBytes) {
    Report(node.place,
           absl::StrCat("表达式最长 ", kMaxExpressionBytes, " 字节 / an expression has at most ",
                        kMaxExpressionBytes, " bytes"));
    return "";
  }
  const std::string& text = node.value;
  const std::vector<Place> places = tree_.PlacesOf(node);
  std::vector<cel::Issue> issues;
  // Whether a record lies in an area is asked only when it is decided.
  cel::Environment environment{[](absl::string_view, absl::string_view) { return false; },
                               [](absl::string_view) { return std::string(); }};
  if (divisions_ != nullptr) {
    environment.check_area = [this](absl::string_view area) {
      return territory::CheckArea(*divisions_, area);
    };
  }
  const absl::Status compiled = compile(environment, &issues);
  if (!compiled.ok() && issues.empty()) issues.push_back({1, 1, std::string(compiled.message())});
  for (const cel::Issue& issue : issues) {
    // From the expression's own line and column to its code point, from there into the file.
    size_t index = 0;
    int line = 1;
    for (size_t i = 0; i < text.size() && line < issue.line; ++i) {
      if ((static_cast<uint8_t>(text[i]) & 0xC0) != 0x80) ++index;
      if (text[i] == '\n') ++line;
    }
    index += std::max(issue.column, 1) - 1;
    Report(places[std::min(index, places.size() - 1)], issue.message);
  }
  if (issues.empty()) CheckComparedDivisions(node);
  return text;
}

Place RuleReader::PlaceIn(const YamlNode& scalar, size_t offset) const {
  const std::vector<Place> places = tree_.PlacesOf(scalar);
  const absl::string_view before = absl::string_view(scalar.value).substr(0, offset);
  return places[std::min(text::CodePointCount(before), places.size() - 1)];
}

void RuleReader::CheckComparedDivisions(const YamlNode& node) {
  if (divisions_ == nullptr) return;
  for (const ComparedDivision& compared : ComparedDivisions(node.value)) {
    // An empty one asks for what belongs nowhere.
    if (compared.code.empty()) continue;
    const Place place = PlaceIn(node, compared.offset);
    const absl::Status known = territory::CheckArea(*divisions_, compared.code);
    if (!known.ok()) {
      Report(place, std::string(known.message()));
    } else if (const std::string now = divisions_->Resolve(compared.code); now != compared.code) {
      Report(place, absl::StrCat(
                        "区划 ", compared.code, " 已由 ", now, " 承接，归属区划只写现行代码，请写 ",
                        now, " / ", compared.code, " is ", now,
                        " today, and divisions are told by the codes of today: write ", now));
    }
  }
}

void RuleReader::ReadValidity(const YamlNode& node, Rule* rule) {
  absl::CivilDay from, to;
  const auto read = [&](absl::string_view key, absl::CivilDay* day) -> const YamlNode* {
    const YamlNode* value = Find(node, key);
    if (value == nullptr) return nullptr;
    if (value->kind == Kind::kScalar && ParseDay(value->value, day)) return value;
    Report(value->place,
           absl::StrCat(key, " 应为日期 YYYY-MM-DD / ", key, " is a date YYYY-MM-DD"));
    return nullptr;
  };
  const YamlNode* from_node = read("valid_from", &from);
  const YamlNode* to_node = read("valid_to", &to);
  if (from_node != nullptr) rule->valid_from = StartOf(from);
  if (to_node != nullptr) rule->valid_to = StartOf(to + 1);
  if (from_node != nullptr && to_node != nullptr && to < from) {
    Report(to_node->place, "valid_to 早于 valid_from / valid_to is before valid_from");
  }
}

}  // namespace huiliu::rules
