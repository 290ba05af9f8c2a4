#include <nlohmann/json.hpp>
#include <sstream>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "broker/lineage/words.h"
#include "cli/audit.h"
#include "cli/audit_proofs.h"
#include "cli/words.h"
#include "core/base/status.h"
#include "huiliu/v1/audit.pb.h"

namespace huiliu::cli {
namespace {

namespace v1 = huiliu::v1;

// What the program could prove of an answer, and what not.
enum class Proof {
  kProven,
  kFailed,
  kNewer,     // than the checkpoint: nothing to prove yet
  kWithheld,  // the leaf cannot be computed from what this auditor may see
  kNone,      // the node gives none
};

struct Verdict {
  Proof proof = Proof::kNone;
  std::string why;  // in both languages
};

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

Verdict VerdictOf(const v1::TraceRecordResponse::Hop& hop, const v1::Checkpoint& checkpoint) {
  // Reads and deliveries come without the digests of other rows' keys.
  if (hop.entry().step() == v1::STEP_READ || hop.entry().step() == v1::STEP_DELIVER)
    return {Proof::kNone, ""};
  return VerdictOf(VerifyHop(hop, checkpoint));
}

// {"checkpoint":…,"record":…,"hops":{"INDEX":…},"key_known":…}; false: something does not hold.
bool VerifyAll(const v1::TraceRecordRequest& asked, const v1::TraceRecordResponse& trace,
               const std::string& audit_key, nlohmann::json* verified) {
  bool holds = true;
  const auto word = [&](const Verdict& verdict) -> nlohmann::json {
    switch (verdict.proof) {
      case Proof::kProven:
        return "proven";
      case Proof::kNewer:
        return "newer_than_checkpoint";
      case Proof::kWithheld:
        return "withheld";
      case Proof::kNone:
        return "no_proof";
      case Proof::kFailed:
        break;
    }
    holds = false;
    return {{"failed", verdict.why}};
  };
  (*verified)["checkpoint"] = word(VerdictOf(VerifyCheckpoint(trace.checkpoint(), audit_key)));
  (*verified)["key_known"] = !audit_key.empty();
  if (trace.found() || trace.has_envelope())
    (*verified)["record"] = word(VerdictOf(VerifyRecord(asked, trace)));
  nlohmann::json& hops = (*verified)["hops"] = nlohmann::json::object();
  for (const auto& hop : trace.hops()) {
    const std::string index = absl::StrCat(hop.index());
    // One leaf is one entry: a second is made up, whatever the first is.
    hops[index] = word(hops.contains(index) ? Verdict{Proof::kFailed, "同一序号两条 / twice"}
                                            : VerdictOf(hop, trace.checkpoint()));
  }
  return holds;
}

// The answer, with a member `verified` of what was proven here.
absl::Status PrintVerified(Command& command, const v1::TraceRecordRequest& asked,
                           const v1::TraceRecordResponse& trace) {
  std::ostringstream text;
  Command plain(text);
  RETURN_IF_ERROR(plain.PrintJson(trace));
  nlohmann::ordered_json all = nlohmann::ordered_json::parse(text.str(), nullptr, false);
  nlohmann::json verified;
  if (!VerifyAll(asked, trace, command.profile.audit_key, &verified)) command.findings = true;
  all["verified"] = std::move(verified);
  command.out() << all.dump() << "\n";
  return absl::OkStatus();
}

class Report {
 public:
  Report(Command& command, const v1::TraceRecordRequest& asked,
         const v1::TraceRecordResponse& trace)
      : command_(command), asked_(asked), trace_(trace) {}

  void Print() {
    if (trace_.found()) {
      PrintEnvelope();
    } else {
      command_.out() << command_.Say("回流库中现在没有这条记录\n",
                                     "the catalog does not hold this record now\n");
      if (trace_.has_envelope()) PrintEnvelope();
    }
    PrintHops(command_.Say("经过：", "its way:"), trace_.hops());
    PrintHops(command_.Say(
                  "谁看过（最近的在前；逐条无证明，核对全部留痕用 audit export、audit verify）：",
                  "who has seen it, newest first (no proof of each: audit export and audit "
                  "verify check the whole log):"),
              trace_.reads());
    // Without the record itself, its envelope is what the node says.
    if (trace_.found() || trace_.has_envelope())
      Proven(command_.Say("本条记录及其来源的证明", "proof of the record and where it came from"),
             VerdictOf(VerifyRecord(asked_, trace_)));
    const v1::Checkpoint& checkpoint = trace_.checkpoint();
    Proven(absl::StrCat(command_.Say("检查点签名（", "the checkpoint's signature ("),
                        Printable(checkpoint.origin()), "，", checkpoint.tree_size(),
                        command_.Say(" 条）", " entries)")),
           VerdictOf(VerifyCheckpoint(checkpoint, command_.profile.audit_key)));
    if (command_.profile.audit_key.empty()) {
      command_.out() << command_.Say("  签名公钥（未事先掌握，仅表明完整）：",
                                     "  signed by (not known beforehand, so only whole): ")
                     << absl::BytesToHexString(checkpoint.public_key()) << "\n";
    }
    command_.out() << command_.Say("节点看不到的：", "not seen by the node: ")
                   << Printable(trace_.unseen()) << "\n";
  }

 private:
  void PrintEnvelope() {
    const v1::Envelope& e = trace_.envelope();
    command_.out() << Printable(absl::StrCat(
                          command_.Say("来源：系统 ", "from: system "), e.system(),
                          command_.Say("，部门 ", ", department "), e.source_department_name(),
                          command_.Say("，来源行 ", ", source row "), e.row_id()))
                   << "\n";
    if (e.operation() == v1::OPERATION_DELETE) {
      const std::string why = WhyInWords(e.reason(), e.rule_set(), command_.english());
      command_.out() << command_.Say("最后一次变更：撤回（", "last change: withdrawn (")
                     << Printable(why.empty() ? command_.Say("来源删除，或不再属于本接收方",
                                                             "deleted at its source, or it belongs "
                                                             "here no more")
                                              : why)
                     << command_.Say("）\n", ")\n");
      return;
    }
    command_.out() << Printable(absl::StrCat(
                          command_.Say("归属：", "belongs to: "), e.division(),
                          command_.Say("，依据字段 ", ", decided by "), e.decided_by(),
                          e.conflict() ? command_.Say("，证据不一致", ", evidence disagreed") : "",
                          command_.Say("；回流规则 ", "; returned by rule "), e.rule()))
                   << "\n";
    if (!e.reason().empty()) {
      command_.out() << command_.Say("再次回流的原因：", "sent again because: ")
                     << Printable(WhyInWords(e.reason(), e.rule_set(), command_.english())) << "\n";
    }
  }

  template <typename Hops>
  void PrintHops(const char* title, const Hops& hops) {
    if (hops.empty()) return;
    command_.out() << title << "\n";
    for (const auto& hop : hops) {
      // Not in the node's words: they are no part of what is proven.
      command_.out() << "  #" << hop.index() << "  "
                     << Printable(lineage::InWords(hop.entry(), command_.english()));
      Mark(VerdictOf(hop, trace_.checkpoint()));
    }
  }

  void Proven(const std::string& what, const Verdict& verdict) {
    command_.out() << what;
    Mark(verdict);
  }

  void Mark(const Verdict& verdict) {
    if (verdict.proof == Proof::kProven) {
      command_.out() << "  ✓\n";
      return;
    }
    if (verdict.proof == Proof::kFailed) {
      command_.findings = true;
      command_.out() << command_.Say("  ✗ 不成立：", "  ✗ does not hold: ");
    } else if (!verdict.why.empty()) {
      command_.out() << command_.Say("  未证明：", "  not proven: ");
    }
    command_.out() << Printable(verdict.why) << "\n";
  }

  Command& command_;
  const v1::TraceRecordRequest& asked_;
  const v1::TraceRecordResponse& trace_;
};

}  // namespace

absl::Status AuditRecord(Command& command, const AuditOptions& options) {
  v1::TraceRecordRequest request;
  ASSIGN_OR_RETURN(*request.mutable_receiver(), command.Receiver(options.receiver));
  request.set_dataset(options.dataset);
  for (const std::string& value : options.key) request.mutable_key()->add_values(value);
  request.mutable_key()->set_system(options.system);
  v1::TraceRecordResponse trace;
  RETURN_IF_ERROR(command.Call("Audit/TraceRecord", request, &trace));
  while (trace.more_reads_before() > 0) {
    request.set_reads_before(trace.more_reads_before());
    v1::TraceRecordResponse older;
    RETURN_IF_ERROR(command.Call("Audit/TraceRecord", request, &older));
    if (older.more_reads_before() >= request.reads_before())
      return absl::DataLossError(
          "节点的查询记录不往前走 / the node's pages of reads do not go back in time");
    trace.set_more_reads_before(older.more_reads_before());
    for (auto& read : *older.mutable_reads()) {
      read.clear_inclusion();  // under another checkpoint than the one that is shown
      *trace.add_reads() = std::move(read);
    }
  }
  if (command.json) {
    RETURN_IF_ERROR(PrintVerified(command, request, trace));
  } else {
    Report(command, request, trace).Print();
  }
  if (trace.found() || trace.hops_size() > 0 || trace.reads_size() > 0) return absl::OkStatus();
  return absl::NotFoundError(
      command.Say("留痕日志中没有这条记录", "the log knows nothing of this record"));
}

}  // namespace huiliu::cli
