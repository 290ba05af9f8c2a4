// Text for terminals: columns aligned by display width (a Chinese character takes two places).
#ifndef HUILIU_CORE_TEXT_TERMINAL_TABLE_H_
#define HUILIU_CORE_TEXT_TERMINAL_TABLE_H_

#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace huiliu::text {

// Places that UTF-8 text takes on a terminal; a byte that is no UTF-8 counts one.
size_t DisplayWidth(absl::string_view text);

// The text with controls as spaces, so that data cannot draw on the terminal.
std::string Printable(absl::string_view text);

class Table {
 public:
  explicit Table(std::vector<std::string> header) : header_(std::move(header)) {}
  // One cell per column of the header. Columns whose cells are all numbers stand to the right.
  void Add(std::vector<std::string> cells) { rows_.push_back(std::move(cells)); }
  bool empty() const { return rows_.empty(); }
  // Leaves columns away from the right until a line takes at most `width` places; how many:
  // *hidden. One always stays.
  std::string Render(size_t width, size_t* hidden) const;
  std::string Render() const;

 private:
  std::vector<std::string> header_;
  std::vector<std::vector<std::string>> rows_;
};

// Places in a line of the terminal; without one, no limit (0).
size_t TerminalWidth();

}  // namespace huiliu::text

#endif  // HUILIU_CORE_TEXT_TERMINAL_TABLE_H_
