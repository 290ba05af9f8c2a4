// A dry run's report, as people read it, in Chinese or English.
#ifndef HUILIU_CORE_RULES_DRY_RUN_WORDS_H_
#define HUILIU_CORE_RULES_DRY_RUN_WORDS_H_

#include <functional>
#include <string>

#include "huiliu/v1/rules.pb.h"

namespace huiliu::rules {

std::string InWords(huiliu::v1::DryRunCategory category, bool english);
// newly_returned …: the name for scripts.
std::string NameOf(huiliu::v1::DryRunCategory category);

// A division's name; empty where it is not known.
using PlaceName = std::function<std::string(const std::string& code)>;

// The whole report; every line ends with a newline, and no value draws on the terminal.
std::string ReportInWords(const huiliu::v1::DryRunReport& report, const PlaceName& place,
                          bool english);
// "2026-01-01 08:00 昆明…: 新增回流 3，不再回流 12；比对 1000 条": one line, without its end.
std::string SummaryInWords(const huiliu::v1::DryRunSummary& summary, bool english);

}  // namespace huiliu::rules

#endif  // HUILIU_CORE_RULES_DRY_RUN_WORDS_H_
