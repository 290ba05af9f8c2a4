#include "adapters/file/folder.h"

#include <dirent.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "core/base/digest.h"
#include "core/base/files.h"
#include "core/base/status.h"
#include "core/text/utf8.h"

namespace huiliu::file {
namespace {

constexpr int64_t kIdentityBytes = 256;

int64_t Nanoseconds(const timespec& time) {
  return int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
}

std::string ShownName(absl::string_view name) {
  if (text::IsValidUtf8(name)) return std::string(name);
  std::string out;
  for (char c : name) {
    if (static_cast<uint8_t>(c) < 0x80) {
      out.push_back(c);
    } else {
      absl::StrAppend(&out, "%", absl::BytesToHexString(absl::string_view(&c, 1)));
    }
  }
  return out;
}

Candidate ToCandidate(const std::string& path, absl::string_view name, const struct stat& found) {
  return {path, ShownName(name), static_cast<int64_t>(found.st_size), Nanoseconds(found.st_mtim),
          Nanoseconds(found.st_ctim)};
}

}  // namespace

absl::StatusOr<std::vector<Candidate>> ListFiles(const std::string& path,
                                                 const std::string& pattern,
                                                 std::vector<std::string>* links) {
  std::vector<Candidate> out;
  struct stat found;
  if (stat(path.c_str(), &found) != 0)
    return Annotate(ErrnoStatus(errno, "open", path), "file source");
  if (!S_ISDIR(found.st_mode)) {
    const std::unique_ptr<char, decltype(&std::free)> real(realpath(path.c_str(), nullptr),
                                                           &std::free);
    if (real == nullptr) return Annotate(ErrnoStatus(errno, "open", path), "file source");
    out.push_back(
        ToCandidate(real.get(), absl::string_view(path).substr(path.rfind('/') + 1), found));
    return out;
  }
  DIR* const folder = opendir(path.c_str());
  if (folder == nullptr) return Annotate(ErrnoStatus(errno, "list", path), "file source");
  errno = 0;
  for (const dirent* entry = readdir(folder); entry != nullptr; entry = readdir(folder)) {
    if (entry->d_name[0] != '.' && fnmatch(pattern.c_str(), entry->d_name, 0) == 0 &&
        fstatat(dirfd(folder), entry->d_name, &found, AT_SYMLINK_NOFOLLOW) == 0) {
      if (S_ISREG(found.st_mode))
        out.push_back(ToCandidate(absl::StrCat(path, "/", entry->d_name), entry->d_name, found));
      if (S_ISLNK(found.st_mode) && links != nullptr) links->push_back(ShownName(entry->d_name));
    }
    errno = 0;
  }
  const int error = errno;
  closedir(folder);
  if (error != 0) return Annotate(ErrnoStatus(error, "list", path), "file source");
  std::sort(out.begin(), out.end(),
            [](const Candidate& a, const Candidate& b) { return a.name < b.name; });
  return out;
}

absl::StatusOr<std::shared_ptr<const Block>> ReadBlock(const std::string& path, int64_t offset,
                                                       size_t bytes) {
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
  if (fd < 0) return ErrnoStatus(errno, "open", path);
  auto block = std::make_shared<Block>();
  block->data.reset(new char[bytes]);
  block->offset = offset;
  while (block->size < bytes) {
    const ssize_t n = pread(fd, block->data.get() + block->size, bytes - block->size,
                            offset + static_cast<int64_t>(block->size));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) {
      const absl::Status status = ErrnoStatus(errno, "read", path);
      close(fd);
      return status;
    }
    if (n == 0) break;
    block->size += static_cast<size_t>(n);
  }
  close(fd);
  return std::shared_ptr<const Block>(std::move(block));
}

absl::StatusOr<std::string> IdentityOf(const std::string& path, int64_t offset) {
  const int64_t bytes = std::min(offset, kIdentityBytes);
  ASSIGN_OR_RETURN(const auto head, ReadBlock(path, 0, static_cast<size_t>(bytes)));
  ASSIGN_OR_RETURN(const auto tail, ReadBlock(path, offset - bytes, static_cast<size_t>(bytes)));
  const Digest digest = Sha256(absl::StrCat(head->view(), tail->view()));
  return absl::BytesToHexString(AsBytes(digest).substr(0, 8));
}

}  // namespace huiliu::file
