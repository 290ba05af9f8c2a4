#include "broker/backbone/kafka/producer.h"

#include <algorithm>
#include <thread>

#include "absl/strings/str_cat.h"
#include "broker/backbone/kafka/lane.h"
#include "core/base/status.h"

namespace huiliu::kafka {
namespace {

// librdkafka copies; it reads nullptr as no key or no value.
void* Data(absl::string_view bytes) {
  return const_cast<char*>(bytes.data() == nullptr ? "" : bytes.data());
}

rd_kafka_vu_t Member(rd_kafka_vtype_t type, absl::string_view bytes, bool null = false) {
  rd_kafka_vu_t v;
  v.vtype = type;
  v.u.mem.ptr = null ? nullptr : Data(bytes);
  v.u.mem.size = null ? 0 : bytes.size();
  return v;
}

using Headers = std::unique_ptr<rd_kafka_headers_t, Destroyer<rd_kafka_headers_destroy>>;

void AddHeader(rd_kafka_headers_t* headers, const char* name, absl::string_view value) {
  rd_kafka_header_add(headers, name, -1, Data(value), static_cast<ssize_t>(value.size()));
}

// Enough for a topic's name, partition, flags, opaque, key, value and headers.
constexpr size_t kMembers = 7;

std::map<std::string, std::string> CommonSettings(const KafkaOptions& options) {
  return {
      {"compression.codec", "zstd"},
      {"acks", "all"},
      {"enable.idempotence", "true"},
      {"linger.ms", "5"},
      {"batch.size", "1000000"},
      {"message.max.bytes", absl::StrCat(options.max_message_bytes)},
      {"queue.buffering.max.kbytes", absl::StrCat(options.writer_buffer_bytes / 1024)},
      {"queue.buffering.max.messages", "500000"},
      {"retry.backoff.ms", "50"},
  };
}

}  // namespace

absl::StatusOr<std::unique_ptr<Producer>> Producer::Open(Cluster& cluster,
                                                         const std::string& transactional_id) {
  const KafkaOptions& options = cluster.options();
  std::map<std::string, std::string> settings = CommonSettings(options);
  settings["transactional.id"] = transactional_id;
  settings["transaction.timeout.ms"] = absl::StrCat(Ms(options.transaction_timeout));
  ASSIGN_OR_RETURN(Conf conf, cluster.client().NewConf(settings));
  auto producer = std::unique_ptr<Producer>(new Producer(cluster));
  rd_kafka_conf_set_opaque(conf.get(), static_cast<Opaque*>(producer->sent_.get()));
  rd_kafka_conf_set_dr_msg_cb(conf.get(), OnDelivered);
  ASSIGN_OR_RETURN(producer->handle_,
                   cluster.client().NewHandle(RD_KAFKA_PRODUCER, std::move(conf)));
  const Error error(
      rd_kafka_init_transactions(producer->handle_.get(), Ms(options.request_timeout)));
  rd_kafka_poll(producer->handle_.get(), 0);
  if (error == nullptr) return producer;
  producer->broken_ = true;
  return producer->FailureOf(absl::StrCat("opening writer ", transactional_id), *error).status;
}

Producer::~Producer() {
  if (!broken_) return;
  // Some versions wait for ever for brokers that went away: nobody waits with them.
  rd_kafka_purge(handle_.get(), RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT |
                                    RD_KAFKA_PURGE_F_NON_BLOCKING);
  // Nothing of the cluster's may be called from there: it may be gone by then.
  sent_->Leave();
  std::thread([handle = std::move(handle_), sent = std::move(sent_)]() mutable {
    handle.reset();
    sent.reset();
  }).detach();
}

void Producer::OnDelivered(rd_kafka_t*, const rd_kafka_message_t* message, void* opaque) {
  Sent& sent = *static_cast<Sent*>(static_cast<Opaque*>(opaque));
  if (message->err != 0) {
    if (sent.error == 0 || sent.error == RD_KAFKA_RESP_ERR__PURGE_QUEUE) {
      sent.error = message->err;
      sent.where = rd_kafka_topic_name(message->rkt);
    }
    return;
  }
  const size_t slot = reinterpret_cast<size_t>(message->_private);
  if (slot < sent.offsets.size()) sent.offsets[slot] = message->offset;
  auto [it, fresh] =
      sent.last.try_emplace({rd_kafka_topic_name(message->rkt), message->partition}, -1);
  it->second = std::max(it->second, message->offset);
}

TxnFailure Producer::FailureOf(absl::string_view what, const rd_kafka_error_t& error) const {
  TxnFailure failure;
  rd_kafka_resp_err_t code = rd_kafka_error_code(&error);
  char reason[512];
  if (rd_kafka_error_is_fatal(&error)) {
    const rd_kafka_resp_err_t fatal = rd_kafka_fatal_error(handle_.get(), reason, sizeof reason);
    if (fatal != 0) code = fatal;
  }
  failure.status = cluster_.Failed(what, code, rd_kafka_error_string(&error));
  if (CodeOf(code) == absl::StatusCode::kAborted) {
    failure.way = TxnFailure::Way::kFenced;
  } else if (rd_kafka_error_txn_requires_abort(&error)) {
    failure.way = TxnFailure::Way::kAbort;
  }
  return failure;
}

TxnStep Producer::Begin() {
  sent_->offsets.clear();
  sent_->last.clear();
  sent_->error = RD_KAFKA_RESP_ERR_NO_ERROR;
  last_.clear();
  troubles_at_begin_ = sent_->troubles;
  const Error error(rd_kafka_begin_transaction(handle_.get()));
  if (error == nullptr) return std::nullopt;
  return FailureOf("beginning a transaction", *error);
}

TxnStep Producer::Send(const TopicPartition& to, const RecordView& record, int32_t count,
                       size_t slot, absl::string_view framing) {
  const std::string framed =
      framing.empty() || record.tombstone ? std::string() : absl::StrCat(framing, record.value);
  const std::string topic = cluster_.client().Named(to.topic);
  rd_kafka_vu_t members[kMembers];
  size_t n = 0;
  members[n].vtype = RD_KAFKA_VTYPE_TOPIC;
  members[n++].u.cstr = topic.c_str();
  members[n].vtype = RD_KAFKA_VTYPE_PARTITION;
  members[n++].u.i32 = to.partition.value();
  members[n].vtype = RD_KAFKA_VTYPE_MSGFLAGS;
  members[n++].u.i = RD_KAFKA_MSG_F_COPY;
  members[n].vtype = RD_KAFKA_VTYPE_OPAQUE;
  members[n++].u.ptr = reinterpret_cast<void*>(slot);
  members[n++] = Member(RD_KAFKA_VTYPE_KEY, record.key);
  members[n++] =
      Member(RD_KAFKA_VTYPE_VALUE, framed.empty() ? record.value : absl::string_view(framed),
             record.tombstone);
  // Given as our own: those that librdkafka 2.0 makes itself it frees twice where it refuses.
  Headers headers;
  if (!record.header.empty() || count > 0) {
    headers.reset(rd_kafka_headers_new(2));
    if (!record.header.empty()) AddHeader(headers.get(), kEnvelopeHeader, record.header);
    if (count > 0) AddHeader(headers.get(), kBatchHeader, absl::StrCat(count));
    members[n].vtype = RD_KAFKA_VTYPE_HEADERS;
    members[n++].u.headers = headers.get();
  }
  if (slot != kNoSlot) sent_->offsets.resize(std::max(sent_->offsets.size(), slot + 1), -1);
  const absl::Time deadline = absl::Now() + cluster_.options().transaction_timeout;
  while (true) {
    const Error error(rd_kafka_produceva(handle_.get(), members, n));
    if (error == nullptr) {
      (void)headers.release();  // the message's now
      return std::nullopt;
    }
    // The buffer is bounded: the caller waits for the brokers.
    if (rd_kafka_error_code(error.get()) == RD_KAFKA_RESP_ERR__QUEUE_FULL &&
        absl::Now() < deadline) {
      rd_kafka_poll(handle_.get(), 10);
      continue;
    }
    TxnFailure failure = FailureOf(absl::StrCat("writing to ", to.topic), *error);
    // Of a transaction that is open already, nothing may stay.
    if (failure.way == TxnFailure::Way::kRebuild && !rd_kafka_error_is_fatal(error.get()))
      failure.way = TxnFailure::Way::kAbort;
    if (rd_kafka_fatal_error(handle_.get(), nullptr, 0) != 0) {
      char reason[512];
      const rd_kafka_resp_err_t fatal = rd_kafka_fatal_error(handle_.get(), reason, sizeof reason);
      failure.way = CodeOf(fatal) == absl::StatusCode::kAborted ? TxnFailure::Way::kFenced
                                                                : TxnFailure::Way::kRebuild;
    }
    return failure;
  }
}

TxnStep Producer::Flush(absl::Time deadline) {
  const rd_kafka_resp_err_t flushed = rd_kafka_flush(handle_.get(), Ms(deadline - absl::Now()));
  char reason[512];
  const rd_kafka_resp_err_t fatal = rd_kafka_fatal_error(handle_.get(), reason, sizeof reason);
  if (fatal != 0) {
    return TxnFailure{cluster_.Failed("writing", fatal, reason),
                      CodeOf(fatal) == absl::StatusCode::kAborted ? TxnFailure::Way::kFenced
                                                                  : TxnFailure::Way::kRebuild};
  }
  if (sent_->error != 0) {
    const std::string topic = cluster_.client().Unnamed(sent_->where);
    absl::Status status = cluster_.Failed(absl::StrCat("writing to ", topic), sent_->error);
    if (absl::IsNotFound(status)) cluster_.Forget(topic);
    return TxnFailure{std::move(status), TxnFailure::Way::kAbort};
  }
  if (flushed != 0) return TxnFailure{cluster_.Failed("writing", flushed), TxnFailure::Way::kAbort};
  for (const auto& [tp, offset] : sent_->last)
    last_[{cluster_.client().Unnamed(tp.first), Partition(tp.second)}] = offset;
  return std::nullopt;
}

TxnStep Producer::SendOffsets(const GroupMetadata& group,
                              const std::map<TopicPartition, Offset>& next) {
  const PartitionList list = NewList(next.size());
  for (const auto& [tp, offset] : next) {
    rd_kafka_topic_partition_list_add(list.get(), cluster_.client().Named(tp.topic).c_str(),
                                      tp.partition.value())
        ->offset = offset.value();
  }
  const absl::Time deadline = absl::Now() + cluster_.options().transaction_timeout;
  while (true) {
    const Error error(rd_kafka_send_offsets_to_transaction(handle_.get(), list.get(), group.get(),
                                                           Ms(deadline - absl::Now())));
    if (error == nullptr) return std::nullopt;
    if (rd_kafka_error_is_retriable(error.get()) && absl::Now() < deadline) {
      absl::SleepFor(absl::Milliseconds(20));
      continue;
    }
    TxnFailure failure = FailureOf("committing a group's offsets", *error);
    if (failure.way == TxnFailure::Way::kRebuild && !rd_kafka_error_is_fatal(error.get()))
      failure.way = TxnFailure::Way::kAbort;
    return failure;
  }
}

TxnStep Producer::Commit(absl::Time deadline) {
  const Error error(rd_kafka_commit_transaction(handle_.get(), Ms(deadline - absl::Now())));
  if (error == nullptr) return std::nullopt;
  TxnFailure failure = FailureOf("committing", *error);
  broken_ = failure.way != TxnFailure::Way::kAbort;
  return failure;
}

absl::Status Producer::Abort(absl::Time deadline) {
  const Error error(rd_kafka_abort_transaction(handle_.get(), Ms(deadline - absl::Now())));
  if (error == nullptr) return absl::OkStatus();
  broken_ = true;
  return FailureOf("aborting", *error).status;
}

int64_t Producer::OffsetOf(size_t slot) const {
  return slot < sent_->offsets.size() ? sent_->offsets[slot] : -1;
}

absl::StatusOr<std::unique_ptr<PlainProducer>> PlainProducer::Open(Cluster& cluster) {
  auto producer = std::unique_ptr<PlainProducer>(new PlainProducer(cluster));
  std::map<std::string, std::string> settings = CommonSettings(cluster.options());
  settings["linger.ms"] = "0";
  settings["message.timeout.ms"] = absl::StrCat(Ms(cluster.options().request_timeout));
  ASSIGN_OR_RETURN(Conf conf, cluster.client().NewConf(settings));
  rd_kafka_conf_set_opaque(conf.get(), &producer->opaque_);
  rd_kafka_conf_set_dr_msg_cb(
      conf.get(), +[](rd_kafka_t*, const rd_kafka_message_t* message, void*) {
        auto* outcome = static_cast<std::pair<rd_kafka_resp_err_t, int64_t>*>(message->_private);
        *outcome = {message->err, message->offset};
      });
  ASSIGN_OR_RETURN(producer->handle_,
                   cluster.client().NewHandle(RD_KAFKA_PRODUCER, std::move(conf)));
  return producer;
}

absl::StatusOr<int64_t> PlainProducer::Put(const TopicPartition& to, absl::string_view key,
                                           absl::string_view value) {
  absl::MutexLock lock(&mutex_);
  const std::string topic = cluster_.client().Named(to.topic);
  std::pair<rd_kafka_resp_err_t, int64_t> outcome = {RD_KAFKA_RESP_ERR__IN_PROGRESS, -1};
  rd_kafka_vu_t members[kMembers];
  size_t n = 0;
  members[n].vtype = RD_KAFKA_VTYPE_TOPIC;
  members[n++].u.cstr = topic.c_str();
  members[n].vtype = RD_KAFKA_VTYPE_PARTITION;
  members[n++].u.i32 = to.partition.value();
  members[n].vtype = RD_KAFKA_VTYPE_MSGFLAGS;
  members[n++].u.i = RD_KAFKA_MSG_F_COPY;
  members[n].vtype = RD_KAFKA_VTYPE_OPAQUE;
  members[n++].u.ptr = &outcome;
  members[n++] = Member(RD_KAFKA_VTYPE_KEY, key);
  members[n++] = Member(RD_KAFKA_VTYPE_VALUE, value, value.empty());
  const Error error(rd_kafka_produceva(handle_.get(), members, n));
  const std::string what = absl::StrCat("writing to ", to.topic);
  if (error != nullptr) return cluster_.Failed(what, rd_kafka_error_code(error.get()));
  // Every record is delivered or given up within message.timeout.ms.
  while (outcome.first == RD_KAFKA_RESP_ERR__IN_PROGRESS) rd_kafka_poll(handle_.get(), 100);
  if (outcome.first != 0) return cluster_.Failed(what, outcome.first);
  return outcome.second;
}

}  // namespace huiliu::kafka
