// Which of many intervals hold a value, where few overlap: every stretch between two neighbouring
// ends knows its intervals, so that one search of a sorted array answers.
#ifndef HUILIU_CORE_RULES_SEGMENT_MAP_H_
#define HUILIU_CORE_RULES_SEGMENT_MAP_H_

#include <algorithm>
#include <cstdint>
#include <string>
#include <type_traits>
#include <vector>

#include "absl/base/internal/endian.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "core/rules/interval_tree.h"

namespace huiliu::rules {

// (Build Find*)
template <typename Key>
class SegmentMap {
 public:
  // False, and empty, where the stretches would hold more than `limit` intervals together.
  bool Build(const std::vector<Interval<Key>>& intervals, size_t limit) {
    for (const Interval<Key>& interval : intervals) {
      if (interval.low) ends_.push_back(interval.low->value);
      if (interval.high) ends_.push_back(interval.high->value);
    }
    std::sort(ends_.begin(), ends_.end());
    ends_.erase(std::unique(ends_.begin(), ends_.end()), ends_.end());
    ends_.shrink_to_fit();
    if (!Fill(intervals, limit)) {
      ends_ = {};
      return false;
    }
    if constexpr (std::is_same_v<Key, std::string>) {
      heads_.reserve(ends_.size());
      for (const std::string& end : ends_) heads_.push_back(HeadOf(end));
    }
    return true;
  }

  // The payloads of the intervals that hold `value`.
  template <typename Value>
  absl::Span<const int> Find(const Value& value) const {
    const size_t stretch = StretchOf(value);
    return absl::Span<const int>(payloads_.data() + begins_[stretch],
                                 begins_[stretch + 1] - begins_[stretch]);
  }

 private:
  // Stretch 2i lies before the i-th end, 2i + 1 is the i-th end itself.
  template <typename Value>
  size_t StretchOf(const Value& value) const {
    size_t from = 0, to = ends_.size();
    if constexpr (std::is_same_v<Key, std::string>) {
      const uint64_t head = HeadOf(value);
      const auto same = std::equal_range(heads_.begin(), heads_.end(), head);
      from = static_cast<size_t>(same.first - heads_.begin());
      to = static_cast<size_t>(same.second - heads_.begin());
    }
    const auto at = std::lower_bound(ends_.begin() + static_cast<std::ptrdiff_t>(from),
                                     ends_.begin() + static_cast<std::ptrdiff_t>(to), value,
                                     [](const Key& end, const Value& v) { return end < v; });
    const auto i = static_cast<size_t>(at - ends_.begin());
    return i < ends_.size() && !(value < ends_[i]) ? 2 * i + 1 : 2 * i;
  }

  // The first eight bytes as a number: ordered as the texts are, as far as they go.
  static uint64_t HeadOf(absl::string_view text) {
    char bytes[8] = {};
    std::copy(text.begin(),
              text.begin() + static_cast<std::ptrdiff_t>(std::min<size_t>(text.size(), 8)), bytes);
    return absl::big_endian::Load64(bytes);
  }

  struct Reach {
    size_t first, last;
  };
  Reach ReachOf(const Interval<Key>& interval) const {
    const auto place = [&](const IntervalEnd<Key>& end) {
      return 2 * static_cast<size_t>(std::lower_bound(ends_.begin(), ends_.end(), end.value) -
                                     ends_.begin());
    };
    Reach reach{0, 2 * ends_.size()};
    if (interval.low) reach.first = place(*interval.low) + (interval.low->inclusive ? 1 : 2);
    if (interval.high) reach.last = place(*interval.high) + (interval.high->inclusive ? 1 : 0);
    return reach;
  }

  bool Fill(const std::vector<Interval<Key>>& intervals, size_t limit) {
    std::vector<Reach> reaches;
    reaches.reserve(intervals.size());
    size_t total = 0;
    for (const Interval<Key>& interval : intervals) {
      const Reach reach = ReachOf(interval);
      reaches.push_back(reach);
      if (reach.first <= reach.last) total += reach.last - reach.first + 1;
      if (total > limit) return false;
    }
    begins_.assign(2 * ends_.size() + 2, 0);
    const auto each = [&](const auto& visit) {
      for (size_t i = 0; i < reaches.size(); ++i)
        for (size_t s = reaches[i].first; s <= reaches[i].last; ++s) visit(s, intervals[i].payload);
    };
    each([&](size_t stretch, int) { ++begins_[stretch + 1]; });
    for (size_t s = 1; s < begins_.size(); ++s) begins_[s] += begins_[s - 1];
    std::vector<uint32_t> next = begins_;
    payloads_.resize(total);
    each([&](size_t stretch, int payload) { payloads_[next[stretch]++] = payload; });
    return true;
  }

  std::vector<Key> ends_;        // ascending
  std::vector<uint64_t> heads_;  // of texts, parallel
  std::vector<uint32_t> begins_;
  std::vector<int> payloads_;
};

}  // namespace huiliu::rules

#endif  // HUILIU_CORE_RULES_SEGMENT_MAP_H_
