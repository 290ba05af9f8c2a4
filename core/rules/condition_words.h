// A condition in an officer's words: status == "停保" → 参保状态 为“停保”.
#ifndef HUILIU_CORE_RULES_CONDITION_WORDS_H_
#define HUILIU_CORE_RULES_CONDITION_WORDS_H_

#include <string>

#include "absl/strings/string_view.h"
#include "core/schema/contract.h"
#include "core/territory/territory.h"

namespace huiliu::rules {

// Of a condition of a common shape: a field compared with what is written or with another field
// (==, !=, <, <=, >, >=, in), its prefix, end or part, has, inDivision, isUscc, isCitizenId,
// maskedAtSource, `conflict`, a bool field, and what negates, joins (&&, ||) or chooses between
// (? :) these. The order of texts is not called that of numbers; times are told as in
// Asia/Shanghai. Empty: it is of another shape, or no CEL. In Chinese a field has its title, in
// English its name.
std::string ConditionInWords(absl::string_view condition, const schema::Contract& contract,
                             const territory::Divisions& divisions, bool english);

}  // namespace huiliu::rules

#endif  // HUILIU_CORE_RULES_CONDITION_WORDS_H_
