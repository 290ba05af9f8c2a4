// A batch in the making: what BatchMaker's parts share. Private to the module.
#ifndef HUILIU_ADAPTERS_AGENT_BATCH_WORK_H_
#define HUILIU_ADAPTERS_AGENT_BATCH_WORK_H_

#include <map>
#include <set>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/time/civil_time.h"
#include "adapters/agent/batch_maker.h"
#include "core/merkle/merkle.h"

namespace huiliu::agent {

inline absl::string_view View(const huiliu_bytes& bytes) { return {bytes.data, bytes.size}; }

inline std::string DayOf(int32_t days_since_epoch) {
  return absl::FormatCivilTime(absl::CivilDay(1970, 1, 1) + days_since_epoch);
}

// Days since 1970-01-01; 0 where the text is no day.
inline int32_t NumberOf(const std::string& day) {
  absl::CivilDay civil;
  return absl::ParseCivilTime(day, &civil)
             ? static_cast<int32_t>(civil - absl::CivilDay(1970, 1, 1))
             : 0;
}

struct BatchMaker::Work {
  const huiliu_rows& rows;
  const uint64_t epoch;
  const uint64_t sequence;
  int64_t now_us = 0;
  std::string today = {};
  absl::Span<const mapping::MappedRow> mapped = {};
  // By key; changed as rows are decided.
  absl::flat_hash_map<absl::string_view, rules::PriorDecision> prior = {};
  absl::flat_hash_map<absl::string_view, size_t> changed = {};  // key → index in made.decisions
  std::map<CountKey, Count> counts = {};
  merkle::TreeBuilder rest = {};
  int64_t rest_rows = 0;
  int64_t kept = 0;
  bool moved_counts = false;
  std::set<std::string> overrides = {};  // that decided rows
  MadeBatch made = {};
  const KeptRows* again = nullptr;  // decided again
  Again why = Again::kAsked;
  std::vector<RedriveResult>* results = nullptr;
  Reevaluation* history = nullptr;
  bool history_ends = false;
};

}  // namespace huiliu::agent

#endif  // HUILIU_ADAPTERS_AGENT_BATCH_WORK_H_
