// Turns a rule file's tree into a RuleSet and collects every finding with its place.
// docs/formats/rules.md.
#ifndef HUILIU_CORE_RULES_RULE_READER_H_
#define HUILIU_CORE_RULES_RULE_READER_H_

#include <functional>
#include <set>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "core/cel/program.h"
#include "core/rules/rule_set.h"
#include "core/rules/yaml_tree.h"
#include "core/schema/contract.h"
#include "core/territory/territory.h"
#include "huiliu/v1/rules.pb.h"

namespace huiliu::rules {

// ReadHead? ReadRules?, once. `contract` may be nullptr where only the head is read, `divisions`
// where areas are not looked up.
class RuleReader {
 public:
  RuleReader(absl::string_view file, const YamlTree& tree, const schema::Contract* contract,
             const territory::Divisions* divisions, std::vector<huiliu::v1::RuleError>* errors,
             RuleAge age = RuleAge::kNew)
      : file_(file),
        tree_(tree),
        contract_(contract),
        divisions_(divisions),
        errors_(errors),
        age_(age) {}

  // dataset and receiver.
  void ReadHead(RuleSet* set);
  // The rest; unknown keys of the head too.
  void ReadRules(RuleSet* set);

 private:
  void Report(const Place& place, std::string message);
  huiliu::v1::RuleError Finding(const Place& place, std::string message) const;
  // The value of `key`, or nullptr; a second occurrence is a finding.
  const YamlNode* Find(const YamlNode& map, absl::string_view key);
  void CheckKeys(const YamlNode& map, absl::Span<const absl::string_view> known);
  // Text of a scalar; a finding and empty where it is none.
  std::string Text(const YamlNode& node, absl::string_view what);
  const schema::Field* FieldOf(const YamlNode& node);

  void ReadRule(const YamlNode& node, RuleSet* set, Rule* rule);
  void ReadId(const YamlNode& node, Rule* rule);
  void ReadWhen(const YamlNode& node, Rule* rule);
  using Compile = std::function<absl::Status(const cel::Environment&, std::vector<cel::Issue>*)>;
  // The expression; empty where there is none. What `compile` finds is reported at its place.
  std::string ReadExpression(const YamlNode& node, absl::string_view what, const Compile& compile);
  // The place of a byte of a scalar's value.
  Place PlaceIn(const YamlNode& scalar, size_t offset) const;
  // Divisions that are compared with, but no division ever is.
  void CheckComparedDivisions(const YamlNode& node);
  // rule_fields.cc
  void ReadFields(const YamlNode& node, absl::string_view what, std::vector<std::string>* fields);
  void ReadMasks(const YamlNode& node, Rule* rule);
  bool ReadMask(const YamlNode& node, huiliu::v1::Mask* mask);
  bool ReadPartial(const YamlNode& node, huiliu::v1::Mask::Partial* partial);
  bool ReadGeneralise(const YamlNode& node, huiliu::v1::Mask::Generalise* to);
  void ReadRename(const YamlNode& node, Rule* rule);
  void ReadDerive(const YamlNode& node, Rule* rule);
  void MaskRenamed(Rule* rule);
  void CheckProjection(const YamlNode& node, const Rule& rule);
  // rule_disclosures.cc
  void CheckDisclosures(const YamlNode& node, const Rule& rule, RuleSet* set);
  // rule_reader.cc
  void ReadValidity(const YamlNode& node, Rule* rule);

  const std::string file_;
  const YamlTree& tree_;
  const schema::Contract* const contract_;
  const territory::Divisions* const divisions_;
  std::vector<huiliu::v1::RuleError>* const errors_;
  const RuleAge age_;
  std::string default_basis_;
  std::string rule_;  // id of the rule being read
  std::set<std::string> ids_;
};

}  // namespace huiliu::rules

#endif  // HUILIU_CORE_RULES_RULE_READER_H_
