#include "cli/run.h"

#include <unistd.h>

#include <CLI/CLI.hpp>

#include "absl/strings/str_cat.h"
#include "cli/command.h"
#include "cli/words.h"
#include "core/command_line/usage_errors.h"
#include "core/text/printable_lines.h"

namespace huiliu::cli {
namespace {

struct Flags {
  Profile profile;
  std::string config;
  std::string output = "table";
};

void AddFlags(CLI::App& app, Flags& flags) {
  app.add_option("--config", flags.config, "配置文件 (profile; default ~/.config/huiliu/cli.yaml)");
  app.add_option("--node", flags.profile.address, "节点地址 HOST:PORT (the node's gRPC address)");
  app.add_option("--ca", flags.profile.ca,
                 "签发节点证书的 CA，PEM (who signed the node's certificate)");
  app.add_option("--certificate", flags.profile.certificate,
                 "本账号证书，PEM (this account's certificate)");
  app.add_option("--key", flags.profile.key, "证书私钥，PEM (its private key)");
  app.add_option("--server-name", flags.profile.server_name,
                 "证书中的节点名 (the node's name in its certificate)");
  app.add_option("--token-file", flags.profile.token_file,
                 "令牌文件，代替证书 (a bearer token, instead of a certificate)");
  app.add_option("--lang", flags.profile.language, "zh 或 en")->check(CLI::IsMember({"zh", "en"}));
  app.add_option("-o,--output", flags.output, "table 或 json")
      ->check(CLI::IsMember({"table", "json"}));
}

void Override(const std::string& flag, std::string* value) {
  if (!flag.empty()) *value = flag;
}

absl::StatusOr<Profile> Merge(const Flags& flags) {
  Profile profile;
  const std::string path = flags.config.empty() ? DefaultProfilePath() : flags.config;
  if (!flags.config.empty() || (!path.empty() && access(path.c_str(), F_OK) == 0)) {
    auto loaded = LoadProfile(path);
    if (!loaded.ok()) return loaded.status();
    profile = *std::move(loaded);
  }
  const Profile& given = flags.profile;
  Override(given.address, &profile.address);
  Override(given.ca, &profile.ca);
  Override(given.certificate, &profile.certificate);
  Override(given.key, &profile.key);
  Override(given.server_name, &profile.server_name);
  Override(given.token_file, &profile.token_file);
  Override(given.language, &profile.language);
  // A token that is named beside a profile's certificate is who asks.
  if (!given.token_file.empty() && given.certificate.empty())
    profile.certificate = profile.key = "";
  if (!given.certificate.empty() && given.token_file.empty()) profile.token_file = "";
  if (profile.language.empty()) profile.language = "zh";
  return profile;
}

int Fail(const absl::Status& status, bool english, std::ostream& err) {
  // Names and values of the input stand in it.
  err << CodeInWords(status.code(), english) << (english ? ": " : "：")
      << text::PrintableLines(status.message()) << "\n";
  return static_cast<int>(ExitCodeOf(status));
}

void AddVerbs(CLI::App& app, Command& command) {
  AddWhoAmIVerb(app, command);
  AddOrganisationVerbs(app, command);
  AddAccountVerbs(app, command);
  AddReceiverVerbs(app, command);
  AddSystemVerbs(app, command);
  AddDatasetVerbs(app, command);
  AddSourceVerbs(app, command);
  AddRuleVerbs(app, command);
  AddGrantVerbs(app, command);
  AddReadVerbs(app, command);
  AddSubscribeVerb(app, command);
  AddOverrideVerbs(app, command);
  AddPendingVerbs(app, command);
  AddQuarantineVerbs(app, command);
  AddAuditVerbs(app, command);
  AddTerritoryVerbs(app, command);
  AddClusterVerbs(app, command);
}

}  // namespace

int Run(int argc, const char* const* argv, std::ostream& out, std::ostream& err,
        std::unique_ptr<Node> node) {
  CLI::App app{"huiliu — 回流的命令行 (the command line of Huiliu)", "huiliu"};
  app.failure_message(command_line::UsageError);
  app.require_subcommand(1);
  // So that --node and the like may stand behind the verb too.
  app.fallthrough();
  Flags flags;
  AddFlags(app, flags);
  Command command(out);
  if (node != nullptr) command.set_node(std::move(node));
  AddVerbs(app, command);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error, out, err) == 0 ? 0 : static_cast<int>(ExitCode::kUsage);
  }
  auto profile = Merge(flags);
  if (!profile.ok()) return Fail(profile.status(), flags.profile.language == "en", err);
  command.profile = *std::move(profile);
  command.json = flags.output == "json";
  const absl::Status status = command.run();
  out.flush();
  if (!status.ok()) return Fail(status, command.english(), err);
  return static_cast<int>(command.findings ? ExitCode::kFindings : ExitCode::kDone);
}

}  // namespace huiliu::cli
