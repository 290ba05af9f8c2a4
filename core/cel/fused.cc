// Frequent conditions of one field and constants as one step: no values are made, nothing is
// allocated, and only a timestamp that is none makes them fail.
#include <re2/re2.h>

#include <algorithm>

#include "core/cel/functions.h"
#include "core/cel/node.h"

namespace huiliu::cel {
namespace {

// One step, and the constants it needs behind it.
class StepNode : public ConditionNode {
 public:
  explicit StepNode(absl::Span<const Step> steps)
      : memory_(::operator new(RowBytes(steps))), steps_(CopySteps(steps, memory_), steps.size()) {}
  ~StepNode() override { ::operator delete(memory_); }
  StepNode(const StepNode&) = delete;
  StepNode& operator=(const StepNode&) = delete;
  Truth Test(Frame& frame) const override {
    StepRun run{*frame.activation, frame.cost, &frame};
    const Truth truth = cel::Test(steps_[0], run);
    frame.cost = run.cost;
    return truth;
  }
  void AppendSteps(StepWriter* writer) const override { writer->Add(steps_); }

 private:
  Value Explain(Frame& frame) const override {
    const Step& step = steps_[0];
    const Value value = step.op == StepOp::kTime ? step.field.Read(*frame.activation) : Null();
    return value.is_error() ? value : Error(kTooCostly);
  }
  void* const memory_;
  const absl::Span<const Step> steps_;
};

// The kind of a field's values; kError: none that is fused.
ValueKind KindOf(const FieldAccess& field) {
  if (field.repeated) return ValueKind::kError;
  switch (field.type().kind) {
    case TypeKind::kString:
      return ValueKind::kString;
    case TypeKind::kBytes:
      return ValueKind::kBytes;
    case TypeKind::kBool:
      return ValueKind::kBool;
    case TypeKind::kInt:
      return ValueKind::kInt;
    case TypeKind::kUint:
      return ValueKind::kUint;
    case TypeKind::kDouble:
      return ValueKind::kDouble;
    case TypeKind::kTimestamp:
      return ValueKind::kTimestamp;
    case TypeKind::kDuration:
      return ValueKind::kDuration;
    default:
      return ValueKind::kError;
  }
}

void SetConstant(const Value& constant, Step* step) {
  switch (constant.kind) {
    case ValueKind::kString:
    case ValueKind::kBytes:
      return step->SetText(constant.text());
    case ValueKind::kBool:
      step->natural = constant.boolean ? 1 : 0;
      return;
    case ValueKind::kDouble:
      step->number = constant.number;
      return;
    case ValueKind::kTimestamp:
      step->size = static_cast<uint32_t>(constant.nanos);
      [[fallthrough]];
    default:
      step->integer = constant.integer;
  }
}

StepOp ComparisonOf(ValueKind kind) {
  switch (kind) {
    case ValueKind::kBool:
      return StepOp::kBool;
    case ValueKind::kInt:
      return StepOp::kInt;
    case ValueKind::kUint:
      return StepOp::kUint;
    case ValueKind::kDouble:
      return StepOp::kDouble;
    case ValueKind::kTimestamp:
    case ValueKind::kDuration:
      return StepOp::kTime;
    default:
      return StepOp::kText;
  }
}

NodePtr MakeCompare(const FieldAccess& field, Relation relation, const Value& constant) {
  const ValueKind kind = KindOf(field);
  if (kind == ValueKind::kError || kind != constant.kind) return nullptr;
  Step step;
  step.op = ComparisonOf(kind);
  step.relation = relation;
  step.field = field;
  SetConstant(constant, &step);
  return MakeStep(step);
}

NodePtr MakeIn(const FieldAccess& field, const Value& list) {
  const ValueKind kind = KindOf(field);
  if (list.kind != ValueKind::kList || kind == ValueKind::kError) return nullptr;
  const bool same = std::all_of(list.items, list.items + list.size,
                                [&](const Value& v) { return v.kind == kind; });
  if (!same || list.size >= kMaxSteps) return nullptr;
  Step in;
  in.field = field;
  if (kind == ValueKind::kString || kind == ValueKind::kBytes) {
    in.op = StepOp::kTextIn;
  } else if (kind == ValueKind::kInt) {
    in.op = StepOp::kIntIn;
  } else if (kind == ValueKind::kUint) {
    in.op = StepOp::kUintIn;
  } else {
    return nullptr;
  }
  std::vector<Value> values(list.items, list.items + list.size);
  const auto order = [](const Value& a, const Value& b) {
    int result = 0;
    Compare(a, b, &result);
    return result;
  };
  std::sort(values.begin(), values.end(),
            [&](const Value& a, const Value& b) { return order(a, b) < 0; });
  values.erase(std::unique(values.begin(), values.end(),
                           [&](const Value& a, const Value& b) { return order(a, b) == 0; }),
               values.end());
  in.span = static_cast<uint16_t>(values.size() + 1);
  std::vector<Step> steps{in};
  for (const Value& value : values) {
    Step constant;
    constant.op = StepOp::kConstant;
    constant.field.encoding = field.encoding;
    SetConstant(value, &constant);
    steps.push_back(constant);
  }
  return std::make_unique<StepNode>(steps);
}

class MatchesNode : public Node {
 public:
  MatchesNode(NodePtr text, std::unique_ptr<const RE2> pattern)
      : text_(std::move(text)), pattern_(std::move(pattern)) {}
  Value Evaluate(Frame& frame) const override {
    const Value text = text_->Evaluate(frame);
    if (text.is_error()) return text;
    if (text.kind != ValueKind::kString) return Error(kNoOverload);
    if (!frame.Charge(2 + CostOfMatch(text.size, pattern_->ProgramSize())))
      return Error(kTooCostly);
    return Bool(RE2::PartialMatch(re2::StringPiece(text.data, text.size), *pattern_));
  }

 private:
  const NodePtr text_;
  const std::unique_ptr<const RE2> pattern_;
};

struct Operator {
  absl::string_view function;
  Relation relation;
  Relation mirrored;  // 5 < x is x > 5
};
constexpr Operator kOperators[] = {{"_==_", Relation::kEqual, Relation::kEqual},
                                   {"_!=_", Relation::kDiffers, Relation::kDiffers},
                                   {"_<_", Relation::kLess, Relation::kGreater},
                                   {"_<=_", Relation::kLessEqual, Relation::kGreaterEqual},
                                   {"_>_", Relation::kGreater, Relation::kLess},
                                   {"_>=_", Relation::kGreaterEqual, Relation::kLessEqual}};

struct PartFunction {
  absl::string_view function;
  StepOp op;
};
constexpr PartFunction kPartFunctions[] = {
    {"startsWith", StepOp::kPrefix}, {"endsWith", StepOp::kSuffix}, {"contains", StepOp::kPart}};

}  // namespace

NodePtr MakeStep(const Step& step) {
  return std::make_unique<StepNode>(absl::Span<const Step>(&step, 1));
}

NodePtr FuseBinary(absl::string_view function, const Node& left, const Node& right) {
  const bool mirrored = left.field() == nullptr;
  const FieldAccess* field = mirrored ? right.field() : left.field();
  const Value* constant = mirrored ? left.constant() : right.constant();
  if (field == nullptr || constant == nullptr) return nullptr;
  for (const Operator& op : kOperators) {
    if (op.function == function)
      return MakeCompare(*field, mirrored ? op.mirrored : op.relation, *constant);
  }
  if (mirrored) return nullptr;
  if (function == "@in") return MakeIn(*field, *constant);
  if (constant->kind != ValueKind::kString || KindOf(*field) != ValueKind::kString) return nullptr;
  for (const PartFunction& part : kPartFunctions) {
    if (part.function != function) continue;
    Step step;
    step.op = part.op;
    step.field = *field;
    step.SetText(constant->text());
    return MakeStep(step);
  }
  return nullptr;
}

NodePtr MakeMatches(NodePtr text, absl::string_view pattern) {
  RE2::Options options;
  options.set_log_errors(false);
  options.set_max_mem(kMaxRegexBytes);
  auto compiled =
      std::make_unique<const RE2>(re2::StringPiece(pattern.data(), pattern.size()), options);
  if (!compiled->ok()) return nullptr;
  return std::make_unique<MatchesNode>(std::move(text), std::move(compiled));
}

}  // namespace huiliu::cel
