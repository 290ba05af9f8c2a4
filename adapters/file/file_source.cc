#include "adapters/file/file_source.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "core/base/status.h"
#include "core/text/csv.h"

namespace huiliu::file {
namespace {

using absl::StrCat;

constexpr absl::Duration kRescan = absl::Milliseconds(100);
constexpr size_t kMaxPollBytes = 8 << 20;   // of records in one batch, or one record
constexpr size_t kMaxHeldBytes = 32 << 20;  // of blocks that a batch shows
constexpr size_t kFoldAbove = 64;           // entries of the position
constexpr size_t kUnfolded = 32;            // finished files that keep their entry
constexpr absl::Duration kFoldAfter = absl::Seconds(10);
constexpr size_t kMaxForeign = 1000;   // entries of files with another header
constexpr size_t kMaxNoticed = 10000;  // different notices in the life of a source

}  // namespace

FileSource::FileSource(sdk::Host host, Options options, Position position)
    : host_(host),
      options_(std::move(options)),
      position_(std::move(position)),
      reader_(options_, &buffer_, [this](const std::string& name, const std::string& message) {
        Notice(name, message);
      }) {}

absl::StatusOr<std::unique_ptr<FileSource>> FileSource::Open(sdk::Host host,
                                                             absl::string_view options_json,
                                                             absl::string_view position) {
  ASSIGN_OR_RETURN(Options options, ParseOptions(options_json));
  ASSIGN_OR_RETURN(Position parsed, ParsePosition(position));
  RETURN_IF_ERROR(ListFiles(options.path, options.pattern).status());
  return std::unique_ptr<FileSource>(new FileSource(host, std::move(options), std::move(parsed)));
}

absl::Status FileSource::Need(absl::string_view columns) {
  ASSIGN_OR_RETURN(needed_, sdk::NeededColumns::FromJson(columns));
  const std::string missing = options_.header.empty() ? "" : needed_.Missing(options_.header);
  if (!missing.empty()) {
    return absl::FailedPreconditionError(
        StrCat("数据源选项 header（columns）没有映射所需的列 ", missing,
               "，请更正其一 / file source: option header (columns) lacks column(s) ", missing,
               " that the mapping needs; correct one of the two"));
  }
  const std::string repeated = needed_.Repeated(options_.header);
  if (!repeated.empty()) {
    return absl::FailedPreconditionError(
        StrCat("数据源选项 header（columns）中列 ", repeated,
               " 出现不止一次，而映射要取用它；请更正 / file source: option header (columns) names "
               "column(s) ",
               repeated, ", which the mapping reads, more than once; correct it"));
  }
  reader_.Need(needed_);
  return absl::OkStatus();
}

void FileSource::Notice(const std::string& name, const std::string& message) {
  if (noticed_.size() < kMaxNoticed && noticed_.insert(StrCat(name, "\n", message)).second)
    buffer_.AddNotice(StrCat(name, ": ", message));
}

void FileSource::BeginAgain(const Candidate& file, FileState* state, const std::string& why) {
  *state = {};
  if (head_.name == file.name) head_ = {};
  block_.reset();
  if (!why.empty()) Notice(file.name, why);
}

absl::StatusOr<bool> FileSource::HasNews(const Candidate& file, Seen* seen, FileState* state) {
  if (state->foreign) BeginAgain(file, state, "");
  if (file.size < state->offset)
    BeginAgain(file, state,
               "变短了，将从头读取 / has become shorter; it is read from its beginning");
  if (state->offset > 0 && !seen->verified) {
    const bool whole = file.size == state->offset && state->modified != 0;
    if (whole && file.modified == state->modified) return false;
    ASSIGN_OR_RETURN(const std::string identity, IdentityOf(file.path, state->offset));
    if (identity != state->identity) {
      BeginAgain(
          file, state,
          "已被同名的另一个文件替换，将从头读取 / was replaced by another file of this name; it is "
          "read from its beginning");
    } else if (whole) {
      BeginAgain(file, state,
                 "读完之后又被改写，将从头读取 / was written again after it had been read; it is "
                 "read from its beginning");
    }
  }
  seen->verified = true;
  return file.size > state->offset;
}

bool FileSource::IsEnd(const Candidate& file, const Seen& seen, int64_t end) const {
  return end >= file.size && (!options_.follow || absl::Now() - seen.since >= options_.settle);
}

absl::StatusOr<bool> FileSource::ReadHead(const Candidate& file, Seen* seen, FileState* state) {
  if (head_.name == file.name && head_.judged) return true;
  const size_t bytes = std::min(kHeadBytes, static_cast<size_t>(file.size));
  ASSIGN_OR_RETURN(const auto block, ReadBlock(file.path, 0, bytes));
  FileHead head;
  const bool at_end = IsEnd(file, *seen, static_cast<int64_t>(block->size));
  auto result = reader_.ReadHead(file.name, block->view(), at_end, &head);
  if (result == RecordReader::Head::kTorn && block->size == kHeadBytes) {
    Notice(file.name,
           "首行超过 1 MiB，不读取、不计数 / its first line is longer than 1 MiB; it is not read "
           "and not counted");
    result = RecordReader::Head::kForeign;
  }
  if (result == RecordReader::Head::kForeign) {
    state->foreign = true;
    seen->finished = true;
    return false;
  }
  if (result == RecordReader::Head::kTorn) return false;
  if (LostRequired(head)) {
    state->foreign = true;
    seen->finished = true;
    return false;
  }
  head_ = std::move(head);
  if (state->offset == 0) {
    state->offset = head_.first_offset;
    state->line = head_.first_line;
  }
  block_ = block;
  block_of_ = file.name;
  return true;
}

bool FileSource::LostRequired(const FileHead& head) {
  const bool json = options_.format == Format::kJsonLines;
  if (json ? !head.judged : !options_.header.empty()) return false;
  const std::vector<std::string>& shown = json ? head.shown : head.columns;
  const std::string required = needed_.Vanished(position_.by_name, shown, true);
  if (!required.empty()) {
    Notice(
        head.name,
        StrCat("没有此前的文件有过的必填", json ? "成员 " : "列 ", required,
               "，不读取、不计数：映射没有写明该列，只按列名取用；请更正文件，或在映射中写明新列名 "
               "/ it lacks ",
               json ? "member(s) " : "column(s) ", required,
               " that the files before it had, that the mapping reads by name alone and that the "
               "contract requires; it is not read and not counted: correct the file, or name the "
               "new one in the mapping"));
    return true;
  }
  const std::string vanished = needed_.Vanished(position_.by_name, shown, false);
  if (!vanished.empty()) {
    const std::string told =
        StrCat("没有此前的文件有过的", json ? "成员 " : "列 ", vanished,
               "，按空值读取：映射没有写明该列，只按列名取用；请在映射中写明列名，确可缺少的写 "
               "optional: true / it lacks ",
               json ? "member(s) " : "column(s) ", vanished,
               " that the file before it had and that the mapping reads by name alone: they are "
               "read as empty; name the column in the mapping (such a file is not read then), or "
               "say optional: true");
    // Of JSON once: files of few objects go on leaving out what is empty.
    if (!json || noticed_.insert(told).second) Notice(head.name, told);
  }
  std::vector<std::string> by_name = needed_.ReadByName(shown);
  if (json) {
    for (const std::string& name : position_.by_name) {
      if (!needed_.Vanished({name}, shown, true).empty() ||
          !needed_.Vanished({name}, shown, false).empty())
        by_name.push_back(name);
    }
  }
  position_.by_name = std::move(by_name);
  return false;
}

absl::StatusOr<absl::string_view> FileSource::BytesAt(const Candidate& file, int64_t offset,
                                                      size_t bytes, bool* from_block) {
  *from_block = block_ != nullptr && block_of_ == file.name && offset >= block_->offset &&
                offset < block_->offset + static_cast<int64_t>(block_->size);
  if (!*from_block) {
    bytes = std::min(bytes, static_cast<size_t>(file.size - offset));
    ASSIGN_OR_RETURN(block_, ReadBlock(file.path, offset, bytes));
    block_of_ = file.name;
  }
  return block_->view().substr(static_cast<size_t>(offset - block_->offset));
}

bool FileSource::Full(size_t max_rows) const {
  return buffer_.rows() >= max_rows || buffer_.bytes() >= kMaxPollBytes ||
         buffer_.held_bytes() >= kMaxHeldBytes;
}

absl::Status FileSource::ReadRecords(const Candidate& file, const Seen& seen, size_t max_rows,
                                     FileState* state, bool* full) {
  size_t bytes = options_.block_bytes;
  while (!Full(max_rows) && state->offset < file.size && !host_.stopping()) {
    bool from_block = false;
    ASSIGN_OR_RETURN(const absl::string_view view,
                     BytesAt(file, state->offset, bytes, &from_block));
    const int64_t end = state->offset + static_cast<int64_t>(view.size());
    const size_t before = buffer_.usable_rows();
    const size_t took =
        reader_.Take(head_, view, IsEnd(file, seen, end), max_rows, kMaxPollBytes, state);
    if (buffer_.usable_rows() > before) buffer_.Hold(block_);
    if (!reader_.new_columns().empty()) {
      for (const std::string& column : reader_.new_columns()) head_.columns.push_back(column);
      if (buffer_.rows() > 0) {
        *full = true;  // one header a batch
        return absl::OkStatus();
      }
      buffer_.SetColumns(head_.columns);
      continue;
    }
    if (took > 0) {
      bytes = options_.block_bytes;
      continue;
    }
    block_.reset();
    if (end >= file.size) break;  // the last line is still being written
    // A record longer than the block: a larger one, up to where the reader gives it up.
    if (from_block) continue;
    if (view.size() > options_.max_record_bytes) {
      return absl::InternalError(
          StrCat(file.name, ":", state->line, ": 读取没有进展 / no progress"));
    }
    bytes = std::min(bytes * 4, options_.max_record_bytes + options_.block_bytes);
  }
  return absl::OkStatus();
}

absl::Status FileSource::ReadFile(const Candidate& file, Seen* seen, size_t max_rows, bool* full) {
  if (position_.files.count(file.name) == 0) {
    if (position_.folded.Holds(file.name, file.changed)) {
      seen->finished = true;
      return absl::OkStatus();
    }
    if (file.name <= position_.folded.name) {
      Notice(file.name,
             "在排序靠前的文件读完之后才出现或被改动，将从头读取 / came or was changed after the "
             "files up to this name had been read; it is read from "
             "its beginning, rows that are the same count once");
    }
  }
  FileState& state = position_.files[file.name];
  ASSIGN_OR_RETURN(const bool news, HasNews(file, seen, &state));
  seen->finished = !news;
  if (!news) return absl::OkStatus();
  ASSIGN_OR_RETURN(const bool readable, ReadHead(file, seen, &state));
  if (!readable) return absl::OkStatus();
  if (buffer_.rows() > 0 && buffer_.columns() != head_.columns) {
    *full = true;  // one header a batch
    return absl::OkStatus();
  }
  if (buffer_.columns() != head_.columns) buffer_.SetColumns(head_.columns);
  const absl::Status status = ReadRecords(file, *seen, max_rows, &state, full);
  if (state.offset > 0) {
    ASSIGN_OR_RETURN(state.identity, IdentityOf(file.path, state.offset));
  }
  if (state.offset >= file.size) state.modified = file.modified;
  seen->finished = state.offset >= file.size;
  *full = *full || Full(max_rows);
  return status;
}

FileSource::Seen& FileSource::Look(const Candidate& file) {
  Seen& seen = seen_[file.name];
  if (seen.size != file.size || seen.changed != file.changed)
    seen = {file.size, file.changed, absl::Now(), false, false};
  return seen;
}

absl::Status FileSource::Round(size_t max_rows) {
  const absl::Time now = absl::Now();
  if (caught_up_ || now - listed_ >= kRescan) {
    std::vector<std::string> links;
    auto files = ListFiles(options_.path, options_.pattern, &links);
    // It was there: a share that is away comes back.
    if (!files.ok()) return absl::UnavailableError(files.status().message());
    files_ = *std::move(files);
    for (const std::string& link : links)
      Notice(
          link,
          "是符号链接，可能指向文件夹之外，不读取、不计数；请放入文件本身 / is a symbolic link, "
          "which may lead out of the folder; it is not read and not counted: put the file itself "
          "here");
    listed_ = now;
    at_ = 0;
    caught_up_ = false;
    Fold();
  }
  for (; at_ < files_.size(); ++at_) {
    const Candidate& file = files_[at_];
    Seen& seen = Look(file);
    if (seen.finished) continue;
    if (Full(max_rows) || host_.stopping()) return absl::OkStatus();
    bool full = false;
    const absl::Status status = ReadFile(file, &seen, max_rows, &full);
    // The others go on; this one is tried again.
    if (!status.ok()) Notice(file.name, StrCat("无法读取 / cannot be read: ", status.message()));
    if (full) return absl::OkStatus();
  }
  caught_up_ = true;
  return absl::OkStatus();
}

// Forgets files that are gone, then folds the finished files at the beginning of the name order,
// but for the last of them. A file that comes or changes later has a later change time than any of
// these, which are settled.
void FileSource::Fold() {
  if (position_.files.size() <= kFoldAbove) return;
  const auto gone = [&](const std::string& name) {
    const auto at = std::lower_bound(
        files_.begin(), files_.end(), name,
        [](const Candidate& file, const std::string& wanted) { return file.name < wanted; });
    return !files_.empty() && (at == files_.end() || at->name != name);
  };
  for (auto it = position_.files.begin(); it != position_.files.end();) {
    if (!gone(it->first)) {
      ++it;
      continue;
    }
    seen_.erase(it->first);
    it = position_.files.erase(it);
  }
  const int64_t settled = absl::ToUnixNanos(absl::Now() - kFoldAfter);
  Folded folded = position_.folded;
  size_t n = 0;
  for (; n + kUnfolded < files_.size(); ++n) {
    const Candidate& file = files_[n];
    if (!Look(file).finished || file.changed > settled) break;
    folded.changed = std::max(folded.changed, file.changed);
  }
  if (n == 0 || files_[n - 1].name < folded.name) return;
  folded.name = files_[n - 1].name;
  folded.files = static_cast<int64_t>(n);
  size_t foreign = 0;
  for (auto it = position_.files.begin();
       it != position_.files.end() && it->first <= folded.name;) {
    const bool keep = it->second.foreign && ++foreign <= kMaxForeign;
    it = keep ? std::next(it) : position_.files.erase(it);
  }
  position_.folded = std::move(folded);
}

absl::Status FileSource::Poll(size_t max_rows, int timeout_ms, const huiliu_rows** rows) {
  buffer_.Clear();
  const absl::Time deadline = absl::Now() + absl::Milliseconds(timeout_ms);
  while (true) {
    RETURN_IF_ERROR(Round(max_rows));
    const absl::Duration left = deadline - absl::Now();
    if (buffer_.rows() > 0 || !caught_up_ || left <= absl::ZeroDuration() || host_.stopping())
      break;
    absl::SleepFor(std::min(left, kRescan));
  }
  *rows = buffer_.Finish(ToJson(position_), caught_up_);
  return absl::OkStatus();
}

absl::StatusOr<std::string> FileSource::Describe() {
  constexpr size_t kShown = 20;
  ASSIGN_OR_RETURN(const std::vector<Candidate> files, ListFiles(options_.path, options_.pattern));
  nlohmann::json list = nlohmann::json::array();
  int64_t bytes = 0;
  for (const Candidate& file : files) bytes += file.size;
  RecordReader quiet(options_, &buffer_, [](const std::string&, const std::string&) {});
  quiet.Need(needed_);
  for (size_t i = 0; i < files.size() && i < kShown; ++i) {
    nlohmann::json entry = {{"name", files[i].name}, {"bytes", files[i].size}};
    const auto block = ReadBlock(files[i].path, 0, kHeadBytes);
    FileHead head;
    if (!block.ok()) {
      entry["error"] = std::string(block.status().message());
    } else if (quiet.ReadHead(files[i].name, (*block)->view(), true, &head) ==
               RecordReader::Head::kReady) {
      entry["columns"] = head.columns;
      const int64_t lines = text::CountLineEnds((*block)->view()) - head.first_line + 1;
      if ((*block)->size > 0)
        entry["rows_estimate"] = lines * files[i].size / static_cast<int64_t>((*block)->size);
    } else {
      entry["foreign"] = true;
    }
    list.push_back(std::move(entry));
  }
  const nlohmann::json object = {{"path", options_.path},
                                 {"files", std::move(list)},
                                 {"files_total", files.size()},
                                 {"bytes_total", bytes}};
  return object.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

}  // namespace huiliu::file
