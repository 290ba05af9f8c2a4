#include <openssl/rand.h>

#include <memory>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_join.h"
#include "cli/command.h"
#include "cli/words.h"
#include "core/base/digest.h"
#include "core/base/files.h"
#include "core/base/status.h"
#include "huiliu/v1/registry.pb.h"

namespace huiliu::cli {
namespace {

namespace v1 = huiliu::v1;

struct Options {
  std::string id, organisation;
  std::vector<std::string> roles, certificates;
  std::string new_token, token_file;
  bool disable = false, enable = false, drop_credentials = false;
};

absl::Status List(Command& command, const Options& options) {
  v1::ListAccountsRequest request;
  request.set_organisation(options.organisation);
  v1::ListAccountsResponse all;
  RETURN_IF_ERROR(ListAll(command, "Registry/ListAccounts", request, &all));
  if (command.json) return command.PrintJson(all);
  Table table({command.Say("账号", "account"), command.Say("单位", "organisation"),
               command.Say("角色", "roles"), command.Say("证书", "certificates"),
               command.Say("令牌", "tokens"), command.Say("状态", "state")});
  for (const v1::Account& a : all.accounts()) {
    const std::string roles =
        absl::StrJoin(a.roles(), command.Say("、", ", "), [&](std::string* out, int role) {
          out->append(RoleInWords(static_cast<v1::Role>(role), command.english()));
        });
    table.Add({a.id(), a.organisation(), roles, std::to_string(a.certificate_sha256_size()),
               std::to_string(a.token_sha256_size()),
               a.disabled() ? command.Say("停用", "disabled") : command.Say("启用", "enabled")});
  }
  command.Print(table);
  return absl::OkStatus();
}

// SHA-256 of the DER form, as the node knows a certificate.
absl::StatusOr<std::string> CertificateDigest(const std::string& path) {
  ASSIGN_OR_RETURN(const std::string pem, ReadFile(path));
  constexpr absl::string_view kBegin = "-----BEGIN CERTIFICATE-----",
                              kEnd = "-----END CERTIFICATE-----";
  const size_t begin = pem.find(kBegin.data());
  const size_t end = begin == std::string::npos ? begin : pem.find(kEnd.data(), begin);
  if (end == std::string::npos)
    return absl::InvalidArgumentError(path + ": 不含 PEM 证书 / holds no PEM certificate");
  std::string base64, der;
  for (char c : pem.substr(begin + kBegin.size(), end - begin - kBegin.size())) {
    if (!absl::ascii_isspace(static_cast<unsigned char>(c))) base64.push_back(c);
  }
  if (!absl::Base64Unescape(base64, &der))
    return absl::InvalidArgumentError(path + ": 不含 PEM 证书 / holds no PEM certificate");
  return ToString(Sha256(der));
}

// The token is written before the node knows its digest: an account without its token would help
// nobody.
absl::Status AddToken(const Options& options, v1::Account* account) {
  if (!options.token_file.empty()) {
    ASSIGN_OR_RETURN(const std::string text, ReadFile(options.token_file));
    const std::string token(absl::StripAsciiWhitespace(text));
    if (token.size() < 16)
      return absl::InvalidArgumentError(options.token_file +
                                        ": 令牌至少 16 个字符 / a token has 16 characters or more");
    account->add_token_sha256(ToString(Sha256(token)));
  }
  if (options.new_token.empty()) return absl::OkStatus();
  unsigned char random[32];
  if (RAND_bytes(random, sizeof random) != 1)
    return absl::InternalError("取不到随机数 / no random bytes for a token");
  const std::string token = absl::BytesToHexString(
      absl::string_view(reinterpret_cast<const char*>(random), sizeof random));
  RETURN_IF_ERROR(WriteFileDurably(options.new_token, token + "\n", 0600));
  account->add_token_sha256(ToString(Sha256(token)));
  return absl::OkStatus();
}

absl::Status Put(Command& command, const Options& options) {
  v1::ListAccountsResponse all;
  RETURN_IF_ERROR(ListAll(command, "Registry/ListAccounts", v1::ListAccountsRequest(), &all));
  v1::PutAccountRequest request;
  v1::Account& account = *request.mutable_account();
  account.set_id(options.id);
  for (const v1::Account& known : all.accounts()) {
    if (known.id() != options.id) continue;
    account = known;
    request.set_seen_version(known.version());
  }
  if (!options.organisation.empty()) account.set_organisation(options.organisation);
  if (!options.roles.empty()) account.clear_roles();
  for (const std::string& text : options.roles) {
    ASSIGN_OR_RETURN(const v1::Role role, ParseRole(text));
    account.add_roles(role);
  }
  if (options.drop_credentials) {
    account.clear_certificate_sha256();
    account.clear_token_sha256();
  }
  for (const std::string& path : options.certificates) {
    ASSIGN_OR_RETURN(const std::string digest, CertificateDigest(path));
    account.add_certificate_sha256(digest);
  }
  RETURN_IF_ERROR(AddToken(options, &account));
  if (options.disable || options.enable) account.set_disabled(options.disable);
  v1::PutAccountResponse response;
  RETURN_IF_ERROR(command.Call("Registry/PutAccount", request, &response));
  if (command.json) return command.PrintJson(response.account());
  command.out() << command.Say("已登记账号 ", "registered account ") << response.account().id()
                << "\n";
  return absl::OkStatus();
}

}  // namespace

void AddAccountVerbs(CLI::App& app, Command& command) {
  CLI::App* group = app.add_subcommand("account", "账号 (accounts)")->require_subcommand(1);
  auto options = std::make_shared<Options>();
  CLI::App* list = AddVerb(*group, command, "list", "列出账号 (all accounts)",
                           [&command, options] { return List(command, *options); });
  list->add_option("--organisation", options->organisation, "只看一个单位 (of one organisation)");
  CLI::App* put = AddVerb(*group, command, "put",
                          "登记或变更账号 (register or change one; what is not named stays)",
                          [&command, options] { return Put(command, *options); });
  put->add_option("id", options->id, "账号 (id)")->required();
  put->add_option("--organisation", options->organisation, "所属单位 (its organisation)");
  put->add_option("--role", options->roles,
                  "角色，三员不得兼任 (role; the three administrators never meet in one account)");
  put->add_option("--certificate", options->certificates, "客户端证书，PEM (client certificate)");
  put->add_option("--new-token", options->new_token,
                  "生成令牌并写入此文件，权限 0600 (make a token, write it to this file)");
  put->add_option("--token-file", options->token_file,
                  "登记此文件中的令牌 (register the token in this file)");
  put->add_flag("--drop-credentials", options->drop_credentials,
                "先作废原有证书与令牌 (void those it has)");
  auto* disable = put->add_flag("--disable", options->disable, "停用 (disable)");
  put->add_flag("--enable", options->enable, "启用 (enable)")->excludes(disable);
}

}  // namespace huiliu::cli
