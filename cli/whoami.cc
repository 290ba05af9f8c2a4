#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "cli/command.h"
#include "cli/words.h"
#include "core/base/status.h"
#include "huiliu/v1/governance.pb.h"

namespace huiliu::cli {
namespace {

absl::Status WhoAmI(Command& command) {
  huiliu::v1::WhoAmIResponse who;
  RETURN_IF_ERROR(command.Call("Governance/WhoAmI", huiliu::v1::WhoAmIRequest(), &who));
  if (command.json) return command.PrintJson(who);
  const std::string roles =
      absl::StrJoin(who.roles(), "、", [&](std::string* out, const std::string& name) {
        huiliu::v1::Role role = huiliu::v1::ROLE_UNSPECIFIED;
        const bool known = huiliu::v1::Role_Parse(name, &role);
        out->append(known ? RoleInWords(role, command.english()) : name);
      });
  Table table({command.Say("账号", "account"), command.Say("单位", "organisation"),
               command.Say("角色", "roles")});
  table.Add({who.account(), who.organisation(),
             command.english() ? absl::StrReplaceAll(roles, {{"、", ", "}}) : roles});
  command.Print(table);
  return absl::OkStatus();
}

}  // namespace

void AddWhoAmIVerb(CLI::App& app, Command& command) {
  AddVerb(app, command, "whoami", "本账号的身份与角色 (who this account is and may be)",
          [&] { return WhoAmI(command); });
}

}  // namespace huiliu::cli
