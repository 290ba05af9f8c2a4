#include "core/cel/conjuncts.h"

#include <algorithm>
#include <iterator>

#include "core/cel/steps.h"

namespace huiliu::cel {
namespace {

using Kind = Conjunct::Kind;

// Of the attributed division equality and sets, as of any field; its areas are inDivision's.
bool IsField(const Step& step) { return step.field.index != FieldAccess::kDivision; }

Constant ConstantOf(StepOp op, const Step& step) {
  switch (op) {
    case StepOp::kInt:
    case StepOp::kIntIn:
      return step.integer;
    case StepOp::kUint:
    case StepOp::kUintIn:
      return step.natural;
    case StepOp::kDouble:
      return step.number;
    case StepOp::kBool:
      return step.natural != 0;
    case StepOp::kTime:
      return absl::FromUnixSeconds(step.integer) + absl::Nanoseconds(step.size);
    default:
      return std::string(step.constant());
  }
}

// One condition with what it is worth: `exact` where the term is true just where it holds.
struct Found {
  Conjunct conjunct;
  bool exact = true;
};

Found Make(const Step& step, Kind kind) {
  Found found;
  found.conjunct.kind = kind;
  found.conjunct.field = step.field.index;
  return found;
}

void AppendComparison(const Step& step, std::vector<Found>* out) {
  if (step.relation == Relation::kDiffers) return;
  if (step.op == StepOp::kTime && step.field.encoding != Encoding::kTimestamp) return;
  if (step.relation != Relation::kEqual && !IsField(step)) return;
  Found found = Make(step, step.relation == Relation::kEqual ? Kind::kEquals : Kind::kRange);
  Constant constant = ConstantOf(step.op, step);
  const bool inclusive =
      step.relation == Relation::kLessEqual || step.relation == Relation::kGreaterEqual;
  if (step.relation == Relation::kEqual) {
    found.conjunct.values = {std::move(constant)};
  } else if (step.relation == Relation::kLess || step.relation == Relation::kLessEqual) {
    found.conjunct.upper = Bound{std::move(constant), inclusive};
  } else {
    found.conjunct.lower = Bound{std::move(constant), inclusive};
  }
  found.exact = step.op != StepOp::kTime;
  out->push_back(std::move(found));
}

void Append(const Step& step, std::vector<Found>* out);

// field == a || field == b || field in [c, d] is field in [a, b, c, d].
void AppendAlternatives(const Step& group, std::vector<Found>* out) {
  Found all = Make(group, Kind::kIn);
  bool first = true;
  for (const Step* step = &group + 1; step < &group + group.span; step += step->span) {
    std::vector<Found> own;
    Append(*step, &own);
    if (own.size() != 1) return;
    Conjunct& one = own[0].conjunct;
    if (one.kind != Kind::kEquals && one.kind != Kind::kIn) return;
    if (!first && one.field != all.conjunct.field) return;
    first = false;
    all.conjunct.field = one.field;
    all.exact = all.exact && own[0].exact;
    for (Constant& value : one.values) {
      auto& values = all.conjunct.values;
      if (std::find(values.begin(), values.end(), value) == values.end())
        values.push_back(std::move(value));
    }
  }
  out->push_back(std::move(all));
}

void Append(const Step& step, std::vector<Found>* out) {
  const auto add = [&](Kind kind) -> Conjunct& {
    out->push_back(Make(step, kind));
    return out->back().conjunct;
  };
  switch (step.op) {
    case StepOp::kAll:
      for (const Step* s = &step + 1; s < &step + step.span; s += s->span) Append(*s, out);
      // Each alone does not say that all hold.
      for (Found& found : *out) found.exact = false;
      return;
    case StepOp::kAny:
      return AppendAlternatives(step, out);
    case StepOp::kNot:  // !flag is flag == false
      if ((&step + 1)->op == StepOp::kFlag) {
        add(Kind::kEquals).values = {false};
        out->back().conjunct.field = (&step + 1)->field.index;
      }
      return;
    case StepOp::kFlag:
      add(Kind::kEquals).values = {true};
      return;
    case StepOp::kHas:
      if (!step.field.repeated) add(Kind::kHas);
      return;
    case StepOp::kText:
    case StepOp::kInt:
    case StepOp::kUint:
    case StepOp::kDouble:
    case StepOp::kBool:
    case StepOp::kTime:
      return AppendComparison(step, out);
    case StepOp::kTextIn:
    case StepOp::kIntIn:
    case StepOp::kUintIn: {
      Conjunct& conjunct = add(Kind::kIn);
      for (const Step* s = &step + 1; s < &step + step.span; ++s)
        conjunct.values.push_back(ConstantOf(step.op, *s));
      return;
    }
    case StepOp::kPrefix:
      if (IsField(step)) add(Kind::kPrefix).values = {std::string(step.constant())};
      return;
    case StepOp::kInDivision:
      static_assert(FieldAccess::kDivision == Conjunct::kAttributedDivision);
      add(Kind::kInDivision).values = {std::string(step.constant())};
      return;
    default:
      return;
  }
}

}  // namespace

std::vector<Conjunct> ConjunctsOf(absl::Span<const Step> terms) {
  std::vector<Conjunct> out;
  const Step* const end = terms.data() + terms.size();
  int term = 0;
  for (const Step* step = terms.data(); step < end; step += step->span, ++term) {
    std::vector<Found> found;
    Append(*step, &found);
    for (Found& one : found) {
      // One term in one conjunct: only so does it say all of the term.
      if (one.exact && found.size() == 1 && term < Conjunct::kMaxProven)
        one.conjunct.proves = uint32_t{1} << term;
      out.push_back(std::move(one.conjunct));
    }
  }
  return out;
}

}  // namespace huiliu::cel
