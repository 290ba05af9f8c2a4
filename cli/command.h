// What every verb has: the profile, the node, the output, the language.
#ifndef HUILIU_CLI_COMMAND_H_
#define HUILIU_CLI_COMMAND_H_

#include <google/protobuf/message.h>

#include <CLI/CLI.hpp>
#include <functional>
#include <memory>
#include <ostream>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "cli/node.h"
#include "cli/profile.h"
#include "core/text/terminal_table.h"

namespace huiliu::cli {

using text::DisplayWidth;
using text::Printable;
using text::Table;

// One invocation. The verb that was parsed stands in `run` and is run once by main.
class Command {
 public:
  explicit Command(std::ostream& out) : out_(out) {}

  Profile profile;  // flags over file
  bool json = false;
  bool findings = false;  // set by a verb: it ran, and what it checked is not right
  std::function<absl::Status()> run;

  bool english() const { return profile.language == "en"; }
  const char* Say(const char* chinese, const char* english_words) const {
    return english() ? english_words : chinese;
  }
  std::ostream& out() { return out_; }

  // Opened at the first call.
  absl::StatusOr<Node*> node();
  // For tests: what answers instead of a node.
  void set_node(std::unique_ptr<Node> node) { node_ = std::move(node); }
  absl::Status Call(const std::string& method, const google::protobuf::Message& request,
                    google::protobuf::Message* response);
  // One line: protobuf's JSON with the names of the .proto files.
  absl::Status PrintJson(const google::protobuf::Message& message);
  // The whole table, or what fits the terminal with a line that says what does not.
  void Print(const Table& table);
  // The receiver that the verb means: named, of the profile, or the only one that the caller sees.
  absl::StatusOr<std::string> Receiver(const std::string& named);

 private:
  std::ostream& out_;
  std::unique_ptr<Node> node_;
};

// Adds a verb: its text is shown in both languages. `body` runs after everything is parsed.
CLI::App* AddVerb(CLI::App& parent, Command& command, const std::string& name,
                  const std::string& text, std::function<absl::Status()> body);

// All pages of a list as one answer. Res has next_page_token, Req page_size and page_token.
template <typename Req, typename Res>
absl::Status ListAll(Command& command, const std::string& method, Req request, Res* all) {
  request.set_page_size(1000);
  do {
    Res page;
    const absl::Status called = command.Call(method, request, &page);
    if (!called.ok()) return called;
    request.set_page_token(page.next_page_token());
    all->MergeFrom(page);
  } while (!request.page_token().empty());
  all->clear_next_page_token();
  return absl::OkStatus();
}

// The groups of verbs, each in the file of its name.
void AddAccountVerbs(CLI::App& app, Command& command);
void AddAuditVerbs(CLI::App& app, Command& command);
void AddClusterVerbs(CLI::App& app, Command& command);
void AddDatasetVerbs(CLI::App& app, Command& command);
void AddGrantVerbs(CLI::App& app, Command& command);
void AddOrganisationVerbs(CLI::App& app, Command& command);
void AddOverrideVerbs(CLI::App& app, Command& command);
void AddPendingVerbs(CLI::App& app, Command& command);
void AddQuarantineVerbs(CLI::App& app, Command& command);
void AddReadVerbs(CLI::App& app, Command& command);
void AddReceiverVerbs(CLI::App& app, Command& command);
void AddRuleVerbs(CLI::App& app, Command& command);
void AddSourceVerbs(CLI::App& app, Command& command);
void AddSubscribeVerb(CLI::App& app, Command& command);
void AddSystemVerbs(CLI::App& app, Command& command);
void AddTerritoryVerbs(CLI::App& app, Command& command);
void AddWhoAmIVerb(CLI::App& app, Command& command);

}  // namespace huiliu::cli

#endif  // HUILIU_CLI_COMMAND_H_
