// Messages in our topics that none of ours wrote (anybody with a producer can, where Kafka's ACLs
// let him): they stay where they are, are counted, and nobody downstream sees them.
#ifndef HUILIU_BROKER_PIPELINE_SET_ASIDE_H_
#define HUILIU_BROKER_PIPELINE_SET_ASIDE_H_

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "broker/backbone/backbone.h"
#include "core/schema/contract.h"

namespace huiliu::pipeline {

// What was set aside since the process began. Thread-safe.
class SetAside {
 public:
  struct Seen {
    int64_t messages = 0;
    std::string newest;  // place and reason of the newest one: never what stands in it
  };

  // `warn` is told of each message, at most once a second for a topic. Any thread.
  explicit SetAside(std::function<void(const std::string&)> warn) : warn_(std::move(warn)) {}

  // A place counts once, however often and by however many readers it is read.
  void Add(const TopicPartition& from, Offset offset, absl::string_view why);
  std::map<std::string, Seen> seen() const;  // by topic
  // What else there is to say of a topic, for people; `warn` is told, too, when it changes. Empty:
  // nothing any more.
  void Note(const std::string& topic, const std::string& text);
  // For people, both languages, a line for each topic; empty: there is nothing to say.
  std::string Notice() const;

 private:
  const std::function<void(const std::string&)> warn_;
  mutable absl::Mutex mutex_;
  std::map<std::string, Seen> seen_ ABSL_GUARDED_BY(mutex_);
  std::map<std::string, std::string> notes_ ABSL_GUARDED_BY(mutex_);
  std::map<TopicPartition, Offset> counted_ ABSL_GUARDED_BY(mutex_);  // below: counted already
  std::map<std::string, absl::Time> warned_ ABSL_GUARDED_BY(mutex_);
};

// Why a record is none of ours; empty: it is.
using Verdict = std::function<std::string(const RecordView& record)>;

// Of returned.*: it has an envelope and the key of its payload, which is a message of the contract
// (not null).
std::string WhyNotReturned(const schema::Contract& contract, const RecordView& record);

// Takes records that are none of ours out of the batches, which go on covering the same offsets.
// `set_aside` may be null: then they are not counted here.
absl::Status Sift(const Verdict& why_not, SetAside* set_aside, StoredBatch* batch);
absl::Status Sift(const Verdict& why_not, SetAside* set_aside, std::vector<StoredBatch>* batches);

}  // namespace huiliu::pipeline

#endif  // HUILIU_BROKER_PIPELINE_SET_ASIDE_H_
