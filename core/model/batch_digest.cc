#include "core/model/batch_digest.h"

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>

#include "absl/strings/str_cat.h"
#include "core/merkle/merkle.h"
#include "core/model/varint.h"

namespace huiliu {
namespace {

// Everything but the columns, digest and signature. Copies only what is small.
huiliu::v1::Batch Head(const huiliu::v1::Batch& batch) {
  huiliu::v1::Batch head;
  head.set_source(batch.source());
  head.set_epoch(batch.epoch());
  head.set_sequence(batch.sequence());
  head.set_position(batch.position());
  head.set_dataset(batch.dataset());
  head.set_dataset_version(batch.dataset_version());
  head.set_rule_set(batch.rule_set());
  *head.mutable_counts() = batch.counts();
  head.set_rest_digest(batch.rest_digest());
  head.set_rest_rows(batch.rest_rows());
  head.set_records_root(batch.records_root());
  head.set_created_us(batch.created_us());
  *head.mutable_quarantine_notes() = batch.quarantine_notes();
  *head.mutable_quarantined() = batch.quarantined();
  head.set_redrive(batch.redrive());
  head.set_unchanged_rows(batch.unchanged_rows());
  if (batch.has_reread()) *head.mutable_reread() = batch.reread();
  *head.mutable_overrides() = batch.overrides();
  return head;
}

}  // namespace

Digest RecordLeafHash(absl::string_view key, absl::string_view envelope,
                      const Digest& payload_digest) {
  static thread_local std::string leaf;
  leaf.assign(1, '\0');
  for (absl::string_view part : {key, envelope}) {
    AppendVarint(&leaf, part.size());
    leaf.append(part.data(), part.size());
  }
  leaf.append(payload_digest.begin(), payload_digest.end());
  return Sha256(leaf);
}

std::vector<Digest> RecordLeafHashes(const huiliu::v1::Batch& batch) {
  std::vector<Digest> leaves;
  leaves.reserve(static_cast<size_t>(batch.keys_size()));
  for (int i = 0; i < batch.keys_size(); ++i) {
    leaves.push_back(RecordLeafHash(batch.keys(i), batch.envelopes(i), Sha256(batch.payloads(i))));
  }
  return leaves;
}

Digest MerkleRootOf(std::vector<Digest> leaf_hashes) { return merkle::RootOf(leaf_hashes); }

Digest BatchDigest(const huiliu::v1::Batch& batch) {
  std::string bytes;
  {
    google::protobuf::io::StringOutputStream stream(&bytes);
    google::protobuf::io::CodedOutputStream coded(&stream);
    coded.SetSerializationDeterministic(true);
    Head(batch).SerializeToCodedStream(&coded);
  }
  return Sha256(bytes);
}

absl::Status CheckBatchDigests(const huiliu::v1::Batch& batch) {
  const std::string place =
      absl::StrCat("batch ", batch.source(), "/", batch.epoch(), "/", batch.sequence());
  if (batch.keys_size() != batch.envelopes_size() || batch.keys_size() != batch.payloads_size()) {
    return absl::InvalidArgumentError(absl::StrCat(
        place, "：各列长度不一 / columns of ", batch.keys_size(), ", ", batch.envelopes_size(),
        " and ", batch.payloads_size(), " entries: they must be of equal length"));
  }
  if (AsBytes(MerkleRootOf(RecordLeafHashes(batch))) != absl::string_view(batch.records_root())) {
    return absl::InvalidArgumentError(
        absl::StrCat(place, "：记录树根与记录不符 / records_root does not fit its records"));
  }
  if (AsBytes(BatchDigest(batch)) != absl::string_view(batch.digest())) {
    return absl::InvalidArgumentError(
        absl::StrCat(place, "：摘要与内容不符 / digest does not fit its content"));
  }
  return absl::OkStatus();
}

}  // namespace huiliu
