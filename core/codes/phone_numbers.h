// Mobile numbers in free text: they lead to a person as a citizen number does.
#ifndef HUILIU_CORE_CODES_PHONE_NUMBERS_H_
#define HUILIU_CORE_CODES_PHONE_NUMBERS_H_

#include "absl/strings/string_view.h"

namespace huiliu::codes {

// Whether a part of `text` has the shape of a mainland mobile number: 11 digits that stand alone,
// the first two 13 to 19, with or without 86 before them, in one or written 3-4-4 with a space or
// hyphen between. Full-width digits count as written. Numbers of offices (0871-…) are none.
bool HoldsMobileNumber(absl::string_view text);

}  // namespace huiliu::codes

#endif  // HUILIU_CORE_CODES_PHONE_NUMBERS_H_
