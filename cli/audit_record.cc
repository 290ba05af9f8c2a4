#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "cli/audit.h"
#include "cli/audit_proofs.h"
#include "cli/words.h"
#include "core/base/status.h"
#include "huiliu/v1/audit.pb.h"

namespace huiliu::cli {
namespace {

namespace v1 = huiliu::v1;

class Report {
 public:
  Report(Command& command, const v1::TraceRecordResponse& trace)
      : command_(command), trace_(trace) {}

  void Print() {
    if (trace_.found()) {
      PrintEnvelope();
    } else {
      command_.out() << command_.Say("回流库中现在没有这条记录\n",
                                     "the catalog does not hold this record now\n");
      if (trace_.has_envelope()) PrintEnvelope();
    }
    PrintHops(command_.Say("经过：", "its way:"), trace_.hops());
    PrintHops(command_.Say("谁看过（最近的在前）：", "who has seen it, newest first:"),
              trace_.reads());
    if (trace_.record_inclusion_size() > 0 || !trace_.record_leaf_hash().empty())
      Proven(command_.Say("本条记录在批次中的证明", "the record's place in its batch"),
             VerifyRecord(trace_));
    const v1::Checkpoint& checkpoint = trace_.checkpoint();
    Proven(absl::StrCat(command_.Say("检查点签名（", "the checkpoint's signature ("),
                        checkpoint.origin(), "，", checkpoint.tree_size(),
                        command_.Say(" 条）", " entries)")),
           VerifyCheckpoint(checkpoint, command_.profile.audit_key));
    if (command_.profile.audit_key.empty()) {
      command_.out() << command_.Say("  签名公钥（未事先掌握，仅表明完整）：",
                                     "  signed by (not known beforehand, so only whole): ")
                     << absl::BytesToHexString(checkpoint.public_key()) << "\n";
    }
    command_.out() << command_.Say("节点看不到的：", "not seen by the node: ") << trace_.unseen()
                   << "\n";
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
      command_.out() << "  #" << hop.index() << "  " << Printable(hop.summary());
      // Reads come without the digests of other rows' keys, so their leaves cannot be computed
      // here.
      if (hop.entry().step() == v1::STEP_READ || hop.entry().step() == v1::STEP_DELIVER) {
        command_.out() << "\n";
        continue;
      }
      // A batch of several receivers comes without the others' counts, so neither can its leaf be.
      if (hop.inclusion().empty() && trace_.checkpoint().tree_size() > 1 &&
          hop.index() < trace_.checkpoint().tree_size()) {
        command_.out() << command_.Say("  （其他接收方的计数已略去，请上级审计管理员核对）\n",
                                       "  (without other receivers' counts; an audit "
                                       "administrator of the upper level can verify it)\n");
        continue;
      }
      const absl::Status proven = VerifyHop(hop, trace_.checkpoint());
      if (proven.code() == absl::StatusCode::kFailedPrecondition) {
        command_.out() << command_.Say("  （尚未进入检查点）", "  (newer than the checkpoint)");
      } else if (proven.ok()) {
        command_.out() << "  ✓";
      } else {
        command_.findings = true;
        command_.out() << "  ✗ " << proven.message();
      }
      command_.out() << "\n";
    }
  }

  void Proven(const std::string& what, const absl::Status& status) {
    command_.findings = command_.findings || !status.ok();
    command_.out() << what << (status.ok() ? " ✓" : " ✗ ")
                   << (status.ok() ? "" : std::string(status.message())) << "\n";
  }

  Command& command_;
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
    trace.set_more_reads_before(older.more_reads_before());
    for (auto& read : *older.mutable_reads()) {
      read.clear_inclusion();  // under another checkpoint than the one that is shown
      *trace.add_reads() = std::move(read);
    }
  }
  if (command.json) {
    RETURN_IF_ERROR(command.PrintJson(trace));
  } else {
    Report(command, trace).Print();
  }
  if (trace.found() || trace.hops_size() > 0 || trace.reads_size() > 0) return absl::OkStatus();
  return absl::NotFoundError(
      command.Say("留痕日志中没有这条记录", "the log knows nothing of this record"));
}

}  // namespace huiliu::cli
