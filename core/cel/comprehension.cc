// all, exists, exists_one, map, filter over a list's elements or a map's keys; all, exists,
// existsOne, transformList, transformMap over both index and element, or key and value.
#include "core/cel/node.h"

namespace huiliu::cel {
namespace {

class ComprehensionNode : public Node {
 public:
  explicit ComprehensionNode(Comprehension c) : c_(std::move(c)) {}

  Value Evaluate(Frame& frame) const override {
    const Value range = c_.range->Evaluate(frame);
    if (range.is_error()) return range;
    if (range.kind != ValueKind::kList && range.kind != ValueKind::kMap) return Error(kNoOverload);
    switch (c_.kind) {
      case Comprehension::Kind::kAll:
        return Quantify(frame, range, Truth::kFalse);
      case Comprehension::Kind::kExists:
        return Quantify(frame, range, Truth::kTrue);
      case Comprehension::Kind::kExistsOne:
        return ExistsOne(frame, range);
      case Comprehension::Kind::kMap:
      case Comprehension::Kind::kFilter:
      case Comprehension::Kind::kToMap:
        return Collect(frame, range);
    }
    return Error(kNoOverload);
  }

 private:
  static const Value* Element(const Value& range, size_t i) {
    return range.kind == ValueKind::kList ? &range.items[i] : &range.items[2 * i];
  }
  // `index` must outlive the evaluation of the body.
  bool Bind(Frame& frame, const Value& range, size_t i, Value* index) const {
    frame.locals[c_.local] = Element(range, i);
    if (c_.two) {
      const bool list = range.kind == ValueKind::kList;
      *index = Int(static_cast<int64_t>(i));
      frame.locals[c_.local + 1] = list ? &range.items[i] : &range.items[2 * i + 1];
      if (list) frame.locals[c_.local] = index;
    }
    return frame.Charge(c_.cost);
  }
  static Value ErrorOf(const Value& condition) {
    return condition.is_error() ? condition : Error(kNoOverload);
  }

  // As && or || over the elements: one that decides wins over errors.
  Value Quantify(Frame& frame, const Value& range, Truth decides) const {
    Value result = Bool(decides == Truth::kFalse);
    Value index;
    for (size_t i = 0; i < range.size; ++i) {
      if (!Bind(frame, range, i, &index)) return Error(kTooCostly);
      const Value condition = c_.condition->Evaluate(frame);
      if (condition.kind != ValueKind::kBool) {
        result = ErrorOf(condition);
      } else if (condition.boolean == (decides == Truth::kTrue)) {
        return condition;
      }
    }
    return result;
  }

  Value ExistsOne(Frame& frame, const Value& range) const {
    size_t found = 0;
    Value index;
    for (size_t i = 0; i < range.size; ++i) {
      if (!Bind(frame, range, i, &index)) return Error(kTooCostly);
      const Value condition = c_.condition->Evaluate(frame);
      if (condition.kind != ValueKind::kBool) return ErrorOf(condition);
      found += condition.boolean ? 1 : 0;
    }
    return Bool(found == 1);
  }

  Value Collect(Frame& frame, const Value& range) const {
    const bool to_map = c_.kind == Comprehension::Kind::kToMap;
    Value* items = frame.arena.Values(to_map ? 2 * range.size : range.size);
    if (items == nullptr) return Error("the evaluation needs too much memory (计算占用内存过多)");
    size_t count = 0;
    Value index;
    for (size_t i = 0; i < range.size; ++i) {
      if (!Bind(frame, range, i, &index)) return Error(kTooCostly);
      if (c_.condition != nullptr) {
        const Value condition = c_.condition->Evaluate(frame);
        if (condition.kind != ValueKind::kBool) return ErrorOf(condition);
        if (!condition.boolean) continue;
      }
      const Value item =
          c_.transform == nullptr ? *Element(range, i) : c_.transform->Evaluate(frame);
      if (item.is_error()) return item;
      if (to_map) items[count++] = *frame.locals[c_.local];
      items[count++] = item;
    }
    return to_map ? Items(ValueKind::kMap, items, count / 2)
                  : Items(ValueKind::kList, items, count);
  }

  const Comprehension c_;
};

}  // namespace

NodePtr MakeComprehension(Comprehension comprehension) {
  return std::make_unique<ComprehensionNode>(std::move(comprehension));
}

}  // namespace huiliu::cel
