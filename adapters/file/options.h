// Options of source "file", a JSON object.
#ifndef HUILIU_ADAPTERS_FILE_OPTIONS_H_
#define HUILIU_ADAPTERS_FILE_OPTIONS_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace huiliu::file {

enum class Format { kCsv, kJsonLines };
enum class Charset { kUtf8, kGbk, kGb18030 };

struct Options {
  std::string path;              // a folder or one file
  std::string pattern = "*";     // shell pattern of file names in the folder
  Format format = Format::kCsv;  // "csv" | "jsonl"
  Charset charset =
      Charset::kUtf8;  // "utf-8" | "gbk" | "gb18030"; a UTF-8 byte order mark is dropped
  char delimiter = ',';
  std::vector<std::string>
      header;          // csv: files with another header are named and not read; jsonl: the columns
  bool follow = true;  // false: the files are complete; a last line needs no line end
  size_t max_record_bytes = 16 << 20;
  size_t block_bytes = 1 << 20;
};

// INVALID_ARGUMENT names the option.
absl::StatusOr<Options> ParseOptions(absl::string_view json);

// Decodes to UTF-8. Returns npos, or the offset of the first invalid byte.
size_t Decode(Charset charset, absl::string_view bytes, std::string* out);

}  // namespace huiliu::file

#endif  // HUILIU_ADAPTERS_FILE_OPTIONS_H_
