#include "cli/audit_proofs.h"

#include <algorithm>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "broker/lineage/checkpoint.h"
#include "broker/lineage/entry.h"
#include "core/base/status.h"
#include "core/merkle/merkle.h"
#include "core/model/batch_digest.h"
#include "core/model/varint.h"

namespace huiliu::cli {
namespace {

namespace v1 = huiliu::v1;
using absl::InvalidArgumentError;
using absl::StrCat;

// system, 00, then each value with its length before it: docs/formats/lineage.md, "Records".
std::string KeyOf(const v1::RowKey& asked, const std::string& system) {
  std::string key = StrCat(system, absl::string_view("\0", 1));
  for (const std::string& value : asked.values()) {
    AppendVarint(&key, value.size());
    key += value;
  }
  return key;
}

// Only a batch that the node decides for several receivers is shared.
bool IsShared(const v1::LineageEntry& entry) {
  return entry.receiver().empty() &&
         (entry.step() == v1::STEP_INTAKE || entry.step() == v1::STEP_REDRIVE);
}

bool IsOf(const v1::LineageEntry& entry, const v1::TraceRecordRequest& asked,
          const v1::Envelope& envelope) {
  return !entry.records_root().empty() && entry.dataset() == asked.dataset() &&
         (entry.receiver().empty() || entry.receiver() == asked.receiver()) &&
         entry.system() == envelope.system() &&
         (envelope.source().empty() || entry.source() == envelope.source()) &&
         entry.epoch() == envelope.source_epoch() &&
         entry.sequence() == envelope.source_sequence() &&
         entry.records() > static_cast<int64_t>(envelope.index_in_batch());
}

// What is shown of the record is what the leaf is made of.
absl::Status CheckLeaf(const v1::TraceRecordRequest& asked, const v1::TraceRecordResponse& trace,
                       v1::Envelope* proven) {
  const v1::RecordLeaf& leaf = trace.record_leaf();
  if (!proven->ParseFromString(leaf.envelope()))
    return InvalidArgumentError("证明所含的信封无法读取 / the proof's envelope cannot be read");
  v1::Envelope shown = trace.envelope();
  shown.clear_arrival_time_us();  // added by the node when the batch had been signed
  proven->clear_arrival_time_us();
  if (shown.SerializeAsString() != proven->SerializeAsString())
    return InvalidArgumentError(
        "所示信封与证明中的不同 / the envelope shown is not the one that is proven");
  if (!asked.key().system().empty() && asked.key().system() != proven->system())
    return InvalidArgumentError(
        StrCat("证明属于系统 ", proven->system(), " / the proof is of system ", proven->system()));
  if (KeyOf(asked.key(), proven->system()) != leaf.key())
    return InvalidArgumentError(
        "证明属于另一主键；数值主键请按库中写法（无前导零）查询 / the proof is of another key; ask "
        "for "
        "a number as it is kept, without leading zeros");
  if (trace.record_index() != static_cast<int64_t>(proven->index_in_batch()))
    return InvalidArgumentError(
        "证明的位置与信封不符 / the proof is of another place than the envelope's");
  return absl::OkStatus();
}

}  // namespace

absl::Status VerifyHop(const v1::TraceRecordResponse::Hop& hop, const v1::Checkpoint& checkpoint) {
  if (hop.index() >= checkpoint.tree_size())
    return absl::FailedPreconditionError("尚未进入检查点 / newer than the checkpoint");
  if (hop.inclusion().empty() && checkpoint.tree_size() > 1 && IsShared(hop.entry()))
    return absl::PermissionDeniedError(
        "其他接收方的计数已略去，请上级审计管理员核对 / without other receivers' counts; an audit "
        "administrator of the upper level can verify it");
  const Digest leaf = merkle::HashLeaf(lineage::Encode(hop.entry()));
  const std::vector<std::string> path(hop.inclusion().begin(), hop.inclusion().end());
  return merkle::VerifyInclusion(static_cast<uint64_t>(hop.index()),
                                 static_cast<uint64_t>(checkpoint.tree_size()), AsBytes(leaf), path,
                                 checkpoint.root());
}

absl::Status VerifyRecord(const v1::TraceRecordRequest& asked,
                          const v1::TraceRecordResponse& trace) {
  if (!trace.has_record_leaf())
    return absl::NotFoundError(
        "节点未给出证明（记录已撤回，或日志已不存其批次全部记录），所示信封只是节点的说法 / the "
        "node gives none (the "
        "record is withdrawn, or the log does not hold its whole batch): the envelope shown is its "
        "word");
  v1::Envelope envelope;
  RETURN_IF_ERROR(CheckLeaf(asked, trace, &envelope));
  const v1::RecordLeaf& record = trace.record_leaf();
  ASSIGN_OR_RETURN(const Digest payload, merkle::ToDigest(record.payload_digest()));
  const Digest leaf = RecordLeafHash(record.key(), record.envelope(), payload);
  const std::vector<std::string> path(trace.record_inclusion().begin(),
                                      trace.record_inclusion().end());
  absl::Status last = InvalidArgumentError(
      "没有条目记载其批次 / no entry of its batch states a root over the records");
  for (const auto& hop : trace.hops()) {
    const v1::LineageEntry& entry = hop.entry();
    if (!IsOf(entry, asked, envelope)) continue;
    absl::Status stands =
        merkle::VerifyInclusion(envelope.index_in_batch(), static_cast<uint64_t>(entry.records()),
                                AsBytes(leaf), path, entry.records_root());
    if (stands.ok()) stands = VerifyHop(hop, trace.checkpoint());
    if (stands.ok()) return stands;
    last = std::move(stands);
  }
  return last;
}

absl::Status VerifyCheckpoint(const v1::Checkpoint& checkpoint, const std::string& audit_key) {
  return lineage::Verify(checkpoint, absl::HexStringToBytes(audit_key)).status();
}

}  // namespace huiliu::cli
