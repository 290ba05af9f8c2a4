// Text of several lines for a terminal.
#ifndef HUILIU_CORE_TEXT_PRINTABLE_LINES_H_
#define HUILIU_CORE_TEXT_PRINTABLE_LINES_H_

#include <string>

#include "absl/strings/string_view.h"

namespace huiliu::text {

// Printable (terminal_table.h) line by line: line feeds stay.
std::string PrintableLines(absl::string_view text);

}  // namespace huiliu::text

#endif  // HUILIU_CORE_TEXT_PRINTABLE_LINES_H_
