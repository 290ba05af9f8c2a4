// Values and types of the CEL suite's JSON.
#ifndef HUILIU_TESTS_CONFORMANCE_RUNNER_CEL_VALUES_H_
#define HUILIU_TESTS_CONFORMANCE_RUNNER_CEL_VALUES_H_

#include <nlohmann/json.hpp>
#include <string>

#include "core/cel/functions.h"
#include "core/cel/types.h"

namespace huiliu::conformance {

// False where the JSON holds what we do not represent (strong enums, extensions).
bool ValueFromJson(const nlohmann::json& json, cel::Frame* frame, cel::Value* value);
bool TypeFromJson(const nlohmann::json& json, cel::Type* type);

// The same kind and the same value; NaN is NaN.
bool SameValue(const cel::Value& a, const cel::Value& b);

std::string ShowValue(const cel::Value& value);

}  // namespace huiliu::conformance

#endif  // HUILIU_TESTS_CONFORMANCE_RUNNER_CEL_VALUES_H_
