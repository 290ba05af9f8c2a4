// A rule set's life: proposed by one officer, approved by another, in force, superseded.
#ifndef HUILIU_CLI_RULE_LIFE_H_
#define HUILIU_CLI_RULE_LIFE_H_

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

#include "cli/command.h"
#include "core/rules/rule_set.h"

namespace huiliu::cli {

void AddRuleLifeVerbs(CLI::App& group, Command& command);

// What `after` changes of `before` (nullptr: there was none), a line each; empty where nothing
// does.
std::vector<std::string> RuleChanges(const rules::RuleSet* before, const rules::RuleSet& after,
                                     bool english);

}  // namespace huiliu::cli

#endif  // HUILIU_CLI_RULE_LIFE_H_
