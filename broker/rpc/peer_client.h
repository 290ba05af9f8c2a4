// Calls to the other nodes of a cluster over gRPC, in the name of callers that this node knows.
#ifndef HUILIU_BROKER_RPC_PEER_CLIENT_H_
#define HUILIU_BROKER_RPC_PEER_CLIENT_H_

#include <memory>
#include <string>

#include "broker/service/peering.h"
#include "core/base/token_seal.h"

namespace huiliu::rpc {

struct PeerClientOptions {
  std::string ca;  // PEM text: who signed the nodes' certificates; empty: no TLS
};

// `seal`: with the key that all nodes of the cluster have; outlives the client.
std::unique_ptr<service::PeerCalls> NewPeerClient(PeerClientOptions options, const TokenSeal& seal);

// Metadata by which one node tells another who calls: sealed, for one method and a short time.
inline constexpr char kCallerMetadata[] = "huiliu-caller-bin";
std::string SealCaller(const TokenSeal& seal, const service::CallContext& context);
// Fills account-independent parts of `context` and gives the account; empty: no such word of a
// node.
std::string OpenCaller(const TokenSeal& seal, absl::string_view sealed,
                       service::CallContext* context);

}  // namespace huiliu::rpc

#endif  // HUILIU_BROKER_RPC_PEER_CLIENT_H_
