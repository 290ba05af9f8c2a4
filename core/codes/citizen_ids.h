// Citizen numbers that stand where another identifier should: in USCC and organisation-code fields
// of individual businesses, alone or among several codes in one value.
#ifndef HUILIU_CORE_CODES_CITIZEN_IDS_H_
#define HUILIU_CORE_CODES_CITIZEN_IDS_H_

#include <string>

#include "absl/strings/string_view.h"

namespace huiliu::codes {

// Whether a part of `text` has the shape of a citizen number (GB 11643): 18 characters, or 15 that
// stand alone, with a date in their middle. The check digit is not asked (a mistyped number is a
// person's, too), a valid USCC is none. Spaces and hyphens between the digits, full-width digits
// and a small x count as written.
bool HoldsCitizenId(absl::string_view text);

// Appends `text` with each such part hidden but for its first six and last four characters.
void AppendCitizenIdsHidden(absl::string_view text, std::string* out);

}  // namespace huiliu::codes

#endif  // HUILIU_CORE_CODES_CITIZEN_IDS_H_
