// Which of many intervals hold a value: built once, asked often.
#ifndef HUILIU_CORE_RULES_INTERVAL_TREE_H_
#define HUILIU_CORE_RULES_INTERVAL_TREE_H_

#include <algorithm>
#include <optional>
#include <vector>

namespace huiliu::rules {

// One end: absent means unbounded.
template <typename Key>
struct IntervalEnd {
  Key value;
  bool inclusive = true;
};

template <typename Key>
struct Interval {
  std::optional<IntervalEnd<Key>> low;
  std::optional<IntervalEnd<Key>> high;
  int payload = 0;
};

// An array sorted by the lower end, read as a balanced tree; each node knows the highest upper end
// below it. O(log n + found). (Add* Build Find*)
template <typename Key>
class IntervalTree {
 public:
  void Add(Interval<Key> interval) { nodes_.push_back({std::move(interval), {}}); }

  void Build() {
    std::sort(nodes_.begin(), nodes_.end(), [](const Node& a, const Node& b) {
      const auto& x = a.interval.low;
      const auto& y = b.interval.low;
      if (!x || !y) return !x && y;
      if (x->value < y->value || y->value < x->value) return x->value < y->value;
      return x->inclusive && !y->inclusive;
    });
    if (!nodes_.empty()) Summarise(0, nodes_.size());
  }

  // Gives visit(payload) the payloads of the intervals that hold `value`, in no order.
  template <typename Value, typename Visit>
  void Find(const Value& value, const Visit& visit) const {
    Find(0, nodes_.size(), value, visit);
  }

 private:
  using End = std::optional<IntervalEnd<Key>>;
  struct Node {
    Interval<Key> interval;
    End highest;  // upper end of this node and those below it
  };

  static bool Higher(const End& a, const End& b) {
    if (!a || !b) return !a && b;
    if (a->value < b->value || b->value < a->value) return b->value < a->value;
    return a->inclusive && !b->inclusive;
  }
  template <typename Value>
  static bool EndsBefore(const End& end, const Value& value) {
    return end && (end->value < value || (!end->inclusive && !(value < end->value)));
  }
  template <typename Value>
  static bool BeginsBehind(const End& begin, const Value& value) {
    return begin && (value < begin->value || (!begin->inclusive && !(begin->value < value)));
  }

  End Summarise(size_t begin, size_t end) {
    const size_t middle = begin + (end - begin) / 2;
    End highest = nodes_[middle].interval.high;
    if (begin < middle) {
      End left = Summarise(begin, middle);
      if (Higher(left, highest)) highest = std::move(left);
    }
    if (middle + 1 < end) {
      End right = Summarise(middle + 1, end);
      if (Higher(right, highest)) highest = std::move(right);
    }
    nodes_[middle].highest = highest;
    return highest;
  }

  template <typename Value, typename Visit>
  void Find(size_t begin, size_t end, const Value& value, const Visit& visit) const {
    if (begin == end) return;
    const size_t middle = begin + (end - begin) / 2;
    const Node& node = nodes_[middle];
    if (EndsBefore(node.highest, value)) return;
    Find(begin, middle, value, visit);
    if (BeginsBehind(node.interval.low, value)) return;
    if (!EndsBefore(node.interval.high, value)) visit(node.interval.payload);
    Find(middle + 1, end, value, visit);
  }

  std::vector<Node> nodes_;
};

}  // namespace huiliu::rules

#endif  // HUILIU_CORE_RULES_INTERVAL_TREE_H_
