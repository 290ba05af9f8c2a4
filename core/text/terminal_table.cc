#include "core/text/terminal_table.h"

#include <locale.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <wchar.h>

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"

namespace huiliu::text {
namespace {

constexpr size_t kGap = 2;

// glibc's own locale: always there, UTF-8, and its wcwidth follows Unicode's East Asian Width.
locale_t Utf8Locale() {
  static const locale_t locale = newlocale(LC_CTYPE_MASK, "C.UTF-8", nullptr);
  return locale;
}

bool IsNumber(absl::string_view cell) {
  if (cell.empty()) return false;
  return std::all_of(cell.begin(), cell.end(), [](unsigned char c) {
    return absl::ascii_isdigit(c) || c == '-' || c == '.' || c == ',';
  });
}

// Unicode's marks that turn or break what follows on the screen (direction, line and paragraph
// separators, byte order mark): how many bytes one has that `text` begins with; 0: none.
size_t SizeOfLayoutMark(absl::string_view text) {
  for (const absl::string_view mark :
       {"\u061C", "\u200E", "\u200F", "\u2028", "\u2029", "\u202A", "\u202B", "\u202C", "\u202D",
        "\u202E", "\u2066", "\u2067", "\u2068", "\u2069", "\uFEFF"}) {
    if (absl::StartsWith(text, mark)) return mark.size();
  }
  return 0;
}

void Pad(std::string* line, size_t places) { line->append(places, ' '); }

}  // namespace

size_t DisplayWidth(absl::string_view text) {
  const locale_t before = uselocale(Utf8Locale());
  size_t width = 0;
  mbstate_t state = {};
  for (size_t at = 0; at < text.size();) {
    wchar_t c = 0;
    const size_t size = mbrtowc(&c, text.data() + at, text.size() - at, &state);
    if (size == 0 || size > text.size() - at) {
      state = {};
      ++width;
      ++at;
      continue;
    }
    width += static_cast<size_t>(std::max(0, wcwidth(c)));
    at += size;
  }
  uselocale(before);
  return width;
}

std::string Printable(absl::string_view text) {
  std::string out(text);
  for (size_t i = 0; i < out.size(); ++i) {
    const auto byte = static_cast<unsigned char>(out[i]);
    if (absl::ascii_iscntrl(byte)) out[i] = ' ';
    // The C1 controls, U+0080 to U+009F: terminals take some of them as escapes.
    if (byte == 0xC2 && i + 1 < out.size() && static_cast<unsigned char>(out[i + 1]) < 0xA0)
      out[i] = out[i + 1] = ' ';
    if (byte < 0x80) continue;
    if (const size_t size = SizeOfLayoutMark(absl::string_view(out).substr(i)); size > 0)
      out.replace(i, size, size, ' ');
  }
  return out;
}

std::string Table::Render(size_t width, size_t* hidden) const {
  std::vector<size_t> widths;
  std::vector<bool> numeric(header_.size(), !rows_.empty());
  for (size_t i = 0; i < header_.size(); ++i) {
    size_t widest = DisplayWidth(header_[i]);
    for (const auto& row : rows_) {
      widest = std::max(widest, DisplayWidth(Printable(row[i])));
      if (!row[i].empty() && !IsNumber(row[i])) numeric[i] = false;
    }
    widths.push_back(widest);
  }
  size_t shown = 0;
  for (size_t used = 0; shown < widths.size(); ++shown) {
    used += widths[shown] + (shown == 0 ? 0 : kGap);
    if (width != 0 && used > width && shown > 0) break;
  }
  *hidden = widths.size() - shown;
  std::string out;
  const auto add = [&](const std::vector<std::string>& cells) {
    std::string line;
    for (size_t i = 0; i < shown; ++i) {
      const std::string cell = Printable(cells[i]);
      const size_t room = widths[i] - DisplayWidth(cell);
      if (i > 0) Pad(&line, kGap);
      if (numeric[i]) Pad(&line, room);
      line += cell;
      if (!numeric[i]) Pad(&line, room);
    }
    while (!line.empty() && line.back() == ' ') line.pop_back();
    out += line + "\n";
  };
  add(header_);
  for (const auto& row : rows_) add(row);
  return out;
}

std::string Table::Render() const {
  size_t hidden = 0;
  return Render(0, &hidden);
}

size_t TerminalWidth() {
  winsize size = {};
  if (isatty(STDOUT_FILENO) == 0 || ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0) return 0;
  return size.ws_col;
}

}  // namespace huiliu::text
