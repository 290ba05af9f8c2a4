#include "cli/files_in.h"

#include <algorithm>
#include <filesystem>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace huiliu::cli {
namespace {

absl::StatusOr<std::vector<std::string>> FilesUnder(
    const std::string& folder, absl::Span<const absl::string_view> extensions) {
  std::vector<std::string> found;
  std::error_code error;
  for (std::filesystem::recursive_directory_iterator entry(folder, error), end;
       !error && entry != end; entry.increment(error)) {
    const std::string name = entry->path().filename().string();
    if (absl::StartsWith(name, ".")) {
      if (entry->is_directory(error)) entry.disable_recursion_pending();
    } else if (std::any_of(extensions.begin(), extensions.end(), [&](absl::string_view extension) {
                 return absl::EndsWith(name, extension);
               })) {
      found.push_back(entry->path().string());
    }
  }
  if (error) return absl::InternalError(absl::StrCat(folder, ": ", error.message()));
  std::sort(found.begin(), found.end());
  return found;
}

}  // namespace

absl::StatusOr<std::vector<std::string>> FilesIn(const std::vector<std::string>& named,
                                                 absl::Span<const absl::string_view> extensions,
                                                 absl::string_view kind) {
  std::vector<std::string> files;
  for (const std::string& name : named) {
    std::error_code error;
    if (!std::filesystem::is_directory(name, error)) {
      files.push_back(name);
      continue;
    }
    const absl::StatusOr<std::vector<std::string>> found = FilesUnder(name, extensions);
    if (!found.ok()) return found.status();
    if (found->empty()) return absl::NotFoundError(absl::StrCat(name, ": ", kind));
    files.insert(files.end(), found->begin(), found->end());
  }
  return files;
}

}  // namespace huiliu::cli
