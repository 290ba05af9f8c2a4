#include "core/cel/node.h"

namespace huiliu::cel {
namespace {

constexpr absl::string_view kTooLarge = "the evaluation needs too much memory (计算占用内存过多)";

class ConstantNode : public Node {
 public:
  explicit ConstantNode(const Value& value) : value_(value) {}
  Value Evaluate(Frame&) const override { return value_; }
  bool EvaluateInt(Frame&, int64_t* result) const override {
    *result = value_.integer;
    return value_.kind == ValueKind::kInt;
  }
  const Value* constant() const override { return &value_; }

 private:
  const Value value_;
};

class FieldNode : public Node {
 public:
  explicit FieldNode(const FieldAccess& field)
      : field_(field), is_int_(field.type().kind == TypeKind::kInt) {}
  Value Evaluate(Frame& frame) const override { return field_.Read(*frame.activation); }
  bool EvaluateInt(Frame& frame, int64_t* result) const override {
    if (!is_int_) return Node::EvaluateInt(frame, result);
    *result = field_.Integer(*frame.activation);
    return true;
  }
  const FieldAccess* field() const override { return &field_; }
  // A bool field as a condition.
  void AppendSteps(StepWriter* writer) const override {
    if (field_.encoding != Encoding::kBool) return Node::AppendSteps(writer);
    Step step;
    step.op = StepOp::kFlag;
    step.field = field_;
    writer->Add(step);
  }

 private:
  const FieldAccess field_;
  const bool is_int_;
};

class RepeatedNode : public Node {
 public:
  explicit RepeatedNode(const FieldAccess& field) : field_(field) {}
  Value Evaluate(Frame& frame) const override { return field_.ReadList(frame); }

 private:
  const FieldAccess field_;
};

class VariableNode : public Node {
 public:
  explicit VariableNode(int index) : index_(index) {}
  Value Evaluate(Frame& frame) const override {
    const Value* value = frame.variables == nullptr ? nullptr : frame.variables[index_];
    return value == nullptr ? Error("no such variable (没有这个变量)") : *value;
  }

 private:
  const int index_;
};

class LocalNode : public Node {
 public:
  explicit LocalNode(int index) : index_(index) {}
  Value Evaluate(Frame& frame) const override { return *frame.locals[index_]; }

 private:
  const int index_;
};

class ListNode : public Node {
 public:
  explicit ListNode(std::vector<NodePtr> elements) : elements_(std::move(elements)) {}
  Value Evaluate(Frame& frame) const override {
    Value* items = frame.arena.Values(elements_.size());
    if (items == nullptr) return Error(kTooLarge);
    for (size_t i = 0; i < elements_.size(); ++i) {
      items[i] = elements_[i]->Evaluate(frame);
      if (items[i].is_error()) return items[i];
    }
    return Items(ValueKind::kList, items, elements_.size());
  }

 private:
  const std::vector<NodePtr> elements_;
};

class MapNode : public Node {
 public:
  explicit MapNode(std::vector<NodePtr> parts) : parts_(std::move(parts)) {}
  Value Evaluate(Frame& frame) const override {
    Value* items = frame.arena.Values(parts_.size());
    if (items == nullptr) return Error(kTooLarge);
    const size_t entries = parts_.size() / 2;
    if (!frame.Charge(static_cast<int64_t>(entries * entries / 2))) return Error(kTooCostly);
    for (size_t i = 0; i < entries; ++i) {
      const Value key = parts_[2 * i]->Evaluate(frame);
      if (key.is_error()) return key;
      if (key.kind != ValueKind::kBool && key.kind != ValueKind::kInt &&
          key.kind != ValueKind::kUint && key.kind != ValueKind::kString)
        return Error(
            "unsupported key type: a map's key is bool, int, uint or string "
            "(映射的键应为布尔、整数或文本)");
      if (FindInMap(Items(ValueKind::kMap, items, i), key) != nullptr)
        return Error("a map with a repeated key (映射的键重复)");
      items[2 * i] = key;
      items[2 * i + 1] = parts_[2 * i + 1]->Evaluate(frame);
      if (items[2 * i + 1].is_error()) return items[2 * i + 1];
    }
    return Items(ValueKind::kMap, items, entries);
  }

 private:
  const std::vector<NodePtr> parts_;
};

class ConditionalNode : public Node {
 public:
  ConditionalNode(NodePtr condition, NodePtr yes, NodePtr no)
      : condition_(std::move(condition)), yes_(std::move(yes)), no_(std::move(no)) {}
  Value Evaluate(Frame& frame) const override {
    const Value condition = condition_->Evaluate(frame);
    if (condition.is_error()) return condition;
    if (condition.kind != ValueKind::kBool) return Error(kNoOverload);
    return (condition.boolean ? yes_ : no_)->Evaluate(frame);
  }
  Truth Test(Frame& frame) const override {
    const Truth condition = condition_->Test(frame);
    if (condition == Truth::kError) return condition;
    return (condition == Truth::kTrue ? yes_ : no_)->Test(frame);
  }

 private:
  const NodePtr condition_;
  const NodePtr yes_;
  const NodePtr no_;
};

class InDivisionNode : public Node {
 public:
  InDivisionNode(const Environment* environment, NodePtr code, NodePtr area)
      : environment_(environment), code_(std::move(code)), area_(std::move(area)) {}
  Value Evaluate(Frame& frame) const override {
    const Value code =
        code_ == nullptr ? String(frame.activation->division) : code_->Evaluate(frame);
    if (code.is_error()) return code;
    const Value area = area_->Evaluate(frame);
    if (area.is_error()) return area;
    if (code.kind != ValueKind::kString || area.kind != ValueKind::kString)
      return Error(kNoOverload);
    if (!frame.ChargeText(code.size)) return Error(kTooCostly);
    return Bool(environment_->contains(area.text(), code.text()));
  }
  // Of a field or the attributed division, in an area that is written out.
  void AppendSteps(StepWriter* writer) const override {
    const Value* area = area_->constant();
    const FieldAccess* field = code_ == nullptr ? nullptr : code_->field();
    const bool plain =
        area != nullptr && area->kind == ValueKind::kString &&
        (code_ == nullptr || (field != nullptr && field->encoding == Encoding::kString));
    if (!plain) return Node::AppendSteps(writer);
    Step step;
    step.op = StepOp::kInDivision;
    step.field = field == nullptr ? FieldAccess::Division() : *field;
    step.SetText(area->text());
    step.environment = environment_;
    writer->Add(step);
  }

 private:
  const Environment* const environment_;
  const NodePtr code_;  // null: the attributed division
  const NodePtr area_;
};

}  // namespace

NodePtr MakeConflict() {
  Step step;
  step.op = StepOp::kConflict;
  return MakeStep(step);
}
NodePtr MakeConstant(const Value& value) { return std::make_unique<ConstantNode>(value); }
NodePtr MakeField(const FieldAccess& field) {
  if (field.repeated) return std::make_unique<RepeatedNode>(field);
  return std::make_unique<FieldNode>(field);
}
NodePtr MakeHasField(const FieldAccess& field) {
  Step step;
  step.op = StepOp::kHas;
  step.field = field;
  return MakeStep(step);
}
NodePtr MakeVariable(int index) { return std::make_unique<VariableNode>(index); }
NodePtr MakeLocal(int index) { return std::make_unique<LocalNode>(index); }
NodePtr MakeCall(Function function, std::vector<NodePtr> args) {
  switch (args.size()) {
    case 1:
      return std::make_unique<CallNode<1>>(function, std::move(args));
    case 2:
      return std::make_unique<CallNode<2>>(function, std::move(args));
    case 3:
      return std::make_unique<CallNode<3>>(function, std::move(args));
    case 4:
      return std::make_unique<CallNode<4>>(function, std::move(args));
    default:
      return MakeConstant(Error(kNoOverload));  // no function takes so many
  }
}
NodePtr MakeList(std::vector<NodePtr> elements) {
  return std::make_unique<ListNode>(std::move(elements));
}
NodePtr MakeMap(std::vector<NodePtr> parts) { return std::make_unique<MapNode>(std::move(parts)); }
NodePtr MakeConditional(NodePtr condition, NodePtr yes, NodePtr no) {
  return std::make_unique<ConditionalNode>(std::move(condition), std::move(yes), std::move(no));
}
NodePtr MakeInDivision(const Environment* environment, NodePtr code, NodePtr area) {
  return std::make_unique<InDivisionNode>(environment, std::move(code), std::move(area));
}

}  // namespace huiliu::cel
