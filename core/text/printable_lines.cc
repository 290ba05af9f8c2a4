#include "core/text/printable_lines.h"

#include "core/text/terminal_table.h"

namespace huiliu::text {

std::string PrintableLines(absl::string_view text) {
  std::string out;
  for (size_t begin = 0;;) {
    const size_t end = text.find('\n', begin);
    out += Printable(text.substr(begin, end - begin));
    if (end == absl::string_view::npos) return out;
    out += '\n';
    begin = end + 1;
  }
}

}  // namespace huiliu::text
