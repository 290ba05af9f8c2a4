#include <google/protobuf/util/json_util.h>
#include <stdio.h>
#include <unistd.h>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "broker/lineage/checkpoint.h"
#include "broker/lineage/export.h"
#include "cli/audit.h"
#include "cli/audit_keys.h"
#include "cli/audit_proofs.h"
#include "cli/words.h"
#include "core/base/files.h"
#include "core/base/status.h"
#include "core/merkle/merkle.h"
#include "core/text/printable_lines.h"
#include "huiliu/v1/audit.pb.h"
#include "nlohmann/json.hpp"

namespace huiliu::cli {
namespace {

namespace v1 = huiliu::v1;

absl::StatusOr<v1::Checkpoint> ReadCheckpoint(const std::string& path) {
  ASSIGN_OR_RETURN(const std::string text, ReadFile(path));
  v1::Checkpoint checkpoint;
  if (!google::protobuf::util::JsonStringToMessage(text, &checkpoint).ok() ||
      checkpoint.note().empty())
    return absl::InvalidArgumentError(
        path +
        ": 不是 huiliu audit checkpoint --save 所存的检查点 / is no checkpoint that huiliu "
        "audit checkpoint --save wrote");
  return checkpoint;
}

absl::Status SaveCheckpoint(const std::string& path, const v1::Checkpoint& checkpoint) {
  google::protobuf::util::JsonPrintOptions json;
  json.preserve_proto_field_names = true;
  std::string text;
  if (!google::protobuf::util::MessageToJsonString(checkpoint, &text, json).ok())
    return absl::InternalError("a checkpoint cannot be written as JSON");
  return WriteFileDurably(path, text + "\n");
}

// OK where `newest` contains all that `known` saw.
absl::Status Progress(Command& command, const v1::Checkpoint& known, const v1::Checkpoint& newest,
                      const std::string& key) {
  if (newest.tree_size() < known.tree_size())
    return absl::DataLossError(
        absl::StrCat("日志现有 ", newest.tree_size(), " 条，已知检查点见过 ", known.tree_size(),
                     " 条 / the log has ", newest.tree_size(),
                     " entries, the known checkpoint saw ", known.tree_size()));
  v1::GetConsistencyProofRequest request;
  request.set_from_size(known.tree_size());
  request.set_to_size(newest.tree_size());
  v1::GetConsistencyProofResponse proof;
  RETURN_IF_ERROR(command.Call("Audit/GetConsistencyProof", request, &proof));
  const std::vector<std::string> path(proof.path().begin(), proof.path().end());
  return lineage::VerifyProgress(known, newest, path, key);
}

// An export file under its own name only when it is whole.
class OutputFile {
 public:
  static absl::StatusOr<std::unique_ptr<OutputFile>> Open(const std::string& path) {
    auto file = std::unique_ptr<OutputFile>(new OutputFile(path));
    file->file_ = fopen(file->part_.c_str(), "wb");
    if (file->file_ == nullptr) return ErrnoStatus(errno, "creating", file->part_);
    return file;
  }
  ~OutputFile() {
    if (file_ == nullptr) return;
    fclose(file_);
    unlink(part_.c_str());
  }
  absl::Status Write(absl::string_view bytes) {
    if (fwrite(bytes.data(), 1, bytes.size(), file_) == bytes.size()) return absl::OkStatus();
    return ErrnoStatus(errno, "writing", part_);
  }
  absl::Status Finish() {
    const bool synced = fflush(file_) == 0 && fsync(fileno(file_)) == 0;
    const int error = errno;
    fclose(file_);
    file_ = nullptr;
    if (!synced) return ErrnoStatus(error, "writing", part_);
    return rename(part_.c_str(), path_.c_str()) == 0 ? absl::OkStatus()
                                                     : ErrnoStatus(errno, "renaming", part_);
  }

 private:
  explicit OutputFile(const std::string& path) : path_(path), part_(path + ".part") {}
  const std::string path_, part_;
  FILE* file_ = nullptr;
};

absl::StatusOr<lineage::VerifyOptions> VerifyOptionsOf(const Command& command,
                                                       const AuditOptions& options) {
  lineage::VerifyOptions verify;
  const std::string key =
      options.public_key.empty() ? command.profile.audit_key : options.public_key;
  if (!key.empty()) {
    ASSIGN_OR_RETURN(verify.public_key, PublicKeyFromHex("--public-key", key));
  }
  if (!options.known.empty()) {
    ASSIGN_OR_RETURN(v1::Checkpoint known, ReadCheckpoint(options.known));
    verify.known.push_back(std::move(known));
  }
  ASSIGN_OR_RETURN(verify.source_keys, SourceKeysOf(options.source_keys, options.source_keys_file));
  return verify;
}

std::string ToJson(const lineage::VerifyReport& report) {
  nlohmann::json problems = nlohmann::json::array();
  for (const auto& problem : report.problems)
    problems.push_back({{"index", problem.index}, {"what", problem.what}});
  const nlohmann::json json = {{"ok", report.ok()},
                               {"origin", report.origin},
                               {"first_index", report.first_index},
                               {"entries", report.entries},
                               {"root", report.root},
                               {"checkpoints", report.checkpoints},
                               {"newest_checkpoint_size", report.newest_checkpoint_size},
                               {"first_wrong_entry", report.first_wrong_entry},
                               {"key_from_file", report.key_from_file},
                               {"uncovered_entries", report.uncovered_entries},
                               {"batch_signatures", report.batch_signatures},
                               {"problems", problems}};
  return json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

void PrintReport(Command& command, const lineage::VerifyReport& report) {
  Table table({command.Say("项目", "what"), command.Say("结果", "result")});
  table.Add({command.Say("日志", "log"), report.origin});
  table.Add({command.Say("条目", "entries"),
             absl::StrCat(report.first_index, " – ", report.first_index + report.entries - 1)});
  table.Add({command.Say("根", "root"), report.root});
  table.Add(
      {command.Say("成立的检查点", "checkpoints that hold"), absl::StrCat(report.checkpoints)});
  table.Add({command.Say("检查点之后无签名的条目", "entries after the newest checkpoint"),
             absl::StrCat(report.uncovered_entries)});
  table.Add({command.Say("成立的批次签名", "batch signatures that hold"),
             absl::StrCat(report.batch_signatures)});
  command.Print(table);
  if (report.key_from_file)
    command.out() << command.Say(
        "未给出公钥：只能表明文件自身完整，不能表明由谁签名（--public-key）\n",
        "no key was given: the file is whole, who signed it is not shown (--public-key)\n");
  for (const auto& problem : report.problems) {
    command.out() << "✗ ";
    if (problem.index >= 0) command.out() << "#" << problem.index << "  ";
    command.out() << Printable(problem.what) << "\n";
  }
  command.out() << (report.ok() ? command.Say("核验通过\n", "verified\n")
                                : command.Say("核验不通过\n", "NOT verified\n"));
}

}  // namespace

absl::Status AuditCheckpoint(Command& command, const AuditOptions& options) {
  v1::GetCheckpointResponse response;
  RETURN_IF_ERROR(command.Call("Audit/GetCheckpoint", v1::GetCheckpointRequest(), &response));
  const v1::Checkpoint& checkpoint = response.checkpoint();
  RETURN_IF_ERROR(VerifyCheckpoint(checkpoint, command.profile.audit_key));
  if (!options.known.empty()) {
    ASSIGN_OR_RETURN(const v1::Checkpoint known, ReadCheckpoint(options.known));
    const std::string key = command.profile.audit_key.empty()
                                ? known.public_key()
                                : absl::HexStringToBytes(command.profile.audit_key);
    const absl::Status progress = Progress(command, known, checkpoint, key);
    if (progress.code() == absl::StatusCode::kUnavailable ||
        progress.code() == absl::StatusCode::kPermissionDenied)
      return progress;
    command.findings = !progress.ok();
    if (!command.json) {
      command.out() << (progress.ok()
                            ? command.Say("自已知检查点以来只增不改 ✓\n",
                                          "since the known checkpoint the log only grew ✓\n")
                            : command.Say("与已知检查点不符 ✗ ",
                                          "does not continue the known checkpoint ✗ "));
      if (!progress.ok()) command.out() << progress.message() << "\n";
    }
  }
  // A log that was rewritten must not replace what is known of it.
  if (!options.save.empty() && !command.findings)
    RETURN_IF_ERROR(SaveCheckpoint(options.save, checkpoint));
  if (command.json) return command.PrintJson(checkpoint);
  command.out() << text::PrintableLines(checkpoint.note()) << command.Say("公钥 ", "public key ")
                << absl::BytesToHexString(checkpoint.public_key()) << "\n";
  return absl::OkStatus();
}

absl::Status AuditExport(Command& command, const AuditOptions& options) {
  ASSIGN_OR_RETURN(const auto file, OutputFile::Open(options.file));
  lineage::ExportWriter writer([&](absl::string_view bytes) { return file->Write(bytes); });
  v1::GetCheckpointResponse head;
  RETURN_IF_ERROR(command.Call("Audit/GetCheckpoint", v1::GetCheckpointRequest(), &head));
  v1::ExportEntriesRequest request;
  request.set_from_index(options.from);
  v1::ExportEntriesResponse message;
  bool begun = false;
  int64_t entries = 0;
  const auto take = [&]() -> absl::Status {
    if (!begun) {
      const std::vector<std::string> bytes(message.peaks().begin(), message.peaks().end());
      ASSIGN_OR_RETURN(const std::vector<Digest> peaks, merkle::ToDigests(bytes));
      RETURN_IF_ERROR(writer.Begin(head.checkpoint().origin(), options.from, peaks));
      begun = true;
    }
    for (const std::string& leaf : message.entries()) RETURN_IF_ERROR(writer.Entry(leaf));
    entries += message.entries_size();
    return message.has_checkpoint() ? writer.Checkpoint(message.checkpoint()) : absl::OkStatus();
  };
  ASSIGN_OR_RETURN(Node* const node, command.node());
  RETURN_IF_ERROR(
      node->Stream("Audit/ExportEntries", request, &message, take, [] { return false; }));
  RETURN_IF_ERROR(writer.Finish());
  RETURN_IF_ERROR(file->Finish());
  if (command.json) {
    command.out() << absl::StrCat("{\"entries\":", entries, "}\n");
  } else {
    command.out()
        << (command.english()
                ? absl::StrCat(entries, " entries; verify with: huiliu audit verify ", options.file)
                : absl::StrCat("已导出 ", entries, " 条；核验：huiliu audit verify ", options.file))
        << "\n";
  }
  return absl::OkStatus();
}

absl::Status AuditVerify(Command& command, const AuditOptions& options) {
  ASSIGN_OR_RETURN(const lineage::VerifyOptions verify, VerifyOptionsOf(command, options));
  ASSIGN_OR_RETURN(const lineage::VerifyReport report,
                   lineage::VerifyExportFile(options.file, verify));
  command.findings = !report.ok();
  if (command.json) {
    command.out() << ToJson(report) << "\n";
  } else {
    PrintReport(command, report);
  }
  return absl::OkStatus();
}

}  // namespace huiliu::cli
