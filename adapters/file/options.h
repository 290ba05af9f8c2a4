// Options of source "file", a JSON object.
#ifndef HUILIU_ADAPTERS_FILE_OPTIONS_H_
#define HUILIU_ADAPTERS_FILE_OPTIONS_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace huiliu::file {

enum class Format { kCsv, kJsonLines };
// kAuto: a byte order mark decides, else UTF-8 where the first MiB of the file is, else GB18030.
enum class Charset { kUtf8, kGbk, kGb18030, kAuto };

struct Options {
  std::string path;              // a folder or one file
  std::string pattern = "*";     // shell pattern of file names in the folder
  Format format = Format::kCsv;  // "csv" | "jsonl"
  // "utf-8" | "gbk" | "gb18030" | "auto"; a byte order mark is stronger and dropped.
  Charset charset = Charset::kUtf8;
  char delimiter = ',';
  // "header" or "columns". csv: files with another header are named and not read. jsonl: the
  // members to read; without it those of a file's first object.
  std::vector<std::string> header;
  bool follow = true;  // false: the files are complete; a last line needs no line end
  // While following: how long a file has been still when its last line is taken without a line end.
  absl::Duration settle = absl::Seconds(5);  // "settle_ms"
  size_t max_record_bytes = 16 << 20;
  size_t block_bytes = 1 << 20;
};

// INVALID_ARGUMENT names the option.
absl::StatusOr<Options> ParseOptions(absl::string_view json);

// "UTF-8", "GBK" or "GB18030".
const char* CharsetName(Charset charset);

// Decodes to UTF-8. Returns npos, or the offset of the first invalid byte.
size_t Decode(Charset charset, absl::string_view bytes, std::string* out);

}  // namespace huiliu::file

#endif  // HUILIU_ADAPTERS_FILE_OPTIONS_H_
