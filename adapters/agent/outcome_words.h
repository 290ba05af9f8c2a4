// Outcomes by name and in the users' words.
#ifndef HUILIU_ADAPTERS_AGENT_OUTCOME_WORDS_H_
#define HUILIU_ADAPTERS_AGENT_OUTCOME_WORDS_H_

#include "huiliu/v1/common.pb.h"

namespace huiliu::agent {

struct OutcomeWords {
  huiliu::v1::Outcome outcome;
  const char* name;
  const char* chinese;
  const char* english;
};
inline constexpr OutcomeWords kOutcomeWords[] = {
    {huiliu::v1::OUTCOME_UNSPECIFIED, "", "未处理", "not decided"},
    {huiliu::v1::OUTCOME_RETURNED, "returned", "已回流", "returned"},
    {huiliu::v1::OUTCOME_OUTSIDE_AREA, "outside_area", "域外", "outside area"},
    {huiliu::v1::OUTCOME_WITHHELD, "withheld", "规则不予回流", "withheld"},
    {huiliu::v1::OUTCOME_QUARANTINED, "quarantined", "问题数据", "quarantined"},
    {huiliu::v1::OUTCOME_PENDING, "pending", "待认领", "pending"}};

inline const OutcomeWords& WordsOf(huiliu::v1::Outcome outcome) {
  for (const OutcomeWords& words : kOutcomeWords) {
    if (words.outcome == outcome) return words;
  }
  return kOutcomeWords[0];
}
inline const char* OutcomeName(huiliu::v1::Outcome outcome) { return WordsOf(outcome).name; }
inline const char* OutcomeInWords(huiliu::v1::Outcome outcome, bool english) {
  return english ? WordsOf(outcome).english : WordsOf(outcome).chinese;
}

}  // namespace huiliu::agent

#endif  // HUILIU_ADAPTERS_AGENT_OUTCOME_WORDS_H_
