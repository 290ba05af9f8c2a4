#include "cli/command.h"

#include <google/protobuf/util/json_util.h>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "core/base/status.h"
#include "huiliu/v1/registry.pb.h"

namespace huiliu::cli {

absl::StatusOr<Node*> Command::node() {
  if (node_ == nullptr) {
    ASSIGN_OR_RETURN(node_, Node::Open(profile));
  }
  return node_.get();
}

absl::Status Command::Call(const std::string& method, const google::protobuf::Message& request,
                           google::protobuf::Message* response) {
  ASSIGN_OR_RETURN(Node* const opened, node());
  return opened->Call(method, request, response);
}

absl::Status Command::PrintJson(const google::protobuf::Message& message) {
  google::protobuf::util::JsonPrintOptions options;
  options.preserve_proto_field_names = true;
  std::string text;
  if (!google::protobuf::util::MessageToJsonString(message, &text, options).ok())
    return absl::InternalError("应答无法写成 JSON / the answer cannot be written as JSON");
  out_ << text << "\n";
  return absl::OkStatus();
}

void Command::Print(const Table& table) {
  size_t hidden = 0;
  out_ << table.Render(text::TerminalWidth(), &hidden);
  if (hidden > 0) {
    out_ << (english()
                 ? absl::StrCat("(", hidden, " columns do not fit; --output json has all)")
                 : absl::StrCat("（另有 ", hidden, " 列因终端宽度未显示，--output json 可看全部）"))
         << "\n";
  }
}

absl::StatusOr<std::string> Command::Receiver(const std::string& named) {
  if (!named.empty()) return named;
  if (!profile.receiver.empty()) return profile.receiver;
  huiliu::v1::ListReceiversResponse receivers;
  RETURN_IF_ERROR(Call("Registry/ListReceivers", huiliu::v1::ListReceiversRequest(), &receivers));
  if (receivers.receivers_size() == 1) return receivers.receivers(0).id();
  return absl::InvalidArgumentError(
      absl::StrCat("请用 --receiver 指明接收方 / which receiver? give --receiver: ",
                   absl::StrJoin(receivers.receivers(), ", ",
                                 [](std::string* out, const huiliu::v1::Receiver& receiver) {
                                   absl::StrAppend(out, receiver.id(), " (", receiver.title(), ")");
                                 })));
}

CLI::App* AddVerb(CLI::App& parent, Command& command, const std::string& name,
                  const std::string& text, std::function<absl::Status()> body) {
  CLI::App* verb = parent.add_subcommand(name, text);
  verb->callback([&command, body = std::move(body)] { command.run = body; });
  return verb;
}

}  // namespace huiliu::cli
