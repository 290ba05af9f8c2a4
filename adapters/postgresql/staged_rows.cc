#include "adapters/postgresql/staged_rows.h"

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"

namespace huiliu::postgresql {
namespace {

// Rows of one batch mostly share their arrival time: the last text is kept.
class TimeText {
 public:
  const std::string& Of(int64_t us) {
    if (text_.empty() || us != us_) {
      us_ = us;
      text_ =
          absl::FormatTime("%Y-%m-%d %H:%M:%E6S+00", absl::FromUnixMicros(us), absl::UTCTimeZone());
    }
    return text_;
  }

 private:
  int64_t us_ = 0;
  std::string text_;
};

// COPY's text format. False where the text holds a byte 0, which PostgreSQL cannot.
bool AppendCopyText(absl::string_view text, std::string* out) {
  while (!text.empty()) {
    size_t plain = 0;
    while (plain < text.size() && static_cast<uint8_t>(text[plain]) > '\r' && text[plain] != '\\')
      ++plain;
    out->append(text.data(), plain);
    if (plain == text.size()) return true;
    switch (text[plain]) {
      case '\0':
        return false;
      case '\\':
        *out += "\\\\";
        break;
      case '\n':
        *out += "\\n";
        break;
      case '\r':
        *out += "\\r";
        break;
      case '\t':
        *out += "\\t";
        break;
      default:
        out->push_back(text[plain]);
    }
    text.remove_prefix(plain + 1);
  }
  return true;
}

// Changes that a later one of the same key replaces.
std::vector<bool> Superseded(absl::Span<const huiliu_change> changes,
                             const std::vector<Column>& columns) {
  // The keys' bytes, one behind the other.
  std::string bytes;
  std::vector<size_t> ends;
  ends.reserve(changes.size());
  for (const huiliu_change& change : changes) {
    absl::StrAppend(&bytes, sdk::ToView(change.system));
    for (size_t c = 0; c < columns.size(); ++c) {
      if (columns[c].key)
        absl::StrAppend(&bytes, absl::string_view("\0", 1), sdk::ToView(change.cells[c].value));
    }
    ends.push_back(bytes.size());
  }
  std::vector<bool> superseded(changes.size(), false);
  absl::flat_hash_map<absl::string_view, size_t> last;
  last.reserve(changes.size());
  for (size_t i = 0; i < changes.size(); ++i) {
    const size_t begin = i == 0 ? 0 : ends[i - 1];
    const auto [place, fresh] =
        last.try_emplace(absl::string_view(bytes).substr(begin, ends[i] - begin), i);
    if (fresh) continue;
    superseded[place->second] = true;
    place->second = i;
  }
  return superseded;
}

// False where a value holds a byte 0: *column is its place.
bool AppendCells(const huiliu_change& change, const std::vector<Column>& columns, size_t* column,
                 std::string* out) {
  for (size_t c = 0; c < columns.size(); ++c) {
    out->push_back('\t');
    const huiliu_cell& cell = change.cells[c];
    if (cell.kind == 0) {
      *out += columns[c].key && change.is_delete == 0 ? "" : "\\N";
    } else if (!AppendCopyText(sdk::ToView(cell.value), out)) {
      *column = c;
      return false;
    }
  }
  out->push_back('\n');
  return true;
}

}  // namespace

StagedRows::StagedRows(absl::Span<const huiliu_change> changes,
                       const std::vector<Column>& columns) {
  const std::vector<bool> superseded = Superseded(changes, columns);
  TimeText source_time;
  TimeText arrival_time;
  for (size_t i = 0; i < changes.size(); ++i) {
    const huiliu_change& change = changes[i];
    if (superseded[i]) continue;
    absl::StrAppend(&text_, change.is_delete != 0 ? "t" : "f", "\t", sdk::ToView(change.system),
                    "\t", sdk::ToView(change.division), "\t");
    absl::StrAppend(&text_,
                    change.source_time_us == 0 ? "\\N" : source_time.Of(change.source_time_us),
                    "\t", arrival_time.Of(change.arrival_time_us));
    size_t column = 0;
    if (!AppendCells(change, columns, &column, &text_)) {
      text_.resize(begins_.back());
      unstorable_.push_back({i, "22021", absl::StrCat("column ", columns[column].name),
                             "a value holds a byte 0, which PostgreSQL cannot keep"});
      continue;
    }
    deletes_ = deletes_ || change.is_delete != 0;
    changes_.push_back(i);
    begins_.push_back(text_.size());
    // Batches hold rows of like size: one allocation is enough.
    if (changes_.size() == 1) text_.reserve(text_.size() * changes.size() * 5 / 4);
  }
}

std::string KeyBytes(const huiliu_change& change, const std::vector<Column>& columns) {
  std::string bytes;
  const auto add = [&](absl::string_view text) { absl::StrAppend(&bytes, text.size(), ":", text); };
  add(sdk::ToView(change.system));
  for (size_t c = 0; c < columns.size(); ++c) {
    if (columns[c].key) add(sdk::ToView(change.cells[c].value));
  }
  return bytes;
}

}  // namespace huiliu::postgresql
