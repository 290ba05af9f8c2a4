// Turns stretches of one file into rows: CSV or JSON lines, decoded, each bad record an error row.
#ifndef HUILIU_ADAPTERS_FILE_RECORD_READER_H_
#define HUILIU_ADAPTERS_FILE_RECORD_READER_H_

#include <functional>
#include <string>
#include <vector>

#include "adapters/file/json_line.h"
#include "adapters/file/options.h"
#include "adapters/file/position.h"
#include "adapters/file/row_buffer.h"
#include "adapters/sdk/needed_columns.h"
#include "core/text/csv.h"

namespace huiliu::file {

// Of a file's beginning, by which it is judged; a header is not longer.
constexpr size_t kHeadBytes = 1 << 20;

constexpr size_t kMaxJsonColumns = 1000;  // members beyond are named and not read

// What the beginning of a file says about the rest.
struct FileHead {
  std::string name;
  Charset charset = Charset::kUtf8;
  std::vector<std::string> columns;
  std::vector<std::string> shown;  // of JSON: members that the objects at the beginning have
  int64_t first_offset = 0;        // of the first record, behind mark and header
  int64_t first_line = 1;
  bool judged = true;  // false: nothing could be read that says what the file shows
};

// One thread. Notices go to `notice` (file name, message); rows to the buffer.
class RecordReader {
 public:
  using NoticeSink = std::function<void(const std::string&, const std::string&)>;
  RecordReader(const Options& options, RowBuffer* buffer, NoticeSink notice)
      : options_(options), buffer_(*buffer), notice_(std::move(notice)) {}

  // Of every file read from now on.
  void Need(sdk::NeededColumns needed) { needed_ = std::move(needed); }

  enum class Head { kReady, kTorn, kForeign };
  // kTorn: more bytes are needed. kForeign: not a file for this source; a notice says why.
  Head ReadHead(const std::string& name, absl::string_view bytes, bool at_end,
                FileHead* head) const;

  // Takes records off `bytes`, which begin where `state` says, until the buffer holds max_rows or
  // max_bytes, and moves the state on. Returns the bytes taken; 0: they end inside a record, or
  // new_columns() says why.
  size_t Take(const FileHead& head, absl::string_view bytes, bool at_end, size_t max_rows,
              size_t max_bytes, FileState* state);
  // Members of the object that Take stopped before, which the head does not have.
  const std::vector<std::string>& new_columns() const { return new_columns_; }

 private:
  Head ReadCsvHead(absl::string_view bytes, bool at_end, FileHead* head) const;
  Head ReadJsonHead(absl::string_view bytes, bool at_end, FileHead* head) const;
  // False, with a notice, where `shown` lacks what is needed, or has it twice.
  bool HasNeeded(const std::string& name, const std::vector<std::string>& shown) const;
  bool ShowsAll(const std::vector<std::string>& shown) const;
  size_t SkipLine(absl::string_view bytes, bool at_end, FileState* state) const;
  size_t TakeCsv(const FileHead& head, absl::string_view bytes, bool at_end, FileState* state);
  void AddCsvRecord(const FileHead& head, absl::string_view raw);
  // False where an error row was added instead.
  bool AddCsvCells(const FileHead& head, absl::string_view raw);
  size_t TakeJsonLines(const FileHead& head, absl::string_view bytes, bool at_end,
                       FileState* state);
  // False where the object has members that are to become columns first: new_columns().
  bool AddJsonLine(const FileHead& head, int64_t line, absl::string_view raw);
  // Of a line that is no JSON object: why.
  void AddNoJson(int64_t line, absl::string_view raw, absl::string_view text);
  bool FindNewColumns(const FileHead& head);
  // Where the object has a member for the second time, counted from 1; 0: nowhere.
  size_t RepeatedMember();
  // How a notice or an error calls a member: its name where the mapping knows it, else its place.
  // A name out of the data may be anybody's number.
  std::string NameOrPlace(absl::string_view name, size_t place, bool english) const;
  void AddJsonCells(const FileHead& head, int64_t line, absl::string_view raw);
  // Decodes into the buffer; npos or where it is invalid.
  size_t DecodeKept(Charset charset, absl::string_view bytes, absl::string_view* out);
  void AddError(int64_t line, int64_t error_line, int64_t column, absl::string_view raw,
                absl::string_view code, absl::string_view message);
  // The same, at byte `at` of the record.
  void AddErrorAt(int64_t line, size_t at, absl::string_view raw, absl::string_view code,
                  absl::string_view message);
  bool Full() const { return buffer_.rows() >= max_rows_ || buffer_.bytes() >= max_bytes_; }

  const Options& options_;
  RowBuffer& buffer_;
  const NoticeSink notice_;
  sdk::NeededColumns needed_;
  // of the call at hand
  size_t max_rows_ = 0;
  size_t max_bytes_ = 0;
  absl::string_view table_;
  text::CsvRecord record_;
  std::vector<JsonMember> members_;
  std::vector<std::pair<absl::string_view, size_t>> names_;  // with their places
  std::vector<std::string> new_columns_;
};

}  // namespace huiliu::file

#endif  // HUILIU_ADAPTERS_FILE_RECORD_READER_H_
