#include <nlohmann/json.hpp>
#include <sstream>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "broker/lineage/words.h"
#include "cli/audit.h"
#include "cli/audit_keys.h"
#include "cli/audit_verdicts.h"
#include "cli/words.h"
#include "core/base/status.h"
#include "huiliu/v1/audit.pb.h"

namespace huiliu::cli {
namespace {

namespace v1 = huiliu::v1;

nlohmann::json ToJson(const Verdict& verdict) {
  switch (verdict.proof) {
    case Proof::kProven:
      return "proven";
    case Proof::kNewer:
      return "newer_than_checkpoint";
    case Proof::kWithheld:
      return "withheld";
    case Proof::kNone:
      return "no_proof";
    case Proof::kNoKey:
      return "no_key";
    case Proof::kFailed:
      break;
  }
  return {{"failed", verdict.why}};
}

// {"checkpoint":…,"record":…,"hops":{"INDEX":…},"reads":{…},"batch_signatures":{…},"key_known":…}
nlohmann::json ToJson(const Verdicts& verdicts, const v1::TraceRecordResponse& trace,
                      bool key_known) {
  nlohmann::json json = {{"checkpoint", ToJson(verdicts.checkpoint)},
                         {"key_known", key_known},
                         {"hops", nlohmann::json::object()},
                         {"reads", nlohmann::json::object()},
                         {"batch_signatures", nlohmann::json::object()}};
  if (verdicts.record.has_value()) json["record"] = ToJson(*verdicts.record);
  for (size_t i = 0; i < verdicts.hops.size(); ++i)
    json["hops"][absl::StrCat(trace.hops(static_cast<int>(i)).index())] = ToJson(verdicts.hops[i]);
  for (size_t i = 0; i < verdicts.reads.size(); ++i)
    json["reads"][absl::StrCat(trace.reads(static_cast<int>(i)).index())] =
        ToJson(verdicts.reads[i]);
  for (const Verdicts::Signature& signature : verdicts.signatures)
    json["batch_signatures"][absl::StrCat(signature.index)] = ToJson(signature.verdict);
  return json;
}

// The answer, with a member `verified` of what was proven here.
absl::Status PrintVerified(Command& command, const v1::TraceRecordResponse& trace,
                           const Verdicts& verdicts) {
  std::ostringstream text;
  Command plain(text);
  RETURN_IF_ERROR(plain.PrintJson(trace));
  nlohmann::ordered_json all = nlohmann::ordered_json::parse(text.str(), nullptr, false);
  all["verified"] = ToJson(verdicts, trace, !command.profile.audit_key.empty());
  command.out() << all.dump() << "\n";
  return absl::OkStatus();
}

class Report {
 public:
  Report(Command& command, const v1::TraceRecordResponse& trace, const Verdicts& verdicts)
      : command_(command), trace_(trace), verdicts_(verdicts) {}

  void Print() {
    if (trace_.found()) {
      PrintEnvelope();
    } else {
      command_.out() << command_.Say("回流库中现在没有这条记录\n",
                                     "the catalog does not hold this record now\n");
      if (trace_.has_envelope()) PrintEnvelope();
    }
    PrintHops(command_.Say("经过：", "its way:"), trace_.hops(), verdicts_.hops);
    PrintHops(command_.Say(
                  "谁看过（最近的在前；逐条无证明，核对全部留痕用 audit export、audit verify）：",
                  "who has seen it, newest first (no proof of each: audit export and audit "
                  "verify check the whole log):"),
              trace_.reads(), verdicts_.reads);
    if (verdicts_.record.has_value())
      Proven(command_.Say("本条记录及其来源的证明", "proof of the record and where it came from"),
             *verdicts_.record);
    for (const Verdicts::Signature& signature : verdicts_.signatures)
      Proven(Printable(absl::StrCat(
                 command_.Say("部门对批次的签名（#", "the department's batch signature (#"),
                 signature.index, command_.Say("，数据源 ", ", source "), signature.source,
                 command_.Say("）", ")"))),
             signature.verdict);
    const v1::Checkpoint& checkpoint = trace_.checkpoint();
    Proven(absl::StrCat(command_.Say("检查点签名（", "the checkpoint's signature ("),
                        Printable(checkpoint.origin()), "，", checkpoint.tree_size(),
                        command_.Say(" 条）", " entries)")),
           verdicts_.checkpoint);
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
  void PrintHops(const char* title, const Hops& hops, const std::vector<Verdict>& verdicts) {
    if (hops.empty()) return;
    command_.out() << title << "\n";
    for (size_t i = 0; i < verdicts.size(); ++i) {
      const auto& hop = hops[static_cast<int>(i)];
      // Not in the node's words: they are no part of what is proven.
      command_.out() << "  #" << hop.index() << "  "
                     << Printable(lineage::InWords(hop.entry(), command_.english()));
      Mark(verdicts[i]);
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
    absl::string_view mark = command_.Say("  未证明", "  not proven");
    if (verdict.proof == Proof::kFailed) mark = command_.Say("  ✗ 不成立", "  ✗ does not hold");
    if (verdict.proof == Proof::kNoKey) mark = command_.Say("  未核对", "  not checked");
    command_.out() << mark << (verdict.why.empty() ? "" : command_.Say("：", ": "));
    command_.out() << Printable(verdict.why) << "\n";
  }

  Command& command_;
  const v1::TraceRecordResponse& trace_;
  const Verdicts& verdicts_;
};

}  // namespace

absl::Status AuditRecord(Command& command, const AuditOptions& options) {
  AuditKeys keys{command.profile.audit_key, {}};
  ASSIGN_OR_RETURN(keys.sources, SourceKeysOf(options.source_keys, options.source_keys_file));
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
  const Verdicts verdicts = Judge(request, trace, keys);
  if (!verdicts.hold()) command.findings = true;
  if (command.json) {
    RETURN_IF_ERROR(PrintVerified(command, trace, verdicts));
  } else {
    Report(command, trace, verdicts).Print();
  }
  if (trace.found() || trace.hops_size() > 0 || trace.reads_size() > 0) return absl::OkStatus();
  return absl::NotFoundError(
      command.Say("留痕日志中没有这条记录", "the log knows nothing of this record"));
}

}  // namespace huiliu::cli
