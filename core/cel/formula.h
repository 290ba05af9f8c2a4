// A CEL expression whose value becomes a field's.
#ifndef HUILIU_CORE_CEL_FORMULA_H_
#define HUILIU_CORE_CEL_FORMULA_H_

#include <memory>
#include <string>
#include <vector>

#include "core/cel/program.h"

namespace huiliu::cel {

// Immutable, thread-safe. The contract must outlive it.
class Formula {
 public:
  // INVALID_ARGUMENT with `issues`, also where the expression's type is none of `target`: string,
  // bool and timestamp fields take their own, numeric fields int, uint (an enum: int) and double
  // fields any number. `target` is not repeated, no bytes, no message.
  static absl::StatusOr<std::unique_ptr<const Formula>> Compile(absl::string_view expression,
                                                                const schema::Contract& contract,
                                                                const schema::Field& target,
                                                                const Environment& environment,
                                                                std::vector<Issue>* issues);
  virtual ~Formula() = default;
  // Appends the value as text, as schema::AppendWire takes it; nothing for null. False, and nothing
  // appended, where the evaluation is an error or gives another type.
  virtual bool AppendText(const Activation& activation, std::string* out) const = 0;
  // Indexes (Field::index) of the fields it reads.
  virtual absl::Span<const int> fields() const = 0;
};

}  // namespace huiliu::cel

#endif  // HUILIU_CORE_CEL_FORMULA_H_
