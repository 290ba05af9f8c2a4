// The static types of CEL.
#ifndef HUILIU_CORE_CEL_TYPES_H_
#define HUILIU_CORE_CEL_TYPES_H_

#include <string>
#include <vector>

namespace huiliu::cel {

enum class TypeKind : uint8_t {
  kUnbound,  // of an empty list's elements: fits anything
  kDyn,
  kNull,
  kBool,
  kInt,
  kUint,
  kDouble,
  kString,
  kBytes,
  kTimestamp,
  kDuration,
  kList,       // params[0]
  kMap,        // params[0], params[1]
  kType,       // of a type's own value
  kMessage,    // name
  kWrapper,    // params[0] or null
  kParameter,  // name: a variable of an overload's signature
};

struct Type {
  TypeKind kind = TypeKind::kDyn;
  std::vector<Type> params;
  std::string name;

  bool operator==(const Type& other) const {
    return kind == other.kind && params == other.params && name == other.name;
  }
};

inline Type Simple(TypeKind kind) { return Type{kind, {}, {}}; }
inline Type ListOf(Type element) { return Type{TypeKind::kList, {std::move(element)}, {}}; }
inline Type WrapperOf(TypeKind kind) { return Type{TypeKind::kWrapper, {Simple(kind)}, {}}; }
inline Type MapOf(Type key, Type value) {
  return Type{TypeKind::kMap, {std::move(key), std::move(value)}, {}};
}

// As the specification writes it: list(int), map(string, dyn).
std::string TypeName(const Type& type);

// The values of type parameters while one call is resolved.
class Bindings {
 public:
  // Whether a value of type `actual` may stand where `wanted` is asked for; binds parameters.
  bool Assign(const Type& wanted, const Type& actual);
  // `type` with its parameters replaced; unbound ones are dyn.
  Type Substitute(const Type& type) const;

 private:
  std::vector<std::pair<std::string, Type>> bound_;
};

// Whether the two may be compared or stand in one list without becoming dyn.
bool Compatible(const Type& a, const Type& b);
// The type of a list or map holding both: the more definite one, or dyn.
Type Join(const Type& a, const Type& b);

}  // namespace huiliu::cel

#endif  // HUILIU_CORE_CEL_TYPES_H_
