// GB 18030-2022 as the Encoding Standard's index files: DIR/index-gb18030.txt (two-byte codes),
// DIR/index-gb18030-ranges.txt. Every code of the first, every code of every range of the second is
// a case.
#include "core/text/gb18030.h"

#include <sstream>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "core/base/files.h"
#include "core/base/status.h"
#include "core/text/utf8.h"
#include "tests/conformance/runner/suite.h"

namespace huiliu::conformance {
namespace {

using Index = std::vector<std::pair<uint32_t, uint32_t>>;  // pointer, code point

absl::StatusOr<Index> ReadIndex(const std::string& path) {
  ASSIGN_OR_RETURN(const std::string content, ReadFile(path));
  Index index;
  for (absl::string_view line : absl::StrSplit(content, '\n')) {
    if (line.empty() || line[0] == '#' || absl::StripAsciiWhitespace(line).empty()) continue;
    const std::vector<std::string> columns = absl::StrSplit(absl::StripAsciiWhitespace(line), '\t');
    uint32_t pointer = 0, code_point = 0;
    if (columns.size() < 2 || !absl::SimpleAtoi(columns[0], &pointer) ||
        !absl::SimpleHexAtoi(absl::StripAsciiWhitespace(columns[1]), &code_point)) {
      return absl::InvalidArgumentError(
          absl::StrCat(path, ": a line is no \"pointer TAB 0xCODE\""));
    }
    index.emplace_back(pointer, code_point);
  }
  return index;
}

void Judge(const std::string& bytes, uint32_t code_point, const std::string& name, Tally* tally) {
  std::string expected;
  text::AppendUtf8(code_point, &expected);
  std::string decoded;
  const bool taken = text::DecodeGb18030(bytes, &decoded) == absl::string_view::npos;
  tally->Judge(taken && decoded == expected, name, taken ? "another code point" : "refused");
}

std::string TwoByte(uint32_t pointer) {
  const uint32_t offset = pointer % 190;
  return {static_cast<char>(pointer / 190 + 0x81),
          static_cast<char>(offset + (offset < 0x3F ? 0x40 : 0x41))};
}

std::string FourByte(uint32_t p) {
  return {static_cast<char>(p / 12600 + 0x81), static_cast<char>(p / 1260 % 10 + 0x30),
          static_cast<char>(p / 10 % 126 + 0x81), static_cast<char>(p % 10 + 0x30)};
}

}  // namespace

absl::StatusOr<Tally> RunGb18030(const std::string& path) {
  Tally tally;
  ASSIGN_OR_RETURN(const Index two, ReadIndex(path + "/index-gb18030.txt"));
  for (const auto& [pointer, code_point] : two) {
    Judge(TwoByte(pointer), code_point, absl::StrCat("pointer ", pointer), &tally);
  }
  ASSIGN_OR_RETURN(const Index ranges, ReadIndex(path + "/index-gb18030-ranges.txt"));
  for (size_t i = 0; i < ranges.size(); ++i) {
    const uint32_t begin = ranges[i].first;
    // The BMP's codes end at 39419, the supplementary planes' (from 189000) at 1237575.
    uint32_t end = begin < 189000 ? 39420 : 1237576;
    if (i + 1 < ranges.size() && ranges[i + 1].first < end) end = ranges[i + 1].first;
    for (uint32_t p = begin; p < end; ++p) {
      // The standard's own exception to the ranges (WHATWG Encoding, "index gb18030 ranges code
      // point", step 2).
      const uint32_t code_point = p == 7457 ? 0xE7C7 : ranges[i].second + p - begin;
      Judge(FourByte(p), code_point, absl::StrCat("range pointer ", p), &tally);
    }
  }
  return tally;
}

}  // namespace huiliu::conformance
