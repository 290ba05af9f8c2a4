#include "broker/backbone/embedded/rocksdb_status.h"

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace huiliu::embedded {

absl::Status FromRocks(const rocksdb::Status& status, absl::string_view place) {
  if (status.ok()) return absl::OkStatus();
  const std::string text = status.ToString();
  const std::string message = absl::StrCat(place, ": ", text);
  if (status.IsNotFound()) return absl::NotFoundError(message);
  if (status.IsNoSpace()) {
    return absl::ResourceExhaustedError(
        absl::StrCat("磁盘空间不足，腾出空间后自动恢复写入 / ", message,
                     "; free disk space, writing goes on by itself then"));
  }
  if (status.IsCorruption()) return absl::DataLossError(message);
  if (status.IsIOError() && absl::StrContains(text, "lock")) {
    return absl::UnavailableError(absl::StrCat("该目录已被另一进程打开 / ", message,
                                               "; another process has this folder open"));
  }
  if (status.IsInvalidArgument() || status.IsNotSupported())
    return absl::InvalidArgumentError(message);
  return absl::UnavailableError(message);
}

}  // namespace huiliu::embedded
