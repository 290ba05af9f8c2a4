// Frequent conditions of one field and constants as one operation: no values are made, nothing is
// allocated, and they never fail.
#include <re2/re2.h>

#include <algorithm>
#include <cmath>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/match.h"
#include "core/cel/node.h"

namespace huiliu::cel {
namespace {

constexpr size_t kLinear = 6;  // so many constants are faster compared one by one than hashed

enum class Op { kEqual, kDiffers, kLess, kLessEqual, kGreater, kGreaterEqual };

template <Op op, typename T>
bool Holds(const T& a, const T& b) {
  switch (op) {
    case Op::kEqual:
      return a == b;
    case Op::kDiffers:
      return a != b;
    case Op::kLess:
      return a < b;
    case Op::kLessEqual:
      return a <= b;
    case Op::kGreater:
      return a > b;
    case Op::kGreaterEqual:
      return a >= b;
  }
  return false;
}

// How a field and a constant of one type are read. Stored: what the program keeps of the constant.
struct TextSource {
  using Stored = std::string;
  static absl::string_view Get(const FieldAccess& field, const Activation& a) {
    return field.Text(a);
  }
  static Stored Store(const Value& v) { return std::string(v.text()); }
  static absl::string_view View(const Stored& s) { return s; }
};
struct IntSource {
  using Stored = int64_t;
  static int64_t Get(const FieldAccess& field, const Activation& a) { return field.Integer(a); }
  static Stored Store(const Value& v) { return v.integer; }
  static int64_t View(Stored s) { return s; }
};
struct UintSource {
  using Stored = uint64_t;
  static uint64_t Get(const FieldAccess& field, const Activation& a) { return field.Natural(a); }
  static Stored Store(const Value& v) { return v.natural; }
  static uint64_t View(Stored s) { return s; }
};
struct DoubleSource {
  using Stored = double;
  static double Get(const FieldAccess& field, const Activation& a) { return field.Number(a); }
  static Stored Store(const Value& v) { return v.number; }
  static double View(Stored s) { return s; }
};
struct BoolSource {
  using Stored = bool;
  static bool Get(const FieldAccess& field, const Activation& a) { return field.Natural(a) != 0; }
  static Stored Store(const Value& v) { return v.boolean; }
  static bool View(Stored s) { return s; }
};

// Of the attributed division equality and sets, as of any field; its areas are inDivision's.
bool IsField(const FieldAccess& field) { return field.index != FieldAccess::kDivision; }

Conjunct ComparisonConjunct(const FieldAccess& field, Op op, Constant constant) {
  Conjunct conjunct;
  conjunct.field = field.index;
  conjunct.kind = op == Op::kEqual ? Conjunct::Kind::kEquals : Conjunct::Kind::kRange;
  if (op == Op::kEqual)
    conjunct.values = {std::move(constant)};
  else if (op == Op::kLess || op == Op::kLessEqual)
    conjunct.upper = Bound{std::move(constant), op == Op::kLessEqual};
  else
    conjunct.lower = Bound{std::move(constant), op == Op::kGreaterEqual};
  return conjunct;
}

template <typename Source, Op op>
class CompareNode : public ConditionNode {
 public:
  CompareNode(const FieldAccess& field, const Value& constant)
      : field_(field), constant_(Source::Store(constant)) {}
  Truth Test(Frame& frame) const override {
    return Holds<op>(Source::Get(field_, *frame.activation), Source::View(constant_))
               ? Truth::kTrue
               : Truth::kFalse;
  }
  void AppendConjuncts(std::vector<Conjunct>* conjuncts) const override {
    if (op == Op::kEqual || (op != Op::kDiffers && IsField(field_)))
      conjuncts->push_back(ComparisonConjunct(field_, op, constant_));
  }

 private:
  const FieldAccess field_;
  const typename Source::Stored constant_;
};

// Timestamps and durations: a field may hold one out of range, which is an error.
template <Op op>
class CompareTimeNode : public ConditionNode {
 public:
  CompareTimeNode(const FieldAccess& field, const Value& constant)
      : field_(field), constant_(constant) {}
  Truth Test(Frame& frame) const override {
    const Value value = field_.Read(*frame.activation);
    int order = 0;
    if (value.is_error() || !Compare(value, constant_, &order)) return Truth::kError;
    return Holds<op>(order, 0) ? Truth::kTrue : Truth::kFalse;
  }
  void AppendConjuncts(std::vector<Conjunct>* conjuncts) const override {
    if (op == Op::kDiffers || constant_.kind != ValueKind::kTimestamp) return;
    conjuncts->push_back(ComparisonConjunct(field_, op, ToTime(constant_)));
  }

 private:
  Value Explain(Frame& frame) const override { return field_.Read(*frame.activation); }
  const FieldAccess field_;
  const Value constant_;
};

template <template <Op> class NodeOf>
NodePtr MakeForOp(Op op, const FieldAccess& field, const Value& constant) {
  switch (op) {
    case Op::kEqual:
      return std::make_unique<NodeOf<Op::kEqual>>(field, constant);
    case Op::kDiffers:
      return std::make_unique<NodeOf<Op::kDiffers>>(field, constant);
    case Op::kLess:
      return std::make_unique<NodeOf<Op::kLess>>(field, constant);
    case Op::kLessEqual:
      return std::make_unique<NodeOf<Op::kLessEqual>>(field, constant);
    case Op::kGreater:
      return std::make_unique<NodeOf<Op::kGreater>>(field, constant);
    case Op::kGreaterEqual:
      return std::make_unique<NodeOf<Op::kGreaterEqual>>(field, constant);
  }
  return nullptr;
}
template <Op op>
using CompareText = CompareNode<TextSource, op>;
template <Op op>
using CompareInt = CompareNode<IntSource, op>;
template <Op op>
using CompareUint = CompareNode<UintSource, op>;
template <Op op>
using CompareDouble = CompareNode<DoubleSource, op>;
template <Op op>
using CompareBool = CompareNode<BoolSource, op>;

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

NodePtr MakeCompare(const FieldAccess& field, Op op, const Value& constant) {
  const ValueKind kind = KindOf(field);
  if (kind == ValueKind::kError || kind != constant.kind) return nullptr;
  switch (kind) {
    case ValueKind::kString:
    case ValueKind::kBytes:
      return MakeForOp<CompareText>(op, field, constant);
    case ValueKind::kBool:
      return MakeForOp<CompareBool>(op, field, constant);
    case ValueKind::kInt:
      return MakeForOp<CompareInt>(op, field, constant);
    case ValueKind::kUint:
      return MakeForOp<CompareUint>(op, field, constant);
    case ValueKind::kDouble:
      return MakeForOp<CompareDouble>(op, field, constant);
    default:
      return MakeForOp<CompareTimeNode>(op, field, constant);
  }
}

template <typename Source>
class InNode : public ConditionNode {
 public:
  InNode(const FieldAccess& field, const Value& list) : field_(field) {
    for (size_t i = 0; i < list.size; ++i) {
      typename Source::Stored constant = Source::Store(list.items[i]);
      if (set_.insert(constant).second) constants_.push_back(std::move(constant));
    }
    if (constants_.size() <= kLinear) set_ = {};
  }
  Truth Test(Frame& frame) const override {
    const auto value = Source::Get(field_, *frame.activation);
    if (constants_.size() > kLinear) return set_.contains(value) ? Truth::kTrue : Truth::kFalse;
    for (const auto& constant : constants_) {
      if (Source::View(constant) == value) return Truth::kTrue;
    }
    return Truth::kFalse;
  }
  void AppendConjuncts(std::vector<Conjunct>* conjuncts) const override {
    Conjunct conjunct{Conjunct::Kind::kIn, field_.index, {}, {}, {}};
    for (const auto& constant : constants_) conjunct.values.emplace_back(constant);
    conjuncts->push_back(std::move(conjunct));
  }

 private:
  const FieldAccess field_;
  std::vector<typename Source::Stored> constants_;
  absl::flat_hash_set<typename Source::Stored> set_;
};

NodePtr MakeIn(const FieldAccess& field, const Value& list) {
  const ValueKind kind = KindOf(field);
  if (list.kind != ValueKind::kList || kind == ValueKind::kError) return nullptr;
  const bool same = std::all_of(list.items, list.items + list.size,
                                [&](const Value& v) { return v.kind == kind; });
  if (!same) return nullptr;
  switch (kind) {
    case ValueKind::kString:
    case ValueKind::kBytes:
      return std::make_unique<InNode<TextSource>>(field, list);
    case ValueKind::kInt:
      return std::make_unique<InNode<IntSource>>(field, list);
    case ValueKind::kUint:
      return std::make_unique<InNode<UintSource>>(field, list);
    default:
      return nullptr;
  }
}

enum class Part { kStart, kEnd, kAnywhere };

template <Part part>
class TextPartNode : public ConditionNode {
 public:
  TextPartNode(const FieldAccess& field, const Value& constant)
      : field_(field), constant_(constant.text()) {}
  Truth Test(Frame& frame) const override {
    const absl::string_view text = field_.Text(*frame.activation);
    bool holds = false;
    if (part == Part::kStart) holds = absl::StartsWith(text, constant_);
    if (part == Part::kEnd) holds = absl::EndsWith(text, constant_);
    if (part == Part::kAnywhere) {
      if (!frame.ChargeText(text.size())) return Truth::kError;
      holds = ContainsText(text, constant_);
    }
    return holds ? Truth::kTrue : Truth::kFalse;
  }
  void AppendConjuncts(std::vector<Conjunct>* conjuncts) const override {
    if (part == Part::kStart && IsField(field_))
      conjuncts->push_back({Conjunct::Kind::kPrefix, field_.index, {constant_}, {}, {}});
  }

 private:
  const FieldAccess field_;
  const std::string constant_;
};

class MatchesNode : public Node {
 public:
  MatchesNode(NodePtr text, std::unique_ptr<const RE2> pattern)
      : text_(std::move(text)), pattern_(std::move(pattern)) {}
  Value Evaluate(Frame& frame) const override {
    const Value text = text_->Evaluate(frame);
    if (text.is_error()) return text;
    if (text.kind != ValueKind::kString) return Error(kNoOverload);
    if (!frame.Charge(2 + static_cast<int64_t>(text.size / 8))) return Error(kTooCostly);
    return Bool(RE2::PartialMatch(re2::StringPiece(text.data, text.size), *pattern_));
  }

 private:
  const NodePtr text_;
  const std::unique_ptr<const RE2> pattern_;
};

struct OpName {
  absl::string_view function;
  Op op;
  Op mirrored;  // 5 < x is x > 5
};
constexpr OpName kOps[] = {
    {"_==_", Op::kEqual, Op::kEqual}, {"_!=_", Op::kDiffers, Op::kDiffers},
    {"_<_", Op::kLess, Op::kGreater}, {"_<=_", Op::kLessEqual, Op::kGreaterEqual},
    {"_>_", Op::kGreater, Op::kLess}, {"_>=_", Op::kGreaterEqual, Op::kLessEqual}};

}  // namespace

NodePtr FuseBinary(absl::string_view function, const Node& left, const Node& right) {
  const bool mirrored = left.field() == nullptr;
  const FieldAccess* field = mirrored ? right.field() : left.field();
  const Value* constant = mirrored ? left.constant() : right.constant();
  if (field == nullptr || constant == nullptr) return nullptr;
  for (const OpName& name : kOps) {
    if (name.function == function)
      return MakeCompare(*field, mirrored ? name.mirrored : name.op, *constant);
  }
  if (mirrored) return nullptr;
  if (function == "@in") return MakeIn(*field, *constant);
  if (constant->kind != ValueKind::kString || KindOf(*field) != ValueKind::kString) return nullptr;
  if (function == "startsWith")
    return std::make_unique<TextPartNode<Part::kStart>>(*field, *constant);
  if (function == "endsWith") return std::make_unique<TextPartNode<Part::kEnd>>(*field, *constant);
  if (function == "contains")
    return std::make_unique<TextPartNode<Part::kAnywhere>>(*field, *constant);
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
