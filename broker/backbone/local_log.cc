#include "broker/backbone/local_log.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "core/base/status.h"

namespace huiliu {

uint64_t AppendSignal::count() const {
  absl::MutexLock lock(&mutex_);
  return count_;
}

void AppendSignal::Notify() {
  absl::MutexLock lock(&mutex_);
  ++count_;
}

void AppendSignal::Wait(uint64_t seen, absl::Duration timeout) {
  const auto moved = [&] {
    mutex_.AssertReaderHeld();
    return count_ != seen;
  };
  absl::MutexLock lock(&mutex_);
  mutex_.AwaitWithTimeout(absl::Condition(&moved), timeout);
}

int LocalGroups::Join(const std::string& group, std::vector<TopicPartition> wanted) {
  absl::MutexLock lock(&mutex_);
  const int member = next_member_++;
  Group& g = groups_[group];
  g.members[member] = std::move(wanted);
  ++g.generation;
  return member;
}

void LocalGroups::Leave(const std::string& group, int member) {
  absl::MutexLock lock(&mutex_);
  Group& g = groups_[group];
  g.members.erase(member);
  ++g.generation;
}

std::vector<TopicPartition> LocalGroups::ShareOf(const std::string& group, int member,
                                                 uint64_t* generation) const {
  absl::MutexLock lock(&mutex_);
  const auto found = groups_.find(group);
  if (found == groups_.end()) return {};
  const Group& g = found->second;
  *generation = g.generation;
  std::map<TopicPartition, std::vector<int>> interested;
  for (const auto& [m, wanted] : g.members) {
    for (const TopicPartition& tp : wanted) interested[tp].push_back(m);
  }
  std::vector<TopicPartition> share;
  size_t turn = 0;
  for (const auto& [tp, members] : interested) {
    if (members[turn++ % members.size()] == member) share.push_back(tp);
  }
  return share;
}

namespace {

class LocalReader : public BackboneReader {
 public:
  LocalReader(ReaderOptions options, LocalLog& log, AppendSignal& signal, LocalGroups& groups)
      : options_(std::move(options)), log_(log), signal_(signal), groups_(groups) {}

  ~LocalReader() override {
    if (member_ != 0) groups_.Leave(options_.group, member_);
  }

  absl::Status Open() {
    if (options_.subscribed_topics.empty()) {
      for (const TopicPartition& tp : options_.assigned) RETURN_IF_ERROR(Assign(tp));
      return absl::OkStatus();
    }
    if (options_.group.empty())
      return absl::InvalidArgumentError("a subscribing reader needs a group");
    std::vector<TopicPartition> wanted;
    for (const std::string& topic : options_.subscribed_topics) {
      ASSIGN_OR_RETURN(const int32_t partitions, log_.PartitionsOf(topic));
      for (int32_t p = 0; p < partitions; ++p) wanted.push_back({topic, Partition(p)});
    }
    member_ = groups_.Join(options_.group, std::move(wanted));
    return absl::OkStatus();
  }

  absl::StatusOr<std::vector<StoredBatch>> Poll(absl::Duration timeout) override {
    const absl::Time deadline = absl::Now() + timeout;
    while (true) {
      RETURN_IF_ERROR(Rebalance());
      const uint64_t seen = signal_.count();
      ASSIGN_OR_RETURN(std::vector<StoredBatch> batches, ReadOnce());
      const absl::Time now = absl::Now();
      if (!batches.empty() || now >= deadline) return batches;
      // Groups are looked at again now and then: a member may have left without anything being
      // appended.
      signal_.Wait(
          seen, std::min(deadline - now, member_ != 0 ? absl::Milliseconds(50) : absl::Seconds(5)));
    }
  }

  absl::Status Seek(const TopicPartition& tp, Offset next) override {
    const auto it = next_.find(tp);
    if (it == next_.end()) {
      return absl::NotFoundError(
          absl::StrCat(tp.topic, "/", tp.partition.value(), " is not assigned to this reader"));
    }
    it->second = next;
    return absl::OkStatus();
  }

  std::vector<TopicPartition> Assignment() const override {
    std::vector<TopicPartition> out;
    for (const auto& [tp, next] : next_) out.push_back(tp);
    return out;
  }

 private:
  absl::Status Assign(const TopicPartition& tp) {
    ASSIGN_OR_RETURN(const PartitionBounds bounds, log_.BoundsOf(tp));
    Offset next = options_.start == StartAt::kLatest ? bounds.end : bounds.earliest;
    if (options_.start == StartAt::kCommitted && !options_.group.empty()) {
      ASSIGN_OR_RETURN(const std::optional<Offset> committed, log_.CommittedOf(options_.group, tp));
      if (committed.has_value()) next = *committed;
    }
    next_[tp] = next;
    return absl::OkStatus();
  }

  absl::Status Rebalance() {
    if (member_ == 0) return absl::OkStatus();
    uint64_t generation = 0;
    const std::vector<TopicPartition> share = groups_.ShareOf(options_.group, member_, &generation);
    if (generation == generation_) return absl::OkStatus();
    generation_ = generation;
    std::vector<TopicPartition> revoked, assigned;
    for (const auto& [tp, next] : next_) {
      if (std::find(share.begin(), share.end(), tp) == share.end()) revoked.push_back(tp);
    }
    if (!revoked.empty() && options_.on_revoked) options_.on_revoked(revoked);
    for (const TopicPartition& tp : revoked) next_.erase(tp);
    for (const TopicPartition& tp : share) {
      if (next_.contains(tp)) continue;
      RETURN_IF_ERROR(Assign(tp));
      assigned.push_back(tp);
    }
    if (!assigned.empty() && options_.on_assigned) options_.on_assigned(assigned);
    return absl::OkStatus();
  }

  absl::StatusOr<std::vector<StoredBatch>> ReadOnce() {
    std::vector<StoredBatch> out;
    size_t bytes = 0;
    for (auto& [tp, next] : next_) {
      if (bytes >= options_.max_poll_bytes) break;
      ASSIGN_OR_RETURN(std::vector<StoredBatch> batches,
                       log_.Read(tp, next, options_.max_poll_bytes - bytes));
      for (StoredBatch& batch : batches) {
        next = batch.next;
        bytes += batch.bytes.size();
        out.push_back(std::move(batch));
      }
    }
    return out;
  }

  const ReaderOptions options_;
  LocalLog& log_;
  AppendSignal& signal_;
  LocalGroups& groups_;
  int member_ = 0;
  uint64_t generation_ = 0;
  std::map<TopicPartition, Offset> next_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<BackboneReader>> OpenLocalReader(ReaderOptions options,
                                                                LocalLog& log, AppendSignal& signal,
                                                                LocalGroups& groups) {
  auto reader = std::make_unique<LocalReader>(std::move(options), log, signal, groups);
  RETURN_IF_ERROR(reader->Open());
  return reader;
}

}  // namespace huiliu
