// Versions that were approved for a later date and never came into force, since another was
// approved that goes before them.
#ifndef HUILIU_CLI_RULE_REPLACED_H_
#define HUILIU_CLI_RULE_REPLACED_H_

#include <cstdint>
#include <string>
#include <vector>

#include "huiliu/v1/rules.pb.h"

namespace huiliu::cli {

// The version whose approval kept `version` from coming into force; 0: it was or will be in force,
// or was never approved. `all`: Rules/ListRuleSets.
uint32_t ReplacedBeforeItsDate(const huiliu::v1::RuleSet& version,
                               const huiliu::v1::ListRuleSetsResponse& all);

// A line of each version that `approved` replaces before its date. `before`: as they were listed
// before it was approved.
std::vector<std::string> ReplacedInWords(const huiliu::v1::RuleSet& approved,
                                         const huiliu::v1::ListRuleSetsResponse& before,
                                         bool english);

}  // namespace huiliu::cli

#endif  // HUILIU_CLI_RULE_REPLACED_H_
