#include <algorithm>
#include <memory>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/time/clock.h"
#include "cli/command.h"
#include "cli/schemas.h"
#include "cli/words.h"
#include "core/base/status.h"
#include "core/model/proto_time.h"
#include "huiliu/v1/governance.pb.h"

namespace huiliu::cli {
namespace {

namespace v1 = huiliu::v1;

struct Options {
  std::string id, organisation, receiver, dataset, purpose, legal_basis, from, to, reason;
  std::vector<std::string> fields, masks, no_masks;
  CLI::Option* filter = nullptr;
  bool revoked = false, all_fields = false, no_filter = false;
};

std::string StateOf(const Command& command, const v1::Grant& grant) {
  if (grant.revoked()) return command.Say("已收回", "revoked");
  if (grant.has_valid_to() && FromProto(grant.valid_to()) <= absl::Now())
    return command.Say("已到期", "expired");
  if (grant.has_valid_from() && FromProto(grant.valid_from()) > absl::Now())
    return command.Say("未生效", "not yet valid");
  return command.Say("有效", "valid");
}

absl::Status List(Command& command, const Options& options) {
  v1::ListGrantsRequest request;
  request.set_organisation(options.organisation);
  request.set_dataset(options.dataset);
  request.set_include_revoked(options.revoked);
  v1::ListGrantsResponse all;
  RETURN_IF_ERROR(ListAll(command, "Governance/ListGrants", request, &all));
  if (command.json) return command.PrintJson(all);
  Table table({command.Say("授权", "grant"), command.Say("需求部门", "organisation"),
               command.Say("数据集", "dataset"), command.Say("接收方", "receiver"),
               command.Say("使用场景", "purpose"), command.Say("状态", "state"),
               command.Say("有效期至", "valid to"), command.Say("字段", "fields"),
               command.Say("脱敏", "masks"), command.Say("行范围", "row filter"),
               command.Say("依据", "legal basis")});
  for (const v1::Grant& g : all.grants()) {
    std::vector<std::string> masks;
    for (const auto& [field, mask] : g.masks())
      masks.push_back(absl::StrCat(field, ":", MaskInWords(mask, command.english())));
    std::sort(masks.begin(), masks.end());
    table.Add({g.id(), g.organisation(), g.dataset(), g.receiver(), g.purpose(),
               StateOf(command, g), TimeInWords(g.valid_to()),
               g.fields().empty() ? command.Say("全部", "all") : absl::StrJoin(g.fields(), " "),
               absl::StrJoin(masks, " "), g.row_filter(), g.legal_basis()});
  }
  command.Print(table);
  return absl::OkStatus();
}

// Masks of fields that are named no more go with them.
void DropMasksOfOthers(const std::vector<std::string>& fields, v1::Grant* grant) {
  std::vector<std::string> others;
  for (const auto& [field, mask] : grant->masks()) {
    if (std::find(fields.begin(), fields.end(), field) == fields.end()) others.push_back(field);
  }
  for (const std::string& field : others) grant->mutable_masks()->erase(field);
}

absl::Status Fill(const Options& options, v1::PutGrantRequest* request) {
  v1::Grant* grant = request->mutable_grant();
  if (!options.organisation.empty()) grant->set_organisation(options.organisation);
  if (!options.dataset.empty()) grant->set_dataset(options.dataset);
  if (!options.purpose.empty()) grant->set_purpose(options.purpose);
  if (!options.legal_basis.empty()) grant->set_legal_basis(options.legal_basis);
  if (*options.filter) {
    grant->set_row_filter(options.filter->as<std::string>());
    if (grant->row_filter().empty()) {
      return absl::InvalidArgumentError(
          "--filter 为空；撤去行范围请用 --no-filter / --filter is empty; to open all rows say "
          "--no-filter");
    }
  }
  if (options.no_filter) {
    grant->clear_row_filter();
    request->set_clear_row_filter(true);
  }
  if (options.all_fields) grant->clear_fields();
  if (!options.fields.empty()) {
    grant->mutable_fields()->Assign(options.fields.begin(), options.fields.end());
    DropMasksOfOthers(options.fields, grant);
  }
  for (const std::string& field : options.no_masks) {
    grant->mutable_masks()->erase(field);
    request->add_clear_masks(field);
  }
  for (const std::string& text : options.masks) {
    const std::pair<std::string, std::string> parts = absl::StrSplit(text, absl::MaxSplits('=', 1));
    ASSIGN_OR_RETURN((*grant->mutable_masks())[parts.first], ParseMask(parts.second));
  }
  if (!options.from.empty()) {
    ASSIGN_OR_RETURN(*grant->mutable_valid_from(), ParseTime(options.from, false));
  }
  if (!options.to.empty()) {
    ASSIGN_OR_RETURN(*grant->mutable_valid_to(), ParseTime(options.to, true));
  }
  return absl::OkStatus();
}

// As the node names those of a new grant: what the present version does not drop by default.
absl::Status NameAllFields(Command& command, v1::Grant* grant) {
  ASSIGN_OR_RETURN(const auto contract, RegisteredContract(command, grant->dataset()));
  for (const schema::Field& field : contract->fields()) {
    if (grant->masks().contains(field.name) || !field.options.default_mask().drop())
      grant->add_fields(field.name);
  }
  return absl::OkStatus();
}

absl::Status Put(Command& command, const Options& options) {
  v1::ListGrantsRequest list;
  list.set_include_revoked(true);
  v1::ListGrantsResponse all;
  RETURN_IF_ERROR(ListAll(command, "Governance/ListGrants", list, &all));
  v1::PutGrantRequest request;
  v1::Grant& grant = *request.mutable_grant();
  grant.set_id(options.id);
  for (const v1::Grant& known : all.grants()) {
    if (known.id() != options.id) continue;
    grant = known;
    request.set_seen_version(known.version());
  }
  if (grant.receiver().empty() || !options.receiver.empty()) {
    ASSIGN_OR_RETURN(*grant.mutable_receiver(), command.Receiver(options.receiver));
  }
  RETURN_IF_ERROR(Fill(options, &request));
  // An amendment that names no fields keeps those that it finds.
  if (options.all_fields && request.seen_version() != 0)
    RETURN_IF_ERROR(NameAllFields(command, &grant));
  v1::PutGrantResponse response;
  RETURN_IF_ERROR(command.Call("Governance/PutGrant", request, &response));
  if (command.json) return command.PrintJson(response.grant());
  command.out() << command.Say("已授权 ", "granted ") << response.grant().id() << "\n";
  return absl::OkStatus();
}

absl::Status Revoke(Command& command, const Options& options) {
  v1::RevokeGrantRequest request;
  request.set_id(options.id);
  request.set_reason(options.reason);
  v1::RevokeGrantResponse response;
  RETURN_IF_ERROR(command.Call("Governance/RevokeGrant", request, &response));
  if (command.json) return command.PrintJson(response.grant());
  command.out() << command.Say("已收回授权 ", "revoked ") << response.grant().id()
                << command.Say("，即时生效\n", "; no read that begins now uses it\n");
  return absl::OkStatus();
}

}  // namespace

void AddGrantVerbs(CLI::App& app, Command& command) {
  CLI::App* group = app.add_subcommand("grant", "授权管理 (grants)")->require_subcommand(1);
  auto options = std::make_shared<Options>();
  CLI::App* list = AddVerb(*group, command, "list", "列出授权 (grants)",
                           [&command, options] { return List(command, *options); });
  list->add_option("--organisation", options->organisation, "需求部门 (of an organisation)");
  list->add_option("--dataset", options->dataset, "数据集 (of a dataset)");
  list->add_flag("--revoked", options->revoked, "包括已收回的 (revoked ones too)");
  CLI::App* put = AddVerb(*group, command, "put",
                          "授权或变更授权 (grant, or change a grant; what is not named stays)",
                          [&command, options] { return Put(command, *options); });
  put->add_option("id", options->id, "编号，如 hrss-insurance (id)")->required();
  put->add_option("--organisation", options->organisation, "需求部门 (who may read)");
  put->add_option("--receiver", options->receiver, "接收方 (whose data)");
  put->add_option("--dataset", options->dataset, "数据集 (which dataset)");
  put->add_option("--purpose", options->purpose, "使用场景 (for what)");
  put->add_option("--legal-basis", options->legal_basis, "依据 (legal basis)");
  put->add_option(
      "--field", options->fields,
      "字段，可多个；默认为契约当前版本的全部字段 (fields; default: all of the contract's "
      "present version)");
  put->add_flag("--all-fields", options->all_fields,
                "改为契约当前版本的全部字段 (all fields of the contract's present version)")
      ->excludes("--field");
  options->filter =
      put->add_option("--filter", "行范围，CEL，如 division == \"530102\" (row filter)");
  put->add_flag("--no-filter", options->no_filter, "撤去行范围，开放全部行 (all rows)")
      ->excludes(options->filter);
  put->add_option("--mask", options->masks,
                  "字段=方式：keep、drop、hash、partial:6:4；其他字段的不变 (FIELD=MASK; those of "
                  "other fields stay)");
  put->add_option("--no-mask", options->no_masks,
                  "撤去授权中此字段的脱敏方式，改按契约的默认方式 (a field whose mask in the grant "
                  "ends: the contract's default holds)");
  put->add_option("--valid-from", options->from, "自，日期或时间 (from)");
  put->add_option("--valid-to", options->to, "至，日期含当日 (to; a day counts whole)");
  CLI::App* revoke = AddVerb(*group, command, "revoke", "收回授权 (revoke a grant)",
                             [&command, options] { return Revoke(command, *options); });
  revoke->add_option("id", options->id, "编号 (id)")->required();
  revoke->add_option("--reason", options->reason, "原因 (why)")->required();
}

}  // namespace huiliu::cli
