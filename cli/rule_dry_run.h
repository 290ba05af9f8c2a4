// huiliu rules dry-run: a draft beside the rules in force, on the records that the node holds.
#ifndef HUILIU_CLI_RULE_DRY_RUN_H_
#define HUILIU_CLI_RULE_DRY_RUN_H_

#include "cli/command.h"

namespace huiliu::cli {

void AddRuleDryRunVerb(CLI::App& group, Command& command);

}  // namespace huiliu::cli

#endif  // HUILIU_CLI_RULE_DRY_RUN_H_
