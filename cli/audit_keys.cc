#include "cli/audit_keys.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "core/base/files.h"
#include "core/base/status.h"

namespace huiliu::cli {
namespace {

using SourceKeys = std::map<std::string, std::string>;

bool IsKey(absl::string_view text) {
  return text.size() == 64 && std::all_of(text.begin(), text.end(), absl::ascii_isxdigit);
}

absl::Status Add(const std::string& place, absl::string_view text, SourceKeys* keys) {
  const std::pair<std::string, std::string> parts = absl::StrSplit(text, absl::MaxSplits('=', 1));
  if (!IsKey(parts.second)) {
    return absl::InvalidArgumentError(
        absl::StrCat(place, "：应为“数据源=公钥”，公钥 64 位十六进制 / ", place,
                     ": SOURCE=KEY, the key as 64 hexadecimal digits"));
  }
  (*keys)[parts.first] = absl::HexStringToBytes(parts.second);
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::string> PublicKeyFromHex(absl::string_view place, absl::string_view text) {
  if (IsKey(text)) return absl::HexStringToBytes(text);
  return absl::InvalidArgumentError(absl::StrCat(place, "：公钥应为 64 位十六进制数字 / ", place,
                                                 ": a public key is 64 hexadecimal digits"));
}

absl::StatusOr<SourceKeys> SourceKeysOf(const std::vector<std::string>& texts,
                                        const std::string& file) {
  SourceKeys keys;
  for (const std::string& text : texts) RETURN_IF_ERROR(Add("--source-key", text, &keys));
  if (file.empty()) return keys;
  ASSIGN_OR_RETURN(const std::string content, ReadFile(file));
  int number = 0;
  for (absl::string_view line : absl::StrSplit(content, '\n')) {
    ++number;
    line = absl::StripAsciiWhitespace(line);
    if (line.empty() || line[0] == '#') continue;
    RETURN_IF_ERROR(Add(absl::StrCat(file, ":", number), line, &keys));
  }
  return keys;
}

}  // namespace huiliu::cli
