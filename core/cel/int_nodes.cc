// Operators over two ints: computed without values. What is not two ints, or overflows, goes the
// general way, which says why.
#include <limits>

#include "core/cel/node.h"

namespace huiliu::cel {
namespace {

template <bool (*kCompute)(int64_t, int64_t, int64_t*)>
class IntOperatorNode : public CallNode<2> {
 public:
  using CallNode<2>::CallNode;
  bool EvaluateInt(Frame& frame, int64_t* result) const override {
    int64_t a = 0, b = 0;
    return arg(0).EvaluateInt(frame, &a) && arg(1).EvaluateInt(frame, &b) && kCompute(a, b, result);
  }
};

template <bool (*kHolds)(int64_t, int64_t)>
class IntComparisonNode : public CallNode<2> {
 public:
  using CallNode<2>::CallNode;
  Truth Test(Frame& frame) const override {
    int64_t a = 0, b = 0;
    if (!arg(0).EvaluateInt(frame, &a) || !arg(1).EvaluateInt(frame, &b)) return Node::Test(frame);
    return kHolds(a, b) ? Truth::kTrue : Truth::kFalse;
  }
};

bool Add(int64_t a, int64_t b, int64_t* result) { return !__builtin_add_overflow(a, b, result); }
bool Subtract(int64_t a, int64_t b, int64_t* result) {
  return !__builtin_sub_overflow(a, b, result);
}
bool Multiply(int64_t a, int64_t b, int64_t* result) {
  return !__builtin_mul_overflow(a, b, result);
}
bool Divides(int64_t a, int64_t b) {
  return b != 0 && !(b == -1 && a == std::numeric_limits<int64_t>::min());
}
bool Divide(int64_t a, int64_t b, int64_t* result) {
  if (!Divides(a, b)) return false;
  *result = a / b;
  return true;
}
bool Remainder(int64_t a, int64_t b, int64_t* result) {
  if (!Divides(a, b)) return false;
  *result = a % b;
  return true;
}

bool Equals(int64_t a, int64_t b) { return a == b; }
bool Differs(int64_t a, int64_t b) { return a != b; }
bool Less(int64_t a, int64_t b) { return a < b; }
bool LessEqual(int64_t a, int64_t b) { return a <= b; }
bool Greater(int64_t a, int64_t b) { return a > b; }
bool GreaterEqual(int64_t a, int64_t b) { return a >= b; }

template <typename NodeType>
NodePtr Make(Function function, std::vector<NodePtr>* args) {
  return std::make_unique<NodeType>(function, std::move(*args));
}

struct Maker {
  absl::string_view function;
  NodePtr (*make)(Function, std::vector<NodePtr>*);
};
constexpr Maker kMakers[] = {{"_+_", Make<IntOperatorNode<Add>>},
                             {"_-_", Make<IntOperatorNode<Subtract>>},
                             {"_*_", Make<IntOperatorNode<Multiply>>},
                             {"_/_", Make<IntOperatorNode<Divide>>},
                             {"_%_", Make<IntOperatorNode<Remainder>>},
                             {"_==_", Make<IntComparisonNode<Equals>>},
                             {"_!=_", Make<IntComparisonNode<Differs>>},
                             {"_<_", Make<IntComparisonNode<Less>>},
                             {"_<=_", Make<IntComparisonNode<LessEqual>>},
                             {"_>_", Make<IntComparisonNode<Greater>>},
                             {"_>=_", Make<IntComparisonNode<GreaterEqual>>}};

}  // namespace

NodePtr MakeIntBinary(absl::string_view function, std::vector<NodePtr>* args) {
  for (const Maker& maker : kMakers) {
    if (maker.function == function) return maker.make(FindFunction(function), args);
  }
  return nullptr;
}

}  // namespace huiliu::cel
