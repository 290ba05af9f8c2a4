// Plain librdkafka, with the settings that ours has: the yardstick of what runs on Kafka.
#ifndef HUILIU_TESTS_BENCH_PLAIN_KAFKA_H_
#define HUILIU_TESTS_BENCH_PLAIN_KAFKA_H_

#include <librdkafka/rdkafka.h>

#include <functional>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace huiliu::bench {

// (Begin Send* SendOffsets? Commit)*; one thread.
class PlainProducer {
 public:
  static absl::StatusOr<std::unique_ptr<PlainProducer>> Open(const std::string& bootstrap,
                                                             const std::string& id);
  ~PlainProducer() { rd_kafka_destroy(handle_); }

  absl::Status Begin();
  // Waits where the queue is full. A null value is a tombstone; an empty header none.
  absl::Status Send(const std::string& topic, int32_t partition, absl::string_view key,
                    const std::string* value, absl::string_view header);
  absl::Status SendOffsets(rd_kafka_t* consumer);
  absl::Status Commit();

 private:
  explicit PlainProducer(rd_kafka_t* handle) : handle_(handle) {}

  rd_kafka_t* const handle_;
  int64_t sent_ = 0;
};

// Reads a topic from its beginning to `messages`, committed ones only.
class PlainConsumer {
 public:
  static absl::StatusOr<std::unique_ptr<PlainConsumer>> Open(const std::string& bootstrap,
                                                             const std::string& topic,
                                                             int32_t partitions);
  ~PlainConsumer();
  // How many came within `timeout`; `most` at most.
  absl::StatusOr<int> Poll(absl::Duration timeout, int most);
  rd_kafka_t* handle() { return handle_; }

 private:
  explicit PlainConsumer(rd_kafka_t* handle) : handle_(handle) {}

  rd_kafka_t* const handle_;
  rd_kafka_queue_t* queue_ = nullptr;
};

}  // namespace huiliu::bench

#endif  // HUILIU_TESTS_BENCH_PLAIN_KAFKA_H_
