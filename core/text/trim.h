// Spaces around a value, as real data has them.
#ifndef HUILIU_CORE_TEXT_TRIM_H_
#define HUILIU_CORE_TEXT_TRIM_H_

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/string_view.h"

namespace huiliu::text {

// Without ASCII white space and full-width spaces (U+3000) at its ends.
inline absl::string_view Trimmed(absl::string_view text) {
  while (true) {
    text = absl::StripAsciiWhitespace(text);
    if (absl::StartsWith(text, "　")) {
      text.remove_prefix(3);
    } else if (absl::EndsWith(text, "　")) {
      text.remove_suffix(3);
    } else {
      return text;
    }
  }
}

}  // namespace huiliu::text

#endif  // HUILIU_CORE_TEXT_TRIM_H_
