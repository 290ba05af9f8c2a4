#include "broker/rpc/publish_reactor.h"

#include "broker/rpc/status.h"
#include "core/base/status.h"

namespace huiliu::rpc {

using huiliu::v1::PublishRequest;
using huiliu::v1::PublishResponse;

PublishReactor::PublishReactor(pipeline::Intake& intake, const service::Peering* peering,
                               service::CallContext context)
    : intake_(intake), peering_(peering), context_(std::move(context)) {
  StartRead(&reading_);
  thread_ = std::thread([this] { Run(); });
}

void PublishReactor::OnReadDone(bool ok) {
  absl::MutexLock lock(&mutex_);
  if (!ok) {
    input_ended_ = true;
    return;
  }
  inbox_.push_back(std::move(reading_));
  reading_.Clear();
  if (inbox_.size() < kMaxBuffered) {
    StartRead(&reading_);
  } else {
    reading_paused_ = true;
  }
}

void PublishReactor::OnCancel() {
  absl::MutexLock lock(&mutex_);
  input_ended_ = true;
}

bool PublishReactor::Next(PublishRequest* request) {
  const auto ready = [this] {
    mutex_.AssertReaderHeld();
    return input_ended_ || !inbox_.empty();
  };
  absl::MutexLock lock(&mutex_, absl::Condition(&ready));
  if (inbox_.empty()) return false;
  *request = std::move(inbox_.front());
  inbox_.pop_front();
  if (reading_paused_) {
    reading_paused_ = false;
    StartRead(&reading_);
  }
  return true;
}

void PublishReactor::Run() {
  PublishRequest request;
  absl::Status status;
  while (status.ok() && Next(&request)) status = Handle(request);
  if (elsewhere_ != nullptr) {
    // The other node's last acknowledgements come before its end.
    const absl::Status ended = elsewhere_->Finish();
    if (!ended.ok()) status = ended;
  }
  End(status);
}

absl::Status PublishReactor::Open(const PublishRequest& request) {
  if (session_ != nullptr)
    return absl::InvalidArgumentError("一个连接只说一次 Hello / a stream says Hello once");
  ASSIGN_OR_RETURN(const governance::Principal caller, service::RequireCaller(context_));
  if (peering_ != nullptr) {
    ASSIGN_OR_RETURN(const auto peer, peering_->Route(context_, request.hello()));
    if (peer.has_value()) {
      elsewhere_ = peering_->calls().Publish(
          *peer, context_, [this](PublishResponse response) { Send(std::move(response)); },
          [this] {
            absl::MutexLock lock(&mutex_);
            input_ended_ = true;
          });
      // What is wrong with it the other node says as it ends.
      return elsewhere_->Write(request) ? absl::OkStatus() : elsewhere_->Finish();
    }
  }
  PublishResponse response;
  ASSIGN_OR_RETURN(session_, intake_.Open(caller, request.hello(), response.mutable_welcome()));
  Send(std::move(response));
  return absl::OkStatus();
}

absl::Status PublishReactor::Handle(const PublishRequest& request) {
  if (elsewhere_ != nullptr) {
    if (elsewhere_->Write(request)) return absl::OkStatus();
    return absl::UnavailableError("the node that holds the source's lane has ended the stream");
  }
  switch (request.message_case()) {
    case PublishRequest::kHello:
      return Open(request);
    case PublishRequest::kBatch:
      return TakeBatch(request.batch());
    case PublishRequest::MESSAGE_NOT_SET:
      break;
  }
  return absl::InvalidArgumentError("消息须是 Hello 或 Batch / a message is Hello or Batch");
}

absl::Status PublishReactor::TakeBatch(const huiliu::v1::Batch& batch) {
  if (session_ == nullptr)
    return absl::FailedPreconditionError(
        "连接的第一条消息须是 Hello / the first message of a stream is Hello");
  const absl::Status taken = session_->Take(batch);
  PublishResponse response;
  response.mutable_ack()->set_sequence(batch.sequence());
  switch (taken.code()) {
    case absl::StatusCode::kOk:
      break;
    case absl::StatusCode::kInvalidArgument:
    case absl::StatusCode::kFailedPrecondition:
      // The batch's own fault: said in its place, so that the agent keeps it and its operator sees
      // why.
      response.mutable_ack()->set_error_code(static_cast<int32_t>(taken.code()));
      response.mutable_ack()->set_error_message(std::string(taken.message()));
      break;
    default:
      return taken;
  }
  Send(std::move(response));
  return absl::OkStatus();
}

void PublishReactor::Send(PublishResponse response) {
  absl::MutexLock lock(&mutex_);
  outbox_.push_back(std::move(response));
  if (outbox_.size() == 1) StartWrite(&outbox_.front());
}

void PublishReactor::OnWriteDone(bool ok) {
  bool finish = false;
  absl::Status status;
  {
    absl::MutexLock lock(&mutex_);
    outbox_.pop_front();
    if (!ok) {
      input_ended_ = true;
      outbox_.clear();
    }
    if (!outbox_.empty()) {
      StartWrite(&outbox_.front());
    } else if (ending_ && !finished_) {
      finished_ = finish = true;
      status = end_status_;
    }
  }
  if (finish) Finish(ToGrpc(status));
}

void PublishReactor::End(const absl::Status& status) {
  {
    absl::MutexLock lock(&mutex_);
    ending_ = true;
    end_status_ = status;
    if (!outbox_.empty() || finished_) return;
    finished_ = true;
  }
  Finish(ToGrpc(status));
}

void PublishReactor::OnDone() {
  thread_.join();
  delete this;
}

}  // namespace huiliu::rpc
