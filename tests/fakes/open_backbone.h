// A backbone that others can reach, as Kafka is: they write to its topics, and delete them.
#ifndef HUILIU_TESTS_FAKES_OPEN_BACKBONE_H_
#define HUILIU_TESTS_FAKES_OPEN_BACKBONE_H_

#include <atomic>
#include <map>
#include <set>
#include <string>

#include "absl/synchronization/mutex.h"
#include "broker/backbone/backbone.h"

namespace huiliu {

// Over another backbone, which outlives it. Thread-safe.
class OpenBackbone : public Backbone {
 public:
  explicit OpenBackbone(Backbone& inner) : inner_(inner) {}

  // The topic with all that is in it is gone until EnsureTopic makes it again, empty.
  void Delete(const std::string& topic);
  // From now on readers of a topic that is gone say nothing of it, as librdkafka's.
  void KeepQuiet() { quiet_ = true; }
  bool quiet() const { return quiet_; }
  // Appends a record as a program that is none of ours does.
  absl::Status Intrude(const TopicPartition& to, absl::string_view key, absl::string_view value,
                       absl::string_view header = "");

  absl::Status EnsureTopic(const TopicSpec& spec) override;
  absl::StatusOr<std::vector<TopicSpec>> ListTopics() override { return inner_.ListTopics(); }
  absl::StatusOr<std::unique_ptr<BackboneWriter>> OpenWriter(absl::string_view id) override;
  absl::StatusOr<std::unique_ptr<BackboneReader>> OpenReader(ReaderOptions options) override;
  absl::StatusOr<PartitionBounds> Bounds(const TopicPartition& tp) override;
  absl::StatusOr<std::optional<Offset>> CommittedOffset(absl::string_view group,
                                                        const TopicPartition& tp) override;
  absl::StatusOr<std::optional<std::string>> Position(absl::string_view key) override {
    return inner_.Position(key);
  }

  // The inner topic; NOT_FOUND while it is gone.
  absl::StatusOr<TopicPartition> Inner(const TopicPartition& tp) const;
  bool Intruded(const TopicPartition& tp, Offset offset) const;
  // The name outside of an inner one.
  static std::string Outer(const std::string& topic) { return topic.substr(0, topic.find("--")); }

 private:
  std::string InnerName(const std::string& topic) const ABSL_SHARED_LOCKS_REQUIRED(mutex_);

  Backbone& inner_;
  std::atomic<bool> quiet_ = false;
  mutable absl::Mutex mutex_;
  std::map<std::string, int> deaths_ ABSL_GUARDED_BY(mutex_);
  std::set<std::string> gone_ ABSL_GUARDED_BY(mutex_);
  std::set<std::pair<TopicPartition, Offset>> intruded_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace huiliu

#endif  // HUILIU_TESTS_FAKES_OPEN_BACKBONE_H_
