// Masks (脱敏) of single values. A mask that cannot be applied never lets the value through.
#ifndef HUILIU_CORE_RULES_MASKS_H_
#define HUILIU_CORE_RULES_MASKS_H_

#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "core/rules/generalise.h"
#include "core/schema/contract.h"
#include "huiliu/v1/dataset.pb.h"

namespace huiliu::rules {

// Whether `mask` can be written for `field` at all: partial and the hashes give text, so they take
// string fields; a partial mask's fill is at most four code points, none of them a control
// character; a constant is a value of the field's type. INVALID_ARGUMENT in words, without the
// field's name.
absl::Status CheckMask(const huiliu::v1::Mask& mask, const schema::Field& field);

// Whether a reader sees what the mask writes in a value's place. INVALID_ARGUMENT in words where a
// fill or constant holds control, format, direction or zero-width characters, or nothing but
// spaces, or where a fill would join what is kept (a combining mark). Asked of what somebody
// writes now.
absl::Status CheckVisible(const huiliu::v1::Mask& mask);

// What a mask needs beside the value.
struct MaskNeeds {
  absl::string_view key = {};          // the receiver's, of pseudonyms
  HasDivision has_division = nullptr;  // of generalised codes
  ResolveDivision resolve = nullptr;   // and the areas that another city manages
};

// Whether it is a pseudonym, which needs the receiver's key (16 bytes at least).
bool NeedsKey(const huiliu::v1::Mask& mask);

// Appends the masked form of a value, a field's text. Partial: by code point; where keep_first +
// keep_last reach its length, all of it is hidden. Hash: 64 hexadecimal digits of HMAC-SHA-256 or
// HMAC-SM3 under the key. Generalise: AppendGeneralised. An empty value stays empty: it hides
// nothing. False, and nothing appended: the value is not UTF-8, or none that can be generalised, or
// a hash lacks its key. kind drop appends nothing.
bool AppendMasked(const huiliu::v1::Mask& mask, absl::string_view value, const MaskNeeds& needs,
                  std::string* out);

}  // namespace huiliu::rules

#endif  // HUILIU_CORE_RULES_MASKS_H_
