#include "adapters/agent/node_client.h"

#include <grpcpp/create_channel.h>
#include <grpcpp/security/credentials.h>

#include <deque>
#include <thread>

#include "absl/base/thread_annotations.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "core/base/addresses.h"
#include "core/base/files.h"
#include "core/base/status.h"
#include "huiliu/v1/delivery.grpc.pb.h"
#include "huiliu/v1/intake.grpc.pb.h"
#include "huiliu/v1/overrides.grpc.pb.h"
#include "huiliu/v1/registry.grpc.pb.h"
#include "huiliu/v1/rules.grpc.pb.h"

namespace huiliu::agent {
namespace {

namespace v1 = huiliu::v1;

constexpr int kMaxMessageBytes = 64 << 20;
constexpr absl::Duration kCallTimeout = absl::Seconds(20);

absl::Status FromGrpc(const grpc::Status& status) {
  return absl::Status(static_cast<absl::StatusCode>(status.error_code()), status.error_message());
}

// Says who calls, where no certificate does.
class Login {
 public:
  explicit Login(const std::string& token)
      : authorization_(token.empty() ? "" : absl::StrCat("Bearer ", token)) {}
  void Add(grpc::ClientContext* context) const {
    if (!authorization_.empty()) context->AddMetadata("authorization", authorization_);
  }

 private:
  const std::string authorization_;
};

// Reads acks on a thread of its own, so that the sender never waits for them.
class GrpcPublishStream : public PublishStream {
 public:
  GrpcPublishStream(v1::Intake::Stub& stub, const Login& login) {
    login.Add(&context_);
    stream_ = stub.Publish(&context_);
  }

  ~GrpcPublishStream() override {
    context_.TryCancel();
    if (reader_.joinable()) reader_.join();
    Finish().IgnoreError();
  }

  absl::Status Open(const v1::Hello& hello, v1::Welcome* welcome) {
    v1::PublishRequest request;
    *request.mutable_hello() = hello;
    v1::PublishResponse response;
    if (!stream_->Write(request) || !stream_->Read(&response)) return Finish();
    if (!response.has_welcome())
      return absl::InternalError("the node did not answer Hello with Welcome");
    *welcome = response.welcome();
    reader_ = std::thread([this] { ReadAcks(); });
    return absl::OkStatus();
  }

  absl::Status Send(const v1::Batch& batch) override {
    v1::PublishRequest request;
    *request.mutable_batch() = batch;
    if (stream_->Write(request)) return absl::OkStatus();
    return EndStatus();
  }

  absl::StatusOr<std::optional<v1::Ack>> NextAck(absl::Duration timeout) override {
    const auto ready = [this] {
      mutex_.AssertReaderHeld();
      return !acks_.empty() || ended_;
    };
    {
      absl::MutexLock lock(&mutex_);
      mutex_.AwaitWithTimeout(absl::Condition(&ready), timeout);
      if (!acks_.empty()) {
        std::optional<v1::Ack> ack = std::move(acks_.front());
        acks_.pop_front();
        return ack;
      }
      if (!ended_) return std::optional<v1::Ack>();
    }
    return EndStatus();
  }

 private:
  void ReadAcks() {
    v1::PublishResponse response;
    while (stream_->Read(&response)) {
      absl::MutexLock lock(&mutex_);
      acks_.push_back(response.ack());
    }
    absl::MutexLock lock(&mutex_);
    ended_ = true;
  }

  absl::Status EndStatus() {
    if (reader_.joinable()) reader_.join();
    const absl::Status status = Finish();
    return status.ok() ? absl::UnavailableError("节点结束了数据流 / the node ended the stream")
                       : status;
  }

  // A stream is finished once; its status is kept.
  absl::Status Finish() {
    if (!finished_.has_value()) finished_ = FromGrpc(stream_->Finish());
    return *finished_;
  }

  grpc::ClientContext context_;
  std::unique_ptr<grpc::ClientReaderWriter<v1::PublishRequest, v1::PublishResponse>> stream_;
  std::optional<absl::Status> finished_;
  absl::Mutex mutex_;
  std::deque<v1::Ack> acks_ ABSL_GUARDED_BY(mutex_);
  bool ended_ ABSL_GUARDED_BY(mutex_) = false;
  std::thread reader_;
};

class GrpcNodeClient : public NodeClient {
 public:
  GrpcNodeClient(const std::shared_ptr<grpc::Channel>& channel, const std::string& token)
      : login_(token),
        registry_(v1::Registry::NewStub(channel)),
        rules_(v1::Rules::NewStub(channel)),
        overrides_(v1::Overrides::NewStub(channel)),
        intake_(v1::Intake::NewStub(channel)),
        delivery_(v1::Delivery::NewStub(channel)) {}

  absl::StatusOr<v1::Source> FindSource(const std::string& id) override {
    v1::ListSourcesResponse response;
    RETURN_IF_ERROR(
        Call([&](grpc::ClientContext* c) { return registry_->ListSources(c, {}, &response); }));
    for (const v1::Source& source : response.sources()) {
      if (source.id() == id) return source;
    }
    return absl::NotFoundError(
        absl::StrCat("本机构没有登记这一数据源，由节点的系统管理员登记 / source \"", id,
                     "\" is not registered for this organisation; the "
                     "node's system administrator registers it"));
  }

  absl::StatusOr<v1::Receiver> FindReceiver(const std::string& id) override {
    v1::ListReceiversResponse response;
    RETURN_IF_ERROR(
        Call([&](grpc::ClientContext* c) { return registry_->ListReceivers(c, {}, &response); }));
    for (const v1::Receiver& receiver : response.receivers()) {
      if (receiver.id() == id) return receiver;
    }
    return absl::NotFoundError(absl::StrCat("接收方未登记，或本机构已绑定另一接收方 / receiver \"",
                                            id,
                                            "\" is not registered, or this agent's organisation "
                                            "is bound to another one"));
  }

  absl::StatusOr<v1::Dataset> GetDataset(const std::string& id) override {
    v1::GetDatasetRequest request;
    request.set_id(id);
    v1::GetDatasetResponse response;
    RETURN_IF_ERROR(
        Call([&](grpc::ClientContext* c) { return registry_->GetDataset(c, request, &response); }));
    return response.dataset();
  }

  absl::StatusOr<std::vector<v1::RuleSet>> ListRuleSets(const std::string& dataset,
                                                        const std::string& receiver) override {
    v1::ListRuleSetsRequest request;
    request.set_dataset(dataset);
    request.set_receiver(receiver);
    v1::ListRuleSetsResponse response;
    RETURN_IF_ERROR(
        Call([&](grpc::ClientContext* c) { return rules_->ListRuleSets(c, request, &response); }));
    return std::vector<v1::RuleSet>(response.rule_sets().begin(), response.rule_sets().end());
  }

  absl::StatusOr<v1::RuleSet> RuleSetInForce(const std::string& dataset,
                                             const std::string& receiver) override {
    v1::GetRuleSetRequest request;
    request.set_dataset(dataset);
    request.set_receiver(receiver);
    v1::GetRuleSetResponse response;
    RETURN_IF_ERROR(
        Call([&](grpc::ClientContext* c) { return rules_->GetRuleSet(c, request, &response); }));
    return response.rule_set();
  }

  absl::Status RecordDryRun(const v1::RecordDryRunRequest& request) override {
    v1::RecordDryRunResponse response;
    return Call(
        [&](grpc::ClientContext* c) { return rules_->RecordDryRun(c, request, &response); });
  }

  absl::StatusOr<v1::GetOverridesInForceResponse> OverridesInForce(
      const v1::GetOverridesInForceRequest& request) override {
    v1::GetOverridesInForceResponse response;
    const absl::Status called = Call([&](grpc::ClientContext* c) {
      return overrides_->GetOverridesInForce(c, request, &response);
    });
    // A node before there were overrides has none.
    if (called.code() == absl::StatusCode::kUnimplemented) return response;
    RETURN_IF_ERROR(called);
    return response;
  }

  absl::StatusOr<std::unique_ptr<PublishStream>> Publish(const v1::Hello& hello,
                                                         v1::Welcome* welcome) override {
    auto stream = std::make_unique<GrpcPublishStream>(*intake_, login_);
    RETURN_IF_ERROR(stream->Open(hello, welcome));
    return std::unique_ptr<PublishStream>(std::move(stream));
  }

  absl::Status Subscribe(
      const v1::SubscribeRequest& request, const std::function<bool()>& stopping,
      const std::function<absl::Status(const v1::SubscribeResponse&)>& take) override {
    grpc::ClientContext context;
    login_.Add(&context);
    // Reading blocks while nothing changes: a watcher ends it when the agent stops.
    absl::Mutex mutex;
    bool ended = false;
    std::thread watcher([&] {
      absl::MutexLock lock(&mutex);
      while (!mutex.AwaitWithTimeout(absl::Condition(&ended), absl::Milliseconds(200))) {
        if (stopping()) context.TryCancel();
      }
    });
    auto reader = delivery_->Subscribe(&context, request);
    v1::SubscribeResponse response;
    absl::Status taken;
    while (taken.ok() && reader->Read(&response)) taken = take(response);
    if (!taken.ok()) context.TryCancel();
    const grpc::Status status = reader->Finish();
    {
      absl::MutexLock lock(&mutex);
      ended = true;
    }
    watcher.join();
    RETURN_IF_ERROR(taken);
    if (stopping()) return absl::OkStatus();
    return FromGrpc(status);
  }

 private:
  template <typename F>
  absl::Status Call(const F& f) const {
    grpc::ClientContext context;
    login_.Add(&context);
    context.set_deadline(absl::ToChronoTime(absl::Now() + kCallTimeout));
    return FromGrpc(f(&context));
  }

  const Login login_;
  const std::unique_ptr<v1::Registry::Stub> registry_;
  const std::unique_ptr<v1::Rules::Stub> rules_;
  const std::unique_ptr<v1::Overrides::Stub> overrides_;
  const std::unique_ptr<v1::Intake::Stub> intake_;
  const std::unique_ptr<v1::Delivery::Stub> delivery_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<NodeClient>> NodeClient::Connect(const NodeConfig& config) {
  grpc::ChannelArguments arguments;
  arguments.SetMaxReceiveMessageSize(kMaxMessageBytes);
  arguments.SetMaxSendMessageSize(kMaxMessageBytes);
  // A node that hangs is left for the next one that was named.
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, IsList(config.address) ? 5000 : 30000);
  if (IsList(config.address)) {
    arguments.SetInt(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, 5000);
    arguments.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, 2000);
  }
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 2000);
  ASSIGN_OR_RETURN(const std::string target, GrpcTarget(config.address));
  std::shared_ptr<grpc::ChannelCredentials> credentials;
  if (config.ca.empty()) {
    credentials = grpc::InsecureChannelCredentials();  // loopback only: LoadConfig sees to it
  } else {
    grpc::SslCredentialsOptions tls;
    ASSIGN_OR_RETURN(tls.pem_root_certs, ReadFile(config.ca));
    if (!config.certificate.empty()) {
      ASSIGN_OR_RETURN(tls.pem_cert_chain, ReadFile(config.certificate));
      ASSIGN_OR_RETURN(tls.pem_private_key, ReadFile(config.key));
    }
    credentials = grpc::SslCredentials(tls);
    if (!config.server_name.empty()) arguments.SetSslTargetNameOverride(config.server_name);
  }
  std::string token;
  if (!config.token_file.empty()) {
    ASSIGN_OR_RETURN(const std::string text, ReadFile(config.token_file));
    token = std::string(absl::StripAsciiWhitespace(text.substr(0, text.find('\n'))));
    if (token.empty()) {
      return absl::InvalidArgumentError(
          absl::StrCat(config.token_file, ": the first line holds no token (令牌文件首行为空)"));
    }
  }
  return std::make_unique<GrpcNodeClient>(grpc::CreateCustomChannel(target, credentials, arguments),
                                          token);
}

}  // namespace huiliu::agent
