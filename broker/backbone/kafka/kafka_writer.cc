#include "broker/backbone/kafka/kafka_writer.h"

#include <algorithm>

#include "absl/random/random.h"
#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "broker/backbone/kafka/topic_settings.h"
#include "broker/backbone/topic.h"
#include "core/base/status.h"

namespace huiliu::kafka {
namespace {

constexpr absl::Duration kAgain = absl::Milliseconds(100);
constexpr absl::Duration kRejoin = absl::Seconds(10);

std::string NewIncarnation() {
  absl::BitGen random;
  return absl::StrCat(absl::Hex(absl::Uniform<uint64_t>(random), absl::kZeroPad16));
}

size_t BytesOf(const Transaction& transaction) {
  size_t bytes = 0;
  for (const Append& append : transaction.appends) bytes += append.batch.size();
  for (const PositionUpdate& p : transaction.positions) bytes += p.key.size() + p.value.size();
  return bytes;
}

absl::Status Fenced(const std::string& id) {
  return absl::AbortedError(absl::StrCat("写入者 ", id, " 已被新的写入者取代 / writer ", id,
                                         " was fenced by a newer one"));
}

}  // namespace

std::string PositionKey(absl::string_view key) { return absl::StrCat("p/", key); }
std::string MarkKey(absl::string_view writer_id) { return absl::StrCat("w/", writer_id); }

namespace {

bool IsIncarnation(absl::string_view text) {
  return text.size() == 16 && std::all_of(text.begin(), text.end(), [](char c) {
           return absl::ascii_isdigit(static_cast<unsigned char>(c)) || (c >= 'a' && c <= 'f');
         });
}

bool IsMark(absl::string_view text) {
  const size_t slash = text.find('/');
  uint64_t number = 0;
  return slash != absl::string_view::npos && IsIncarnation(text.substr(0, slash)) &&
         absl::SimpleAtoi(text.substr(slash + 1), &number);
}

}  // namespace

std::string WhyNotClaim(const RecordView& record) {
  if (record.key.empty()) return "it names no writer";
  return !record.tombstone && IsIncarnation(record.value) ? "" : "its value is no incarnation";
}

std::string WhyNotStored(const KafkaOptions& options, const RecordView& record) {
  absl::string_view key = record.key;
  if (absl::ConsumePrefix(&key, "w/"))
    return !record.tombstone && IsMark(record.value) ? "" : "its value is no mark of a writer";
  if (!absl::ConsumePrefix(&key, "p/")) return "its key is none of ours";
  if (!record.tombstone && record.value.empty()) return "it is neither a position nor its removal";
  return options.why_not_position ? options.why_not_position(key, record.value) : "";
}

KafkaWriter::KafkaWriter(WriterParts parts, std::string id)
    : parts_(parts), id_(std::move(id)), incarnation_(NewIncarnation()) {}

absl::StatusOr<std::unique_ptr<KafkaWriter>> KafkaWriter::Open(WriterParts parts, std::string id) {
  auto writer = std::unique_ptr<KafkaWriter>(new KafkaWriter(parts, std::move(id)));
  // First who is the newest, then the fence: a writer that is fenced looks who did it.
  RETURN_IF_ERROR(
      parts.claims.Put(parts.writers.PlaceOf(writer->id_), writer->id_, writer->incarnation_)
          .status());
  RETURN_IF_ERROR(writer->Rebuild());
  return writer;
}

absl::Status KafkaWriter::Check(const Transaction& transaction) const {
  for (const Append& append : transaction.appends) {
    RETURN_IF_ERROR(CheckAppend(append));
    if (IsInternal(append.to.topic)) {
      return absl::InvalidArgumentError(
          absl::StrCat("topic ", append.to.topic, "：该主题由系统自用 / it is the backbone's own"));
    }
    RETURN_IF_ERROR(parts_.cluster.CheckPartition(append.to));
  }
  return absl::OkStatus();
}

KafkaWriter::Group KafkaWriter::NextGroup() {
  Group group;
  size_t bytes = 0;
  while (!queue_.empty()) {
    Waiting* next = queue_.front();
    if (!group.empty() && bytes + next->bytes > parts_.cluster.options().max_transaction_bytes)
      break;
    bytes += next->bytes;
    group.push_back(next);
    queue_.pop_front();
  }
  return group;
}

absl::StatusOr<CommitResult> KafkaWriter::Commit(Transaction transaction) {
  RETURN_IF_ERROR(Check(transaction));
  Waiting mine;
  mine.bytes = BytesOf(transaction);
  mine.transaction = std::move(transaction);
  absl::MutexLock lock(&mutex_);
  queue_.push_back(&mine);
  const auto turn = [&] {
    mutex_.AssertReaderHeld();
    return mine.done || !leading_;
  };
  mutex_.Await(absl::Condition(&turn));
  if (mine.done) return std::move(mine.result);
  leading_ = true;
  const auto full = [&] {
    mutex_.AssertReaderHeld();
    size_t bytes = 0;
    for (const Waiting* waiting : queue_) bytes += waiting->bytes;
    return bytes >= parts_.cluster.options().max_transaction_bytes;
  };
  mutex_.AwaitWithTimeout(absl::Condition(&full), parts_.cluster.options().gather);
  // The queue's head may be others': they are led until this one is done.
  while (!mine.done) {
    const Group group = NextGroup();
    mutex_.Unlock();
    Run(group);
    mutex_.Lock();
    for (Waiting* waiting : group) waiting->done = true;
  }
  leading_ = false;
  return std::move(mine.result);
}

void KafkaWriter::Run(const Group& group) {
  absl::Status status = CommitGroup(group);
  if (status.ok()) {
    Fill(group);
    return;
  }
  // One of them may be what the brokers refuse: each for itself, then.
  const bool whole = group.size() == 1 || absl::IsAborted(status) || absl::IsUnavailable(status);
  for (Waiting* waiting : group) {
    if (whole) {
      waiting->result = status;
      continue;
    }
    const Group single = {waiting};
    const absl::Status own = CommitGroup(single);
    if (own.ok()) {
      Fill(single);
    } else {
      waiting->result = own;
    }
  }
}

// A transaction ends in one of: committed; surely not committed; in doubt, which only a producer of
// the same id that comes after can end: opening it makes the brokers finish what was begun.
absl::Status KafkaWriter::CommitGroup(const Group& group) {
  if (fenced_) return Fenced(id_);
  const absl::Time began = absl::Now();
  const absl::Time deadline = began + parts_.cluster.options().commit_timeout;
  bool in_doubt = false;
  absl::Status last;
  for (bool first = true; first || absl::Now() < deadline; first = false) {
    if (!last.ok()) absl::SleepFor(kAgain);
    if (producer_ == nullptr) {
      last = Rebuild();
      if (absl::IsAborted(last) && in_doubt) {
        // The newer writer ended it, one way or the other, and left its own mark.
        return absl::UnavailableError(absl::StrCat(
            last.message(), " while a transaction was ending: read the position again"));
      }
      if (!last.ok() && !absl::IsUnavailable(last)) return last;
      if (!last.ok()) continue;
    }
    if (in_doubt) {
      const absl::StatusOr<bool> committed = WasCommitted();
      last = committed.status();
      if (!last.ok()) continue;
      if (*committed) return absl::OkStatus();
      in_doubt = false;
    }
    const TxnStep failed = Attempt(group, deadline, &in_doubt);
    if (!failed.has_value()) {
      AwaitVisible(deadline);
      if (producer_->Troubled()) Drop();
      return absl::OkStatus();
    }
    last = failed->status;
    if (failed->way == TxnFailure::Way::kAbort) {
      const absl::Time by = absl::Now() + parts_.cluster.options().transaction_timeout;
      if (!producer_->Abort(by).ok() || producer_->Troubled()) Drop();
      // A topic that was deleted and made again: this producer would not learn of it for long.
      if (absl::IsNotFound(last) && producer_ != nullptr) Drop();
      if (absl::IsNotFound(last) && CheckAll(group).ok()) continue;
      // While a group takes in another member its generation is ahead of what this one knows,
      // though the partitions may stay.
      const bool rejoining =
          absl::IsCancelled(last) && absl::Now() < began + kRejoin && Holds(group);
      if (!absl::IsUnavailable(last) && !rejoining) return last;
    } else {
      Drop();
    }
  }
  return absl::UnavailableError(
      absl::StrCat(last.message(),
                   in_doubt ? "; whether it was committed is not known" : "; nothing was written"));
}

absl::Status KafkaWriter::CheckAll(const Group& group) const {
  for (const Waiting* waiting : group) {
    for (const Append& append : waiting->transaction.appends) {
      parts_.cluster.Forget(append.to.topic);
      RETURN_IF_ERROR(parts_.cluster.CheckPartition(append.to));
    }
  }
  return absl::OkStatus();
}

TxnStep KafkaWriter::Attempt(const Group& group, absl::Time deadline, bool* in_doubt) {
  const absl::Time by =
      std::min(deadline, absl::Now() + parts_.cluster.options().transaction_timeout);
  ++sequence_;
  if (TxnStep failed = producer_->Begin()) return failed;
  if (TxnStep failed = SendAll(group)) return failed;
  if (TxnStep failed = producer_->Flush(by)) return failed;
  if (TxnStep failed = SendConsumed(group)) return failed;
  last_ = producer_->last_offsets();
  size_t slot = 0;
  offsets_.clear();
  for (const Waiting* waiting : group) {
    offsets_.emplace_back();
    for (size_t i = 0; i < waiting->transaction.appends.size(); ++i) {
      const int64_t offset = producer_->OffsetOf(slot++);
      // After a repeated request the broker may not tell where it stored: then once more.
      if (offset < 0) {
        return TxnFailure{absl::UnavailableError("Kafka did not tell an offset"),
                          TxnFailure::Way::kAbort};
      }
      offsets_.back().push_back(offset);
    }
  }
  TxnStep failed = producer_->Commit(by);
  *in_doubt = failed.has_value() && failed->way != TxnFailure::Way::kAbort;
  return failed;
}

TxnStep KafkaWriter::SendAll(const Group& group) {
  size_t slot = 0;
  TxnStep failed;
  for (const Waiting* waiting : group) {
    for (const Append& append : waiting->transaction.appends) {
      const auto view = RecordBatchView::Parse(append.batch);
      if (!view.ok()) return TxnFailure{view.status(), TxnFailure::Way::kAbort};
      const std::string framing = parts_.cluster.FramingOf(append.to.topic);
      view->ForEach([&](int i, const RecordView& record) {
        if (failed.has_value()) return;
        failed = producer_->Send(append.to, record, i == 0 ? append.records : 0,
                                 i == 0 ? slot : Producer::kNoSlot, framing);
      });
      if (failed.has_value()) return failed;
      ++slot;
    }
    for (const PositionUpdate& p : waiting->transaction.positions) {
      if ((failed = SendPosition(PositionKey(p.key), p.value))) return failed;
    }
  }
  return SendPosition(MarkKey(id_), absl::StrCat(incarnation_, "/", sequence_));
}

TxnStep KafkaWriter::SendPosition(const std::string& key, absl::string_view value) {
  RecordView record;
  record.key = key;
  record.value = value;
  record.tombstone = value.empty();
  return producer_->Send(parts_.positions.PlaceOf(key), record, 0, Producer::kNoSlot);
}

KafkaWriter::OffsetsByGroup KafkaWriter::ConsumedBy(const Group& group) {
  OffsetsByGroup by_group;
  for (const Waiting* waiting : group) {
    for (const ConsumedOffset& c : waiting->transaction.consumed)
      by_group[c.group].insert_or_assign(c.from, c.next);
  }
  return by_group;
}

bool KafkaWriter::Holds(const Group& group) const {
  for (const auto& [name, next] : ConsumedBy(group)) {
    std::vector<MemberOffsets> by_member;
    if (parts_.members.ByMember(name, parts_.cluster.client().Named(name), next, &by_member))
      return false;
  }
  return true;
}

TxnStep KafkaWriter::SendConsumed(const Group& group) {
  for (const auto& [name, next] : ConsumedBy(group)) {
    // Partitions of one group may be held by several readers here: each speaks for its own.
    std::vector<MemberOffsets> by_member;
    const std::optional<TopicPartition> lost =
        parts_.members.ByMember(name, parts_.cluster.client().Named(name), next, &by_member);
    if (lost.has_value()) {
      return TxnFailure{
          absl::CancelledError(absl::StrCat("group ", name, ": ", lost->topic, "/",
                                            lost->partition.value(), " is not this member's now")),
          TxnFailure::Way::kAbort};
    }
    for (const MemberOffsets& member : by_member) {
      if (TxnStep failed = producer_->SendOffsets(member.metadata, member.offsets)) return failed;
    }
  }
  return std::nullopt;
}

absl::Status KafkaWriter::CheckClaim() {
  ASSIGN_OR_RETURN(const std::optional<std::string> claim, parts_.writers.Get(id_));
  if (claim.has_value() && *claim == incarnation_) return absl::OkStatus();
  fenced_ = true;
  return Fenced(id_);
}

void KafkaWriter::Drop() {
  producer_->GiveUp();
  producer_.reset();
}

absl::Status KafkaWriter::Rebuild() {
  // Before: so that a zombie does not fence its successor; after: since that may have come between.
  RETURN_IF_ERROR(CheckClaim());
  absl::StatusOr<std::unique_ptr<Producer>> producer =
      Producer::Open(parts_.cluster, parts_.cluster.client().Named(id_));
  if (absl::IsAborted(producer.status())) {
    RETURN_IF_ERROR(CheckClaim());
    return absl::UnavailableError(producer.status().message());
  }
  RETURN_IF_ERROR(producer.status());
  RETURN_IF_ERROR(CheckClaim());
  producer_ = *std::move(producer);
  return absl::OkStatus();
}

absl::StatusOr<bool> KafkaWriter::WasCommitted() {
  ASSIGN_OR_RETURN(const std::optional<std::string> mark, parts_.positions.Get(MarkKey(id_)));
  return mark.has_value() && *mark == absl::StrCat(incarnation_, "/", sequence_);
}

// The brokers answer a commit before its markers stand in every partition.
void KafkaWriter::AwaitVisible(absl::Time deadline) {
  std::vector<TopicPartition> waiting;
  for (const auto& [tp, last] : last_) waiting.push_back(tp);
  absl::Duration pause = absl::Milliseconds(1);
  while (!waiting.empty() && absl::Now() < deadline) {
    const auto ends = parts_.cluster.Ends(waiting, Isolation::kCommitted);
    if (!ends.ok()) return;  // committed it is
    std::erase_if(waiting, [&](const TopicPartition& tp) { return ends->at(tp) > last_.at(tp); });
    if (waiting.empty()) return;
    absl::SleepFor(pause);
    pause = std::min(pause * 2, absl::Milliseconds(20));
  }
}

void KafkaWriter::Fill(const Group& group) {
  for (size_t i = 0; i < group.size(); ++i) {
    CommitResult result;
    for (const int64_t offset : offsets_[i]) result.first_offsets.push_back(Offset(offset));
    group[i]->result = std::move(result);
  }
}

}  // namespace huiliu::kafka
