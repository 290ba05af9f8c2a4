// A condition as a row of small plain steps, in one block: what most rules are made of is tested
// without a tree, without values and without an evaluation's frame.
#ifndef HUILIU_CORE_CEL_STEPS_H_
#define HUILIU_CORE_CEL_STEPS_H_

#include <memory>
#include <string>
#include <type_traits>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "core/cel/conjuncts.h"
#include "core/cel/field_access.h"

namespace huiliu::cel {

class Node;

enum class StepOp : uint8_t {
  // Of the steps behind it, up to `span`.
  kAll,
  kAny,
  kNot,
  // One field, or none.
  kFlag,      // a bool field
  kHas,       // it is present
  kConflict,  // Activation::conflict
  kText,      // field `relation` constant, and so the next five
  kInt,
  kUint,
  kDouble,
  kBool,
  kTime,    // timestamps and durations: the only ones here that a record's bytes can make an error
  kTextIn,  // any of the kConstant steps behind it, ascending and without duplicates
  kIntIn,
  kUintIn,
  kConstant,
  kPrefix,
  kSuffix,
  kPart,
  kInDivision,  // the field's code lies in the area
  kNode,        // anything else
};

enum class Relation : uint8_t { kEqual, kDiffers, kLess, kLessEqual, kGreater, kGreaterEqual };

struct Step {
  StepOp op = StepOp::kAll;
  Relation relation = Relation::kEqual;
  uint16_t span = 1;  // steps, itself included
  uint32_t size = 0;  // of `text`; nanoseconds of a timestamp
  FieldAccess field;
  union {
    int64_t integer = 0;  // seconds of a timestamp, nanoseconds of a duration
    uint64_t natural;
    double number;
    uint64_t head;  // of a text its first eight bytes
    const Environment* environment;
  };
  union {
    const char* text = nullptr;
    const Node* node;
  };

  absl::string_view constant() const { return absl::string_view(text, size); }
  bool has_text() const;
  // Sets `text`, which must outlive the step, and `head`.
  void SetText(absl::string_view constant);
};
static_assert(std::is_trivially_copyable_v<Step> && sizeof(Step) == 32);

// One evaluation of a row. Where a step is a kNode there is a frame.
struct StepRun {
  const Activation& activation;
  int64_t cost = 0;
  Frame* frame = nullptr;

  bool Charge(int64_t units) {
    cost += units;
    return cost <= kMaxCost;
  }
};

Truth Test(const Step& step, StepRun& run);
// Why Test said kError; evaluates again.
std::string WhyError(const Step& step, StepRun& run);

// The terms that && joins, one behind the other, of which those in `proven` are known to hold (bit
// i: the i-th): the same result as without knowing, too great a cost included.
Truth TestTerms(absl::Span<const Step> terms, uint32_t proven, StepRun& run);

// Puts a row together: Add | Open … Close. Neighbours that one && or || joins become one group.
class StepWriter {
 public:
  void Add(const Step& step) { steps_.push_back(step); }
  void Add(absl::Span<const Step> steps) {
    steps_.insert(steps_.end(), steps.begin(), steps.end());
  }
  void AddNode(const Node& node);
  void Open(StepOp group);
  void Close();
  absl::Span<const Step> steps() const { return steps_; }

 private:
  static constexpr size_t kJoined = ~size_t{0};
  std::vector<Step> steps_;
  std::vector<size_t> open_;  // kJoined: part of the group around it
};

inline constexpr size_t kMaxSteps = 0xFFFF;

// A copy with the bytes of its texts right behind it, in one piece of memory of RowBytes that is
// aligned for a Step.
size_t RowBytes(absl::Span<const Step> steps);
const Step* CopySteps(absl::Span<const Step> steps, void* to);

// What an index can use of a row of terms, in the order written.
std::vector<Conjunct> ConjunctsOf(absl::Span<const Step> terms);

}  // namespace huiliu::cel

#endif  // HUILIU_CORE_CEL_STEPS_H_
