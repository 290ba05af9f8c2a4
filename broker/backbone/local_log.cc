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

void LocalGroups::Group::ShareOut() {
  std::map<TopicPartition, std::vector<int>> interested;
  for (const auto& [member, wanted] : members) {
    for (const TopicPartition& tp : wanted) interested[tp].push_back(member);
  }
  share.clear();
  size_t turn = 0;
  for (const auto& [tp, candidates] : interested)
    share[tp] = candidates[turn++ % candidates.size()];
}

int LocalGroups::Join(const std::string& group, std::vector<TopicPartition> wanted) {
  absl::MutexLock lock(&mutex_);
  const int member = next_member_++;
  Group& g = groups_[group];
  g.members[member] = std::move(wanted);
  g.ShareOut();
  return member;
}

void LocalGroups::Leave(const std::string& group, int member) {
  absl::MutexLock lock(&mutex_);
  Group& g = groups_[group];
  g.members.erase(member);
  std::erase_if(g.holders, [&](const auto& held) { return held.second == member; });
  g.ShareOut();
}

std::vector<TopicPartition> LocalGroups::ToRelease(const std::string& group, int member) const {
  absl::MutexLock lock(&mutex_);
  std::vector<TopicPartition> out;
  const auto g = groups_.find(group);
  if (g == groups_.end()) return out;
  for (const auto& [tp, holder] : g->second.holders) {
    if (holder != member) continue;
    const auto share = g->second.share.find(tp);
    if (share == g->second.share.end() || share->second != member) out.push_back(tp);
  }
  return out;
}

void LocalGroups::Release(const std::string& group, int member,
                          const std::vector<TopicPartition>& tps) {
  absl::MutexLock lock(&mutex_);
  Group& g = groups_[group];
  for (const TopicPartition& tp : tps) {
    const auto it = g.holders.find(tp);
    if (it != g.holders.end() && it->second == member) g.holders.erase(it);
  }
}

std::vector<TopicPartition> LocalGroups::Acquire(const std::string& group, int member) {
  absl::MutexLock lock(&mutex_);
  std::vector<TopicPartition> out;
  Group& g = groups_[group];
  for (const auto& [tp, owner] : g.share) {
    if (owner == member && g.holders.try_emplace(tp, member).second) out.push_back(tp);
  }
  return out;
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
      return absl::InvalidArgumentError(
          "订阅主题的读取者须有组名 / a subscribing reader needs a group");
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
      return absl::NotFoundError(absl::StrCat("该分区不归此读取者 / ", tp.topic, "/",
                                              tp.partition.value(),
                                              " is not assigned to this reader"));
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
    const std::vector<TopicPartition> revoked = groups_.ToRelease(options_.group, member_);
    if (!revoked.empty()) {
      if (options_.on_revoked) options_.on_revoked(revoked);
      for (const TopicPartition& tp : revoked) next_.erase(tp);
      groups_.Release(options_.group, member_, revoked);
    }
    const std::vector<TopicPartition> assigned = groups_.Acquire(options_.group, member_);
    if (assigned.empty()) return absl::OkStatus();
    for (const TopicPartition& tp : assigned) {
      const absl::Status status = Assign(tp);
      if (status.ok()) continue;
      for (const TopicPartition& back : assigned) next_.erase(back);
      groups_.Release(options_.group, member_, assigned);
      return status;
    }
    if (options_.on_assigned) options_.on_assigned(assigned);
    return absl::OkStatus();
  }

  // Partitions take turns in going first, so that a busy one does not use up every poll. What was
  // read before an error is returned first; the error comes again with the next poll.
  absl::StatusOr<std::vector<StoredBatch>> ReadOnce() {
    std::vector<StoredBatch> out;
    if (next_.empty()) return out;
    auto it = next_.upper_bound(first_);
    if (it == next_.end()) it = next_.begin();
    first_ = it->first;
    size_t bytes = 0;
    for (size_t i = 0; i < next_.size() && bytes < options_.max_poll_bytes; ++i) {
      auto batches = log_.Read(it->first, it->second, options_.max_poll_bytes - bytes);
      if (!batches.ok() && out.empty()) return batches.status();
      if (!batches.ok()) return out;
      for (StoredBatch& batch : *batches) {
        it->second = batch.next;
        bytes += batch.bytes.size();
        out.push_back(std::move(batch));
      }
      if (++it == next_.end()) it = next_.begin();
    }
    return out;
  }

  const ReaderOptions options_;
  LocalLog& log_;
  AppendSignal& signal_;
  LocalGroups& groups_;
  int member_ = 0;
  std::map<TopicPartition, Offset> next_;
  TopicPartition first_;  // that went first in the last poll
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
