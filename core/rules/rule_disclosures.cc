// What leaves hidden under its own name must not leave under another: a derived or renamed field
// tells a hidden field's value only where the rule names it.
#include <algorithm>
#include <optional>
#include <set>

#include "absl/strings/str_cat.h"
#include "core/rules/expression_mentions.h"
#include "core/rules/rule_reader.h"

namespace huiliu::rules {
namespace {

using schema::Field;

// Why a field's value is not to be seen by this rule; nullptr: it leaves as it came, and whoever
// may read the field sees it.
struct Why {
  const char* chinese;
  const char* english;
};
constexpr Why kMasked = {"在本规则中脱敏", "is masked by this rule"};
constexpr Why kDropped = {"在本规则中不回流", "does not leave by this rule"};
constexpr Why kReplaced = {"在本规则中由别的值代替", "is replaced by this rule"};
constexpr Why kDefault = {"在契约中规定了默认脱敏", "has a default mask in the contract"};
constexpr Why kPersonal = {"是个人信息", "is personal information"};

bool Lists(const std::vector<std::string>& names, absl::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

// By the contract: its readers' grants hide it by the field's own name only, so that a rule keeps
// it does not open it under another.
const Why* ByContract(const Field& field) {
  const huiliu::v1::FieldDataOptions& options = field.options;
  if (options.has_default_mask() && !options.default_mask().keep()) return &kDefault;
  return options.personal() ? &kPersonal : nullptr;
}

const Why* ByRule(const Rule& rule, const Field& field, absl::string_view target) {
  for (const auto& [name, mask] : rule.masks) {
    if (name == field.name && !mask.has_keep()) return mask.has_drop() ? &kDropped : &kMasked;
  }
  if (Lists(rule.drop, field.name) || (!rule.keep.empty() && !Lists(rule.keep, field.name)))
    return &kDropped;
  // A field may be made anew of its own value.
  if (field.name == target) return nullptr;
  for (const auto& rename : rule.rename) {
    if (rename.second == field.name) return &kReplaced;
  }
  for (const DerivedField& derived : rule.derive) {
    if (derived.field == field.name) return &kReplaced;
  }
  return nullptr;
}

const Why* WhyHidden(const Rule& rule, const Field& field, absl::string_view target) {
  const Why* why = ByRule(rule, field, target);
  return why != nullptr ? why : ByContract(field);
}

std::string Both(absl::string_view chinese, absl::string_view english) {
  return absl::StrCat(chinese, " / ", english);
}

}  // namespace

void RuleReader::CheckDisclosures(const YamlNode& node, const Rule& rule, RuleSet* set) {
  const bool sound = errors_->empty();
  std::set<absl::string_view> told;
  const auto tells = [&](const Place& place, const Field& field, const std::string& chinese,
                         const std::string& english) {
    told.insert(field.name);
    if (Lists(rule.discloses, field.name)) {
      set->notices.push_back(Finding(place, Both(chinese, english)));
      return;
    }
    std::string refusal =
        Both(absl::StrCat(chinese, "；确需如此，请在本规则写明 discloses: [", field.name,
                          "]，否则请改用不隐藏的字段"),
             absl::StrCat(english, "; where that is meant, the rule says discloses: [", field.name,
                          "], else use a field that is not hidden"));
    if (age_ == RuleAge::kNew) return Report(place, std::move(refusal));
    set->notices.push_back(Finding(place, Both(chinese, english)));
    if (set->undisclosed.empty()) set->undisclosed = absl::StrCat(rule.id, ": ", refusal);
  };
  const YamlNode* derives = Find(node, "derive");
  for (const DerivedField& derived : rule.derive) {
    const YamlNode* expression = Find(*derives, derived.field);
    const auto place = [&](std::optional<size_t> offset) {
      return expression == nullptr ? derives->place : PlaceIn(*expression, offset.value_or(0));
    };
    for (const int index : derived.reads) {
      const Field& field = contract_->fields()[static_cast<size_t>(index)];
      const Why* why = WhyHidden(rule, field, derived.field);
      if (why == nullptr) continue;
      tells(place(OffsetOfField(derived.expression, field.name)), field,
            absl::StrCat("派生字段 ", derived.field, " 由 ", field.name, " 得出，", field.name, " ",
                         why->chinese),
            absl::StrCat("derived field ", derived.field, " is made of ", field.name, ", which ",
                         why->english));
    }
    // Where a record belongs is read from the basis: the county stands in a field that leaves
    // without it.
    const std::optional<size_t> division = OffsetOfDivision(derived.expression);
    if (!division.has_value()) continue;
    for (const huiliu::v1::Evidence& link : contract_->options().territory().evidence()) {
      const Field* field = contract_->FindField(link.field());
      const Why* why = field == nullptr ? nullptr : ByRule(rule, *field, derived.field);
      const bool read = field != nullptr && std::find(derived.reads.begin(), derived.reads.end(),
                                                      field->index) != derived.reads.end();
      if (why == nullptr || read) continue;
      tells(place(division), *field,
            absl::StrCat("派生字段 ", derived.field, " 用到归属区划，它由 ", field->name, " 得出，",
                         field->name, " ", why->chinese),
            absl::StrCat("derived field ", derived.field, " reads the division, which is told by ",
                         field->name, ", which ", why->english));
    }
  }
  for (const auto& [from, to] : rule.rename) {
    const Field& field = *contract_->FindField(from);
    const Field& target = *contract_->FindField(to);
    const bool kept = std::any_of(rule.masks.begin(), rule.masks.end(), [&, &name = from](auto& m) {
      return m.first == name && m.second.has_keep();
    });
    const bool opens = kept && ByContract(field) == &kDefault;
    const bool loses = field.options.personal() && !target.options.personal();
    if (!opens && !loses) continue;
    tells(
        Find(node, "rename")->place, field,
        absl::StrCat("字段 ", from, " 改名为 ", to, "，", from, " ", ByContract(field)->chinese,
                     loses ? absl::StrCat("，而 ", to, " 在契约中不是个人信息") : "，而照原样回流"),
        absl::StrCat("field ", from, " leaves as ", to, ", and ", from, " ",
                     ByContract(field)->english,
                     loses ? ", which the other is not in the contract" : ", yet leaves as it is"));
  }
  if (!sound) return;  // an expression that is wrong reads nothing yet
  const YamlNode* list = Find(node, "discloses");
  for (const std::string& name : rule.discloses) {
    if (told.count(name) > 0) continue;
    Report(list->place,
           Both(absl::StrCat("没有派生或改名的字段说出 ", name, "，请从 discloses 中去掉"),
                absl::StrCat("no derived or renamed field tells ", name,
                             ": take it out of discloses")));
  }
}

}  // namespace huiliu::rules
