// A rule set's life: proposed by one officer, approved by another, in force, superseded.
#ifndef HUILIU_CLI_RULE_LIFE_H_
#define HUILIU_CLI_RULE_LIFE_H_

#include <CLI/CLI.hpp>
#include <memory>
#include <string>
#include <vector>

#include "cli/command.h"
#include "core/rules/rule_set.h"
#include "huiliu/v1/rules.pb.h"

namespace huiliu::cli {

void AddRuleLifeVerbs(CLI::App& group, Command& command);
void AddRuleApplyVerb(CLI::App& group, Command& command);
void AddRuleImpactVerb(CLI::App& group, Command& command);

// What an approver should know of a rule set, a line each, in the reader's language.
std::vector<std::string> NoticesInWords(const rules::RuleSet& rule_set, bool english);

std::string StateInWords(huiliu::v1::RuleSetState state, bool english);
// How far a version's re-evaluation of history has come; empty where it asks for none.
std::string ReevaluationInWords(const huiliu::v1::RuleSet& version, bool english);

// What the node has in force for a rule file; nullptr where nothing is.
absl::StatusOr<std::shared_ptr<const rules::RuleSet>> RulesInForce(
    Command& command, const rules::RuleSetHead& head, const schema::Contract& contract);

// What `after` changes of `before` (nullptr: there was none), a line each; empty where nothing
// does.
std::vector<std::string> RuleChanges(const rules::RuleSet* before, const rules::RuleSet& after,
                                     bool english);

}  // namespace huiliu::cli

#endif  // HUILIU_CLI_RULE_LIFE_H_
