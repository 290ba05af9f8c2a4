// The key of a record that a person names by its key fields' values.
#ifndef HUILIU_ADAPTERS_MAPPING_KEY_TEXT_H_
#define HUILIU_ADAPTERS_MAPPING_KEY_TEXT_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "core/schema/contract.h"

namespace huiliu::mapping {

// Contract::KeyOf the record that the mapping makes of these values, by the contract alone: without
// spaces around them, identifiers in capitals, dates and amounts in their one form. A source whose
// configuration reads its key otherwise (`as`, `codes`, `nulls`) has other keys.
// INVALID_ARGUMENT, in Chinese and English and without the value, where it can be no key: empty or
// a word for nothing (N/A, 无), a placeholder, masked at its source, not of the field's type, or
// not one value for each key field.
absl::StatusOr<std::string> KeyAsMapped(std::shared_ptr<const schema::Contract> contract,
                                        absl::Span<const std::string> values);

}  // namespace huiliu::mapping

#endif  // HUILIU_ADAPTERS_MAPPING_KEY_TEXT_H_
