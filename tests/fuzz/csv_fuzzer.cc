// The file reader over any bytes: however a file is cut into blocks, it gives the same rows; the GB
// 18030 decoder gives UTF-8 and stops where it says.
#include <algorithm>
#include <string>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "adapters/file/record_reader.h"
#include "core/text/gb18030.h"
#include "core/text/utf8.h"
#include "tests/fuzz/fuzz.h"

namespace huiliu::file {
namespace {

constexpr size_t kNpos = absl::string_view::npos;

absl::string_view View(const huiliu_bytes& bytes) {
  return {reinterpret_cast<const char*>(bytes.data), bytes.size};
}

// All that a row says, and all its bytes are readable.
std::string Describe(const Options& options, const huiliu_row& row) {
  // Of a line that is too long as much is kept as the block at hand holds, the bound at least.
  std::string text =
      absl::StrCat(View(row.row_id), "|", View(row.error_code), "|", View(row.error_place), "|",
                   absl::CEscape(View(row.raw).substr(0, options.max_record_bytes)), "|");
  for (size_t i = 0; i < row.cell_count; ++i) {
    FUZZ_CHECK(text::IsValidUtf8(View(row.cells[i].value)));
    absl::StrAppend(&text, static_cast<int>(row.cells[i].kind), ":",
                    absl::CEscape(View(row.cells[i].value)), ",");
  }
  return text;
}

// Reads `bytes` as FileSource does: from where the state stands, in blocks of `cut()` bytes that
// grow while they end inside a record.
template <typename Cut>
std::vector<std::string> ReadRows(const Options& options, absl::string_view bytes, Cut cut) {
  std::vector<std::string> rows;
  static RowBuffer& buffer = *new RowBuffer;  // its memory is used again
  buffer.Clear();
  RecordReader reader(options, &buffer, [](const std::string&, const std::string&) {});
  FileHead head;
  if (reader.ReadHead("f", bytes, true, &head) != RecordReader::Head::kReady) return {"no head"};
  FileState state;
  state.offset = head.first_offset;
  state.line = head.first_line;
  size_t block = cut();
  while (state.offset < static_cast<int64_t>(bytes.size())) {
    const auto offset = static_cast<size_t>(state.offset);
    const absl::string_view view = bytes.substr(offset, block);
    const bool at_end = offset + view.size() == bytes.size();
    const size_t took = reader.Take(head, view, at_end, 1000, 1 << 20, &state);
    FUZZ_CHECK(took <= view.size() && offset + took == static_cast<size_t>(state.offset));
    if (took == 0) {
      FUZZ_CHECK(!at_end);  // the end is always reached
      block += cut();
      continue;
    }
    block = cut();
    const huiliu_rows* shown = buffer.Finish("", false);
    for (size_t i = 0; i < shown->row_count; ++i) rows.push_back(Describe(options, shown->rows[i]));
    buffer.Clear();
  }
  return rows;
}

void CheckCuts(const Options& options, absl::string_view bytes, fuzz::Choices& choices) {
  const std::vector<std::string> whole = ReadRows(options, bytes, [&] { return bytes.size() + 1; });
  for (size_t largest : {1, 7, 40}) {
    const auto parts = ReadRows(options, bytes, [&] { return 1 + choices.Below(largest); });
    for (size_t i = 0; i < std::min(whole.size(), parts.size()); ++i)
      FUZZ_CHECK_SAY(whole[i] == parts[i], absl::StrCat("\n", whole[i], "\n", parts[i]));
    FUZZ_CHECK_SAY(
        whole.size() == parts.size(),
        absl::StrCat("\n", absl::StrJoin(whole, "\n"), "\n----\n", absl::StrJoin(parts, "\n")));
  }
}

void CheckDecoder(size_t (*decode)(absl::string_view, std::string*), absl::string_view bytes) {
  std::string out;
  const size_t bad = decode(bytes, &out);
  FUZZ_CHECK(text::IsValidUtf8(out));
  if (bad == kNpos) return;
  FUZZ_CHECK(bad < bytes.size());
  std::string before;
  FUZZ_CHECK(decode(bytes.substr(0, bad), &before) == kNpos && before == out);
  std::string rest;
  FUZZ_CHECK(decode(bytes.substr(bad), &rest) == 0 && rest.empty());
}

void Check(absl::string_view bytes) {
  fuzz::Choices choices(bytes);
  CheckDecoder(text::DecodeGb18030, bytes);
  CheckDecoder(text::DecodeGbk, bytes);
  Options options;
  for (Format format : {Format::kCsv, Format::kJsonLines}) {
    options.format = format;
    for (Charset charset : {Charset::kUtf8, Charset::kGb18030, Charset::kGbk}) {
      options.charset = charset;
      options.delimiter = choices.Below(2) == 0 ? ',' : '|';
      for (size_t most : {16 << 20, 24}) {
        options.max_record_bytes = most;
        CheckCuts(options, bytes, choices);
      }
    }
  }
}

}  // namespace
}  // namespace huiliu::file

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  huiliu::file::Check(huiliu::fuzz::AsText(data, size));
  return 0;
}
