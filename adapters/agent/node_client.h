// The agent's side of the node's services: one channel, plain messages. gRPC stays inside.
#ifndef HUILIU_ADAPTERS_AGENT_NODE_CLIENT_H_
#define HUILIU_ADAPTERS_AGENT_NODE_CLIENT_H_

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "adapters/agent/config.h"
#include "huiliu/v1/delivery.pb.h"
#include "huiliu/v1/intake.pb.h"
#include "huiliu/v1/overrides.pb.h"
#include "huiliu/v1/registry.pb.h"
#include "huiliu/v1/rules.pb.h"

namespace huiliu::agent {

// One Intake.Publish stream. Send and NextAck may be called by one thread.
class PublishStream {
 public:
  virtual ~PublishStream() = default;
  // Blocks while the network does. The stream's own error where it has ended.
  virtual absl::Status Send(const huiliu::v1::Batch& batch) = 0;
  // The next ack: nullopt where none came within `timeout`.
  virtual absl::StatusOr<std::optional<huiliu::v1::Ack>> NextAck(absl::Duration timeout) = 0;
};

// Thread-safe.
class NodeClient {
 public:
  static absl::StatusOr<std::unique_ptr<NodeClient>> Connect(const NodeConfig& config);
  virtual ~NodeClient() = default;

  virtual absl::StatusOr<huiliu::v1::Source> FindSource(const std::string& id) = 0;
  virtual absl::StatusOr<huiliu::v1::Receiver> FindReceiver(const std::string& id) = 0;
  virtual absl::StatusOr<huiliu::v1::Dataset> GetDataset(const std::string& id) = 0;
  virtual absl::StatusOr<std::vector<huiliu::v1::RuleSet>> ListRuleSets(
      const std::string& dataset, const std::string& receiver) = 0;
  // NOT_FOUND where none is in force.
  virtual absl::StatusOr<huiliu::v1::RuleSet> RuleSetInForce(const std::string& dataset,
                                                             const std::string& receiver) = 0;
  // Keeps what a dry run came to with the version that was tried.
  virtual absl::Status RecordDryRun(const huiliu::v1::RecordDryRunRequest& request) = 0;
  // None of a node that knows no overrides.
  virtual absl::StatusOr<huiliu::v1::GetOverridesInForceResponse> OverridesInForce(
      const huiliu::v1::GetOverridesInForceRequest& request) = 0;
  virtual absl::StatusOr<std::unique_ptr<PublishStream>> Publish(const huiliu::v1::Hello& hello,
                                                                 huiliu::v1::Welcome* welcome) = 0;
  // Calls `take` for each message until it fails or the stream ends; `stopping` is asked in
  // between.
  virtual absl::Status Subscribe(
      const huiliu::v1::SubscribeRequest& request, const std::function<bool()>& stopping,
      const std::function<absl::Status(const huiliu::v1::SubscribeResponse&)>& take) = 0;
};

}  // namespace huiliu::agent

#endif  // HUILIU_ADAPTERS_AGENT_NODE_CLIENT_H_
