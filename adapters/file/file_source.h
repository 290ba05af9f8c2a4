// Source "file": a folder (or one file) of CSV or JSON lines. docs/formats/file-source.md.
#ifndef HUILIU_ADAPTERS_FILE_FILE_SOURCE_H_
#define HUILIU_ADAPTERS_FILE_FILE_SOURCE_H_

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "adapters/file/folder.h"
#include "adapters/file/options.h"
#include "adapters/file/position.h"
#include "adapters/file/record_reader.h"
#include "adapters/file/row_buffer.h"
#include "adapters/sdk/plugin.h"

namespace huiliu::file {

// Reads files in name order, each on from where the position says, block by block. A row's id is
// FILE:LINE. Memory: what one poll shows (8 MiB of records or one record, in at most 32 MiB of
// blocks and one more), the block at hand, and an entry per file of the folder.
class FileSource : public sdk::Source {
 public:
  static absl::StatusOr<std::unique_ptr<FileSource>> Open(sdk::Host host,
                                                          absl::string_view options_json,
                                                          absl::string_view position);
  absl::Status Poll(size_t max_rows, int timeout_ms, const huiliu_rows** rows) override;
  absl::StatusOr<std::string> Describe() override;
  // Files whose header lacks one, or shows it twice, are named and not read.
  absl::Status Need(absl::string_view columns) override;

 private:
  // What the last rounds saw of a file: one that has not changed is not opened again.
  struct Seen {
    int64_t size = -1;
    int64_t changed = 0;
    absl::Time since;
    bool verified = false;  // it is the file that the position speaks of
    bool finished = false;
  };

  FileSource(sdk::Host host, Options options, Position position);

  // Reads on, file by file, until max_rows are there or all is read.
  absl::Status Round(size_t max_rows);
  Seen& Look(const Candidate& file);
  // Sets *full where the batch can take no more of this file.
  absl::Status ReadFile(const Candidate& file, Seen* seen, size_t max_rows, bool* full);
  // False where the file has nothing new. Begins again where it was replaced.
  absl::StatusOr<bool> HasNews(const Candidate& file, Seen* seen, FileState* state);
  void BeginAgain(const Candidate& file, FileState* state, const std::string& why);
  // False: the file is foreign, or its header is not there yet.
  absl::StatusOr<bool> ReadHead(const Candidate& file, Seen* seen, FileState* state);
  // Whether the file lacks a column that the files before it had, that the mapping reads by name
  // alone and without which no record is whole: it was renamed, and the file is not read. Of others
  // a notice is all. Remembers what this one shows.
  bool LostRequired(const FileHead& head);
  absl::Status ReadRecords(const Candidate& file, const Seen& seen, size_t max_rows,
                           FileState* state, bool* full);
  // The bytes from `offset` on: of the block at hand, or of a new one of `bytes`.
  absl::StatusOr<absl::string_view> BytesAt(const Candidate& file, int64_t offset, size_t bytes,
                                            bool* from_block);
  // Nothing of the file follows `end`, and nothing will: a last line needs no line end.
  bool IsEnd(const Candidate& file, const Seen& seen, int64_t end) const;
  bool Full(size_t max_rows) const;
  void Fold();
  void Notice(const std::string& name, const std::string& message);

  const sdk::Host host_;
  const Options options_;
  Position position_;
  RowBuffer buffer_;
  RecordReader reader_;
  sdk::NeededColumns needed_;
  std::set<std::string> noticed_;
  std::map<std::string, Seen> seen_;
  // The round at hand.
  std::vector<Candidate> files_;
  size_t at_ = 0;  // in files_
  absl::Time listed_ = absl::InfinitePast();
  bool caught_up_ = true;
  // The file at hand.
  FileHead head_;
  std::shared_ptr<const Block> block_;
  std::string block_of_;
};

}  // namespace huiliu::file

#endif  // HUILIU_ADAPTERS_FILE_FILE_SOURCE_H_
