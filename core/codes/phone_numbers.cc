#include "core/codes/phone_numbers.h"

#include <string>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace huiliu::codes {
namespace {

// Digits that stand together, and whether one space or hyphen alone parts them from those before.
struct Block {
  std::string digits;
  bool joined = false;
};

// The digit at `at`, ASCII or full-width (U+FF10 to U+FF19), as ASCII; 0: none.
char DigitAt(absl::string_view text, size_t at, size_t* size) {
  *size = 1;
  if (absl::ascii_isdigit(text[at])) return text[at];
  if (at + 2 >= text.size() || !absl::StartsWith(text.substr(at), "\xEF\xBC")) return 0;
  const auto wide = static_cast<unsigned char>(text[at + 2]);
  if (wide < 0x90 || wide > 0x99) return 0;
  *size = 3;
  return static_cast<char>('0' + (wide - 0x90));
}

std::vector<Block> BlocksOf(absl::string_view text) {
  std::vector<Block> blocks;
  int apart = 2;  // characters since the last digit; 2: many, or another than a space or hyphen
  for (size_t at = 0, size = 0; at < text.size(); at += size) {
    const char digit = DigitAt(text, at, &size);
    if (digit == 0) {
      apart = apart == 0 && (text[at] == ' ' || text[at] == '-') ? 1 : 2;
      continue;
    }
    if (apart > 0) blocks.push_back({"", apart == 1});
    blocks.back().digits.push_back(digit);
    apart = 0;
  }
  return blocks;
}

bool IsMobile(absl::string_view digits) {
  for (const absl::string_view prefix : {"0086", "86"}) {
    if (digits.size() == prefix.size() + 11 && absl::StartsWith(digits, prefix))
      digits.remove_prefix(prefix.size());
  }
  return digits.size() == 11 && digits[0] == '1' && digits[1] >= '3';
}

}  // namespace

bool HoldsMobileNumber(absl::string_view text) {
  const std::vector<Block> blocks = BlocksOf(text);
  for (size_t i = 0; i < blocks.size(); ++i) {
    if (IsMobile(blocks[i].digits)) return true;
    if (i + 2 >= blocks.size() || !blocks[i + 1].joined || !blocks[i + 2].joined) continue;
    const std::string& first = blocks[i].digits;
    if ((first.size() == 3 || absl::StartsWith(first, "86")) && blocks[i + 1].digits.size() == 4 &&
        blocks[i + 2].digits.size() == 4 &&
        IsMobile(absl::StrCat(first, blocks[i + 1].digits, blocks[i + 2].digits))) {
      return true;
    }
  }
  return false;
}

}  // namespace huiliu::codes
