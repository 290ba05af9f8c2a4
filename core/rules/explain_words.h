// An explanation, as an officer reads it, in Chinese or English.
#ifndef HUILIU_CORE_RULES_EXPLAIN_WORDS_H_
#define HUILIU_CORE_RULES_EXPLAIN_WORDS_H_

#include <functional>
#include <string>

#include "core/schema/contract.h"
#include "huiliu/v1/rules.pb.h"

namespace huiliu::rules {

struct ExplainLanguage {
  bool english = false;
  // A division's name; empty where it is not known.
  std::function<std::string(const std::string& code)> place;
  // The name that people call a field by; the field's own where it is empty.
  std::function<std::string(const std::string& field)> title;
  // What stands for a value that is withheld.
  std::string withheld;
  bool links = true;  // the evidence of where it belongs, link by link
};

// All lines, each with its end; no value draws on the terminal.
std::string ExplanationInWords(const huiliu::v1::Explanation& explanation,
                               const ExplainLanguage& language);

}  // namespace huiliu::rules

#endif  // HUILIU_CORE_RULES_EXPLAIN_WORDS_H_
