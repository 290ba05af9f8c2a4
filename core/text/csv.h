// Splits CSV in place. Strict: RFC 4180. Tolerant: real files, where a bad record is an error of
// its own and the rest goes on.
#ifndef HUILIU_CORE_TEXT_CSV_H_
#define HUILIU_CORE_TEXT_CSV_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace huiliu::text {

struct CsvOptions {
  char delimiter = ',';
  // Strict refuses a quote inside an unquoted field, text after a closing quote and an end of file
  // inside quotes. Tolerant takes the first as text; the others cost only the record they stand in,
  // up to its first line end.
  bool strict = false;
  // The input is GBK or GB 18030. It matters where the delimiter is a byte that may be the second
  // of a character (0x30 and above, "|" among them); comma, tab and semicolon never are.
  bool multibyte = false;
  size_t max_record_bytes = 16 << 20;
};

struct CsvRecord {
  int64_t line = 0;                       // 1-based, where it begins
  size_t begin = 0;                       // byte offset in the input
  size_t size = 0;                        // with its line end
  std::vector<absl::string_view> fields;  // into the input, or into `unescaped`
  const char* error = nullptr;  // stable code: csv.quote, csv.unterminated, csv.too_long; then
                                // fields are not to be used
  int64_t error_line = 0;
  int64_t error_column = 0;                             // 1-based, bytes
  std::vector<std::unique_ptr<std::string>> unescaped;  // the fields that held doubled quotes
};

// One pass over a buffer: Next until it says kEnd or kMore. Bytes may be in any ASCII-compatible
// charset, GB 18030 included: quote, comma, CR and LF are never part of a longer sequence there.
// A line ends with LF, CR LF or CR.
class CsvSplitter {
 public:
  enum class Result { kRecord, kMore, kEnd };

  // `line`: number of the first line of `input`. `at_end`: nothing follows the input.
  CsvSplitter(absl::string_view input, CsvOptions options, int64_t line, bool at_end)
      : input_(input), options_(options), line_(line), at_end_(at_end) {}

  // kMore: the input ends inside a record (offset() is where it begins) and more may follow.
  Result Next(CsvRecord* record);
  // Of the next record.
  size_t offset() const { return offset_; }
  int64_t line() const { return line_; }

 private:
  enum class Field { kNext, kLast, kTorn, kBad };
  Field TakeField(size_t& at, CsvRecord* record);
  Field TakeQuoted(size_t& at, CsvRecord* record);
  Field EndOfField(size_t& at, CsvRecord* record, absl::string_view value);
  size_t FindFieldEnd(size_t at) const;
  void Fail(CsvRecord* record, const char* code, size_t at);
  Result SkipBad(CsvRecord* record);
  Result Finish(CsvRecord* record, size_t end, int64_t lines);

  const absl::string_view input_;
  const CsvOptions options_;
  int64_t line_;
  const bool at_end_;
  size_t offset_ = 0;
  int64_t quoted_lines_ = 0;  // line ends inside quotes of the record at hand
};

// Line ends in `text`: LF, CR LF or CR each counts once.
int64_t CountLineEnds(absl::string_view text);

}  // namespace huiliu::text

#endif  // HUILIU_CORE_TEXT_CSV_H_
