// A territory override (认领决定) in the users' words, for tables and terminals.
#ifndef HUILIU_CORE_RULES_OVERRIDE_WORDS_H_
#define HUILIU_CORE_RULES_OVERRIDE_WORDS_H_

#include <string>

#include "huiliu/v1/overrides.pb.h"

namespace huiliu::rules {

// 名称 name=昆明某某公司
std::string MatchInWords(const huiliu::v1::TerritoryOverride& given, bool english);
std::string StateInWords(huiliu::v1::OverrideState state, bool english);
// 530102, with 非本地 where it says that the records are not the receiver's.
std::string DivisionInWords(const huiliu::v1::TerritoryOverride& given, bool english);

// How many records it would have claimed when it was proposed; empty where nothing was counted.
std::string ReachInWords(const huiliu::v1::TerritoryOverride& given, bool english);

}  // namespace huiliu::rules

#endif  // HUILIU_CORE_RULES_OVERRIDE_WORDS_H_
