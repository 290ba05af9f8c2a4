#include "core/rules/value_words.h"

#include "absl/strings/str_cat.h"
#include "core/text/utf8.h"

namespace huiliu::rules {

std::string ValueInWords(absl::string_view text, bool english) {
  const absl::string_view shown = text::CodePointPrefix(text, kMaxShownCodePoints);
  if (shown.size() == text.size()) return std::string(text);
  const size_t all = text::CodePointCount(text);
  return english
             ? absl::StrCat(shown, "… (", all, " characters, the first ", kMaxShownCodePoints,
                            " are shown)")
             : absl::StrCat(shown, "…（共 ", all, " 字，只显示前 ", kMaxShownCodePoints, " 字）");
}

}  // namespace huiliu::rules
