// What a version's re-evaluation of history did for one receiver, counted as it goes.
#ifndef HUILIU_CORE_RULES_IMPACT_H_
#define HUILIU_CORE_RULES_IMPACT_H_

#include <cstdint>
#include <map>
#include <string>

#include "core/rules/return_engine.h"
#include "huiliu/v1/rules.pb.h"

namespace huiliu::rules {

// One thread.
class Impact {
 public:
  // A record was looked at; `known`: something is remembered of it.
  void Look(bool known) {
    ++read_;
    if (!known) ++unknown_;
  }
  // It was decided again (kRedecided). `decision`'s outputs are those that are sent.
  void Add(const PriorDecision& prior, const Decision& decision, int receiver,
           absl::string_view receiver_id);
  // Held by the receiver, and cannot be decided again.
  void AddOutOfReach() { ++out_of_reach_; }

  bool empty() const { return read_ == 0 && out_of_reach_ == 0; }
  void MergeFrom(const Impact& more);
  // Adds what was counted.
  void AddTo(huiliu::v1::ReevaluationCounts* counts) const;

 private:
  struct County {
    int64_t returned = 0, withdrawn = 0, changed = 0, pending = 0;
    void MergeFrom(const County& more);
  };
  int64_t read_ = 0, decided_ = 0, unknown_ = 0, out_of_reach_ = 0;
  County all_;
  std::map<std::string, County> counties_;
};

// Sums up; counties stay ordered by division.
void AddCounts(const huiliu::v1::ReevaluationCounts& more, huiliu::v1::ReevaluationCounts* sum);

// Whether a receiver holds a record that the rules in force (`rule_digest`) have not decided, or
// that stands for a newer version which waits, or is withheld from one that was corrected by hand:
// what a finished re-evaluation could not reach.
bool IsOutOfReach(const PriorDecision& decision, const Digest& rule_digest, int receiver,
                  absl::string_view receiver_id);

}  // namespace huiliu::rules

#endif  // HUILIU_CORE_RULES_IMPACT_H_
