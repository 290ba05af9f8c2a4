#include "cli/audit_verdicts.h"

#include <algorithm>
#include <set>

#include "cli/audit_proofs.h"
#include "core/base/signing.h"

namespace huiliu::cli {
namespace {

namespace v1 = huiliu::v1;

Verdict VerdictOf(const absl::Status& status) {
  if (status.ok()) return {Proof::kProven, ""};
  const std::string why(status.message());
  switch (status.code()) {
    case absl::StatusCode::kFailedPrecondition:
      return {Proof::kNewer, why};
    case absl::StatusCode::kPermissionDenied:
      return {Proof::kWithheld, why};
    case absl::StatusCode::kNotFound:
      return {Proof::kNone, why};
    default:
      return {Proof::kFailed, why};
  }
}

bool IsOfARecordsWay(v1::Step step) {
  return step == v1::STEP_INTAKE || step == v1::STEP_RETURN || step == v1::STEP_APPLY ||
         step == v1::STEP_REDRIVE;
}

// What a proof is worth under this checkpoint; one that fails by itself fails all the same.
Verdict Under(const Verdict& checkpoint, Verdict verdict) {
  if (checkpoint.proof == Proof::kProven || verdict.proof != Proof::kProven) return verdict;
  return {Proof::kNone,
          "检查点不成立，无从证明 / the checkpoint does not hold, so nothing is proven by it"};
}

Verdict OfHop(const v1::TraceRecordResponse::Hop& hop, const v1::Checkpoint& checkpoint) {
  if (!IsOfARecordsWay(hop.entry().step())) {
    return {Proof::kFailed,
            "这类条目不属于记录的经过 / an entry of this kind is no part of a record's way"};
  }
  return VerdictOf(VerifyHop(hop, checkpoint));
}

// The entry says what was signed, so it must be proven itself.
Verdict OfSignature(const v1::LineageEntry& entry, const Verdict& hop, const AuditKeys& keys) {
  const auto key = keys.sources.find(entry.source());
  if (key == keys.sources.end()) {
    return {Proof::kNoKey,
            "未给出该数据源的公钥（--source-key 数据源=公钥） / the source's key was not given "
            "(--source-key SOURCE=KEY)"};
  }
  if (!VerifySignature(key->second, entry.batch_digest(), entry.batch_signature())) {
    return {Proof::kFailed, "不是由所给公钥签署的 / it is not signed with the key that was given"};
  }
  return hop;
}

}  // namespace

bool Verdicts::hold() const {
  const auto failed = [](const Verdict& verdict) { return verdict.proof == Proof::kFailed; };
  return !failed(checkpoint) && !(record.has_value() && failed(*record)) &&
         std::none_of(hops.begin(), hops.end(), failed) &&
         std::none_of(signatures.begin(), signatures.end(),
                      [&](const Signature& signature) { return failed(signature.verdict); });
}

Verdicts Judge(const v1::TraceRecordRequest& asked, const v1::TraceRecordResponse& trace,
               const AuditKeys& keys) {
  Verdicts verdicts;
  verdicts.checkpoint = VerdictOf(VerifyCheckpoint(trace.checkpoint(), keys.checkpoint));
  std::set<int64_t> indexes;
  for (const auto& hop : trace.hops()) {
    // One leaf is one entry: a second is made up, whatever the first is.
    Verdict verdict = indexes.insert(hop.index()).second
                          ? OfHop(hop, trace.checkpoint())
                          : Verdict{Proof::kFailed, "同一序号两条 / twice"};
    verdict = Under(verdicts.checkpoint, std::move(verdict));
    const v1::LineageEntry& entry = hop.entry();
    // What an agent decides again is a batch of its own; what the node does has no signature.
    const bool batch = entry.step() == v1::STEP_INTAKE || entry.step() == v1::STEP_REDRIVE;
    if (batch && !entry.batch_signature().empty())
      verdicts.signatures.push_back(
          {hop.index(), entry.source(), OfSignature(entry, verdict, keys)});
    verdicts.hops.push_back(std::move(verdict));
  }
  verdicts.reads.resize(static_cast<size_t>(trace.reads_size()));
  // Without the record itself, its envelope is what the node says.
  if (trace.found() || trace.has_envelope())
    verdicts.record = Under(verdicts.checkpoint, VerdictOf(VerifyRecord(asked, trace)));
  return verdicts;
}

}  // namespace huiliu::cli
