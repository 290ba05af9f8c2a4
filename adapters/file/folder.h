// The files of a folder, and stretches of their bytes.
#ifndef HUILIU_ADAPTERS_FILE_FOLDER_H_
#define HUILIU_ADAPTERS_FILE_FOLDER_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace huiliu::file {

struct Candidate {
  std::string path;
  std::string name;  // UTF-8: bytes of a name that are none stand as %XX
  int64_t size = 0;
  int64_t modified = 0;  // ns
  int64_t changed = 0;   // ns; a file that is moved or copied here has changed now
};

// The regular files of the folder `path` whose names match the shell pattern, in name order; hidden
// ones are left out. Symbolic links are named in `links`, where it is not nullptr, and left out:
// one may lead out of the folder, and who may write into it need not be allowed to read what the
// agent may. Where `path` is a file, or a link that its owner has configured, that file.
absl::StatusOr<std::vector<Candidate>> ListFiles(const std::string& path,
                                                 const std::string& pattern,
                                                 std::vector<std::string>* links = nullptr);

// Bytes of a file from `offset` on. Whoever shows views into it shares it.
struct Block {
  std::unique_ptr<char[]> data;
  size_t size = 0;
  int64_t offset = 0;
  absl::string_view view() const { return {data.get(), size}; }
};

// Up to `bytes` of them: fewer where the file ends. A symbolic link is not followed.
absl::StatusOr<std::shared_ptr<const Block>> ReadBlock(const std::string& path, int64_t offset,
                                                       size_t bytes);

// Digest of what was read up to `offset`: its first and its last 256 bytes.
absl::StatusOr<std::string> IdentityOf(const std::string& path, int64_t offset);

}  // namespace huiliu::file

#endif  // HUILIU_ADAPTERS_FILE_FOLDER_H_
