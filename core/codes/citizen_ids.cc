#include "core/codes/citizen_ids.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "core/codes/codes.h"

namespace huiliu::codes {
namespace {

constexpr size_t kLong = 18;
constexpr size_t kShort = 15;
constexpr size_t kShownFirst = 6;
constexpr size_t kShownLast = 4;

// The digits of one number as written, and where each stands.
struct Run {
  std::string digits;                             // ASCII, X in upper case
  std::vector<std::pair<size_t, size_t>> places;  // offset and size in the text
};

// The character at `at` as a digit or X; 0 where it is neither. Sets its size in bytes.
char DigitAt(absl::string_view text, size_t at, size_t* size) {
  *size = 1;
  const char c = text[at];
  if (absl::ascii_isdigit(c)) return c;
  if (c == 'X' || c == 'x') return 'X';
  if (!absl::StartsWith(text.substr(at), "\xEF\xBC") &&
      !absl::StartsWith(text.substr(at), "\xEF\xBD")) {
    return 0;
  }
  if (at + 2 >= text.size()) return 0;
  const auto wide = static_cast<unsigned char>(text[at + 2]);
  *size = 3;
  if (text[at + 1] == '\xBC' && wide >= 0x90 && wide <= 0x99)
    return static_cast<char>('0' + (wide - 0x90));
  if ((text[at + 1] == '\xBC' && wide == 0xB8) || (text[at + 1] == '\xBD' && wide == 0x98))
    return 'X';
  *size = 1;
  return 0;
}

std::vector<Run> RunsOf(absl::string_view text) {
  std::vector<Run> runs;
  bool open = false;
  for (size_t at = 0, size = 0; at < text.size(); at += size) {
    const char digit = DigitAt(text, at, &size);
    if (digit == 0) {
      if (text[at] != ' ' && text[at] != '-') open = false;
      continue;
    }
    if (!open) runs.emplace_back();
    open = true;
    runs.back().digits.push_back(digit);
    runs.back().places.emplace_back(at, size);
  }
  return runs;
}

// CheckCitizenId looks at the check digit last: whatever comes that far has the shape.
bool HasShape(absl::string_view digits) {
  const Flaw flaw = CheckCitizenId(digits);
  if (flaw != Flaw::kNone && flaw != Flaw::kCheckDigit) return false;
  return digits.size() != kLong || CheckUscc(digits) != Flaw::kNone;
}

// Calls `found(run, first, size)` for each citizen number; stops where it returns false.
template <typename Found>
void Find(absl::string_view text, const Found& found) {
  if (text.size() < kShort) return;
  for (const Run& run : RunsOf(text)) {
    const absl::string_view digits = run.digits;
    if (digits.size() == kShort && HasShape(digits) && !found(run, size_t{0}, kShort)) return;
    for (size_t at = 0; at + kLong <= digits.size();) {
      const bool shape = HasShape(digits.substr(at, kLong));
      if (shape && !found(run, at, kLong)) return;
      at += shape ? kLong : 1;
    }
  }
}

}  // namespace

bool HoldsCitizenId(absl::string_view text) {
  if (CheckUscc(text) == Flaw::kNone) return false;
  bool holds = false;
  Find(text, [&](const Run&, size_t, size_t) {
    holds = true;
    return false;
  });
  return holds;
}

void AppendCitizenIdsHidden(absl::string_view text, std::string* out) {
  std::vector<std::pair<size_t, size_t>> hidden;
  Find(text, [&](const Run& run, size_t first, size_t size) {
    hidden.insert(hidden.end(), run.places.begin() + static_cast<long>(first + kShownFirst),
                  run.places.begin() + static_cast<long>(first + size - kShownLast));
    return true;
  });
  size_t copied = 0;
  for (const auto& [at, size] : hidden) {
    out->append(text.data() + copied, at - copied);
    out->push_back('*');
    copied = at + size;
  }
  out->append(text.data() + copied, text.size() - copied);
}

}  // namespace huiliu::codes
