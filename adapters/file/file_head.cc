// RecordReader's look at the beginning of a file: what it shows, and whether it is one for this
// source.
#include <algorithm>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "adapters/file/record_reader.h"
#include "core/text/utf8.h"

namespace huiliu::file {
namespace {

using absl::StrCat;
constexpr size_t kNpos = absl::string_view::npos;

// UTF-8 but for a sequence that the end of `bytes` tears.
bool LooksLikeUtf8(absl::string_view bytes) {
  const size_t bad = text::FindInvalidUtf8(bytes);
  return bad == kNpos || bad + 3 >= bytes.size();
}

}  // namespace

RecordReader::Head RecordReader::ReadHead(const std::string& name, absl::string_view bytes,
                                          bool at_end, FileHead* head) const {
  *head = {};
  head->name = name;
  head->charset = options_.charset;
  const text::FoundMark mark = text::FindByteOrderMark(bytes);
  switch (mark.mark) {
    case text::ByteOrderMark::kUtf8:
      head->charset = Charset::kUtf8;
      break;
    case text::ByteOrderMark::kGb18030:
      head->charset = Charset::kGb18030;
      break;
    case text::ByteOrderMark::kUtf16:
      notice_(
          name,
          "是 UTF-16，不读取、不计数；请另存为 UTF-8 或 GB18030 / is UTF-16, which is not read; "
          "save it as UTF-8 or GB18030");
      return Head::kForeign;
    case text::ByteOrderMark::kNone:
      if (head->charset == Charset::kAuto) {
        head->charset = LooksLikeUtf8(bytes) ? Charset::kUtf8 : Charset::kGb18030;
      }
      break;
  }
  head->first_offset = static_cast<int64_t>(mark.size);
  bytes.remove_prefix(mark.size);
  return options_.format == Format::kCsv ? ReadCsvHead(bytes, at_end, head)
                                         : ReadJsonHead(bytes, at_end, head);
}

RecordReader::Head RecordReader::ReadCsvHead(absl::string_view bytes, bool at_end,
                                             FileHead* head) const {
  text::CsvOptions csv;
  csv.delimiter = options_.delimiter;
  csv.multibyte = head->charset != Charset::kUtf8;
  text::CsvSplitter splitter(bytes, csv, 1, at_end);
  text::CsvRecord record;
  if (splitter.Next(&record) != text::CsvSplitter::Result::kRecord) return Head::kTorn;
  bool readable = record.error == nullptr;
  for (absl::string_view field : record.fields) {
    std::string column;
    readable = readable && Decode(head->charset, field, &column) == kNpos;
    head->columns.emplace_back(absl::StripAsciiWhitespace(column));
  }
  if (!readable) {
    notice_(head->name, StrCat("表头不是 ", CharsetName(head->charset),
                               " 编码，不读取、不计数 / its header cannot be read as ",
                               CharsetName(head->charset), "; it is not read and not counted"));
    return Head::kForeign;
  }
  if (!options_.header.empty() && head->columns != options_.header) {
    // Without their names: of a file without a header they would be somebody's data.
    notice_(head->name, StrCat("表头不同（", head->columns.size(),
                               " 列），不读取、不计数 / has another header (", head->columns.size(),
                               " columns); it is not read and not counted"));
    return Head::kForeign;
  }
  if (!HasNeeded(head->name, head->columns)) return Head::kForeign;
  head->first_offset += static_cast<int64_t>(splitter.offset());
  head->first_line = splitter.line();
  return Head::kReady;
}

bool RecordReader::HasNeeded(const std::string& name, const std::vector<std::string>& shown) const {
  const std::string missing = needed_.Missing(shown);
  const std::string repeated = needed_.Repeated(shown);
  const bool json = options_.format == Format::kJsonLines;
  if (!missing.empty()) {
    notice_(
        name,
        StrCat(json ? "文件开头的所有对象都没有映射所需的成员 " : "缺少映射所需的列 ", missing,
               json ? "，不读取、不计数；请更正文件或映射，来源省略空值成员的写 optional: true"
                    : "，不读取、不计数",
               json ? " / none of the objects at its beginning shows member(s) "
                    : " / it lacks column(s) ",
               missing, " that the mapping needs (it has ", shown.size(),
               "); it is not read and not counted: correct the file, or the mapping",
               json ? " (optional: true of a member that the source leaves out where it is empty)"
                    : ""));
  } else if (!repeated.empty()) {
    notice_(
        name,
        StrCat("列 ", repeated,
               " 出现不止一次，无法确定取哪一个，不读取、不计数；请更正文件 / it has column(s) ",
               repeated,
               ", which the mapping reads, more than once, and nothing tells which one is "
               "meant; it is not read and not counted: correct the file"));
  }
  return missing.empty() && repeated.empty();
}

// Nothing that is asked, or read by name alone, is left to look for.
bool RecordReader::ShowsAll(const std::vector<std::string>& shown) const {
  const auto by_name = std::count_if(needed_.entries().begin(), needed_.entries().end(),
                                     [](const auto& entry) { return entry.by_name; });
  return needed_.Missing(shown).empty() &&
         needed_.ReadByName(shown).size() == static_cast<size_t>(by_name);
}

// What the objects at the file's beginning show is judged as a header is: an object may lack a
// member, all of them may not. Without configured columns their members are the columns.
RecordReader::Head RecordReader::ReadJsonHead(absl::string_view bytes, bool at_end,
                                              FileHead* head) const {
  const bool configured = !options_.header.empty();
  const size_t first_end = bytes.find('\n');
  const bool whole =
      head->first_offset + static_cast<int64_t>(bytes.size()) >= static_cast<int64_t>(kHeadBytes);
  // The first line may be longer than all that is looked at.
  if (first_end == kNpos && !at_end && !bytes.empty() && !whole) return Head::kTorn;
  std::vector<std::string>& shown = head->shown;
  absl::flat_hash_set<std::string> known;
  head->judged = false;
  while (!bytes.empty()) {
    const size_t end = bytes.find('\n');
    if (end == kNpos && !at_end) break;
    std::string line;
    std::vector<JsonMember> members;
    if (Decode(head->charset, bytes.substr(0, end), &line) == kNpos &&
        SplitJsonObject(line, &members)) {
      const size_t before = shown.size();
      for (const JsonMember& member : members) {
        std::string name = member.key_escaped ? Unescaped(member.key) : std::string(member.key);
        if (known.insert(name).second) shown.push_back(std::move(name));
      }
      const bool more = shown.size() > before || !head->judged;
      head->judged = true;
      if (configured && more && ShowsAll(shown)) break;
    }
    bytes.remove_prefix(end == kNpos ? bytes.size() : end + 1);
  }
  if (head->judged && !HasNeeded(head->name, shown)) return Head::kForeign;
  head->columns = options_.header;
  if (configured) return Head::kReady;
  head->columns.assign(shown.begin(), shown.begin() + static_cast<std::ptrdiff_t>(
                                                          std::min(shown.size(), kMaxJsonColumns)));
  needed_.AddMissingTo(&head->columns);
  return Head::kReady;
}

}  // namespace huiliu::file
