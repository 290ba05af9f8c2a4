#include <memory>

#include "cli/command.h"
#include "core/base/status.h"
#include "huiliu/v1/registry.pb.h"

namespace huiliu::cli {
namespace {

namespace v1 = huiliu::v1;

struct Options {
  std::string id;
  CLI::Option *title = nullptr, *uscc = nullptr, *receiver = nullptr;
};

absl::Status List(Command& command) {
  v1::ListOrganisationsResponse all;
  RETURN_IF_ERROR(
      ListAll(command, "Registry/ListOrganisations", v1::ListOrganisationsRequest(), &all));
  if (command.json) return command.PrintJson(all);
  Table table({command.Say("编号", "id"), command.Say("单位名称", "title"),
               command.Say("统一社会信用代码", "uscc"), command.Say("所属接收方", "receiver")});
  for (const v1::Organisation& o : all.organisations())
    table.Add({o.id(), o.title(), o.uscc(), o.receiver()});
  command.Print(table);
  return absl::OkStatus();
}

absl::Status Put(Command& command, const Options& options) {
  v1::ListOrganisationsResponse all;
  RETURN_IF_ERROR(
      ListAll(command, "Registry/ListOrganisations", v1::ListOrganisationsRequest(), &all));
  v1::PutOrganisationRequest request;
  request.mutable_organisation()->set_id(options.id);
  for (const v1::Organisation& known : all.organisations()) {
    if (known.id() != options.id) continue;
    *request.mutable_organisation() = known;
    request.set_seen_version(known.version());
  }
  if (*options.title) request.mutable_organisation()->set_title(options.title->as<std::string>());
  if (*options.uscc) request.mutable_organisation()->set_uscc(options.uscc->as<std::string>());
  if (*options.receiver)
    request.mutable_organisation()->set_receiver(options.receiver->as<std::string>());
  v1::PutOrganisationResponse response;
  RETURN_IF_ERROR(command.Call("Registry/PutOrganisation", request, &response));
  if (command.json) return command.PrintJson(response.organisation());
  command.out() << command.Say("已登记 ", "registered ") << response.organisation().id() << "\n";
  return absl::OkStatus();
}

}  // namespace

void AddOrganisationVerbs(CLI::App& app, Command& command) {
  CLI::App* group =
      app.add_subcommand("organisation", "单位 (organisations)")->require_subcommand(1);
  AddVerb(*group, command, "list", "列出单位 (all organisations)", [&] { return List(command); });
  auto options = std::make_shared<Options>();
  CLI::App* put = AddVerb(*group, command, "put",
                          "登记或变更单位 (register or change one; what is not named stays)",
                          [&command, options] { return Put(command, *options); });
  put->add_option("id", options->id, "编号，如 km-hrss (id)")->required();
  options->title = put->add_option("--title", "单位名称 (title)");
  options->uscc = put->add_option("--uscc", "统一社会信用代码 (its USCC)");
  options->receiver =
      put->add_option("--receiver", "所属接收方，如 530100 (the receiver it belongs to)");
}

}  // namespace huiliu::cli
