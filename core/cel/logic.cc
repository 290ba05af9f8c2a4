// && || ! with the specification's errors: what decides the result wins over an error on either
// side.
#include "core/cel/node.h"

namespace huiliu::cel {
namespace {

// kDecides: the truth of one term that decides all (false for &&, true for ||).
template <Truth kDecides>
class LogicNode : public Node {
 public:
  explicit LogicNode(std::vector<NodePtr> terms) : terms_(std::move(terms)) {}

  Truth Test(Frame& frame) const override {
    Truth result = kDecides == Truth::kFalse ? Truth::kTrue : Truth::kFalse;
    for (const NodePtr& term : terms_) {
      const Truth truth = term->Test(frame);
      if (truth == kDecides) return truth;
      if (truth == Truth::kError) result = truth;
    }
    return result;
  }

  Value Evaluate(Frame& frame) const override {
    Value result = Bool(kDecides == Truth::kFalse);
    for (const NodePtr& term : terms_) {
      const Value value = term->Evaluate(frame);
      if (value.kind == ValueKind::kBool) {
        if (value.boolean == (kDecides == Truth::kTrue)) return value;
      } else if (!result.is_error()) {
        result = value.is_error() ? value : Error(kNoOverload);
      }
    }
    return result;
  }

  void AppendSteps(StepWriter* writer) const override {
    writer->Open(kDecides == Truth::kFalse ? StepOp::kAll : StepOp::kAny);
    for (const NodePtr& term : terms_) term->AppendSteps(writer);
    writer->Close();
  }

 private:
  const std::vector<NodePtr> terms_;
};

class NotNode : public Node {
 public:
  explicit NotNode(NodePtr operand) : operand_(std::move(operand)) {}
  Truth Test(Frame& frame) const override {
    const Truth truth = operand_->Test(frame);
    if (truth == Truth::kError) return truth;
    return truth == Truth::kTrue ? Truth::kFalse : Truth::kTrue;
  }
  Value Evaluate(Frame& frame) const override {
    const Value value = operand_->Evaluate(frame);
    if (value.kind == ValueKind::kBool) return Bool(!value.boolean);
    return value.is_error() ? value : Error(kNoOverload);
  }
  void AppendSteps(StepWriter* writer) const override {
    writer->Open(StepOp::kNot);
    operand_->AppendSteps(writer);
    writer->Close();
  }

 private:
  const NodePtr operand_;
};

}  // namespace

NodePtr MakeAnd(std::vector<NodePtr> terms) {
  return std::make_unique<LogicNode<Truth::kFalse>>(std::move(terms));
}
NodePtr MakeOr(std::vector<NodePtr> terms) {
  return std::make_unique<LogicNode<Truth::kTrue>>(std::move(terms));
}
NodePtr MakeNot(NodePtr operand) { return std::make_unique<NotNode>(std::move(operand)); }

}  // namespace huiliu::cel
