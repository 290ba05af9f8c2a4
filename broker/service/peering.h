// Where several nodes share the work: which of them answers a call, and how it is asked.
#ifndef HUILIU_BROKER_SERVICE_PEERING_H_
#define HUILIU_BROKER_SERVICE_PEERING_H_

#include <google/protobuf/message.h>

#include <functional>
#include <memory>
#include <optional>

#include "broker/cluster/cluster.h"
#include "broker/service/call_context.h"
#include "broker/service/stream_sink.h"
#include "huiliu/v1/intake.pb.h"

namespace huiliu::service {

// One Intake.Publish stream to another node. Legal calls: Write*, Finish.
class PeerPublish {
 public:
  virtual ~PeerPublish() = default;
  // Waits until the other node takes it; false: the stream has ended.
  virtual bool Write(const huiliu::v1::PublishRequest& request) = 0;
  // Nothing more comes from here; waits for the other node's end. The same answer again.
  virtual absl::Status Finish() = 0;
};

// Calls to other nodes, in the name of a caller that this node knows. Thread-safe.
class PeerCalls {
 public:
  using Message = google::protobuf::Message;
  virtual ~PeerCalls() = default;
  // `request` and `response` live until `done`, which runs on another thread and must not block.
  virtual void Call(const cluster::Peer& peer, const CallContext& context, const Message& request,
                    Message* response, std::function<void(const absl::Status&)> done) = 0;
  virtual absl::Status Stream(const cluster::Peer& peer, const CallContext& context,
                              const Message& request, const Message& prototype,
                              const StreamSink& sink) = 0;
  // `take` gets the answers in order, `ended` is called when no more will come; on another thread.
  virtual std::unique_ptr<PeerPublish> Publish(
      const cluster::Peer& peer, const CallContext& context,
      std::function<void(huiliu::v1::PublishResponse)> take, std::function<void()> ended) = 0;
};

// What the transports ask before they call a handler. Thread-safe.
class Peering {
 public:
  Peering(const governance::State& state, const cluster::Cluster& cluster, PeerCalls& calls)
      : state_(state), cluster_(cluster), calls_(calls) {}

  // Where the call is answered; nullopt: here. UNAVAILABLE: nowhere at this moment; it may be asked
  // again (core/base/retry_info.h).
  absl::StatusOr<std::optional<cluster::Peer>> Route(
      const CallContext& context, const google::protobuf::Message& request) const;
  // Calls a handler of this node; its answer leaves only where this node knew from the call to the
  // answer which accounts and grants hold.
  absl::Status Here(const CallContext& context, const std::function<absl::Status()>& handler) const;
  // The same at another node. What it answers leaves only where this node, too, knew from the call
  // to the answer which accounts and grants hold: it may have stood still with the answer in hand.
  // `request` and `response` live until `done`.
  void There(const cluster::Peer& peer, const CallContext& context,
             const google::protobuf::Message& request, google::protobuf::Message* response,
             std::function<void(const absl::Status&)> done) const;
  absl::Status ThereAndWait(const cluster::Peer& peer, const CallContext& context,
                            const google::protobuf::Message& request,
                            google::protobuf::Message* response) const;
  absl::Status StreamThere(const cluster::Peer& peer, const CallContext& context,
                           const google::protobuf::Message& request,
                           const google::protobuf::Message& prototype,
                           const StreamSink& sink) const;
  PeerCalls& calls() const { return calls_; }

 private:
  // Of an answer to a question that was asked in `term`.
  absl::Status MayLeave(const CallContext& context, uint64_t term) const;

  const governance::State& state_;
  const cluster::Cluster& cluster_;
  PeerCalls& calls_;
};

}  // namespace huiliu::service

#endif  // HUILIU_BROKER_SERVICE_PEERING_H_
