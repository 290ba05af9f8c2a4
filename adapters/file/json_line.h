// One JSON object as slices of its text: numbers keep their digits, nested values their form.
#ifndef HUILIU_ADAPTERS_FILE_JSON_LINE_H_
#define HUILIU_ADAPTERS_FILE_JSON_LINE_H_

#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace huiliu::file {

struct JsonMember {
  absl::string_view key;    // between its quotes
  absl::string_view value;  // a string between its quotes; else the text
  bool key_escaped = false;
  bool value_escaped = false;
  bool is_null = false;
};

// False where `text` (valid UTF-8) is no JSON object (RFC 8259).
bool SplitJsonObject(absl::string_view text, std::vector<JsonMember>* members);

// Where in a text that is no JSON object to us a number stands that no double holds (1e400), which
// JSON itself allows; npos: it is not that.
size_t NumberOutOfRange(absl::string_view text);

// The characters of a slice that has escapes.
std::string Unescaped(absl::string_view slice);

}  // namespace huiliu::file

#endif  // HUILIU_ADAPTERS_FILE_JSON_LINE_H_
