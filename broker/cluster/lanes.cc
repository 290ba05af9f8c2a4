#include "broker/cluster/lanes.h"

#include "absl/strings/str_cat.h"
#include "broker/pipeline/lease.h"
#include "broker/pipeline/topics.h"
#include "core/base/status.h"

namespace huiliu::cluster {
namespace {

constexpr char kGroup[] = "lanes";
constexpr char kWorker[] = "lanes";
constexpr absl::Duration kPollTimeout = absl::Milliseconds(200);
constexpr absl::Duration kRetryDelay = absl::Milliseconds(500);
constexpr absl::Duration kLookEvery = absl::Seconds(2);

TopicPartition PartitionOf(int32_t lane) { return {Lanes::kTopic, Partition(lane)}; }

}  // namespace

TopicSpec Lanes::Topic(int32_t count) {
  TopicSpec spec;
  spec.name = kTopic;
  spec.partitions = count;
  return spec;
}

void Lanes::Start(Hooks hooks) {
  hooks_ = std::move(hooks);
  thread_ = std::thread([this] { Run(); });
}

void Lanes::Stop() {
  {
    absl::MutexLock lock(&mutex_);
    stopping_ = true;
  }
  if (thread_.joinable()) thread_.join();
}

int32_t Lanes::LaneOf(absl::string_view key) const {
  return pipeline::PartitionOf(key, count_).value();
}

bool Lanes::Holds(int32_t lane) const {
  absl::ReaderMutexLock lock(&mutex_);
  return held_.contains(lane);
}

std::set<int32_t> Lanes::Held() const {
  absl::ReaderMutexLock lock(&mutex_);
  return held_;
}

absl::StatusOr<std::vector<ConsumedOffset>> Lanes::FenceOf(int32_t lane) const {
  if (!Holds(lane)) {
    return absl::UnavailableError(absl::StrCat(
        "lane ", lane, " is held by another node, or is moving to one; try again shortly"));
  }
  return std::vector<ConsumedOffset>{{kGroup, PartitionOf(lane), Offset(0)}};
}

absl::StatusOr<std::vector<ConsumedOffset>> Lanes::Of(absl::string_view key) const {
  return FenceOf(LaneOf(key));
}

absl::StatusOr<std::vector<ConsumedOffset>> Lanes::OfGovernance() const {
  return FenceOf(kLeading);
}

void Lanes::OnAssigned(absl::Span<const TopicPartition> partitions) {
  for (const TopicPartition& tp : partitions) assigned_.insert(tp.partition.value());
}

void Lanes::OnRevoked(absl::Span<const TopicPartition> partitions) {
  std::set<int32_t> lanes;
  for (const TopicPartition& tp : partitions) lanes.insert(tp.partition.value());
  for (const int32_t lane : lanes) assigned_.erase(lane);
  Release(std::move(lanes));
}

void Lanes::Release(std::set<int32_t> lanes) {
  {
    absl::MutexLock lock(&mutex_);
    std::erase_if(lanes, [&](int32_t lane) {
      mutex_.AssertHeld();
      return held_.erase(lane) == 0;
    });
  }
  if (lanes.empty()) return;
  hooks_.release(lanes);
  hooks_.changed();
}

// A lane is held when what its former holder had begun is known to have ended: the group's offset
// is told only when no transaction that carries it is open.
absl::Status Lanes::TakeAssigned() {
  const std::set<int32_t> assigned = assigned_;
  for (const int32_t lane : assigned) {
    if (Holds(lane)) continue;
    if (hooks_.end_former != nullptr) RETURN_IF_ERROR(hooks_.end_former(lane));
    RETURN_IF_ERROR(backbone_.CommittedOffset(kGroup, PartitionOf(lane)).status());
    RETURN_IF_ERROR(hooks_.take(lane));
    {
      absl::MutexLock lock(&mutex_);
      held_.insert(lane);
    }
    hooks_.changed();
  }
  return absl::OkStatus();
}

absl::Status Lanes::Step() {
  if (reader_ == nullptr) {
    RETURN_IF_ERROR(backbone_.EnsureTopic(Topic(count_)));  // it may have been deleted under us
    ReaderOptions options;
    options.group = kGroup;
    options.subscribed_topics = {kTopic};
    options.on_assigned = [this](absl::Span<const TopicPartition> tps) { OnAssigned(tps); };
    options.on_revoked = [this](absl::Span<const TopicPartition> tps) { OnRevoked(tps); };
    ASSIGN_OR_RETURN(reader_, backbone_.OpenReader(std::move(options)));
  }
  RETURN_IF_ERROR(reader_->Poll(kPollTimeout).status());
  // A reader is not told that its topic is gone.
  const absl::Duration now = pipeline::SinceBoot();
  if (now - looked_ >= kLookEvery) {
    looked_ = now;
    const absl::Status there = backbone_.Bounds(PartitionOf(kLeading)).status();
    if (absl::IsNotFound(there)) return there;
  }
  return TakeAssigned();
}

void Lanes::Run() {
  bool failed = false;
  while (true) {
    {
      absl::MutexLock lock(&mutex_);
      if (stopping_) break;
    }
    const absl::Status status = Step();
    if (!status.ok() || failed) errors_(kWorker, status);
    failed = !status.ok();
    if (!failed) continue;
    // Others hold what this node cannot be sure of.
    if (reader_ != nullptr && !absl::IsUnavailable(status)) reader_.reset();
    if (reader_ == nullptr) Release(std::exchange(assigned_, {}));
    absl::MutexLock lock(&mutex_);
    mutex_.AwaitWithTimeout(absl::Condition(&stopping_), kRetryDelay);
  }
  Release(std::exchange(assigned_, {}));
  reader_.reset();
}

}  // namespace huiliu::cluster
