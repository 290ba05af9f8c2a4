#include "broker/lineage/store/export_log.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "core/base/status.h"

namespace huiliu {
namespace {

constexpr size_t kReadBytes = size_t{1} << 20;

}  // namespace

absl::Status ExportLog(const LineageStore& store, int64_t from,
                       const lineage::ExportWriter::Sink& sink) {
  ASSIGN_OR_RETURN(const auto newest, store.LatestCheckpoint());
  if (!newest.has_value()) {
    return absl::FailedPreconditionError(
        "留痕日志尚无已签名的检查点 / the lineage log has no signed checkpoint yet");
  }
  const int64_t to = newest->tree_size();
  if (from < 0 || from >= to) {
    return absl::OutOfRangeError(
        absl::StrCat("导出的起点超出已签名的留痕日志 / an export from entry ", from,
                     " of a log signed up to ", to));
  }
  ASSIGN_OR_RETURN(const std::vector<Digest> peaks, store.Peaks(from));
  lineage::ExportWriter writer(sink);
  RETURN_IF_ERROR(writer.Begin(newest->origin(), from, peaks));
  for (int64_t at = from; at < to;) {
    // The next checkpoint to stand in the file; thinned out ones may go while we write.
    ASSIGN_OR_RETURN(const auto kept, store.Checkpoints(at + 1, 1));
    const huiliu::v1::Checkpoint& next =
        kept.empty() || kept[0].tree_size() >= to ? *newest : kept[0];
    while (at < next.tree_size()) {
      ASSIGN_OR_RETURN(const std::vector<std::string> leaves,
                       store.Leaves(at, next.tree_size(), kReadBytes));
      for (const std::string& leaf : leaves) RETURN_IF_ERROR(writer.Entry(leaf));
      at += static_cast<int64_t>(leaves.size());
    }
    RETURN_IF_ERROR(writer.Checkpoint(next));
  }
  return writer.Finish();
}

}  // namespace huiliu
