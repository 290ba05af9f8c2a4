#include "broker/backbone/kafka/kafka_reader.h"

#include <algorithm>
#include <array>
#include <utility>

#include "absl/strings/str_cat.h"
#include "broker/backbone/kafka/framing.h"
#include "core/base/status.h"

namespace huiliu::kafka {
namespace {

constexpr absl::Duration kStep = absl::Milliseconds(100);
// A Poll that has something waits this long for partitions that were not heard of yet.
constexpr absl::Duration kFirstLook = absl::Milliseconds(100);
constexpr size_t kChunk = 512;
// How long the end of librdkafka's threads is waited for.
constexpr absl::Duration kPatience = absl::Seconds(5);
constexpr absl::Duration kGroupPatience = absl::Seconds(15);  // it tells the group that it leaves

using Message = std::unique_ptr<rd_kafka_message_t, Destroyer<rd_kafka_message_destroy>>;

}  // namespace

void GroupMembers::Add(const std::string& group, KafkaReader* reader) {
  absl::MutexLock lock(&mutex_);
  readers_[group].insert(reader);
}

void GroupMembers::Remove(const std::string& group, KafkaReader* reader) {
  absl::MutexLock lock(&mutex_);
  readers_[group].erase(reader);
}

std::optional<TopicPartition> GroupMembers::ByMember(
    const std::string& group, const std::string& group_id,
    const std::map<TopicPartition, Offset>& offsets, std::vector<MemberOffsets>* out) {
  absl::MutexLock lock(&mutex_);
  const auto it = readers_.find(group);
  if (it == readers_.end()) {
    out->push_back(
        {GroupMetadata(rd_kafka_consumer_group_metadata_new(group_id.c_str())), offsets});
    return std::nullopt;
  }
  std::map<const KafkaReader*, std::map<TopicPartition, Offset>> by_reader;
  for (const auto& [tp, offset] : offsets) {
    const auto holder = std::find_if(it->second.begin(), it->second.end(),
                                     [&, at = &tp](const auto* r) { return r->Holds(*at); });
    if (holder == it->second.end()) return tp;
    by_reader[*holder].insert_or_assign(tp, offset);
  }
  for (auto& [reader, held] : by_reader) {
    GroupMetadata metadata = reader->Metadata();
    if (metadata == nullptr) return held.begin()->first;
    out->push_back({std::move(metadata), std::move(held)});
  }
  return std::nullopt;
}

absl::StatusOr<std::unique_ptr<KafkaReader>> KafkaReader::Open(Cluster& cluster,
                                                               GroupMembers* members,
                                                               ReaderOptions options,
                                                               ReaderTuning tuning) {
  auto reader =
      std::unique_ptr<KafkaReader>(new KafkaReader(cluster, members, std::move(options), tuning));
  RETURN_IF_ERROR(reader->Start(tuning));
  return reader;
}

KafkaReader::~KafkaReader() {
  if (in_group() && members_ != nullptr) members_->Remove(options_.group, this);
  if (handle_ == nullptr) return;
  queue_.reset();
  const bool ended = in_group()
                         ? EndHandle(std::move(handle_), opaque_, Closing::kGroup, kGroupPatience)
                         : EndHandle(std::move(handle_), opaque_, Closing::kNo, kPatience);
  if (!ended) {
    cluster_.client().Warn(
        "一个 Kafka 客户端未能结束（多因读取过已删除的主题），其内存至节点重启时释放 / a client of "
        "Kafka does not end, as where it read a deleted topic; its memory is freed when the node "
        "restarts");
  }
}

absl::Status KafkaReader::Start(ReaderTuning tuning) {
  const KafkaOptions& kafka = cluster_.options();
  const bool committed = tuning.isolation == Isolation::kCommitted;
  std::map<std::string, std::string> settings = {
      {"group.id",
       cluster_.client().Named(options_.group.empty() ? std::string("reader") : options_.group)},
      {"isolation.level", committed ? "read_committed" : "read_uncommitted"},
      {"enable.auto.commit", "false"},
      {"enable.auto.offset.store", "false"},
      {"auto.offset.reset", "error"},
      {"enable.partition.eof", "true"},
      {"check.crcs", "true"},
      {"fetch.wait.max.ms", absl::StrCat(Ms(tuning.fetch_wait))},
      {"fetch.error.backoff.ms", "50"},
      {"queued.max.messages.kbytes", absl::StrCat(kafka.reader_buffer_bytes / 1024)},
      {"queued.min.messages", "1000000"},
      {"fetch.max.bytes", absl::StrCat(std::max<int64_t>(kafka.max_message_bytes, 8 << 20))},
      {"session.timeout.ms", absl::StrCat(Ms(kafka.session_timeout))},
      {"heartbeat.interval.ms", absl::StrCat(std::max(Ms(kafka.session_timeout) / 10, 100))},
      {"partition.assignment.strategy", "cooperative-sticky"},
  };
  ASSIGN_OR_RETURN(Conf conf, cluster_.client().NewConf(settings));
  rd_kafka_conf_set_opaque(conf.get(), opaque_.get());
  if (in_group()) rd_kafka_conf_set_rebalance_cb(conf.get(), Rebalance);
  if (in_group() == !options_.assigned.empty())
    return absl::InvalidArgumentError(
        "读取者或指定分区，或订阅主题，二者取一 / a reader has assigned partitions or subscribed "
        "topics");
  std::vector<TopicPartition> wanted = options_.assigned;
  for (const std::string& topic : options_.subscribed_topics)
    wanted.push_back({topic, Partition(0)});
  for (const TopicPartition& tp : wanted) RETURN_IF_ERROR(cluster_.CheckPartition(tp));
  ASSIGN_OR_RETURN(handle_, cluster_.client().NewHandle(RD_KAFKA_CONSUMER, std::move(conf)));
  rd_kafka_poll_set_consumer(handle_.get());
  queue_.reset(rd_kafka_queue_get_consumer(handle_.get()));
  return in_group() ? StartGroup() : StartAssigned();
}

absl::Status KafkaReader::StartAssigned() {
  std::map<TopicPartition, int64_t> from;
  ASSIGN_OR_RETURN(from, StartsOf(options_.assigned));
  Reassign(from);
  return absl::OkStatus();
}

absl::StatusOr<std::map<TopicPartition, int64_t>> KafkaReader::StartsOf(
    const std::vector<TopicPartition>& tps) {
  std::map<TopicPartition, int64_t> from;
  if (options_.start == StartAt::kLatest) return cluster_.Ends(tps, Isolation::kCommitted);
  // Stable: the one who had them before may have a transaction in the air.
  if (options_.start == StartAt::kCommitted && !options_.group.empty()) {
    ASSIGN_OR_RETURN(from, cluster_.CommittedOffsets(options_.group, tps));
  }
  std::vector<TopicPartition> rest;
  for (const TopicPartition& tp : tps) {
    if (!from.contains(tp)) rest.push_back(tp);
  }
  // Asked for here: librdkafka takes half a second for it.
  std::map<TopicPartition, int64_t> beginnings;
  ASSIGN_OR_RETURN(beginnings, cluster_.Beginnings(rest));
  from.merge(beginnings);
  return from;
}

void KafkaReader::Reassign(const std::map<TopicPartition, int64_t>& from) {
  lanes_.clear();
  absl::MutexLock lock(&mutex_);
  held_.clear();
  for (const auto& [tp, offset] : from) {
    lanes_.try_emplace(tp, tp, offset, UnframeOf(tp));
    held_.insert(tp);
  }
  restart_ = true;
}

absl::Status KafkaReader::StartGroup() {
  const PartitionList topics = NewList(options_.subscribed_topics.size());
  for (const std::string& topic : options_.subscribed_topics) {
    rd_kafka_topic_partition_list_add(topics.get(), cluster_.client().Named(topic).c_str(),
                                      RD_KAFKA_PARTITION_UA);
  }
  const rd_kafka_resp_err_t error = rd_kafka_subscribe(handle_.get(), topics.get());
  if (error != 0) return cluster_.Failed(absl::StrCat("joining group ", options_.group), error);
  if (members_ != nullptr) members_->Add(options_.group, this);
  return absl::OkStatus();
}

void KafkaReader::Rebalance(rd_kafka_t* handle, rd_kafka_resp_err_t what,
                            rd_kafka_topic_partition_list_t* list, void* opaque) {
  static_cast<Opaque*>(opaque)->WithOwner([&](void* owner) {
    if (owner != nullptr) {
      static_cast<KafkaReader*>(owner)->OnRebalance(handle, what, list);
    } else {
      rd_kafka_assign(handle, nullptr);
    }
  });
}

void KafkaReader::OnRebalance(rd_kafka_t* handle, rd_kafka_resp_err_t what,
                              rd_kafka_topic_partition_list_t* list) {
  if (what == RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS) {
    Assigned(handle, list);
    return;
  }
  if (what == RD_KAFKA_RESP_ERR__REVOKE_PARTITIONS) {
    Revoked(*list);
    Error(rd_kafka_incremental_unassign(handle, list));
    return;
  }
  failed_ = cluster_.Failed(absl::StrCat("group ", options_.group), what);
  rd_kafka_assign(handle, nullptr);
}

void KafkaReader::Assigned(rd_kafka_t* handle, rd_kafka_topic_partition_list_t* list) {
  std::vector<TopicPartition> tps;
  for (int i = 0; i < list->cnt; ++i)
    tps.push_back(Named(list->elems[i].topic, list->elems[i].partition));
  const absl::StatusOr<std::map<TopicPartition, int64_t>> from = StartsOf(tps);
  for (int i = 0; i < list->cnt; ++i) {
    const TopicPartition& tp = tps[static_cast<size_t>(i)];
    // Without an answer librdkafka goes on asking for the group's offset.
    list->elems[i].offset = from.ok() ? from->at(tp) : RD_KAFKA_OFFSET_STORED;
    lanes_.erase(tp);
    lanes_.try_emplace(tp, tp, list->elems[i].offset, UnframeOf(tp));
  }
  Error(rd_kafka_incremental_assign(handle, list));
  {
    absl::MutexLock lock(&mutex_);
    held_.insert(tps.begin(), tps.end());
  }
  if (options_.on_assigned && !tps.empty()) options_.on_assigned(tps);
}

void KafkaReader::Revoked(const rd_kafka_topic_partition_list_t& list) {
  std::vector<TopicPartition> tps;
  for (int i = 0; i < list.cnt; ++i)
    tps.push_back(Named(list.elems[i].topic, list.elems[i].partition));
  if (options_.on_revoked && !tps.empty()) options_.on_revoked(tps);
  absl::MutexLock lock(&mutex_);
  for (const TopicPartition& tp : tps) {
    held_.erase(tp);
    lanes_.erase(tp);
  }
}

absl::Status KafkaReader::Seek(const TopicPartition& tp, Offset next) {
  const auto it = lanes_.find(tp);
  if (it == lanes_.end()) {
    return absl::NotFoundError(absl::StrCat("topic ", tp.topic, "/", tp.partition.value(),
                                            "：不归该读取者 / it is not this reader's"));
  }
  it->second.Restart(next.value());
  if (!in_group()) {
    restart_ = true;
    return absl::OkStatus();
  }
  const PartitionList list = NewList(1);
  rd_kafka_topic_partition_list_add(list.get(), cluster_.client().Named(tp.topic).c_str(),
                                    tp.partition.value())
      ->offset = next.value();
  const Error error(
      rd_kafka_seek_partitions(handle_.get(), list.get(), Ms(cluster_.options().request_timeout)));
  rd_kafka_resp_err_t code =
      error == nullptr ? list->elems[0].err : rd_kafka_error_code(error.get());
  if (code != 0) return cluster_.Failed(absl::StrCat("seeking in ", tp.topic), code);
  return absl::OkStatus();
}

// A frame with a schema that nobody registered stays on: such a value is no message of ours.
Lane::Unframe KafkaReader::UnframeOf(const TopicPartition& tp) const {
  if (!values_ || cluster_.FramingOf(tp.topic).empty()) return nullptr;
  const auto& knows = cluster_.options().knows_schema;
  return [&knows, topic = tp.topic, known = uint32_t{0}](absl::string_view value) mutable {
    uint32_t id = 0;
    const absl::string_view rest = WithoutFraming(value, &id);
    if (id == 0 || id == known || knows == nullptr) return rest;
    if (!knows(topic, id)) return value;
    known = id;
    return rest;
  };
}

absl::Status KafkaReader::ApplyRestart() {
  restart_ = false;
  const PartitionList list = NewList(lanes_.size());
  for (auto& [tp, lane] : lanes_) {
    rd_kafka_topic_partition_list_add(list.get(), cluster_.client().Named(tp.topic).c_str(),
                                      tp.partition.value())
        ->offset = lane.next();
    lane.Restart(lane.next());
  }
  const rd_kafka_resp_err_t error = rd_kafka_assign(handle_.get(), list.get());
  if (error != 0) return cluster_.Failed("assigning partitions", error);
  return absl::OkStatus();
}

void KafkaReader::Take(const rd_kafka_message_t& message) {
  if (message.rkt == nullptr) {
    if (message.err != 0 && message.err != RD_KAFKA_RESP_ERR__PARTITION_EOF)
      failed_ = cluster_.Failed("reading", message.err, rd_kafka_message_errstr(&message));
    return;
  }
  const TopicPartition tp = Named(rd_kafka_topic_name(message.rkt), message.partition);
  const auto it = lanes_.find(tp);
  if (it == lanes_.end()) return;
  if (message.err == 0) {
    it->second.Add(message);
  } else if (message.err == RD_KAFKA_RESP_ERR__PARTITION_EOF) {
    it->second.ReachedEnd(message.offset);
  } else {
    const std::string where =
        absl::StrCat("reading ", tp.topic, "/", tp.partition.value(), " at ", it->second.next());
    failed_ = cluster_.Failed(where, message.err, rd_kafka_message_errstr(&message));
    if (absl::IsNotFound(failed_)) cluster_.Forget(tp.topic);
  }
}

bool KafkaReader::Pump(absl::Duration wait) {
  const Message first(rd_kafka_consumer_poll(handle_.get(), Ms(wait)));
  if (first == nullptr) return false;
  Take(*first);
  std::array<rd_kafka_message_t*, kChunk> more;
  const ssize_t count = rd_kafka_consume_batch_queue(queue_.get(), 0, more.data(), more.size());
  for (ssize_t i = 0; i < count; ++i) {
    const Message message(more[static_cast<size_t>(i)]);
    Take(*message);
  }
  return true;
}

bool KafkaReader::AtEnd() const {
  return std::all_of(lanes_.begin(), lanes_.end(), [](const auto& l) { return l.second.at_end(); });
}

bool KafkaReader::HeardOfAll() const {
  return std::all_of(lanes_.begin(), lanes_.end(), [](const auto& l) { return l.second.heard(); });
}

size_t KafkaReader::ReadyBytes() const {
  size_t bytes = 0;
  for (const auto& [tp, lane] : lanes_) bytes += lane.ready_bytes();
  return bytes;
}

absl::Status KafkaReader::LookAgain() {
  std::map<TopicPartition, int64_t> ends;
  ASSIGN_OR_RETURN(ends, cluster_.Ends(Assignment(), Isolation::kCommitted));
  for (auto& [tp, lane] : lanes_) {
    if (lane.reached() < ends[tp]) lane.EndMoved();
  }
  return absl::OkStatus();
}

absl::StatusOr<std::vector<StoredBatch>> KafkaReader::Poll(absl::Duration timeout) {
  if (restart_) RETURN_IF_ERROR(ApplyRestart());
  const absl::Time start = absl::Now();
  const absl::Time deadline = start + timeout;
  const absl::Time patience = start + cluster_.options().request_timeout;
  // What is read ahead is bounded: librdkafka keeps the rest, up to its own bound.
  const auto pump_what_is_there = [this] {
    while (ReadyBytes() < options_.max_poll_bytes && Pump(absl::ZeroDuration())) {
    }
  };
  pump_what_is_there();
  // Without time to wait the answer must still be what is there.
  if (timeout <= absl::ZeroDuration() && !lanes_.empty() && ReadyBytes() == 0 && AtEnd())
    RETURN_IF_ERROR(LookAgain());
  while (true) {
    if (!failed_.ok() && ReadyBytes() == 0) return std::exchange(failed_, absl::OkStatus());
    const absl::Time now = absl::Now();
    if (ReadyBytes() > 0 && (HeardOfAll() || now >= std::min(deadline, start + kFirstLook))) {
      // As much as there is: who commits what it reads needs large transactions.
      pump_what_is_there();
      return TakeReady();
    }
    if (ReadyBytes() == 0 && now >= deadline) {
      if (lanes_.empty() || AtEnd()) return std::vector<StoredBatch>();
      if (now >= patience) {
        return cluster_.Failed(absl::StrCat("reading ", lanes_.begin()->first.topic),
                               RD_KAFKA_RESP_ERR__TIMED_OUT);
      }
    }
    const absl::Duration left = deadline - now;
    Pump(left > absl::ZeroDuration() ? std::min(left, kStep) : absl::Milliseconds(20));
  }
}

std::vector<StoredBatch> KafkaReader::TakeReady() {
  std::vector<StoredBatch> out;
  size_t bytes = 0;
  // Batch by batch around the partitions, beginning behind the last one.
  auto it = lanes_.upper_bound(last_taken_);
  for (size_t idle = 0; idle < lanes_.size();) {
    if (it == lanes_.end()) it = lanes_.begin();
    Lane& lane = it->second;
    if (!lane.ready()) {
      ++idle;
      ++it;
      continue;
    }
    idle = 0;
    out.push_back(lane.Take());
    last_taken_ = it->first;
    bytes += out.back().bytes.size();
    if (bytes >= options_.max_poll_bytes) break;
    ++it;
  }
  std::stable_sort(out.begin(), out.end(),
                   [](const StoredBatch& a, const StoredBatch& b) { return a.from < b.from; });
  return out;
}

std::vector<TopicPartition> KafkaReader::Assignment() const {
  absl::MutexLock lock(&mutex_);
  return {held_.begin(), held_.end()};
}

GroupMetadata KafkaReader::Metadata() const {
  char* member = rd_kafka_memberid(handle_.get());
  const bool joined = member != nullptr && *member != 0;
  if (member != nullptr) rd_kafka_mem_free(handle_.get(), member);
  return GroupMetadata(joined ? rd_kafka_consumer_group_metadata(handle_.get()) : nullptr);
}

int64_t KafkaReader::Reached(const TopicPartition& tp) const {
  const auto it = lanes_.find(tp);
  return it == lanes_.end() ? -1 : it->second.reached();
}

bool KafkaReader::Holds(const TopicPartition& tp) const {
  absl::MutexLock lock(&mutex_);
  return held_.contains(tp);
}

}  // namespace huiliu::kafka
