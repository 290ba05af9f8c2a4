// One Intake.Publish stream: bounded buffer in, one outstanding write out, a thread of its own for
// the durable commits.
#ifndef HUILIU_BROKER_RPC_PUBLISH_REACTOR_H_
#define HUILIU_BROKER_RPC_PUBLISH_REACTOR_H_

#include <grpcpp/support/server_callback.h>

#include <deque>
#include <memory>
#include <thread>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "broker/pipeline/intake.h"
#include "broker/service/call_context.h"
#include "broker/service/peering.h"
#include "huiliu/v1/intake.pb.h"

namespace huiliu::rpc {

// Deletes itself when the stream is done.
class PublishReactor
    : public grpc::ServerBidiReactor<huiliu::v1::PublishRequest, huiliu::v1::PublishResponse> {
 public:
  static constexpr size_t kMaxBuffered = 4;  // batches read ahead of the commit

  // `peering`: null where this is the only node; else a source whose lane another node holds is
  // passed through to it.
  PublishReactor(pipeline::Intake& intake, const service::Peering* peering,
                 service::CallContext context);

  void OnReadDone(bool ok) override;
  void OnWriteDone(bool ok) override;
  void OnCancel() override;
  void OnDone() override;

 private:
  void Run();
  // The next request, or false when the stream has ended.
  bool Next(huiliu::v1::PublishRequest* request);
  // OK: go on. Else the stream ends with it.
  absl::Status Handle(const huiliu::v1::PublishRequest& request);
  absl::Status Open(const huiliu::v1::PublishRequest& request);
  absl::Status TakeBatch(const huiliu::v1::Batch& batch);
  void Send(huiliu::v1::PublishResponse response);
  void End(const absl::Status& status);

  pipeline::Intake& intake_;
  const service::Peering* const peering_;
  const service::CallContext context_;
  std::unique_ptr<service::PeerPublish> elsewhere_;     // own thread only, but for Cancel
  std::unique_ptr<pipeline::Intake::Session> session_;  // own thread only
  huiliu::v1::PublishRequest reading_;                  // gRPC's while a read is outstanding

  absl::Mutex mutex_;
  std::deque<huiliu::v1::PublishRequest> inbox_ ABSL_GUARDED_BY(mutex_);
  bool reading_paused_ ABSL_GUARDED_BY(mutex_) = false;
  bool input_ended_ ABSL_GUARDED_BY(mutex_) = false;
  std::deque<huiliu::v1::PublishResponse> outbox_ ABSL_GUARDED_BY(mutex_);  // front: being written
  bool ending_ ABSL_GUARDED_BY(mutex_) = false;
  bool finished_ ABSL_GUARDED_BY(mutex_) = false;
  absl::Status end_status_ ABSL_GUARDED_BY(mutex_);
  std::thread thread_;
};

}  // namespace huiliu::rpc

#endif  // HUILIU_BROKER_RPC_PUBLISH_REACTOR_H_
