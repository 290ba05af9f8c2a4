// librdkafka's handles with owners, its settings from ours, its errors as absl::Status.
#ifndef HUILIU_BROKER_BACKBONE_KAFKA_CLIENT_H_
#define HUILIU_BROKER_BACKBONE_KAFKA_CLIENT_H_

#include <librdkafka/rdkafka.h>

#include <algorithm>
#include <atomic>
#include <map>
#include <memory>
#include <string>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"
#include "broker/backbone/kafka/kafka_backbone.h"

namespace huiliu::kafka {

template <auto F>
struct Destroyer {
  template <typename T>
  void operator()(T* t) const {
    F(t);
  }
};
using Conf = std::unique_ptr<rd_kafka_conf_t, Destroyer<rd_kafka_conf_destroy>>;
using Handle = std::unique_ptr<rd_kafka_t, Destroyer<rd_kafka_destroy>>;
using Queue = std::unique_ptr<rd_kafka_queue_t, Destroyer<rd_kafka_queue_destroy>>;
using Event = std::unique_ptr<rd_kafka_event_t, Destroyer<rd_kafka_event_destroy>>;
using PartitionList = std::unique_ptr<rd_kafka_topic_partition_list_t,
                                      Destroyer<rd_kafka_topic_partition_list_destroy>>;
using Error = std::unique_ptr<rd_kafka_error_t, Destroyer<rd_kafka_error_destroy>>;

inline PartitionList NewList(size_t size) {
  return PartitionList(rd_kafka_topic_partition_list_new(static_cast<int>(size)));
}
inline int Ms(absl::Duration d) {
  return static_cast<int>(std::max<int64_t>(absl::ToInt64Milliseconds(d), 0));
}

// The one place where librdkafka's codes become ours.
absl::StatusCode CodeOf(rd_kafka_resp_err_t error);

// Every handle's opaque: set with rd_kafka_conf_set_opaque, it outlives the handle.
class Opaque {
 public:
  explicit Opaque(const class Client* client = nullptr, void* owner = nullptr)
      : client_(client), owner_(owner) {}

  // Nobody listens from now on. Waits for who is being told.
  void Leave();
  // Calls f(client) where one listens.
  template <typename F>
  void Tell(const F& f) {
    absl::MutexLock lock(&client_mutex_);
    if (client_ != nullptr) f(*client_);
  }
  // Calls f(owner), null where it has left.
  template <typename F>
  void WithOwner(const F& f) {
    absl::MutexLock lock(&owner_mutex_);
    f(owner_);
  }

  std::atomic<int> troubles = 0;  // requests that timed out, connections that broke

 private:
  // Apart: an owner's call may make librdkafka say something at once.
  absl::Mutex client_mutex_, owner_mutex_;
  const class Client* client_ ABSL_GUARDED_BY(client_mutex_);
  void* owner_ ABSL_GUARDED_BY(owner_mutex_);
};

// Closes (of a group's member; its rebalance callback is called there) and destroys a handle on a
// thread of its own: librdkafka (2.0.2, its issue 4362) may never come back from it where a topic
// that was read has been deleted. Waits for it as long as `patience`; then it is left to itself,
// and `opaque`, whose owner has left, with it. Whether it has ended.
enum class Closing : uint8_t { kNo, kGroup };
bool EndHandle(Handle handle, std::shared_ptr<Opaque> opaque, Closing closing,
               absl::Duration patience);

// What is common to all handles of one backbone. Thread-safe.
class Client {
 public:
  explicit Client(KafkaOptions options);

  const KafkaOptions& options() const { return options_; }
  std::string Named(absl::string_view name) const {
    return options_.prefix + std::string(name.data(), name.size());
  }
  // The name without our prefix; empty where it is not ours.
  std::string Unnamed(const std::string& name) const;

  // Ours, then `settings`, then the user's properties. FAILED_PRECONDITION names a bad one.
  absl::StatusOr<Conf> NewConf(const std::map<std::string, std::string>& settings) const;
  absl::StatusOr<Handle> NewHandle(rd_kafka_type_t type, Conf conf) const;

  // `what` failed; says what the brokers last answered where they do not.
  absl::Status Failed(absl::string_view what, rd_kafka_resp_err_t error,
                      absl::string_view detail = "") const;

  // From librdkafka's threads.
  void Saw(rd_kafka_resp_err_t error, const char* reason) const;
  void Warn(const std::string& text) const;
  // A broker told which versions of a request it knows, in librdkafka's words.
  void SawVersions(absl::string_view text) const;
  // FAILED_PRECONDITION: a broker told of its requests, and is older than 4.1.
  absl::Status CheckBrokers() const;

 private:
  const KafkaOptions options_;
  mutable absl::Mutex mutex_;
  mutable rd_kafka_resp_err_t last_error_ ABSL_GUARDED_BY(mutex_) = RD_KAFKA_RESP_ERR_NO_ERROR;
  mutable std::string last_reason_ ABSL_GUARDED_BY(mutex_);
  mutable bool heard_versions_ ABSL_GUARDED_BY(mutex_) = false;
  mutable bool new_enough_ ABSL_GUARDED_BY(mutex_) = false;
  mutable absl::Time last_time_ ABSL_GUARDED_BY(mutex_) = absl::InfinitePast();
};

}  // namespace huiliu::kafka

#endif  // HUILIU_BROKER_BACKBONE_KAFKA_CLIENT_H_
