// A node that answers from a script, and whole runs of the command line against it.
#ifndef HUILIU_TESTS_UNIT_CLI_SCRIPTED_NODE_H_
#define HUILIU_TESTS_UNIT_CLI_SCRIPTED_NODE_H_

#include <cstdlib>
#include <functional>
#include <map>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "cli/node.h"
#include "cli/run.h"

namespace huiliu::cli {

using Handler =
    std::function<absl::Status(const google::protobuf::Message&, google::protobuf::Message*)>;

class ScriptedNode : public Node {
 public:
  explicit ScriptedNode(std::map<std::string, Handler> handlers) : handlers_(std::move(handlers)) {}
  absl::Status Call(const std::string& method, const google::protobuf::Message& request,
                    google::protobuf::Message* response) override {
    const auto found = handlers_.find(method);
    return found == handlers_.end() ? absl::UnimplementedError(method)
                                    : found->second(request, response);
  }
  absl::Status Stream(const std::string& method, const google::protobuf::Message& request,
                      google::protobuf::Message* response,
                      const std::function<absl::Status()>& take,
                      const std::function<bool()>&) override {
    absl::Status called = Call(method, request, response);
    return called.ok() ? take() : called;
  }

 private:
  const std::map<std::string, Handler> handlers_;
};

template <typename Res>
Handler Answer(Res answer) {
  return [answer](const google::protobuf::Message&, google::protobuf::Message* response) {
    response->CopyFrom(answer);
    return absl::OkStatus();
  };
}

struct Ran {
  int code;
  std::string out, err;
};

inline Ran RunHuiliu(std::vector<const char*> arguments, std::map<std::string, Handler> handlers) {
  setenv("HUILIU_CONFIG", "/nowhere/cli.yaml", 1);
  arguments.insert(arguments.begin(), "huiliu");
  std::ostringstream out, err;
  const int code = Run(static_cast<int>(arguments.size()), arguments.data(), out, err,
                       std::make_unique<ScriptedNode>(std::move(handlers)));
  return {code, out.str(), err.str()};
}

}  // namespace huiliu::cli

#endif  // HUILIU_TESTS_UNIT_CLI_SCRIPTED_NODE_H_
