#include "cli/node.h"

#include <grpcpp/create_channel.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/impl/codegen/proto_utils.h>
#include <grpcpp/security/credentials.h>

#include <algorithm>
#include <iterator>

#include "absl/base/thread_annotations.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "core/base/addresses.h"
#include "core/base/files.h"
#include "core/base/loopback.h"
#include "core/base/retry_info.h"
#include "core/base/status.h"

namespace huiliu::cli {
namespace {

using google::protobuf::Message;
using google::protobuf::MessageLite;
using Stub = grpc::TemplatedGenericStub<MessageLite, MessageLite>;

constexpr int kMaxMessageBytes = 64 << 20;
constexpr absl::Duration kCallTimeout = absl::Seconds(60);
// A node that cannot confirm in time which grants hold, or whose catalog moves, can so again within
// seconds.
constexpr absl::Duration kPatience = absl::Seconds(30);
constexpr absl::Duration kAskAgain = absl::Milliseconds(500);

// Of "Service/Method": it changes nothing, and may be asked twice.
bool IsRead(absl::string_view method) {
  const absl::string_view verb = method.substr(method.find('/') + 1);
  constexpr absl::string_view kReads[] = {"Get",   "MultiGet", "List",   "Query",  "Stats",
                                          "Trace", "Explain",  "Export", "WhoAmI", "Subscribe"};
  return std::any_of(std::begin(kReads), std::end(kReads),
                     [&](absl::string_view read) { return absl::StartsWith(verb, read); });
}

// Reads a stream of answers; `take` runs on gRPC's thread, one message after the other.
class StreamReader : public grpc::ClientBidiReactor<MessageLite, MessageLite> {
 public:
  StreamReader(grpc::ClientContext& context, const Message& request, Message* response,
               const std::function<absl::Status()>& take)
      : context_(context), request_(request), response_(response), take_(take) {}

  void Begin(Stub& stub, const std::string& path) {
    stub.PrepareBidiStreamingCall(&context_, path, {}, this);
    StartWriteLast(&request_, grpc::WriteOptions());
    StartRead(response_);
    StartCall();
  }

  absl::Status Wait(const std::function<bool()>& stopping, grpc::Status* status) {
    absl::MutexLock lock(&mutex_);
    while (!mutex_.AwaitWithTimeout(absl::Condition(&done_), absl::Milliseconds(100))) {
      if (stopping()) context_.TryCancel();
    }
    *status = status_;
    return taken_;
  }

  void OnReadDone(bool ok) override {
    if (!ok) return;
    const absl::Status taken = take_();
    if (taken.ok()) {
      StartRead(response_);
      return;
    }
    {
      absl::MutexLock lock(&mutex_);
      taken_ = taken;
    }
    context_.TryCancel();
  }

  void OnDone(const grpc::Status& status) override {
    absl::MutexLock lock(&mutex_);
    status_ = status;
    done_ = true;
  }

 private:
  grpc::ClientContext& context_;
  const Message& request_;
  Message* const response_;
  const std::function<absl::Status()>& take_;
  absl::Mutex mutex_;
  bool done_ ABSL_GUARDED_BY(mutex_) = false;
  grpc::Status status_ ABSL_GUARDED_BY(mutex_);
  absl::Status taken_ ABSL_GUARDED_BY(mutex_);
};

class GrpcNode : public Node {
 public:
  GrpcNode(const Profile& profile, std::string token, const std::shared_ptr<grpc::Channel>& channel)
      : address_(profile.address),
        language_(profile.language),
        token_(std::move(token)),
        channel_(channel),
        stub_(channel) {}

  absl::Status Call(const std::string& method, const Message& request, Message* response) override {
    return AskPatiently(method, [&] { return CallOnce(method, request, response); });
  }

  absl::Status Stream(const std::string& method, const Message& request, Message* response,
                      const std::function<absl::Status()>& take,
                      const std::function<bool()>& stopping) override {
    bool taken = false;
    const std::function<absl::Status()> note_and_take = [&] {
      taken = true;
      return take();
    };
    absl::Status status;
    const absl::Status asked = AskPatiently(method, [&]() -> absl::Status {
      status = StreamOnce(method, request, response, note_and_take, stopping);
      // Nothing is taken twice.
      return taken || stopping() ? absl::OkStatus() : status;
    });
    return asked.ok() ? status : asked;
  }

 private:
  absl::Status AskPatiently(const std::string& method,
                            const std::function<absl::Status()>& ask) const {
    const absl::Time until = absl::Now() + kPatience;
    absl::Status status = ask();
    while (absl::IsUnavailable(status) && IsConnected() && absl::Now() < until &&
           (IsRead(method) || IsToBeAskedAgain(status))) {
      absl::SleepFor(kAskAgain);
      status = ask();
    }
    return status;
  }

  absl::Status CallOnce(const std::string& method, const Message& request, Message* response) {
    grpc::ClientContext context;
    Prepare(&context);
    context.set_deadline(absl::ToChronoTime(absl::Now() + kCallTimeout));
    absl::Mutex mutex;
    bool done = false;
    grpc::Status status;
    stub_.UnaryCall(&context, Path(method), {}, &request, response, [&](grpc::Status ended) {
      absl::MutexLock lock(&mutex);
      status = std::move(ended);
      done = true;
    });
    absl::MutexLock lock(&mutex);
    mutex.Await(absl::Condition(&done));
    return FromGrpc(status);
  }

  absl::Status StreamOnce(const std::string& method, const Message& request, Message* response,
                          const std::function<absl::Status()>& take,
                          const std::function<bool()>& stopping) {
    grpc::ClientContext context;
    Prepare(&context);
    StreamReader reader(context, request, response, take);
    reader.Begin(stub_, Path(method));
    grpc::Status status;
    RETURN_IF_ERROR(reader.Wait(stopping, &status));
    return stopping() ? absl::OkStatus() : FromGrpc(status);
  }

  bool IsConnected() const { return channel_->GetState(false) == GRPC_CHANNEL_READY; }

  static std::string Path(const std::string& method) { return absl::StrCat("/huiliu.v1.", method); }

  void Prepare(grpc::ClientContext* context) const {
    context->AddMetadata("accept-language", language_);
    if (!token_.empty()) context->AddMetadata("authorization", absl::StrCat("Bearer ", token_));
  }

  absl::Status FromGrpc(const grpc::Status& status) const {
    if (status.ok()) return absl::OkStatus();
    if (status.error_code() == grpc::StatusCode::UNAVAILABLE) {
      return WithRetryDetails(
          absl::UnavailableError(IsConnected()
                                     ? absl::StrCat(address_, ": ", status.error_message())
                                     : absl::StrCat("无法连接 cannot connect to ", address_, ": ",
                                                    status.error_message())),
          status.error_details());
    }
    return absl::Status(static_cast<absl::StatusCode>(status.error_code()), status.error_message());
  }

  const std::string address_;
  const std::string language_;
  const std::string token_;
  const std::shared_ptr<grpc::Channel> channel_;
  Stub stub_;
};

absl::StatusOr<std::shared_ptr<grpc::ChannelCredentials>> CredentialsOf(const Profile& profile) {
  if (profile.ca.empty()) {
    if (IsLoopback(profile.address)) return grpc::InsecureChannelCredentials();
    return absl::FailedPreconditionError(
        absl::StrCat(profile.address,
                     " 不是回环地址，请用 --ca 指明签发节点证书的机构 / is not loopback: name the "
                     "authority that signed the node's certificate (--ca)"));
  }
  grpc::SslCredentialsOptions tls;
  ASSIGN_OR_RETURN(tls.pem_root_certs, ReadFile(profile.ca));
  if (profile.certificate.empty() != profile.key.empty())
    return absl::InvalidArgumentError(
        "--certificate 与 --key 须同时给出 / --certificate and --key belong together");
  if (!profile.certificate.empty()) {
    ASSIGN_OR_RETURN(tls.pem_cert_chain, ReadFile(profile.certificate));
    ASSIGN_OR_RETURN(tls.pem_private_key, ReadFile(profile.key));
  }
  return grpc::SslCredentials(tls);
}

}  // namespace

absl::StatusOr<std::unique_ptr<Node>> Node::Open(const Profile& profile) {
  if (profile.address.empty()) {
    return absl::InvalidArgumentError(
        absl::StrCat("没有指明节点，请给出 --node HOST:PORT / no node is named: give --node "
                     "HOST:PORT, or node.address in ",
                     DefaultProfilePath()));
  }
  std::string token;
  if (!profile.token_file.empty()) {
    ASSIGN_OR_RETURN(token, ReadFile(profile.token_file));
    token = std::string(absl::StripAsciiWhitespace(token));
  }
  ASSIGN_OR_RETURN(const auto credentials, CredentialsOf(profile));
  grpc::ChannelArguments arguments;
  arguments.SetMaxReceiveMessageSize(kMaxMessageBytes);
  arguments.SetMaxSendMessageSize(kMaxMessageBytes);
  if (IsList(profile.address)) arguments.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, 2000);
  ASSIGN_OR_RETURN(const std::string target, GrpcTarget(profile.address));
  if (!profile.server_name.empty()) arguments.SetSslTargetNameOverride(profile.server_name);
  return std::make_unique<GrpcNode>(profile, std::move(token),
                                    grpc::CreateCustomChannel(target, credentials, arguments));
}

}  // namespace huiliu::cli
