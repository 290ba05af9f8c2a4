#include "tests/bench/plain_kafka.h"

#include <utility>
#include <vector>

#include "core/base/status.h"

namespace huiliu::bench {
namespace {

using Settings = std::vector<std::pair<const char*, std::string>>;

absl::StatusOr<rd_kafka_t*> NewHandle(rd_kafka_type_t type, const Settings& settings) {
  char error[512];
  rd_kafka_conf_t* conf = rd_kafka_conf_new();
  for (const auto& [name, value] : settings) {
    if (rd_kafka_conf_set(conf, name, value.c_str(), error, sizeof error) != RD_KAFKA_CONF_OK) {
      rd_kafka_conf_destroy(conf);
      return absl::InternalError(error);
    }
  }
  rd_kafka_t* handle = rd_kafka_new(type, conf, error, sizeof error);
  if (handle == nullptr) {
    rd_kafka_conf_destroy(conf);
    return absl::InternalError(error);
  }
  return handle;
}

absl::Status Done(rd_kafka_error_t* failed) {
  if (failed == nullptr) return absl::OkStatus();
  const absl::Status status = absl::InternalError(rd_kafka_error_string(failed));
  rd_kafka_error_destroy(failed);
  return status;
}

}  // namespace

absl::StatusOr<std::unique_ptr<PlainProducer>> PlainProducer::Open(const std::string& bootstrap,
                                                                   const std::string& id) {
  ASSIGN_OR_RETURN(rd_kafka_t* const handle,
                   NewHandle(RD_KAFKA_PRODUCER, {{"bootstrap.servers", bootstrap},
                                                 {"transactional.id", id},
                                                 {"compression.codec", "zstd"},
                                                 {"linger.ms", "5"},
                                                 {"batch.size", "1000000"},
                                                 {"queue.buffering.max.kbytes", "65536"},
                                                 {"queue.buffering.max.messages", "500000"}}));
  std::unique_ptr<PlainProducer> producer(new PlainProducer(handle));
  RETURN_IF_ERROR(Done(rd_kafka_init_transactions(handle, 30'000)));
  return producer;
}

absl::Status PlainProducer::Begin() { return Done(rd_kafka_begin_transaction(handle_)); }

absl::Status PlainProducer::Send(const std::string& topic, int32_t partition, absl::string_view key,
                                 const std::string* value, absl::string_view header) {
  char* const bytes = value == nullptr ? nullptr : const_cast<char*>(value->data());
  const size_t size = value == nullptr ? 0 : value->size();
  rd_kafka_resp_err_t error;
  do {
    rd_kafka_headers_t* headers = rd_kafka_headers_new(1);
    rd_kafka_header_add(headers, "envelope", -1, header.data(),
                        static_cast<ssize_t>(header.size()));
    error = rd_kafka_producev(
        handle_, RD_KAFKA_V_TOPIC(topic.c_str()), RD_KAFKA_V_PARTITION(partition),
        RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_KEY(key.data(), key.size()),
        RD_KAFKA_V_VALUE(bytes, size), RD_KAFKA_V_HEADERS(headers), RD_KAFKA_V_END);
    if (error == RD_KAFKA_RESP_ERR_NO_ERROR) break;
    rd_kafka_headers_destroy(headers);
    if (error != RD_KAFKA_RESP_ERR__QUEUE_FULL) return absl::InternalError(rd_kafka_err2str(error));
    rd_kafka_poll(handle_, 10);
  } while (true);
  if (++sent_ % 100 == 0) rd_kafka_poll(handle_, 0);
  return absl::OkStatus();
}

absl::Status PlainProducer::SendOffsets(rd_kafka_t* consumer) {
  rd_kafka_topic_partition_list_t* offsets = nullptr;
  if (const auto error = rd_kafka_assignment(consumer, &offsets))
    return absl::InternalError(rd_kafka_err2str(error));
  rd_kafka_position(consumer, offsets);
  rd_kafka_consumer_group_metadata_t* group = rd_kafka_consumer_group_metadata(consumer);
  const absl::Status status =
      Done(rd_kafka_send_offsets_to_transaction(handle_, offsets, group, 30'000));
  rd_kafka_consumer_group_metadata_destroy(group);
  rd_kafka_topic_partition_list_destroy(offsets);
  return status;
}

absl::Status PlainProducer::Commit() { return Done(rd_kafka_commit_transaction(handle_, 60'000)); }

absl::StatusOr<std::unique_ptr<PlainConsumer>> PlainConsumer::Open(const std::string& bootstrap,
                                                                   const std::string& topic,
                                                                   int32_t partitions) {
  ASSIGN_OR_RETURN(rd_kafka_t* const handle,
                   NewHandle(RD_KAFKA_CONSUMER, {{"bootstrap.servers", bootstrap},
                                                 {"group.id", topic},
                                                 {"isolation.level", "read_committed"},
                                                 {"enable.auto.commit", "false"},
                                                 {"check.crcs", "true"},
                                                 {"fetch.wait.max.ms", "100"},
                                                 {"queued.min.messages", "1000000"}}));
  std::unique_ptr<PlainConsumer> consumer(new PlainConsumer(handle));
  rd_kafka_poll_set_consumer(handle);
  consumer->queue_ = rd_kafka_queue_get_consumer(handle);
  rd_kafka_topic_partition_list_t* all = rd_kafka_topic_partition_list_new(partitions);
  for (int32_t p = 0; p < partitions; ++p)
    rd_kafka_topic_partition_list_add(all, topic.c_str(), p)->offset = RD_KAFKA_OFFSET_BEGINNING;
  const rd_kafka_resp_err_t error = rd_kafka_assign(handle, all);
  rd_kafka_topic_partition_list_destroy(all);
  if (error != RD_KAFKA_RESP_ERR_NO_ERROR) return absl::InternalError(rd_kafka_err2str(error));
  return consumer;
}

PlainConsumer::~PlainConsumer() {
  if (queue_ != nullptr) rd_kafka_queue_destroy(queue_);
  rd_kafka_consumer_close(handle_);
  rd_kafka_destroy(handle_);
}

absl::StatusOr<int> PlainConsumer::Poll(absl::Duration timeout, int most) {
  std::vector<rd_kafka_message_t*> messages(static_cast<size_t>(most));
  const ssize_t came =
      rd_kafka_consume_batch_queue(queue_, static_cast<int>(absl::ToInt64Milliseconds(timeout)),
                                   messages.data(), messages.size());
  int read = 0;
  absl::Status status;
  for (ssize_t i = 0; i < came; ++i) {
    rd_kafka_message_t* const message = messages[static_cast<size_t>(i)];
    if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR) {
      ++read;
    } else if (message->err != RD_KAFKA_RESP_ERR__PARTITION_EOF) {
      status = absl::InternalError(rd_kafka_message_errstr(message));
    }
    rd_kafka_message_destroy(message);
  }
  if (!status.ok()) return status;
  return read;
}

}  // namespace huiliu::bench
