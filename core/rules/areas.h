// Whose a division is, for each receiver: asked once a division, then remembered.
#ifndef HUILIU_CORE_RULES_AREAS_H_
#define HUILIU_CORE_RULES_AREAS_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/container/node_hash_map.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "core/rules/rule_set.h"
#include "core/territory/territory.h"

namespace huiliu::rules {

enum class Belonging : uint8_t {
  kOutside,
  kInside,
  kUnclear,  // the division is known too coarsely: part of it is the receiver's (a district, where
             // only the city is known)
};

// Thread-compatible: one a lane. `receivers` must outlive it.
class Areas {
 public:
  Areas(absl::Span<const Receiver> receivers, std::shared_ptr<const territory::Divisions> divisions)
      : receivers_(receivers), divisions_(std::move(divisions)) {}

  // One per receiver; the answer stays valid. `division` is resolved and not empty.
  absl::Span<const Belonging> Of(absl::string_view division) {
    if (division == last_division_) return *last_;
    auto [place, is_new] = known_.try_emplace(std::string(division));
    if (is_new) {
      for (const Receiver& receiver : receivers_) place->second.push_back(Ask(receiver, division));
    }
    last_division_.assign(division.data(), division.size());
    last_ = &place->second;
    return *last_;
  }

 private:
  Belonging Ask(const Receiver& receiver, absl::string_view division) const {
    Belonging belonging = Belonging::kOutside;
    for (const std::string& area : receiver.divisions) {
      if (divisions_->Contains(area, division)) return Belonging::kInside;
      if (divisions_->Contains(division, area)) belonging = Belonging::kUnclear;
    }
    return belonging;
  }

  const absl::Span<const Receiver> receivers_;
  const std::shared_ptr<const territory::Divisions> divisions_;
  // Bounded by the number of divisions: only resolved codes are asked for.
  absl::node_hash_map<std::string, std::vector<Belonging>> known_;
  std::string last_division_;
  const std::vector<Belonging>* last_ = nullptr;
};

}  // namespace huiliu::rules

#endif  // HUILIU_CORE_RULES_AREAS_H_
