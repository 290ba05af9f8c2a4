#include "absl/strings/str_cat.h"
#include "broker/lineage/export.h"
#include "broker/lineage/export_frames.h"
#include "core/base/status.h"
#include "core/model/varint.h"

namespace huiliu::lineage {

absl::Status ExportWriter::Frame(char type, absl::string_view payload) {
  if (payload.size() > kMaxFrameBytes) {
    return absl::InvalidArgumentError(
        absl::StrCat("export frame of ", payload.size(), " bytes, at most ", kMaxFrameBytes));
  }
  frame_.assign(1, type);
  AppendVarint(&frame_, payload.size());
  frame_.append(payload.data(), payload.size());
  return sink_(frame_);
}

absl::Status ExportWriter::FlushHashes() {
  if (hashes_.empty()) return absl::OkStatus();
  RETURN_IF_ERROR(Frame(kHashesFrame, hashes_));
  hashes_.clear();
  return absl::OkStatus();
}

absl::Status ExportWriter::Begin(absl::string_view origin, int64_t first_index,
                                 absl::Span<const Digest> peaks) {
  if (first_index < 0 ||
      peaks.size() != merkle::PeakIds(static_cast<uint64_t>(first_index)).size()) {
    return absl::InvalidArgumentError(
        absl::StrCat("an export from entry ", first_index, " with ", peaks.size(), " peaks"));
  }
  next_ = first_index;
  RETURN_IF_ERROR(sink_(kExportMagic));
  std::string payload;
  AppendVarint(&payload, static_cast<uint64_t>(first_index));
  AppendVarint(&payload, origin.size());
  payload.append(origin.data(), origin.size());
  for (const Digest& peak : peaks) absl::StrAppend(&payload, AsBytes(peak));
  return Frame(kBeginFrame, payload);
}

absl::Status ExportWriter::Entry(absl::string_view leaf) {
  RETURN_IF_ERROR(Frame(kEntryFrame, leaf));
  absl::StrAppend(&hashes_, AsBytes(merkle::HashLeaf(leaf)));
  ++next_;
  return hashes_.size() < kHashesEvery * sizeof(Digest) ? absl::OkStatus() : FlushHashes();
}

absl::Status ExportWriter::Checkpoint(const huiliu::v1::Checkpoint& checkpoint) {
  if (checkpoint.tree_size() != next_) {
    return absl::FailedPreconditionError(
        absl::StrCat("a checkpoint of size ", checkpoint.tree_size(), " stands after entry ",
                     checkpoint.tree_size() - 1, ", not after ", next_ - 1));
  }
  RETURN_IF_ERROR(FlushHashes());
  return Frame(kCheckpointFrame, checkpoint.SerializeAsString());
}

absl::Status ExportWriter::Finish() {
  RETURN_IF_ERROR(FlushHashes());
  std::string payload;
  AppendVarint(&payload, static_cast<uint64_t>(next_));
  return Frame(kEndFrame, payload);
}

}  // namespace huiliu::lineage
