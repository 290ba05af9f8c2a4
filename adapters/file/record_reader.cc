#include "adapters/file/record_reader.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "core/text/gb18030.h"
#include "core/text/utf8.h"

namespace huiliu::file {
namespace {

using absl::StrCat;
constexpr size_t kNpos = absl::string_view::npos;
// What is kept for repair is bounded: of a 100 MB field its beginning.
constexpr size_t kMaxKeptRaw = 64 << 10;

absl::string_view WithoutLineEnd(absl::string_view raw) {
  if (!raw.empty() && raw.back() == '\n') raw.remove_suffix(1);
  if (!raw.empty() && raw.back() == '\r') raw.remove_suffix(1);
  return raw;
}

bool EndsLine(absl::string_view raw) {
  return !raw.empty() && (raw.back() == '\n' || raw.back() == '\r');
}

}  // namespace

size_t RecordReader::Take(const FileHead& head, absl::string_view bytes, bool at_end,
                          size_t max_rows, size_t max_bytes, FileState* state) {
  max_rows_ = max_rows;
  max_bytes_ = max_bytes;
  new_columns_.clear();
  if (state->skipping) return SkipLine(bytes, at_end, state);
  table_ = buffer_.Keep(head.name);
  return options_.format == Format::kCsv ? TakeCsv(head, bytes, at_end, state)
                                         : TakeJsonLines(head, bytes, at_end, state);
}

// The rest of a line whose beginning was too long and is reported already.
size_t RecordReader::SkipLine(absl::string_view bytes, bool at_end, FileState* state) const {
  size_t end = bytes.find_first_of(options_.format == Format::kCsv ? "\r\n" : "\n");
  size_t took = bytes.size();
  if (end != kNpos) {
    if (bytes[end] == '\r') {
      if (end + 1 == bytes.size() && !at_end) {
        state->offset += static_cast<int64_t>(end);
        return end;
      }
      if (end + 1 < bytes.size() && bytes[end + 1] == '\n') ++end;
    }
    took = end + 1;
    state->skipping = false;
    ++state->line;
  }
  state->offset += static_cast<int64_t>(took);
  return took;
}

size_t RecordReader::TakeCsv(const FileHead& head, absl::string_view bytes, bool at_end,
                             FileState* state) {
  text::CsvOptions csv;
  csv.delimiter = options_.delimiter;
  csv.multibyte = head.charset != Charset::kUtf8;
  csv.max_record_bytes = options_.max_record_bytes;
  text::CsvSplitter splitter(bytes, csv, state->line, at_end);
  while (!Full() && splitter.Next(&record_) == text::CsvSplitter::Result::kRecord) {
    const absl::string_view raw = bytes.substr(record_.begin, record_.size);
    if (record_.error == nullptr) {
      AddCsvRecord(head, WithoutLineEnd(raw));
      continue;
    }
    AddError(record_.line, record_.error_line, record_.error_column, WithoutLineEnd(raw),
             record_.error,
             "记录不合 CSV 格式：请更正引号或长度，从下一行继续读取 / the record is malformed: "
             "correct its "
             "quotes or its length; reading goes on with the next line");
    state->skipping = !EndsLine(raw) && !at_end;
  }
  state->offset += static_cast<int64_t>(splitter.offset());
  state->line = splitter.line();
  return splitter.offset();
}

void RecordReader::AddCsvRecord(const FileHead& head, absl::string_view raw) {
  const size_t fields = record_.fields.size();
  if (fields == 1 && raw.empty() && head.columns.size() > 1) return;  // an empty line is no record
  if (fields != head.columns.size()) {
    return AddErrorAt(
        record_.line, 0, raw, "csv.columns",
        StrCat("本行 ", fields, " 列，表头 ", head.columns.size(), " 列 / the record has ", fields,
               " columns, the header ", head.columns.size()));
  }
  if (AddCsvCells(head, raw)) buffer_.AddRow(table_, record_.line, raw);
}

bool RecordReader::AddCsvCells(const FileHead& head, absl::string_view raw) {
  const auto inside = [&](absl::string_view field) {
    return field.data() >= raw.data() && field.data() <= raw.data() + raw.size();
  };
  if (head.charset == Charset::kUtf8) {
    const size_t bad = text::FindInvalidUtf8(raw);
    if (bad != kNpos) {
      AddErrorAt(record_.line, bad, raw, "charset.invalid",
                 "含有不是 UTF-8 的字节，文件是否为 GB18030？ / the record holds bytes that are no "
                 "UTF-8; is the file GB18030?");
      return false;
    }
    for (absl::string_view field : record_.fields) {
      buffer_.AddCell(inside(field) ? field : buffer_.Keep(field));
    }
    return true;
  }
  for (size_t i = 0; i < record_.fields.size(); ++i) {
    const absl::string_view field = record_.fields[i];
    absl::string_view cell;
    const size_t bad = DecodeKept(head.charset, field, &cell);
    if (bad != kNpos) {
      const size_t at = inside(field) ? static_cast<size_t>(field.data() - raw.data()) + bad : 0;
      AddErrorAt(record_.line, at, raw, "charset.invalid",
                 StrCat("列 ", head.columns[i], " 含有不是 ", CharsetName(head.charset),
                        " 的字节 / column ", head.columns[i], " holds bytes that are no ",
                        CharsetName(head.charset)));
      return false;
    }
    buffer_.AddCell(cell);
  }
  return true;
}

size_t RecordReader::DecodeKept(Charset charset, absl::string_view bytes, absl::string_view* out) {
  if (charset == Charset::kUtf8) {
    *out = bytes;
    return text::FindInvalidUtf8(bytes);
  }
  char* const to = buffer_.Reserve(text::MaxDecodedBytes(bytes.size()));
  const text::DecodedBytes decoded =
      charset == Charset::kGbk ? text::DecodeGbkTo(bytes, to) : text::DecodeGb18030To(bytes, to);
  *out = buffer_.Commit(decoded.size);
  return decoded.invalid_at;
}

size_t RecordReader::TakeJsonLines(const FileHead& head, absl::string_view bytes, bool at_end,
                                   FileState* state) {
  size_t at = 0;
  while (!Full() && at < bytes.size()) {
    size_t end = bytes.find('\n', at);
    const bool too_long = std::min(end, bytes.size()) - at > options_.max_record_bytes;
    if (end == kNpos && !too_long && !at_end) break;
    const absl::string_view raw =
        WithoutLineEnd(bytes.substr(at, end == kNpos ? end : end - at + 1));
    if (too_long) {
      AddErrorAt(state->line, 0, raw, "json.too_long", "行过长 / the line is too long");
    } else if (!absl::StripAsciiWhitespace(raw).empty()) {
      if (!AddJsonLine(head, state->line, raw)) break;
    }
    if (end == kNpos) {
      state->skipping = !at_end;
      at = bytes.size();
      break;
    }
    ++state->line;
    at = end + 1;
  }
  state->offset += static_cast<int64_t>(at);
  return at;
}

bool RecordReader::AddJsonLine(const FileHead& head, int64_t line, absl::string_view raw) {
  absl::string_view text;
  const size_t bad = DecodeKept(head.charset, raw, &text);
  if (bad != kNpos) {
    AddErrorAt(line, bad, raw, "charset.invalid",
               StrCat("本行含有不是 ", CharsetName(head.charset),
                      " 的字节 / the line holds bytes that are no ", CharsetName(head.charset)));
    return true;
  }
  if (!SplitJsonObject(text, &members_)) {
    AddNoJson(line, raw, text);
    return true;
  }
  for (JsonMember& member : members_) {
    if (member.key_escaped) member.key = buffer_.Keep(Unescaped(member.key));
    if (member.value_escaped) member.value = buffer_.Keep(Unescaped(member.value));
    member.key_escaped = member.value_escaped = false;
  }
  if (const size_t place = RepeatedMember(); place > 0) {
    const absl::string_view name = members_[place - 1].key;
    AddErrorAt(
        line, 0, raw, "json.duplicate",
        StrCat(NameOrPlace(name, place, false), "出现不止一次，无法确定取哪一个；请更正本行 / ",
               NameOrPlace(name, place, true),
               " stands there more than once, and nothing tells which one is meant; "
               "correct the line"));
    return true;
  }
  if (options_.header.empty() && FindNewColumns(head)) return false;
  AddJsonCells(head, line, raw);
  return true;
}

void RecordReader::AddNoJson(int64_t line, absl::string_view raw, absl::string_view text) {
  if (const size_t number = NumberOutOfRange(text); number != kNpos) {
    // Of a line in another charset the place is in what was made of it.
    return AddErrorAt(
        line, text == raw ? number : 0, raw, "json.number",
        "本行有一个数值超出可表示的范围（双精度，约 1.8e308 以内）；须原样保留的请写成"
        "加双引号的文本 / a number in the line is out of range (a double, up to about "
        "1.8e308); write it as text in double quotes where it is to be kept as it is");
  }
  AddErrorAt(
      line, 0, raw, "json.invalid",
      "本行不是 JSON 对象（RFC 8259：双引号、null、true、false）/ the line is no JSON object "
      "(RFC 8259: double quotes, null, true, false)");
}

size_t RecordReader::RepeatedMember() {
  names_.clear();
  for (const JsonMember& member : members_) names_.emplace_back(member.key, names_.size() + 1);
  std::sort(names_.begin(), names_.end());
  const auto found =
      std::adjacent_find(names_.begin(), names_.end(),
                         [](const auto& a, const auto& b) { return a.first == b.first; });
  return found == names_.end() ? 0 : std::next(found)->second;
}

std::string RecordReader::NameOrPlace(absl::string_view name, size_t place, bool english) const {
  if (needed_.Names(name)) return english ? StrCat("member ", name) : StrCat("成员 ", name, " ");
  return english ? StrCat("member no. ", place) : StrCat("第 ", place, " 个成员");
}

// Members mostly stand in the columns' order, some left out.
bool RecordReader::FindNewColumns(const FileHead& head) {
  const auto& columns = head.columns;
  size_t next = 0;
  for (const JsonMember& member : members_) {
    size_t at = next;
    while (at < columns.size() && columns[at] != member.key) ++at;
    if (at < columns.size()) {
      next = at + 1;
      continue;
    }
    if (std::find(columns.begin(), columns.end(), member.key) == columns.end() &&
        std::find(new_columns_.begin(), new_columns_.end(), member.key) == new_columns_.end() &&
        columns.size() + new_columns_.size() < kMaxJsonColumns)
      new_columns_.emplace_back(member.key);
  }
  return !new_columns_.empty();
}

void RecordReader::AddJsonCells(const FileHead& head, int64_t line, absl::string_view raw) {
  size_t found = 0;
  for (size_t c = 0; c < head.columns.size(); ++c) {
    const absl::string_view column = head.columns[c];
    auto member = members_.begin() + static_cast<std::ptrdiff_t>(std::min(c, members_.size()));
    if (member == members_.end() || member->key != column) {
      member = std::find_if(members_.begin(), members_.end(),
                            [&](const JsonMember& m) { return m.key == column; });
    }
    if (member == members_.end()) {
      buffer_.AddCell({});
      continue;
    }
    ++found;
    buffer_.AddCell(member->is_null ? absl::string_view() : member->value);
  }
  buffer_.AddRow(table_, line, raw);
  if (found == members_.size()) return;
  for (size_t i = 0; i < members_.size(); ++i) {
    const absl::string_view name = members_[i].key;
    if (std::find(head.columns.begin(), head.columns.end(), name) != head.columns.end()) continue;
    notice_(head.name,
            StrCat(NameOrPlace(name, i + 1, false), "不在所配置的列中，不读取 / ",
                   NameOrPlace(name, i + 1, true), " is not among the columns; it is not read"));
  }
}

void RecordReader::AddErrorAt(int64_t line, size_t at, absl::string_view raw,
                              absl::string_view code, absl::string_view message) {
  const absl::string_view before = raw.substr(0, at);
  const size_t line_end = before.find_last_of("\r\n");
  AddError(line, line + text::CountLineEnds(before),
           static_cast<int64_t>(line_end == kNpos ? at + 1 : at - line_end), raw, code, message);
}

void RecordReader::AddError(int64_t line, int64_t error_line, int64_t column, absl::string_view raw,
                            absl::string_view code, absl::string_view message) {
  buffer_.AddError(table_, line, raw.substr(0, kMaxKeptRaw), code,
                   StrCat(table_, ":", error_line, ":", column), message);
}

}  // namespace huiliu::file
