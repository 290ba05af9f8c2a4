#include "adapters/file/file_source.h"

#include <fcntl.h>
#include <fnmatch.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/strip.h"
#include "absl/time/clock.h"
#include "core/base/digest.h"
#include "core/base/files.h"
#include "core/base/status.h"
#include "core/text/csv.h"

namespace huiliu::file {
namespace {

namespace fs = std::filesystem;
using absl::StrCat;

constexpr int64_t kIdentityBytes = 256;
constexpr absl::string_view kByteOrderMark = "\xEF\xBB\xBF";
constexpr absl::Duration kRescan = absl::Milliseconds(100);
constexpr absl::Duration kStableAfter = absl::Seconds(1);

absl::StatusOr<std::string> ReadRange(const std::string& path, int64_t offset, size_t bytes) {
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return ErrnoStatus(errno, "open", path);
  std::string out(bytes, '\0');
  size_t have = 0;
  while (have < bytes) {
    const ssize_t n =
        pread(fd, out.data() + have, bytes - have, offset + static_cast<int64_t>(have));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) {
      const absl::Status status = ErrnoStatus(errno, "read", path);
      close(fd);
      return status;
    }
    if (n == 0) break;
    have += static_cast<size_t>(n);
  }
  close(fd);
  out.resize(have);
  return out;
}

absl::StatusOr<std::string> IdentityOf(const std::string& path, int64_t bytes) {
  ASSIGN_OR_RETURN(const std::string head, ReadRange(path, 0, static_cast<size_t>(bytes)));
  return absl::BytesToHexString(AsBytes(Sha256(head)).substr(0, 8));
}

}  // namespace

absl::StatusOr<std::unique_ptr<FileSource>> FileSource::Open(sdk::Host host,
                                                             absl::string_view options_json,
                                                             absl::string_view position) {
  ASSIGN_OR_RETURN(Options options, ParseOptions(options_json));
  ASSIGN_OR_RETURN(Position parsed, ParsePosition(position));
  if (!fs::exists(options.path))
    return absl::NotFoundError(StrCat("file source: ", options.path, " does not exist"));
  return std::unique_ptr<FileSource>(new FileSource(host, std::move(options), std::move(parsed)));
}

absl::StatusOr<std::vector<FileSource::Candidate>> FileSource::List() const {
  std::vector<Candidate> out;
  std::error_code error;
  const auto add = [&](const fs::path& path) {
    const auto size = fs::file_size(path, error);
    if (!error)
      out.push_back({path.string(), path.filename().string(), static_cast<int64_t>(size)});
  };
  if (!fs::is_directory(options_.path, error)) {
    if (!fs::exists(options_.path))
      return absl::NotFoundError(StrCat("file source: ", options_.path, " does not exist"));
    add(options_.path);
    return out;
  }
  for (const auto& entry : fs::directory_iterator(options_.path, error)) {
    const std::string name = entry.path().filename().string();
    if (!entry.is_regular_file(error) || name[0] == '.' ||
        fnmatch(options_.pattern.c_str(), name.c_str(), 0) != 0)
      continue;
    add(entry.path());
  }
  if (error)
    return absl::UnavailableError(
        StrCat("file source: cannot list ", options_.path, ": ", error.message()));
  std::sort(out.begin(), out.end(),
            [](const Candidate& a, const Candidate& b) { return a.name < b.name; });
  return out;
}

void FileSource::Notice(const std::string& name, const std::string& message) {
  if (noticed_.insert(StrCat(name, "\n", message)).second)
    buffer_.AddNotice(StrCat(name, ": ", message));
}

absl::StatusOr<bool> FileSource::Begin(const Candidate& file, FileState* state) {
  if (!state->identity.empty() && file.size >= state->identity_bytes) {
    ASSIGN_OR_RETURN(const std::string now, IdentityOf(file.path, state->identity_bytes));
    if (now != state->identity) {
      *state = {};
      header_of_.clear();
      Notice(file.name, "was replaced by another file of this name; it is read from its beginning");
    }
  } else if (file.size < state->offset) {
    *state = {};
    header_of_.clear();
    Notice(file.name, "has become shorter; it is read from its beginning");
  }
  if (state->foreign || file.size <= state->offset) return false;
  if (state->identity.empty() ||
      (state->identity_bytes < kIdentityBytes && file.size > state->identity_bytes)) {
    state->identity_bytes = std::min(file.size, kIdentityBytes);
    ASSIGN_OR_RETURN(state->identity, IdentityOf(file.path, state->identity_bytes));
  }
  return true;
}

// A file that is still being written has no last line yet.
bool FileSource::IsStable(const Candidate& file) const {
  const auto seen = sizes_.find(file.name);
  return seen != sizes_.end() && seen->second.size == file.size &&
         absl::Now() - seen->second.since >= kStableAfter;
}

absl::StatusOr<FileSource::Block> FileSource::ReadBlock(const Candidate& file,
                                                        const FileState& state,
                                                        size_t bytes) const {
  Block block{file, {}, false};
  ASSIGN_OR_RETURN(block.bytes, ReadRange(file.path, state.offset, bytes));
  const bool reaches_end = state.offset + static_cast<int64_t>(block.bytes.size()) >= file.size;
  block.at_end = reaches_end && (!options_.follow || IsStable(file));
  return block;
}

void FileSource::AddError(const std::string& name, int64_t line, int64_t column,
                          absl::string_view raw, absl::string_view code,
                          absl::string_view message) {
  // What is kept for repair is bounded too: of a 100 MB field its beginning.
  constexpr size_t kMaxKept = 64 << 10;
  buffer_.AddError(name, StrCat(name, ":", line), raw.substr(0, kMaxKept), code,
                   StrCat(name, ":", line, ":", column), message);
}

void FileSource::AddCsvRecord(const std::string& name, int64_t line, absl::string_view raw,
                              const std::vector<absl::string_view>& fields) {
  if (fields.size() == 1 && fields[0].empty() && header_.size() > 1)
    return;  // an empty line is no record
  if (fields.size() != header_.size()) {
    return AddError(
        name, line, 1, raw, "csv.columns",
        StrCat("the record has ", fields.size(), " columns, the header ", header_.size()));
  }
  cells_.clear();
  for (size_t i = 0; i < fields.size(); ++i) {
    if (options_.charset == Charset::kUtf8) {
      const absl::string_view kept = buffer_.Keep(fields[i]);
      decoded_.clear();
      const size_t bad = Decode(Charset::kUtf8, kept, &decoded_);
      if (bad != absl::string_view::npos) {
        return AddError(
            name, line, static_cast<int64_t>(bad) + 1, raw, "charset.invalid",
            StrCat("column ", header_[i], " holds bytes that are no UTF-8; is the file GB18030?"));
      }
      cells_.push_back(kept);
      continue;
    }
    decoded_.clear();
    const size_t bad = Decode(options_.charset, fields[i], &decoded_);
    if (bad != absl::string_view::npos) {
      return AddError(
          name, line, static_cast<int64_t>(bad) + 1, raw, "charset.invalid",
          StrCat("column ", header_[i], " holds bytes that are not of the configured charset"));
    }
    cells_.push_back(buffer_.Keep(decoded_));
  }
  buffer_.AddRow(name, StrCat(name, ":", line), cells_, raw);
}

size_t FileSource::TakeHeader(const Block& block, FileState* state) {
  absl::string_view bytes = block.bytes;
  size_t mark = 0;
  if (absl::StartsWith(bytes, kByteOrderMark)) {
    mark = kByteOrderMark.size();
    bytes.remove_prefix(mark);
  }
  text::CsvOptions csv;
  csv.delimiter = options_.delimiter;
  text::CsvSplitter splitter(bytes, csv, 1, block.at_end);
  text::CsvRecord record;
  if (splitter.Next(&record) != text::CsvSplitter::Result::kRecord) return 0;
  header_.clear();
  bool readable = record.error == nullptr;
  for (absl::string_view field : record.fields) {
    decoded_.clear();
    readable = readable && Decode(options_.charset, field, &decoded_) == absl::string_view::npos;
    header_.emplace_back(absl::StripAsciiWhitespace(decoded_));
  }
  if (!readable || (!options_.header.empty() && header_ != options_.header)) {
    state->foreign = true;
    Notice(block.file.name, readable
                                ? StrCat("has another header (", header_.size(),
                                         " columns: ", absl::StrJoin(header_, ",").substr(0, 300),
                                         "); it is not read and not counted")
                                : "its header cannot be read in the configured charset; it is not "
                                  "read and not counted");
    return block.bytes.size();
  }
  header_of_ = block.file.name;
  buffer_.SetColumns(header_);
  if (state->offset == 0) {
    state->offset = static_cast<int64_t>(mark + splitter.offset());
    state->line = splitter.line();
  }
  return mark + splitter.offset();
}

// The rest of a line whose beginning was too long and is reported already.
size_t FileSource::SkipLine(const Block& block, FileState* state) {
  const size_t newline = block.bytes.find('\n');
  const size_t took = newline == std::string::npos ? block.bytes.size() : newline + 1;
  state->offset += static_cast<int64_t>(took);
  if (newline != std::string::npos) {
    state->skipping = false;
    ++state->line;
  }
  return took;
}

size_t FileSource::TakeCsv(const Block& block, FileState* state, size_t max_rows) {
  if (state->skipping) return SkipLine(block, state);
  text::CsvOptions csv;
  csv.delimiter = options_.delimiter;
  csv.max_record_bytes = options_.max_record_bytes;
  text::CsvSplitter splitter(block.bytes, csv, state->line, block.at_end);
  text::CsvRecord record;
  while (buffer_.rows() < max_rows &&
         splitter.Next(&record) == text::CsvSplitter::Result::kRecord) {
    const absl::string_view raw = absl::string_view(block.bytes).substr(record.begin, record.size);
    if (record.error != nullptr) {
      AddError(block.file.name, record.error_line, record.error_column, raw, record.error,
               "the record is malformed; correct the quoting or the length");
      state->skipping = !absl::EndsWith(raw, "\n") && !block.at_end;
    } else {
      AddCsvRecord(block.file.name, record.line, absl::StripTrailingAsciiWhitespace(raw),
                   record.fields);
    }
  }
  state->offset += static_cast<int64_t>(splitter.offset());
  state->line = splitter.line();
  return splitter.offset();
}

void FileSource::TakeJsonLine(const std::string& name, int64_t line, absl::string_view raw) {
  decoded_.clear();
  const size_t bad = Decode(options_.charset, raw, &decoded_);
  if (bad != absl::string_view::npos) {
    return AddError(name, line, static_cast<int64_t>(bad) + 1, raw, "charset.invalid",
                    "the line is not of the configured charset");
  }
  const auto object = nlohmann::json::parse(decoded_, nullptr, false);
  if (!object.is_object())
    return AddError(name, line, 1, raw, "json.invalid", "the line is no JSON object");
  cells_.clear();
  for (const std::string& column : header_) {
    const auto member = object.find(column);
    if (member == object.end() || member->is_null()) {
      cells_.emplace_back();
    } else {
      cells_.push_back(buffer_.Keep(member->is_string() ? member->get_ref<const std::string&>()
                                                        : member->dump()));
    }
  }
  for (const auto& [key, value] : object.items()) {
    if (std::find(header_.begin(), header_.end(), key) == header_.end()) {
      Notice(name, StrCat("member \"", key.substr(0, 60),
                          "\" is not among the configured columns; it is not read"));
    }
  }
  buffer_.AddRow(name, StrCat(name, ":", line), cells_, raw);
}

size_t FileSource::TakeJsonLines(const Block& block, FileState* state, size_t max_rows) {
  if (state->skipping) return SkipLine(block, state);
  size_t at = 0;
  while (buffer_.rows() < max_rows && at < block.bytes.size()) {
    size_t end = block.bytes.find('\n', at);
    if (end == std::string::npos) {
      if (block.bytes.size() - at > options_.max_record_bytes) {
        AddError(block.file.name, state->line, 1, absl::string_view(block.bytes).substr(at),
                 "json.too_long", "the line is too long");
        at = block.bytes.size();
        state->skipping = true;
        break;
      }
      if (!block.at_end) break;
      end = block.bytes.size();
    }
    absl::string_view raw =
        absl::StripAsciiWhitespace(absl::string_view(block.bytes).substr(at, end - at));
    if (at == 0 && state->offset == 0) absl::ConsumePrefix(&raw, kByteOrderMark);
    if (raw.size() > options_.max_record_bytes) {
      AddError(block.file.name, state->line, 1, raw, "json.too_long", "the line is too long");
    } else if (!raw.empty()) {
      TakeJsonLine(block.file.name, state->line, raw);
    }
    ++state->line;
    at = std::min(end + 1, block.bytes.size());
  }
  state->offset += static_cast<int64_t>(at);
  return at;
}

absl::Status FileSource::ReadOn(const Candidate& file, FileState* state, size_t max_rows) {
  if (options_.format == Format::kCsv && header_of_ != file.name) {
    FileState from_start = *state;
    from_start.offset = 0;
    ASSIGN_OR_RETURN(const Block head,
                     ReadBlock(file, from_start, std::min<size_t>(options_.block_bytes, 1 << 20)));
    if (buffer_.rows() > 0) return absl::OkStatus();  // one header a poll
    if (TakeHeader(head, state) == 0 || state->foreign) return absl::OkStatus();
  } else if (options_.format == Format::kJsonLines) {
    header_ = options_.header;
  }
  buffer_.SetColumns(header_);
  size_t bytes = options_.block_bytes;
  while (buffer_.rows() < max_rows && state->offset < file.size && !host_.stopping()) {
    ASSIGN_OR_RETURN(const Block block, ReadBlock(file, *state, bytes));
    const size_t took = options_.format == Format::kCsv ? TakeCsv(block, state, max_rows)
                                                        : TakeJsonLines(block, state, max_rows);
    if (took > 0 || buffer_.rows() >= max_rows) {
      bytes = options_.block_bytes;
      continue;
    }
    // A record longer than the block: a larger block, up to the bound on records, beyond which the
    // splitter gives up.
    if (state->offset + static_cast<int64_t>(block.bytes.size()) >= file.size ||
        bytes > 2 * options_.max_record_bytes)
      break;
    bytes *= 4;
  }
  return absl::OkStatus();
}

absl::Status FileSource::Round(size_t max_rows) {
  ASSIGN_OR_RETURN(const std::vector<Candidate> files, List());
  for (const Candidate& file : files) {
    Seen& seen = sizes_[file.name];
    const bool unchanged = seen.size == file.size && seen.modified == file.modified;
    if (!unchanged) seen = {file.size, file.modified, absl::Now(), false};
    if (unchanged && seen.finished) continue;
    FileState& state = position_.files[file.name];
    ASSIGN_OR_RETURN(const bool fresh, Begin(file, &state));
    seen.finished = !fresh;
    if (!fresh) continue;
    if (buffer_.rows() > 0 && header_of_ != file.name && options_.format == Format::kCsv) break;
    RETURN_IF_ERROR(ReadOn(file, &state, max_rows));
    if (buffer_.rows() >= max_rows || host_.stopping()) break;
  }
  return absl::OkStatus();
}

absl::Status FileSource::Poll(size_t max_rows, int timeout_ms, const huiliu_rows** rows) {
  buffer_.Clear();
  const absl::Time deadline = absl::Now() + absl::Milliseconds(timeout_ms);
  while (true) {
    RETURN_IF_ERROR(Round(max_rows));
    const absl::Duration left = deadline - absl::Now();
    if (buffer_.rows() > 0 || left <= absl::ZeroDuration() || host_.stopping()) break;
    absl::SleepFor(std::min(left, kRescan));
  }
  *rows = buffer_.Finish(ToJson(position_), buffer_.rows() == 0);
  return absl::OkStatus();
}

absl::StatusOr<std::string> FileSource::Describe() {
  ASSIGN_OR_RETURN(const std::vector<Candidate> files, List());
  nlohmann::json list = nlohmann::json::array();
  for (const Candidate& file : files) list.push_back({{"name", file.name}, {"bytes", file.size}});
  return nlohmann::json{{"path", options_.path}, {"files", list}}.dump(
      -1, ' ', false, nlohmann::json::error_handler_t::replace);
}

}  // namespace huiliu::file
