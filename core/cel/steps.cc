#include "core/cel/steps.h"

#include <algorithm>
#include <cstring>
#include <new>

#include "absl/base/attributes.h"
#include "absl/base/internal/endian.h"
#include "absl/strings/match.h"
#include "core/cel/node.h"

namespace huiliu::cel {
namespace {

constexpr size_t kHead = sizeof(uint64_t);

uint64_t Load(const char* bytes) { return absl::little_endian::Load64(bytes); }
Truth ToTruth(bool holds) { return holds ? Truth::kTrue : Truth::kFalse; }

template <typename T>
bool Holds(Relation relation, const T& a, const T& b) {
  switch (relation) {
    case Relation::kEqual:
      return a == b;
    case Relation::kDiffers:
      return a != b;
    case Relation::kLess:
      return a < b;
    case Relation::kLessEqual:
      return a <= b;
    case Relation::kGreater:
      return a > b;
    case Relation::kGreaterEqual:
      return a >= b;
  }
  return false;
}

// As FieldAccess::Text, inside the loops below; the slots are the contract's.
ABSL_ATTRIBUTE_ALWAYS_INLINE inline absl::string_view TextOf(const FieldAccess& field,
                                                             const Activation& activation) {
  if (field.index == FieldAccess::kDivision) return activation.division;
  const schema::FieldSlot& slot = activation.slots.data()[field.index];
  return slot.present && slot.type == field.wire ? slot.bytes : absl::string_view();
}

// Both have `size` bytes.
ABSL_ATTRIBUTE_NOINLINE bool SameBytes(const char* a, const char* b, size_t size) {
  return size == 0 || std::memcmp(a, b, size) == 0;
}

// Heads and ends tell nearly all apart, and of texts up to sixteen bytes they are all there is.
ABSL_ATTRIBUTE_ALWAYS_INLINE inline bool IsText(absl::string_view text, const Step& constant) {
  const size_t size = constant.size;
  if (text.size() != size) return false;
  if (size < kHead) return SameBytes(text.data(), constant.text, size);
  if (Load(text.data()) != constant.head) return false;
  if (Load(text.data() + size - kHead) != Load(constant.text + size - kHead)) return false;
  return size <= 2 * kHead || SameBytes(text.data(), constant.text, size);
}
ABSL_ATTRIBUTE_ALWAYS_INLINE inline bool StartsWith(absl::string_view text, const Step& constant) {
  const size_t size = constant.size;
  if (text.size() < size) return false;
  if (text.size() < kHead) return SameBytes(text.data(), constant.text, size);
  const uint64_t mask = size >= kHead ? ~uint64_t{0} : (uint64_t{1} << (8 * size)) - 1;
  if ((Load(text.data()) & mask) != constant.head) return false;
  return size <= kHead || SameBytes(text.data(), constant.text, size);
}

ABSL_ATTRIBUTE_NOINLINE bool TestOrder(absl::string_view text, const Step& step) {
  return Holds(step.relation, text.compare(step.constant()), 0);
}
ABSL_ATTRIBUTE_ALWAYS_INLINE inline bool TestText(absl::string_view text, const Step& step) {
  if (step.relation == Relation::kEqual) return IsText(text, step);
  if (step.relation == Relation::kDiffers) return !IsText(text, step);
  return TestOrder(text, step);
}

Truth TestTime(const Step& step, const Activation& activation) {
  const Value value = step.field.Read(activation);
  if (value.is_error()) return Truth::kError;
  const auto nanos = static_cast<int32_t>(step.size);
  const auto order = [](auto a, auto b) { return a < b ? -1 : b < a ? 1 : 0; };
  const int seconds = order(value.integer, step.integer);
  return ToTruth(Holds(step.relation, seconds != 0 ? seconds : order(value.nanos, nanos), 0));
}

// The constants behind `step` are many or few: the order in which they stand serves both.
template <typename Less>
const Step* LowerBound(const Step& step, const Less& less) {
  return std::partition_point(&step + 1, &step + step.span, less);
}
bool IsAnyText(absl::string_view text, const Step& step) {
  constexpr uint16_t kLinear = 7;
  const Step* const end = &step + step.span;
  if (step.span <= kLinear)
    return std::any_of(&step + 1, end, [&](const Step& c) { return IsText(text, c); });
  const Step* at = LowerBound(step, [&](const Step& c) { return c.constant() < text; });
  return at != end && at->constant() == text;
}
bool IsAnyInt(int64_t value, const Step& step) {
  const Step* at = LowerBound(step, [&](const Step& c) { return c.integer < value; });
  return at != &step + step.span && at->integer == value;
}
bool IsAnyUint(uint64_t value, const Step& step) {
  const Step* at = LowerBound(step, [&](const Step& c) { return c.natural < value; });
  return at != &step + step.span && at->natural == value;
}

int64_t TextCost(size_t bytes) { return 1 + static_cast<int64_t>(bytes / 64); }

Truth TestPart(const Step& step, StepRun& run) {
  const absl::string_view text = step.field.Text(run.activation);
  if (!run.Charge(TextCost(text.size()))) return Truth::kError;
  return ToTruth(ContainsText(text, step.constant()));
}
Truth TestInDivision(const Step& step, StepRun& run) {
  const absl::string_view code = step.field.Text(run.activation);
  if (!run.Charge(TextCost(code.size()))) return Truth::kError;
  return ToTruth(step.environment->contains(step.constant(), code));
}

Truth TestNode(const Step& step, StepRun& run) {
  run.frame->cost = run.cost;
  const Truth truth = step.node->Test(*run.frame);
  run.cost = run.frame->cost;
  return truth;
}

Truth TestOther(const Step& step, StepRun& run);

// What stands in nearly every rule needs no call.
ABSL_ATTRIBUTE_ALWAYS_INLINE inline Truth TestStep(const Step& step, StepRun& run) {
  if (step.op == StepOp::kText) return ToTruth(TestText(TextOf(step.field, run.activation), step));
  if (step.op == StepOp::kPrefix)
    return ToTruth(StartsWith(TextOf(step.field, run.activation), step));
  return TestOther(step, run);
}

// `decides`: the truth of one term that decides all.
Truth TestGroup(const Step* begin, const Step* end, Truth decides, StepRun& run) {
  Truth result = decides == Truth::kFalse ? Truth::kTrue : Truth::kFalse;
  for (const Step* step = begin; step < end; step += step->span) {
    const Truth truth = TestStep(*step, run);
    if (truth == decides) return truth;
    if (truth == Truth::kError) result = truth;
  }
  return result;
}

ABSL_ATTRIBUTE_NOINLINE Truth TestOther(const Step& step, StepRun& run) {
  const Activation& activation = run.activation;
  switch (step.op) {
    case StepOp::kAll:
      return TestGroup(&step + 1, &step + step.span, Truth::kFalse, run);
    case StepOp::kAny:
      return TestGroup(&step + 1, &step + step.span, Truth::kTrue, run);
    case StepOp::kNot: {
      const Truth truth = Test(*(&step + 1), run);
      return truth == Truth::kError ? truth : ToTruth(truth == Truth::kFalse);
    }
    case StepOp::kFlag:
      return ToTruth(step.field.Natural(activation) != 0);
    case StepOp::kInt:
      return ToTruth(Holds(step.relation, step.field.Integer(activation), step.integer));
    case StepOp::kHas:
      return ToTruth(step.field.Present(activation));
    case StepOp::kConflict:
      return ToTruth(activation.conflict);
    case StepOp::kUint:
      return ToTruth(Holds(step.relation, step.field.Natural(activation), step.natural));
    case StepOp::kDouble:
      return ToTruth(Holds(step.relation, step.field.Number(activation), step.number));
    case StepOp::kBool:
      return ToTruth(Holds(step.relation, step.field.Natural(activation) != 0, step.natural != 0));
    case StepOp::kTime:
      return TestTime(step, activation);
    case StepOp::kTextIn:
      return ToTruth(IsAnyText(step.field.Text(activation), step));
    case StepOp::kIntIn:
      return ToTruth(IsAnyInt(step.field.Integer(activation), step));
    case StepOp::kUintIn:
      return ToTruth(IsAnyUint(step.field.Natural(activation), step));
    case StepOp::kSuffix:
      return ToTruth(absl::EndsWith(step.field.Text(activation), step.constant()));
    case StepOp::kPart:
      return TestPart(step, run);
    case StepOp::kInDivision:
      return TestInDivision(step, run);
    case StepOp::kNode:
      return TestNode(step, run);
    default:  // a kConstant is part of the step before it, the others are Test's
      return Truth::kError;
  }
}

}  // namespace

bool Step::has_text() const {
  switch (op) {
    case StepOp::kText:
    case StepOp::kPrefix:
    case StepOp::kSuffix:
    case StepOp::kPart:
    case StepOp::kInDivision:
      return true;
    case StepOp::kConstant:
      return field.encoding == Encoding::kString || field.encoding == Encoding::kBytes;
    default:
      return false;
  }
}

void Step::SetText(absl::string_view constant) {
  text = constant.data();
  size = static_cast<uint32_t>(constant.size());
  char first[kHead] = {};
  if (!constant.empty()) std::memcpy(first, text, std::min(constant.size(), kHead));
  head = Load(first);
}

Truth Test(const Step& step, StepRun& run) { return TestStep(step, run); }

Truth TestTerms(absl::Span<const Step> terms, uint32_t proven, StepRun& run) {
  const Step* const end = terms.data() + terms.size();
  Truth result = Truth::kTrue;
  uint64_t bit = 1;
  for (const Step* step = terms.data(); step < end; step += step->span, bit <<= 1) {
    if ((proven & bit) != 0) {
      // Codes that an index proves are short.
      if (step->op == StepOp::kInDivision && !run.Charge(TextCost(0))) result = Truth::kError;
      continue;
    }
    const Truth truth = TestStep(*step, run);
    if (truth == Truth::kFalse) return truth;
    if (truth == Truth::kError) result = truth;
  }
  return result;
}

std::string WhyError(const Step& step, StepRun& run) {
  if (step.op == StepOp::kAll || step.op == StepOp::kAny || step.op == StepOp::kNot) {
    for (const Step* s = &step + 1; s < &step + step.span; s += s->span) {
      const std::string why = WhyError(*s, run);
      if (!why.empty()) return why;
    }
    return "";
  }
  if (step.op == StepOp::kNode) {
    run.frame->cost = run.cost;
    const Value value = step.node->Evaluate(*run.frame);
    run.cost = run.frame->cost;
    if (value.is_error()) return std::string(value.text());
    return value.kind == ValueKind::kBool ? "" : "the result is no bool (结果不是真假值)";
  }
  if (Test(step, run) != Truth::kError) return "";
  const Value value = step.op == StepOp::kTime ? step.field.Read(run.activation) : Null();
  return std::string(value.is_error() ? value.text() : kTooCostly);
}

void StepWriter::AddNode(const Node& node) {
  Step step;
  step.op = StepOp::kNode;
  step.node = &node;
  Add(step);
}

void StepWriter::Open(StepOp group) {
  // Around all terms stands a kAll that is not written.
  size_t around = open_.size();
  while (around > 0 && open_[around - 1] == kJoined) --around;
  const StepOp outer = around == 0 ? StepOp::kAll : steps_[open_[around - 1]].op;
  if (group != StepOp::kNot && group == outer) {
    open_.push_back(kJoined);
    return;
  }
  open_.push_back(steps_.size());
  Step step;
  step.op = group;
  Add(step);
}

void StepWriter::Close() {
  const size_t at = open_.back();
  open_.pop_back();
  // A row of more than kMaxSteps is none: whoever asks for the steps sees it.
  if (at != kJoined) steps_[at].span = static_cast<uint16_t>(steps_.size() - at);
}

size_t RowBytes(absl::Span<const Step> steps) {
  size_t bytes = steps.size() * sizeof(Step);
  for (const Step& step : steps) bytes += step.has_text() ? step.size : 0;
  return bytes;
}

const Step* CopySteps(absl::Span<const Step> steps, void* to) {
  auto* const copy = static_cast<Step*>(to);
  auto* next = reinterpret_cast<char*>(copy + steps.size());
  for (size_t i = 0; i < steps.size(); ++i) {
    Step* const step = new (copy + i) Step(steps[i]);
    if (!step->has_text()) continue;
    if (step->size > 0) std::memcpy(next, step->text, step->size);
    step->text = next;
    next += step->size;
  }
  return copy;
}

}  // namespace huiliu::cel
