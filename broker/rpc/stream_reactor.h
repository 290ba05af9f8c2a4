// A server stream whose messages are made by a blocking function on a thread of its own; one
// outstanding write.
#ifndef HUILIU_BROKER_RPC_STREAM_REACTOR_H_
#define HUILIU_BROKER_RPC_STREAM_REACTOR_H_

#include <grpcpp/support/server_callback.h>

#include <functional>
#include <thread>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "broker/rpc/status.h"
#include "broker/service/call_context.h"
#include "broker/service/method_table.h"

namespace huiliu::rpc {

// Deletes itself when the stream is done.
template <typename Response>
class StreamReactor : public grpc::ServerWriteReactor<Response> {
 public:
  // `produce(context, sink)`: the sink waits until the message before is written; false: the caller
  // is gone.
  using Produce =
      std::function<absl::Status(const service::CallContext&, const service::StreamSink&)>;

  StreamReactor(service::CallContext context, Produce produce)
      : context_(std::move(context)), produce_(std::move(produce)) {
    context_.gone = [this] {
      absl::MutexLock lock(&mutex_);
      return gone_;
    };
    thread_ = std::thread([this] { Run(); });
  }

  void OnWriteDone(bool ok) override {
    absl::MutexLock lock(&mutex_);
    writing_ = false;
    gone_ = gone_ || !ok;
  }
  void OnCancel() override {
    absl::MutexLock lock(&mutex_);
    gone_ = true;
  }
  void OnDone() override {
    thread_.join();
    delete this;
  }

 private:
  void Run() {
    const absl::Status status = produce_(
        context_, [this](const google::protobuf::Message& message) { return Write(message); });
    this->Finish(ToGrpc(status));
  }

  bool Write(const google::protobuf::Message& message) {
    {
      absl::MutexLock lock(&mutex_);
      if (gone_) return false;
      response_ = static_cast<const Response&>(message);
      writing_ = true;
    }
    this->StartWrite(&response_);
    const auto written = [this] {
      mutex_.AssertReaderHeld();
      return !writing_;
    };
    absl::MutexLock lock(&mutex_, absl::Condition(&written));
    return !gone_;
  }

  service::CallContext context_;
  const Produce produce_;
  Response response_;  // gRPC's while a write is outstanding
  absl::Mutex mutex_;
  bool writing_ ABSL_GUARDED_BY(mutex_) = false;
  bool gone_ ABSL_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace huiliu::rpc

#endif  // HUILIU_BROKER_RPC_STREAM_REACTOR_H_
