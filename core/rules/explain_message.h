// An explanation as a message, for a viewer who may not see everything.
#ifndef HUILIU_CORE_RULES_EXPLAIN_MESSAGE_H_
#define HUILIU_CORE_RULES_EXPLAIN_MESSAGE_H_

#include <functional>
#include <string>

#include "core/rules/explain.h"
#include "huiliu/v1/rules.pb.h"

namespace huiliu::rules {

// How a viewer sees the fields of the record.
struct ExplainViewer {
  // Of a field and its text in the record: how it is told, and the text that is.
  std::function<std::pair<huiliu::v1::DryRunSample::Shown, std::string>(const schema::Field& field,
                                                                        const std::string& text)>
      show;
  // Whether he may know what is true of fields that he does not see clearly (the department that
  // the record comes from). Else conditions and evidence that read one are withheld.
  bool knows_all = false;
};

// Outcome, reason, belonging, links, rules and fields; the rest is the caller's. `record` is what
// was explained.
absl::StatusOr<huiliu::v1::Explanation> ToMessage(const Explanation& explanation,
                                                  const schema::Contract& contract,
                                                  const RuleSet& rule_set, absl::string_view record,
                                                  const ExplainViewer& viewer);

}  // namespace huiliu::rules

#endif  // HUILIU_CORE_RULES_EXPLAIN_MESSAGE_H_
