// huiliu rules explain: why a version of the rules decides a record as it does.
#ifndef HUILIU_CLI_RULE_EXPLAIN_H_
#define HUILIU_CLI_RULE_EXPLAIN_H_

#include <CLI/CLI.hpp>

#include "cli/command.h"

namespace huiliu::cli {

void AddRuleExplainVerb(CLI::App& group, Command& command);

}  // namespace huiliu::cli

#endif  // HUILIU_CLI_RULE_EXPLAIN_H_
