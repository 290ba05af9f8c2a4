// Check digits and shapes of the identifiers that approval systems carry. A failed check is a
// finding, never a loss.
#ifndef HUILIU_CORE_CODES_CODES_H_
#define HUILIU_CORE_CODES_CODES_H_

#include "absl/strings/string_view.h"

namespace huiliu::codes {

// What is wrong with a code: a stable word for findings ("uscc:check_digit").
// kPlaceholder: zeros (and a last X) that stand for "no code"; kShape: a part is missing or of
// another length.
enum class Flaw { kNone, kLength, kAlphabet, kDate, kCheckDigit, kPlaceholder, kShape };
absl::string_view FlawName(Flaw flaw);

// Unified social credit code (GB 32100-2015), 18 characters, upper case.
Flaw CheckUscc(absl::string_view code);
// Its division of first registration (characters 3–8); empty where the shape is none.
absl::string_view UsccDivision(absl::string_view code);
// Its organisation code (characters 9–17); empty where the length is another.
absl::string_view UsccOrganisationCode(absl::string_view code);

// Organisation code (GB 11714-1997), 9 characters, without or with "-" before the last.
Flaw CheckOrganisationCode(absl::string_view code);

// Old registration number (GS15-2006), 15 digits, ISO 7064 MOD 11,10.
Flaw CheckRegistrationNumber(absl::string_view code);

// Citizen number (GB 11643-1999), 18 characters, or the 15-digit legacy form (no check digit). X in
// upper case.
Flaw CheckCitizenId(absl::string_view code);

// Electronic certificate id (1.2.156.3005.2.{type21}.{issuer18}.{serial}.{ver3}.{check}), ISO 7064
// MOD 37,36 over all before it without the dots.
Flaw CheckCertificateId(absl::string_view code);

// Service-item code: a basic code of 12 digits or capital letters, or an implementing code of 31:
// USCC (18), level (1), basic code (12).
Flaw CheckServiceItemCode(absl::string_view code);

// Whether a key came masked from its source (330921************): four stars or more. No one can
// join on it.
bool IsMaskedAtSource(absl::string_view text);

}  // namespace huiliu::codes

#endif  // HUILIU_CORE_CODES_CODES_H_
