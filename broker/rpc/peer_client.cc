#include "broker/rpc/peer_client.h"

#include <grpcpp/create_channel.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/impl/codegen/proto_utils.h>
#include <grpcpp/security/credentials.h>

#include <deque>
#include <map>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"
#include "core/base/retry_info.h"

namespace huiliu::rpc {
namespace {

using cluster::Peer;
using google::protobuf::Message;
using google::protobuf::MessageLite;
using service::CallContext;
using Stub = grpc::TemplatedGenericStub<MessageLite, MessageLite>;

constexpr int kMaxMessageBytes = 64 << 20;
constexpr absl::Duration kCallTimeout = absl::Seconds(60);
// Clocks of two nodes may differ by that much.
constexpr absl::Duration kSealAge = absl::Minutes(5);

absl::Status FromGrpc(const grpc::Status& status, const Peer& peer) {
  if (status.ok()) return absl::OkStatus();
  if (status.error_code() == grpc::StatusCode::UNAVAILABLE)
    return WithRetryDetails(
        absl::UnavailableError(absl::StrCat("节点 node ", peer.node, ": ", status.error_message())),
        status.error_details());
  return absl::Status(static_cast<absl::StatusCode>(status.error_code()), status.error_message());
}

// A stream of answers; the caller's thread waits for each, so that its own back-pressure holds.
class StreamReader : public grpc::ClientBidiReactor<MessageLite, MessageLite> {
 public:
  StreamReader(grpc::ClientContext& context, const Message& request, Message* response)
      : context_(context), request_(request), response_(response) {}

  void Begin(Stub& stub, const std::string& path) {
    stub.PrepareBidiStreamingCall(&context_, path, {}, this);
    StartWriteLast(&request_, grpc::WriteOptions());
    // Reads begin outside of reactions: without a hold the call may be over before the next one.
    AddHold();
    StartCall();
  }
  // Whether there is one more; asks `gone` meanwhile.
  bool Next(const std::function<bool()>& gone) {
    {
      absl::MutexLock lock(&mutex_);
      read_ = kWaiting;
    }
    StartRead(response_);
    absl::MutexLock lock(&mutex_);
    const auto known = [this] {
      mutex_.AssertReaderHeld();
      return read_ != kWaiting;
    };
    while (!mutex_.AwaitWithTimeout(absl::Condition(&known), absl::Milliseconds(200))) {
      if (gone != nullptr && gone()) context_.TryCancel();
    }
    return read_ == kRead;
  }
  // Once, after the last Next.
  grpc::Status Wait() {
    RemoveHold();
    absl::MutexLock lock(&mutex_, absl::Condition(&done_));
    return status_;
  }

  void OnReadDone(bool ok) override {
    absl::MutexLock lock(&mutex_);
    read_ = ok ? kRead : kEnd;
  }
  void OnDone(const grpc::Status& status) override {
    absl::MutexLock lock(&mutex_);
    status_ = status;
    done_ = true;
  }

 private:
  enum Reading { kWaiting, kRead, kEnd };
  grpc::ClientContext& context_;
  const Message& request_;
  Message* const response_;
  absl::Mutex mutex_;
  Reading read_ ABSL_GUARDED_BY(mutex_) = kWaiting;
  bool done_ ABSL_GUARDED_BY(mutex_) = false;
  grpc::Status status_ ABSL_GUARDED_BY(mutex_);
};

class PublishStream : public service::PeerPublish,
                      public grpc::ClientBidiReactor<MessageLite, MessageLite> {
 public:
  PublishStream(Peer peer, std::function<void(huiliu::v1::PublishResponse)> take,
                std::function<void()> ended)
      : peer_(std::move(peer)), take_(std::move(take)), ended_(std::move(ended)) {}
  ~PublishStream() override {
    if (finished_) return;
    context_.TryCancel();
    Finish().IgnoreError();
  }

  grpc::ClientContext& context() { return context_; }
  void Begin(Stub& stub, const std::string& path) {
    stub.PrepareBidiStreamingCall(&context_, path, {}, this);
    AddHold();
    StartRead(&response_);
    StartCall();
  }

  bool Write(const huiliu::v1::PublishRequest& request) override {
    {
      absl::MutexLock lock(&mutex_);
      if (!writable_) return false;
      writing_ = true;
    }
    StartWrite(&request);
    absl::MutexLock lock(&mutex_);
    const auto written = [this] {
      mutex_.AssertReaderHeld();
      return !writing_;
    };
    mutex_.Await(absl::Condition(&written));
    return writable_;
  }

  absl::Status Finish() override {
    if (!finished_) {
      finished_ = true;
      StartWritesDone();
      RemoveHold();
    }
    absl::MutexLock lock(&mutex_, absl::Condition(&done_));
    return FromGrpc(status_, peer_);
  }

  void OnWriteDone(bool ok) override {
    absl::MutexLock lock(&mutex_);
    writing_ = false;
    writable_ = ok;
  }
  void OnReadDone(bool ok) override {
    if (!ok) {
      {
        absl::MutexLock lock(&mutex_);
        writable_ = false;
      }
      ended_();
      return;
    }
    take_(std::move(response_));
    response_.Clear();
    StartRead(&response_);
  }
  void OnDone(const grpc::Status& status) override {
    absl::MutexLock lock(&mutex_);
    status_ = status;
    done_ = true;
  }

 private:
  const Peer peer_;
  const std::function<void(huiliu::v1::PublishResponse)> take_;
  const std::function<void()> ended_;
  grpc::ClientContext context_;
  huiliu::v1::PublishResponse response_;
  bool finished_ = false;
  absl::Mutex mutex_;
  bool writing_ ABSL_GUARDED_BY(mutex_) = false;
  bool writable_ ABSL_GUARDED_BY(mutex_) = true;
  bool done_ ABSL_GUARDED_BY(mutex_) = false;
  grpc::Status status_ ABSL_GUARDED_BY(mutex_);
};

class GrpcPeers : public service::PeerCalls {
 public:
  GrpcPeers(PeerClientOptions options, const TokenSeal& seal)
      : options_(std::move(options)), seal_(seal) {}

  void Call(const Peer& peer, const CallContext& context, const Message& request, Message* response,
            std::function<void(const absl::Status&)> done) override {
    auto client = std::make_shared<grpc::ClientContext>();
    Prepare(context, client.get());
    client->set_deadline(absl::ToChronoTime(absl::Now() + kCallTimeout));
    const std::shared_ptr<Stub> stub = StubOf(peer);
    stub->UnaryCall(client.get(), PathOf(context), {}, &request, response,
                    [client, stub, peer, done = std::move(done)](const grpc::Status& status) {
                      done(FromGrpc(status, peer));
                    });
  }

  absl::Status Stream(const Peer& peer, const CallContext& context, const Message& request,
                      const Message& prototype, const service::StreamSink& sink) override {
    grpc::ClientContext client;
    Prepare(context, &client);
    const std::unique_ptr<Message> response(prototype.New());
    const std::shared_ptr<Stub> stub = StubOf(peer);
    StreamReader reader(client, request, response.get());
    reader.Begin(*stub, PathOf(context));
    bool wanted = true;
    while (reader.Next(context.gone)) {
      wanted = wanted && sink(*response);
      if (!wanted) client.TryCancel();
      response->Clear();
    }
    const grpc::Status status = reader.Wait();
    return wanted ? FromGrpc(status, peer) : absl::OkStatus();
  }

  std::unique_ptr<service::PeerPublish> Publish(
      const Peer& peer, const CallContext& context,
      std::function<void(huiliu::v1::PublishResponse)> take, std::function<void()> ended) override {
    auto stream = std::make_unique<PublishStream>(peer, std::move(take), std::move(ended));
    Prepare(context, &stream->context());
    stream->Begin(*StubOf(peer), PathOf(context));
    return stream;
  }

 private:
  static std::string PathOf(const CallContext& context) {
    return absl::StrCat("/", context.method);
  }

  void Prepare(const CallContext& context, grpc::ClientContext* client) const {
    client->AddMetadata(kCallerMetadata, SealCaller(seal_, context));
    client->AddMetadata("accept-language", context.english ? "en" : "zh");
  }

  std::shared_ptr<Stub> StubOf(const Peer& peer) {
    absl::MutexLock lock(&mutex_);
    std::shared_ptr<Stub>& stub = stubs_[peer.address];
    if (stub != nullptr) return stub;
    std::shared_ptr<grpc::ChannelCredentials> credentials = grpc::InsecureChannelCredentials();
    if (!options_.ca.empty()) {
      // Who asks is sealed with the cluster's key; a node's certificate serves, it does not call.
      grpc::SslCredentialsOptions tls;
      tls.pem_root_certs = options_.ca;
      credentials = grpc::SslCredentials(tls);
    }
    grpc::ChannelArguments arguments;
    arguments.SetMaxReceiveMessageSize(kMaxMessageBytes);
    arguments.SetMaxSendMessageSize(kMaxMessageBytes);
    // A node that is gone is asked again soon after it is back, and one that hangs is noticed.
    arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 1000);
    arguments.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, 4000);
    arguments.SetInt(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, 3000);
    stub = std::make_shared<Stub>(grpc::CreateCustomChannel(peer.address, credentials, arguments));
    return stub;
  }

  const PeerClientOptions options_;
  const TokenSeal& seal_;
  absl::Mutex mutex_;
  std::map<std::string, std::shared_ptr<Stub>> stubs_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace

std::unique_ptr<service::PeerCalls> NewPeerClient(PeerClientOptions options,
                                                  const TokenSeal& seal) {
  return std::make_unique<GrpcPeers>(std::move(options), seal);
}

std::string SealCaller(const TokenSeal& seal, const CallContext& context) {
  return seal.Seal(absl::StrCat("caller ", context.method),
                   absl::StrCat(absl::ToUnixMicros(absl::Now()), " ", context.json ? 1 : 0, " ",
                                context.caller.has_value() ? context.caller->account : ""));
}

std::string OpenCaller(const TokenSeal& seal, absl::string_view sealed, CallContext* context) {
  const auto opened = seal.Open(absl::StrCat("caller ", context->method), sealed);
  if (!opened.ok()) return "";
  const std::vector<std::string> parts = absl::StrSplit(*opened, absl::MaxSplits(' ', 2));
  int64_t micros = 0;
  if (parts.size() != 3 || !absl::SimpleAtoi(parts[0], &micros)) return "";
  if (absl::AbsDuration(absl::Now() - absl::FromUnixMicros(micros)) > kSealAge) return "";
  context->forwarded = true;
  context->json = parts[1] == "1";
  return parts[2];
}

}  // namespace huiliu::rpc
