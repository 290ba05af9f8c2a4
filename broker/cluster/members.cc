#include "broker/cluster/members.h"

#include <algorithm>

#include "absl/time/clock.h"
#include "broker/pipeline/lease.h"
#include "core/base/status.h"

namespace huiliu::cluster {
namespace {

using pipeline::SinceBoot;

constexpr char kWorker[] = "members";
constexpr absl::Duration kPollTimeout = absl::Milliseconds(200);
constexpr absl::Duration kRetryDelay = absl::Milliseconds(500);
// Every node speaks each second, this one too: who hears nobody for so long looks after the topic.
constexpr absl::Duration kSilence = absl::Seconds(3);
const TopicPartition kPartition{Members::kTopic, Partition(0)};

}  // namespace

TopicSpec Members::Topic() {
  TopicSpec spec;
  spec.name = kTopic;
  spec.cleanup = Cleanup::kCompact;
  return spec;
}

absl::Status Members::Start() {
  RETURN_IF_ERROR(CatchUp());
  RETURN_IF_ERROR(SayNow(false));
  RETURN_IF_ERROR(CatchUp());
  speaker_ = std::thread([this] { Speak(); });
  listener_thread_ = std::thread([this] { Listen(); });
  return absl::OkStatus();
}

void Members::Stop() {
  {
    absl::MutexLock lock(&mutex_);
    if (stopping_) return;
    stopping_ = true;
  }
  if (!speaker_.joinable()) return;
  speaker_.join();
  listener_thread_.join();
  // Where its last words did not arrive, this one would be waited for in vain: silence says it,
  // too.
  if (!speaks_) return;
  const absl::Status farewell = SayNow(true);
  if (!farewell.ok()) errors_(kWorker, farewell);
}

void Members::Say() {
  absl::MutexLock lock(&mutex_);
  changed_ = true;
}

absl::Status Members::SayNow(bool leaving) {
  huiliu::v1::MemberRecord record = describe_();
  record.set_leaving(leaving);
  RecordBatchBuilder batch;
  batch.Add(record.node(), "", record.SerializeAsString());
  Transaction transaction;
  transaction.appends.push_back({kPartition, batch.Finish(), 1});
  const absl::Duration began = SinceBoot();
  const absl::Status said = writer_.Commit(std::move(transaction)).status();
  // Deleted under us: what there is to know everybody says again at once.
  if (absl::IsNotFound(said)) RETURN_IF_ERROR(backbone_.EnsureTopic(Topic()));
  RETURN_IF_ERROR(said);
  absl::MutexLock lock(&mutex_);
  said_ = began;
  return absl::OkStatus();
}

void Members::Speak() {
  bool failed = false;
  const auto due = [this] {
    mutex_.AssertReaderHeld();
    return changed_ || stopping_;
  };
  while (true) {
    {
      absl::MutexLock lock(&mutex_);
      mutex_.AwaitWithTimeout(absl::Condition(&due), failed ? kRetryDelay : kBeat);
      if (stopping_) return;
      changed_ = false;
    }
    const absl::Status status = SayNow(false);
    if (!status.ok() || failed) errors_(kWorker, status);
    failed = !status.ok();
    speaks_ = status.ok();
  }
}

void Members::Hear(const StoredBatch& batch) {
  const auto view = RecordBatchView::Parse(batch.bytes);
  if (!view.ok()) return;
  // What was said long ago, before this node listened, was not said now.
  const absl::Duration age = std::max(absl::ZeroDuration(), absl::Now() - batch.appended);
  view->ForEach([&](int, const RecordView& record) {
    Member member;
    if (record.tombstone ||
        !member.record.ParseFromArray(record.value.data(), static_cast<int>(record.value.size())) ||
        record.key.empty() || absl::string_view(member.record.node()) != record.key)
      return;
    absl::MutexLock lock(&mutex_);
    // Afterwards clocks of different machines do not matter.
    const bool listening = listened_ > absl::ZeroDuration();
    member.heard = SinceBoot() - (listening ? absl::ZeroDuration() : age);
    members_.insert_or_assign(member.record.node(), std::move(member));
  });
}

absl::Status Members::ListenOnce(absl::Duration timeout) {
  if (reader_ == nullptr) {
    ASSIGN_OR_RETURN(const PartitionBounds bounds, backbone_.Bounds(kPartition));
    ReaderOptions options;
    options.assigned = {kPartition};
    options.start = StartAt::kEarliest;
    ASSIGN_OR_RETURN(reader_, backbone_.OpenReader(options));
    if (bounds.log_end < next_) next_ = Offset(0);  // it was made again
    next_ = std::max(next_, bounds.earliest);
    RETURN_IF_ERROR(reader_->Seek(kPartition, next_));
    spoken_ = SinceBoot();
  }
  const absl::Duration asked = SinceBoot();
  ASSIGN_OR_RETURN(const std::vector<StoredBatch> batches, reader_->Poll(timeout));
  for (const StoredBatch& batch : batches) {
    Hear(batch);
    next_ = batch.next;
  }
  if (!batches.empty()) spoken_ = SinceBoot();
  // A reader is not told that its topic is gone; opening it anew tells.
  if (SinceBoot() - spoken_ > kSilence) reader_.reset();
  absl::MutexLock lock(&mutex_);
  listened_ = batches.empty() ? asked : SinceBoot();
  return absl::OkStatus();
}

absl::Status Members::CatchUp() {
  absl::MutexLock lock(&reading_);
  ASSIGN_OR_RETURN(const PartitionBounds bounds, backbone_.Bounds(kPartition));
  if (bounds.log_end < next_) {
    reader_.reset();
    next_ = Offset(0);
  }
  while (next_ < bounds.end) RETURN_IF_ERROR(ListenOnce(absl::Milliseconds(20)));
  return absl::OkStatus();
}

void Members::Listen() {
  bool failed = false;
  while (true) {
    {
      absl::MutexLock lock(&mutex_);
      if (stopping_) return;
    }
    Offset before(0), after(0);
    absl::Status status;
    {
      absl::MutexLock lock(&reading_);
      before = next_;
      status = ListenOnce(kPollTimeout);
      if (!status.ok()) reader_.reset();
      after = next_;
    }
    if (!status.ok() || failed) errors_(kWorker, status);
    failed = !status.ok();
    if (after > before && listener_ != nullptr) listener_();
    if (failed) absl::SleepFor(kRetryDelay);
  }
}

// Silence counts from when this node could still hear: one that was deaf blames nobody.
bool Members::IsAlive(const Member& member) const {
  return !member.record.leaving() && listened_ - member.heard < dead_after_;
}

std::vector<Member> Members::All() const {
  absl::ReaderMutexLock lock(&mutex_);
  std::vector<Member> all;
  for (const auto& [node, member] : members_) {
    all.push_back(member);
    all.back().alive = IsAlive(member);
  }
  return all;
}

std::optional<Member> Members::Find(const std::string& node) const {
  absl::ReaderMutexLock lock(&mutex_);
  const auto found = members_.find(node);
  if (found == members_.end()) return std::nullopt;
  Member member = found->second;
  member.alive = IsAlive(member);
  return member;
}

void Members::AwaitSeen(uint64_t version, absl::Duration lease) {
  const absl::Duration until = SinceBoot() + lease;
  // A node that began before the change is durable in the topic by now, whether heard of or not.
  bool complete = CatchUp().ok();
  while (SinceBoot() < until) {
    const auto seen = [&] {
      mutex_.AssertReaderHeld();
      for (const auto& [node, member] : members_) {
        // What was silent for longer than its lease answers nothing; nor does one that left.
        if (!member.record.leaving() && member.record.control_version() < version &&
            listened_ - member.heard <= lease + dead_after_)
          return false;
      }
      return true;
    };
    {
      absl::MutexLock lock(&mutex_);
      if (mutex_.AwaitWithTimeout(absl::Condition(&seen), until - SinceBoot()) && complete) return;
    }
    if (!complete) {
      absl::SleepFor(absl::Milliseconds(50));
      complete = CatchUp().ok();
    }
  }
}

}  // namespace huiliu::cluster
