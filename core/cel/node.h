// A compiled expression: a tree of closures, immutable and shared by threads.
#ifndef HUILIU_CORE_CEL_NODE_H_
#define HUILIU_CORE_CEL_NODE_H_

#include <array>
#include <memory>
#include <vector>

#include "core/cel/field_access.h"
#include "core/cel/functions.h"
#include "core/cel/steps.h"

namespace huiliu::cel {

class Node {
 public:
  virtual ~Node() = default;
  virtual Value Evaluate(Frame& frame) const = 0;
  // The same as a condition. Fused nodes answer here without making a value.
  virtual Truth Test(Frame& frame) const {
    const Value value = Evaluate(frame);
    if (value.kind != ValueKind::kBool) return Truth::kError;
    return value.boolean ? Truth::kTrue : Truth::kFalse;
  }
  // The same as an int; false where it is an error or no int. Nodes of ints answer without a value.
  virtual bool EvaluateInt(Frame& frame, int64_t* result) const {
    const Value value = Evaluate(frame);
    *result = value.integer;
    return value.kind == ValueKind::kInt;
  }
  // What the planner asks to fuse: the value where it is known, the field where it is one.
  virtual const Value* constant() const { return nullptr; }
  virtual const FieldAccess* field() const { return nullptr; }
  // Its Test as steps, which lend their constants from it.
  virtual void AppendSteps(StepWriter* writer) const { writer->AddNode(*this); }
};
using NodePtr = std::unique_ptr<const Node>;

// A condition without children: its Test is its value. (A node with children must not build
// Evaluate on Test: each level would evaluate the next one twice, and nested ones 2^depth times.)
class ConditionNode : public Node {
 public:
  Value Evaluate(Frame& frame) const final {
    const Truth truth = Test(frame);
    return truth == Truth::kError ? Explain(frame) : Bool(truth == Truth::kTrue);
  }
  Truth Test(Frame& frame) const override = 0;

 private:
  // The error that made Test say kError.
  virtual Value Explain(Frame& frame) const { return Error(kTooCostly); }
};

// core/cel/nodes.cc
NodePtr MakeConstant(const Value& value);
NodePtr MakeField(const FieldAccess& field);
NodePtr MakeConflict();
NodePtr MakeHasField(const FieldAccess& field);
NodePtr MakeVariable(int index);
NodePtr MakeLocal(int index);
NodePtr MakeCall(Function function, std::vector<NodePtr> args);
NodePtr MakeList(std::vector<NodePtr> elements);
NodePtr MakeMap(std::vector<NodePtr> keys_and_values);
NodePtr MakeConditional(NodePtr condition, NodePtr yes, NodePtr no);
// `contains` must outlive the node.
NodePtr MakeInDivision(const Environment* environment, NodePtr code, NodePtr area);

// core/cel/message_nodes.cc: of a map or a message; the descriptors must outlive the node.
NodePtr MakeSelect(NodePtr operand, const Value& name);
NodePtr MakeHasKey(NodePtr operand, const Value& name);
NodePtr MakeMessage(const google::protobuf::Descriptor* type,
                    std::vector<const google::protobuf::FieldDescriptor*> fields,
                    std::vector<NodePtr> values);
// A field of the record itself that the slots do not decode: a message, a map, a wrapper.
NodePtr MakeRecordField(const google::protobuf::FieldDescriptor* field);

// Strict: the first error among the arguments is the result.
template <size_t kArgs>
class CallNode : public Node {
 public:
  CallNode(Function function, std::vector<NodePtr> args) : function_(function) {
    std::move(args.begin(), args.end(), args_.begin());
  }
  Value Evaluate(Frame& frame) const final {
    std::array<Value, kArgs> values;
    for (size_t i = 0; i < kArgs; ++i) {
      values[i] = args_[i]->Evaluate(frame);
      if (values[i].is_error()) return values[i];
    }
    return function_(frame, values.data(), kArgs);
  }

 protected:
  const Node& arg(size_t i) const { return *args_[i]; }

 private:
  const Function function_;
  std::array<NodePtr, kArgs> args_;
};

// core/cel/logic.cc
NodePtr MakeAnd(std::vector<NodePtr> terms);
NodePtr MakeOr(std::vector<NodePtr> terms);
NodePtr MakeNot(NodePtr operand);

// core/cel/comprehension.cc. `cost` is charged per element.
struct Comprehension {
  enum class Kind { kAll, kExists, kExistsOne, kMap, kFilter, kToMap };
  Kind kind = Kind::kAll;
  int local = 0;     // the element (of a list) or the key (of a map)
  bool two = false;  // the index or key at `local`, the element or value behind it
  int64_t cost = 1;
  NodePtr range;
  NodePtr condition;  // null for a kMap or kToMap without one
  NodePtr transform;  // of a kMap or kToMap
};
NodePtr MakeComprehension(Comprehension comprehension);

// core/cel/fused.cc: one step (steps.h) for a frequent condition, or null where it is none.
// `function` is the operator's or function's name.
NodePtr MakeStep(const Step& step);
NodePtr FuseBinary(absl::string_view function, const Node& left, const Node& right);
// An operator over two ints of any origin (+ - * / % and comparisons), or null where it is none of
// these: then the arguments are left as they were.
// core/cel/int_nodes.cc
NodePtr MakeIntBinary(absl::string_view function, std::vector<NodePtr>* args);
// matches() with a constant pattern. Null where the pattern is none.
NodePtr MakeMatches(NodePtr text, absl::string_view pattern);

}  // namespace huiliu::cel

#endif  // HUILIU_CORE_CEL_NODE_H_
