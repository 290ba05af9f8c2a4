// What a rule does to fields: keep, drop, masks, rename, derive.
#include <algorithm>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "core/cel/formula.h"
#include "core/rules/masks.h"
#include "core/rules/rule_reader.h"

namespace huiliu::rules {
namespace {

using huiliu::v1::Mask;
using Generalise = huiliu::v1::Mask::Generalise;
using Kind = YamlNode::Kind;

constexpr absl::string_view kPartialKeys[] = {"keep_first", "keep_last", "fill"};
constexpr std::pair<absl::string_view, Generalise::Level> kLevels[] = {
    {"province", Generalise::LEVEL_PROVINCE},
    {"city", Generalise::LEVEL_CITY},
    {"county", Generalise::LEVEL_COUNTY},
    {"township", Generalise::LEVEL_TOWNSHIP}};

bool IsDerived(const Rule& rule, absl::string_view field) {
  return std::any_of(rule.derive.begin(), rule.derive.end(),
                     [&](const DerivedField& derived) { return derived.field == field; });
}

// Whether the field's value comes from elsewhere than the source's field of that name.
bool IsFilled(const Rule& rule, absl::string_view field) {
  return std::any_of(rule.rename.begin(), rule.rename.end(),
                     [&](const auto& rename) { return rename.second == field; }) ||
         IsDerived(rule, field);
}

bool IsRenamed(const Rule& rule, absl::string_view field) {
  return std::any_of(rule.rename.begin(), rule.rename.end(),
                     [&](const auto& rename) { return rename.first == field; });
}

// Whose value leaves as `field`: itself where it is not the target of a rename.
const std::string& RenamedFrom(const Rule& rule, const std::string& field) {
  for (const auto& [from, to] : rule.rename) {
    if (to == field) return from;
  }
  return field;
}

}  // namespace

void RuleReader::ReadFields(const YamlNode& node, absl::string_view what,
                            std::vector<std::string>* fields) {
  if (node.kind != Kind::kSequence || node.items.empty()) {
    Report(node.place, absl::StrCat(what, " 应列出字段 / ", what, " is a list of fields"));
    return;
  }
  for (const YamlNode& item : node.items) {
    const schema::Field* field = FieldOf(item);
    if (field == nullptr) continue;
    if (std::find(fields->begin(), fields->end(), field->name) != fields->end()) {
      Report(item.place,
             absl::StrCat("重复的字段 ", field->name, " / duplicate field ", field->name));
      continue;
    }
    if (what == "drop" && field->options.key()) {
      Report(item.place,
             absl::StrCat("主键字段 ", field->name, " 不能去掉：主键随记录传送 / key field ",
                          field->name, " cannot be dropped: the key travels with the record"));
    }
    fields->push_back(field->name);
  }
}

void RuleReader::ReadMasks(const YamlNode& node, Rule* rule) {
  if (node.kind != Kind::kMap || node.entries.empty()) {
    Report(node.place, "masks 应为 字段: 脱敏方式 / masks maps fields to masks");
    return;
  }
  CheckKeys(node, {});
  for (const auto& [name, value] : node.entries) {
    const schema::Field* field = FieldOf(name);
    Mask mask;
    if (!ReadMask(value, &mask) || field == nullptr) continue;
    if (IsDerived(*rule, field->name)) {
      Report(name.place, absl::StrCat("字段 ", field->name, " 由 derive 填写，不另脱敏 / field ",
                                      field->name, " is filled by derive and takes no mask"));
      continue;
    }
    absl::Status fits = CheckMask(mask, *field);
    if (fits.ok() && divisions_ != nullptr) fits = CheckVisible(mask);
    if (!fits.ok()) {
      Report(value.place, absl::StrCat(field->name, ": ", fits.message()));
      continue;
    }
    if (field->options.key() && !mask.has_keep()) {
      Report(name.place,
             absl::StrCat("主键字段 ", field->name, " 不能脱敏：主键随记录传送 / key field ",
                          field->name, " cannot be masked: the key travels with the record"));
      continue;
    }
    // Of a renamed field the mask may stand with either name: it is of the value that leaves.
    const std::string& from = RenamedFrom(*rule, field->name);
    const bool stated = std::any_of(rule->masks.begin(), rule->masks.end(),
                                    [&](const auto& known) { return known.first == from; });
    if (stated) {
      Report(name.place, absl::StrCat("字段 ", from, " 改名为 ", field->name,
                                      "，两处都写了脱敏，只能写一处 / field ", from,
                                      " leaves as another: state its mask once"));
      continue;
    }
    rule->masks.emplace_back(from, std::move(mask));
  }
}

bool RuleReader::ReadMask(const YamlNode& node, Mask* mask) {
  if (node.kind == Kind::kScalar) {
    if (node.value == "keep") mask->set_keep(true);
    if (node.value == "drop") mask->set_drop(true);
    if (node.value == "hash") mask->set_hash(true);
    if (mask->kind_case() != Mask::KIND_NOT_SET) return true;
  } else if (node.kind == Kind::kMap && node.entries.size() == 1) {
    const auto& [name, value] = node.entries[0];
    if (name.value == "partial") return ReadPartial(value, mask->mutable_partial());
    if (name.value == "generalise") return ReadGeneralise(value, mask->mutable_generalise());
    if (name.value == "constant") {
      mask->set_constant(Text(value, "constant"));
      return true;
    }
    if (name.value == "hash" && value.kind == Kind::kScalar) {
      if (value.value == "sha256") mask->set_hash(true);
      if (value.value == "sm3") mask->set_hash_sm3(true);
      if (mask->kind_case() != Mask::KIND_NOT_SET) return true;
    }
  }
  Report(node.place,
         "脱敏方式：keep、drop、hash、{hash: sm3}、{constant: 文本}、{partial: {keep_first: n, "
         "keep_last: n}}、{generalise: province|city|county|township|month|year} 或 {generalise: "
         "{band: n}} / unknown mask");
  return false;
}

bool RuleReader::ReadPartial(const YamlNode& node, Mask::Partial* partial) {
  if (node.kind != Kind::kMap) {
    Report(node.place, "partial 应为 {keep_first: n, keep_last: n} / partial is a map");
    return false;
  }
  const size_t before = errors_->size();
  CheckKeys(node, kPartialKeys);
  for (const auto& [name, value] : node.entries) {
    if (name.value == "fill") {
      partial->set_fill(Text(value, "fill"));
      continue;
    }
    uint32_t count = 0;
    if (value.kind != Kind::kScalar || !absl::SimpleAtoi(value.value, &count)) {
      Report(value.place, absl::StrCat(name.value, " 应为非负整数 / ", name.value,
                                       " is a number of characters"));
      continue;
    }
    if (name.value == "keep_first") partial->set_keep_first(count);
    if (name.value == "keep_last") partial->set_keep_last(count);
  }
  return errors_->size() == before;
}

bool RuleReader::ReadGeneralise(const YamlNode& node, Generalise* to) {
  if (node.kind == Kind::kScalar) {
    for (const auto& [word, level] : kLevels) {
      if (node.value == word) to->set_division(level);
    }
    if (node.value == "month") to->set_date(Generalise::PRECISION_MONTH);
    if (node.value == "year") to->set_date(Generalise::PRECISION_YEAR);
    if (to->to_case() != Generalise::TO_NOT_SET) return true;
  } else if (node.kind == Kind::kMap && node.entries.size() == 1 &&
             node.entries[0].first.value == "band") {
    double width = 0;
    if (absl::SimpleAtod(Text(node.entries[0].second, "band"), &width)) {
      to->set_band(width);
      return true;
    }
  }
  Report(node.place,
         "概化为 province、city、county、township、month、year 或 {band: 宽度} / generalise to one "
         "of these");
  return false;
}

void RuleReader::ReadRename(const YamlNode& node, Rule* rule) {
  if (node.kind != Kind::kMap || node.entries.empty()) {
    Report(node.place, "rename 应为 原字段: 新字段 / rename maps fields to fields");
    return;
  }
  CheckKeys(node, {});
  for (const auto& [name, value] : node.entries) {
    const schema::Field* from = FieldOf(name);
    const schema::Field* to = FieldOf(value);
    if (from == nullptr || to == nullptr) continue;
    std::string wrong;
    if (from->options.key() || to->options.key()) {
      wrong = "主键字段不能改名：主键随记录传送 / a key field keeps its name";
    } else if (from == to) {
      wrong = "新旧字段相同 / a field is renamed to itself";
    } else if (from->type != to->type || from->repeated != to->repeated ||
               from->descriptor->type() != to->descriptor->type() ||
               from->descriptor->message_type() != to->descriptor->message_type() ||
               from->descriptor->enum_type() != to->descriptor->enum_type()) {
      wrong = absl::StrCat("字段 ", to->name, " 类型不同 / field ", to->name, " has another type");
    } else if (IsFilled(*rule, to->name)) {
      wrong = absl::StrCat("字段 ", to->name, " 已有来源 / field ", to->name, " is filled twice");
    } else if (const std::string& both = IsRenamed(*rule, to->name) ? to->name : from->name;
               age_ == RuleAge::kNew &&
               (IsRenamed(*rule, to->name) || IsFilled(*rule, from->name))) {
      wrong = absl::StrCat(
          "字段 ", both, " 既改名又承接另一字段：其脱敏属于哪个值会有歧义，请改用另一字段 / field ",
          both,
          " is renamed and takes another's value: whose a mask of that name "
          "is could not be told; use another field");
    }
    if (!wrong.empty()) {
      Report(value.place, std::move(wrong));
      continue;
    }
    rule->rename.emplace_back(from->name, to->name);
  }
}

void RuleReader::ReadDerive(const YamlNode& node, Rule* rule) {
  if (node.kind != Kind::kMap || node.entries.empty()) {
    Report(node.place, "derive 应为 字段: CEL 表达式 / derive maps fields to expressions");
    return;
  }
  CheckKeys(node, {});
  for (const auto& [name, value] : node.entries) {
    const schema::Field* field = FieldOf(name);
    if (field == nullptr) continue;
    if (field->options.key() || IsFilled(*rule, field->name)) {
      Report(name.place, absl::StrCat("字段 ", field->name,
                                      field->options.key() ? " 是主键，不能计算 / is a key field"
                                                           : " 已有来源 / is filled twice"));
      continue;
    }
    std::vector<int> reads;
    std::string expression = ReadExpression(
        value, "derive",
        [&, &text = value.value](const cel::Environment& environment,
                                 std::vector<cel::Issue>* issues) {
          auto formula = cel::Formula::Compile(text, *contract_, *field, environment, issues);
          if (formula.ok()) reads.assign((*formula)->fields().begin(), (*formula)->fields().end());
          return formula.status();
        });
    if (!expression.empty())
      rule->derive.push_back({field->name, std::move(expression), std::move(reads)});
  }
}

void RuleReader::MaskRenamed(Rule* rule) {
  for (const auto& rename : rule->rename) {
    const std::string& from = rename.first;
    const huiliu::v1::FieldDataOptions& options = contract_->FindField(from)->options;
    const bool stated = std::any_of(rule->masks.begin(), rule->masks.end(),
                                    [&](const auto& known) { return known.first == from; });
    // Who reads it by its new name would not be shown it by the mask of the old one.
    if (!stated && options.has_default_mask() && !options.default_mask().keep())
      rule->masks.emplace_back(from, options.default_mask());
  }
}

void RuleReader::CheckProjection(const YamlNode& node, const Rule& rule) {
  if (!rule.returns) {
    for (const absl::string_view key : {"keep", "drop", "masks", "rename", "derive", "discloses"}) {
      if (const YamlNode* value = Find(node, key); value != nullptr) {
        Report(value->place,
               absl::StrCat("不予回流的规则不写 ", key, " / a withholding rule has no ", key));
      }
    }
    return;
  }
  const auto listed = [](const std::vector<std::string>& list, const std::string& name) {
    return std::find(list.begin(), list.end(), name) != list.end();
  };
  if (const YamlNode* keep = Find(node, "keep"); keep != nullptr && !rule.keep.empty()) {
    for (const schema::Field* field : contract_->key_fields()) {
      if (!listed(rule.keep, field->name)) {
        Report(keep->place, absl::StrCat("keep 须含主键字段 ", field->name,
                                         " / keep lacks the key field ", field->name));
      }
    }
  }
  for (const auto& [from, to] : rule.rename) {
    if ((rule.keep.empty() || listed(rule.keep, from)) && !listed(rule.drop, from)) continue;
    Report(Find(node, "rename")->place,
           absl::StrCat("字段 ", from, " 并不回流 / field ", from, " is renamed but not kept"));
  }
  for (const std::string& name : rule.drop) {
    if (IsFilled(rule, name)) {
      Report(Find(node, "drop")->place,
             absl::StrCat("字段 ", name, " 由 rename 或 derive 填写，不能去掉 / field ", name,
                          " is filled by rename or derive and cannot be dropped"));
    }
    if (!listed(rule.keep, name)) continue;
    Report(Find(node, "drop")->place, absl::StrCat("字段 ", name, " 既保留又去掉 / field ", name,
                                                   " is both kept and dropped"));
  }
  for (const auto& [name, mask] : rule.masks) {
    if ((rule.keep.empty() || listed(rule.keep, name)) && !listed(rule.drop, name)) continue;
    Report(Find(node, "masks")->place, absl::StrCat("字段 ", name, " 并不回流，无需脱敏 / field ",
                                                    name, " is masked but not kept"));
  }
}

}  // namespace huiliu::rules
