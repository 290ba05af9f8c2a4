#include "cli/audit.h"

#include <memory>

#include "cli/command.h"

namespace huiliu::cli {

void AddAuditVerbs(CLI::App& app, Command& command) {
  CLI::App* group = app.add_subcommand("audit", "流转与访问留痕 (lineage)")->require_subcommand(1);
  auto options = std::make_shared<AuditOptions>();
  CLI::App* record = AddVerb(*group, command, "record",
                             "一条记录从哪里来、谁看过 (where a record came from, who has seen it)",
                             [&command, options] { return AuditRecord(command, *options); });
  record->add_option("dataset", options->dataset, "数据集 (dataset)")->required();
  record->add_option("key", options->key, "主键各字段的值 (the key fields' values, in order)")
      ->required();
  record->add_option("--receiver", options->receiver, "接收方 (whose data)");
  record->add_option("--system", options->system,
                     "审批系统 (where several systems provide the dataset)");
  record->add_option("--source-key", options->source_keys,
                     "数据源=公钥，核对部门对批次的签名 (SOURCE=KEY: the department's batch "
                     "signature is checked)");
  record->add_option("--source-keys", options->source_keys_file,
                     "同上，一行一个的文件 (a file of such lines)");
  CLI::App* balance =
      AddVerb(*group, command, "balance",
              "收支核对：读取 = 已回流 + 域外 + 规则不予回流 + 问题数据 + 待认领 (the balance)",
              [&command, options] { return AuditBalance(command, *options); });
  balance->add_option("--receiver", options->receiver, "接收方 (receiver)");
  balance->add_option("--day", options->day, "日期，如 2026-05-11 (day)");
  balance->add_option("--source", options->source, "数据源 (source)");
  CLI::App* checkpoint =
      AddVerb(*group, command, "checkpoint", "最新签名检查点 (the newest signed checkpoint)",
              [&command, options] { return AuditCheckpoint(command, *options); });
  checkpoint->add_option("--save", options->save, "存为文件，供以后比对 (keep it for later)");
  checkpoint->add_option(
      "--known", options->known,
      "证明日志自此检查点以来只增不改 (prove that the log only grew since this one)");
  CLI::App* exported = AddVerb(*group, command, "export", "导出留痕日志 (the log as one file)",
                               [&command, options] { return AuditExport(command, *options); });
  exported->add_option("file", options->file, "输出文件 (where to)")->required();
  exported->add_option("--from", options->from, "起始序号 (first entry)")
      ->check(CLI::NonNegativeNumber);
  CLI::App* verify = AddVerb(*group, command, "verify",
                             "离线核验导出的日志，不必信任节点 (verify an exported log, offline)",
                             [&command, options] { return AuditVerify(command, *options); });
  verify->add_option("file", options->file, "导出文件 (the export)")->required();
  verify->add_option("--public-key", options->public_key,
                     "节点公钥，64 位十六进制 (whose signatures count)");
  verify->add_option("--known", options->known, "此前保存的检查点 (a checkpoint kept from before)");
  verify->add_option("--source-key", options->source_keys,
                     "数据源=公钥，核验批次签名 (SOURCE=KEY: batch signatures too)");
  verify->add_option("--source-keys", options->source_keys_file,
                     "同上，一行一个的文件 (a file of such lines)");
}

}  // namespace huiliu::cli
