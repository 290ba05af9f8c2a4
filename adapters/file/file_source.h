// Source "file": a folder (or one file) of CSV or JSON lines. docs/formats/file-source.md.
#ifndef HUILIU_ADAPTERS_FILE_FILE_SOURCE_H_
#define HUILIU_ADAPTERS_FILE_FILE_SOURCE_H_

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "adapters/file/options.h"
#include "adapters/file/position.h"
#include "adapters/file/row_buffer.h"
#include "adapters/sdk/plugin.h"

namespace huiliu::file {

// Reads files in name order, each on from where the position says, block by block. A row's id is
// FILE:LINE.
class FileSource : public sdk::Source {
 public:
  static absl::StatusOr<std::unique_ptr<FileSource>> Open(sdk::Host host,
                                                          absl::string_view options_json,
                                                          absl::string_view position);
  absl::Status Poll(size_t max_rows, int timeout_ms, const huiliu_rows** rows) override;
  absl::StatusOr<std::string> Describe() override;

 private:
  // A file of the folder.
  struct Candidate {
    std::string path;
    std::string name;
    int64_t size = 0;
    int64_t modified = 0;  // ns
  };
  // What the last rounds saw of a file: one that has not changed is not opened again.
  struct Seen {
    int64_t size = -1;
    int64_t modified = 0;
    absl::Time since;
    bool finished = false;
  };
  // A stretch of a file that is read at once.
  struct Block {
    const Candidate& file;
    std::string bytes;
    bool at_end = false;  // nothing of the file follows, and nothing will
  };

  FileSource(sdk::Host host, Options options, Position position)
      : host_(host), options_(std::move(options)), position_(std::move(position)) {}

  absl::StatusOr<std::vector<Candidate>> List() const;
  // Reads one round: files in order until max_rows are there.
  absl::Status Round(size_t max_rows);
  // Takes the file up; false where it has nothing new or is foreign.
  absl::StatusOr<bool> Begin(const Candidate& file, FileState* state);
  absl::Status ReadOn(const Candidate& file, FileState* state, size_t max_rows);
  bool IsStable(const Candidate& file) const;
  absl::StatusOr<Block> ReadBlock(const Candidate& file, const FileState& state,
                                  size_t bytes) const;
  // Each returns how many bytes it consumed; 0: a record is longer than the block.
  size_t TakeHeader(const Block& block, FileState* state);
  size_t SkipLine(const Block& block, FileState* state);
  size_t TakeCsv(const Block& block, FileState* state, size_t max_rows);
  size_t TakeJsonLines(const Block& block, FileState* state, size_t max_rows);
  void TakeJsonLine(const std::string& name, int64_t line, absl::string_view raw);
  void AddCsvRecord(const std::string& name, int64_t line, absl::string_view raw,
                    const std::vector<absl::string_view>& fields);
  void AddError(const std::string& name, int64_t line, int64_t column, absl::string_view raw,
                absl::string_view code, absl::string_view message);
  void Notice(const std::string& name, const std::string& message);

  const sdk::Host host_;
  const Options options_;
  Position position_;
  RowBuffer buffer_;
  std::set<std::string> noticed_;
  std::map<std::string, Seen> sizes_;
  // csv: the columns of the file that is being read
  std::string header_of_;
  std::vector<std::string> header_;
  std::vector<absl::string_view> cells_;
  std::string decoded_;
};

}  // namespace huiliu::file

#endif  // HUILIU_ADAPTERS_FILE_FILE_SOURCE_H_
