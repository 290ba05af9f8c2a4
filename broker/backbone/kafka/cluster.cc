#include "broker/backbone/kafka/cluster.h"

#include <algorithm>
#include <set>

#include "absl/strings/str_cat.h"
#include "broker/backbone/kafka/topic_settings.h"
#include "broker/backbone/topic.h"
#include "core/base/status.h"

namespace huiliu::kafka {
namespace {

using AdminOptions =
    std::unique_ptr<rd_kafka_AdminOptions_t, Destroyer<rd_kafka_AdminOptions_destroy>>;
using NewTopic = std::unique_ptr<rd_kafka_NewTopic_t, Destroyer<rd_kafka_NewTopic_destroy>>;
using TopicHandle = std::unique_ptr<rd_kafka_topic_t, Destroyer<rd_kafka_topic_destroy>>;
using GroupOffsets = std::unique_ptr<rd_kafka_ListConsumerGroupOffsets_t,
                                     Destroyer<rd_kafka_ListConsumerGroupOffsets_destroy>>;
constexpr absl::Duration kAgain = absl::Milliseconds(20);
constexpr absl::Duration kRenewAfter = absl::Seconds(1);
constexpr absl::Duration kSettles = absl::Seconds(5);

PartitionList ListOf(const Client& client, const std::vector<TopicPartition>& tps, int64_t offset) {
  PartitionList list = NewList(tps.size());
  for (const TopicPartition& tp : tps) {
    rd_kafka_topic_partition_list_add(list.get(), client.Named(tp.topic).c_str(),
                                      tp.partition.value())
        ->offset = offset;
  }
  return list;
}

absl::Status NoPartition(const TopicPartition& tp) {
  return absl::NotFoundError(absl::StrCat("主题 ", tp.topic, " 没有该分区 / topic ", tp.topic,
                                          " has no partition ", tp.partition.value()));
}

}  // namespace

absl::StatusOr<std::unique_ptr<Cluster>> Cluster::Open(KafkaOptions options) {
  auto cluster =
      std::unique_ptr<Cluster>(new Cluster(std::make_unique<Client>(std::move(options))));
  RETURN_IF_ERROR(cluster->Connect());
  return cluster;
}

// `ask_versions`: the brokers' request versions come as log lines of it (there is no other way).
absl::StatusOr<Handle> Cluster::NewAdmin(Isolation isolation, bool ask_versions) {
  const bool committed = isolation == Isolation::kCommitted;
  std::map<std::string, std::string> settings = {
      {"isolation.level", committed ? "read_committed" : "read_uncommitted"},
      {"group.id", client_->Named("admin")},
      {"enable.auto.commit", "false"}};
  if (ask_versions) settings["debug"] = "feature";
  ASSIGN_OR_RETURN(Conf conf, client_->NewConf(settings));
  rd_kafka_conf_set_opaque(conf.get(), &opaque_);
  return client_->NewHandle(RD_KAFKA_CONSUMER, std::move(conf));
}

absl::Status Cluster::Connect() {
  ASSIGN_OR_RETURN(committed_, NewAdmin(Isolation::kCommitted, true));
  ASSIGN_OR_RETURN(all_, NewAdmin(Isolation::kAll));
  const absl::Time deadline = absl::Now() + options().request_timeout;
  char* id = nullptr;
  // The error callback is what tells of a wrong account: it is served by polling.
  while (id == nullptr && absl::Now() < deadline) {
    rd_kafka_poll(committed_.get(), 0);
    const rd_kafka_metadata_t* metadata = nullptr;
    if (rd_kafka_metadata(committed_.get(), 0, nullptr, &metadata, 500) == 0) {
      rd_kafka_metadata_destroy(metadata);
      id = rd_kafka_clusterid(committed_.get(), 500);
    }
    const absl::Status refused = Failed("cannot log in", RD_KAFKA_RESP_ERR__TIMED_OUT);
    if (id == nullptr && absl::IsUnauthenticated(refused)) return refused;
    if (id != nullptr) break;
    RETURN_IF_ERROR(client_->CheckBrokers());
    absl::SleepFor(kAgain);
  }
  if (id == nullptr) return Failed("no broker answers", RD_KAFKA_RESP_ERR__TIMED_OUT);
  const std::string found = id;
  rd_kafka_mem_free(committed_.get(), id);
  RETURN_IF_ERROR(client_->CheckBrokers());
  if (!options().cluster_id.empty() && found != options().cluster_id) {
    return absl::FailedPreconditionError(absl::StrCat(
        "所连的 Kafka 不是配置的集群，请核对 kafka.bootstrap 与 cluster_id / Kafka at ",
        options().bootstrap, " is the cluster ", found, ", not ", options().cluster_id));
  }
  return absl::OkStatus();
}

absl::StatusOr<std::map<std::string, Cluster::Found>> Cluster::Describe(const std::string& topic) {
  TopicHandle one;
  if (!topic.empty())
    one.reset(rd_kafka_topic_new(committed_.get(), client_->Named(topic).c_str(), nullptr));
  const rd_kafka_metadata_t* metadata = nullptr;
  rd_kafka_resp_err_t error = RD_KAFKA_RESP_ERR__TIMED_OUT;
  const absl::Time deadline = absl::Now() + options().request_timeout;
  while (error != 0 && absl::Now() < deadline) {
    error = rd_kafka_metadata(committed_.get(), topic.empty() ? 1 : 0, one.get(), &metadata,
                              Ms(PartOf(deadline)));
    rd_kafka_poll(committed_.get(), 0);
    if (error != 0) absl::SleepFor(kAgain);
  }
  if (error != 0) return Failed("asking for topics", error);
  const std::unique_ptr<const rd_kafka_metadata_t, Destroyer<rd_kafka_metadata_destroy>> owner(
      metadata);
  std::map<std::string, Found> found;
  for (int i = 0; i < metadata->topic_cnt; ++i) {
    const rd_kafka_metadata_topic_t& t = metadata->topics[i];
    const std::string name = client_->Unnamed(t.topic);
    if (name.empty() || t.err == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART) continue;
    if (t.err != 0) return Failed(absl::StrCat("topic ", name), t.err);
    found[name] = {t.partition_cnt, t.partition_cnt > 0 ? t.partitions[0].replica_cnt : 0};
  }
  absl::MutexLock lock(&mutex_);
  for (const auto& [name, one_found] : found) partitions_[name] = one_found.partitions;
  return found;
}

template <typename Start>
absl::StatusOr<Event> Cluster::Ask(rd_kafka_t* handle, absl::string_view what,
                                   rd_kafka_admin_op_t op, bool stable, const Start& start) {
  const AdminOptions asked(rd_kafka_AdminOptions_new(handle, op));
  char reason[256];
  rd_kafka_AdminOptions_set_request_timeout(asked.get(), Ms(options().request_timeout), reason,
                                            sizeof reason);
  if (stable) Error(rd_kafka_AdminOptions_set_require_stable_offsets(asked.get(), 1));
  const Queue answers(rd_kafka_queue_new(handle));
  start(asked.get(), answers.get());
  Event event(rd_kafka_queue_poll(answers.get(), Ms(options().request_timeout) + 1000));
  if (event == nullptr) return Failed(what, RD_KAFKA_RESP_ERR__TIMED_OUT);
  if (rd_kafka_event_error(event.get()) != 0) {
    return Failed(what, rd_kafka_event_error(event.get()),
                  rd_kafka_event_error_string(event.get()));
  }
  return event;
}

absl::Status Cluster::Create(const TopicSpec& spec, bool* made) {
  char reason[256];
  NewTopic topic(rd_kafka_NewTopic_new(client_->Named(spec.name).c_str(), spec.partitions,
                                       options().replication, reason, sizeof reason));
  if (topic == nullptr)
    return absl::InvalidArgumentError(absl::StrCat("topic ", spec.name, ": ", reason));
  for (const auto& [name, value] : SettingsOf(spec, options()))
    rd_kafka_NewTopic_set_config(topic.get(), name.c_str(), value.c_str());
  const std::string what = absl::StrCat("making topic ", spec.name);
  rd_kafka_NewTopic_t* topics[] = {topic.get()};
  ASSIGN_OR_RETURN(const Event event,
                   Ask(committed_.get(), what, RD_KAFKA_ADMIN_OP_CREATETOPICS, false,
                       [&](rd_kafka_AdminOptions_t* asked, rd_kafka_queue_t* answers) {
                         rd_kafka_CreateTopics(committed_.get(), topics, 1, asked, answers);
                       }));
  size_t count = 0;
  const rd_kafka_topic_result_t** results =
      rd_kafka_CreateTopics_result_topics(rd_kafka_event_CreateTopics_result(event.get()), &count);
  const rd_kafka_resp_err_t error =
      count == 1 ? rd_kafka_topic_result_error(results[0]) : RD_KAFKA_RESP_ERR_UNKNOWN;
  *made = error == RD_KAFKA_RESP_ERR_NO_ERROR;
  if (*made || error == RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS) return absl::OkStatus();
  const char* detail = count == 1 ? rd_kafka_topic_result_error_string(results[0]) : nullptr;
  return Failed(what, error, detail == nullptr ? "" : detail);
}

absl::StatusOr<std::map<std::string, TopicSpec>> Cluster::Settings(
    const std::map<std::string, Found>& topics, std::map<std::string, int>* min_insync) {
  std::vector<rd_kafka_ConfigResource_t*> resources;
  for (const auto& [name, found] : topics) {
    resources.push_back(
        rd_kafka_ConfigResource_new(RD_KAFKA_RESOURCE_TOPIC, client_->Named(name).c_str()));
  }
  absl::StatusOr<Event> event =
      Ask(committed_.get(), "asking for topic settings", RD_KAFKA_ADMIN_OP_DESCRIBECONFIGS, false,
          [&](rd_kafka_AdminOptions_t* asked, rd_kafka_queue_t* answers) {
            rd_kafka_DescribeConfigs(committed_.get(), resources.data(), resources.size(), asked,
                                     answers);
          });
  rd_kafka_ConfigResource_destroy_array(resources.data(), resources.size());
  RETURN_IF_ERROR(event.status());
  size_t count = 0;
  const rd_kafka_ConfigResource_t** results = rd_kafka_DescribeConfigs_result_resources(
      rd_kafka_event_DescribeConfigs_result(event->get()), &count);
  std::map<std::string, TopicSpec> specs;
  for (size_t i = 0; i < count; ++i) {
    const std::string name = client_->Unnamed(rd_kafka_ConfigResource_name(results[i]));
    const rd_kafka_resp_err_t error = rd_kafka_ConfigResource_error(results[i]);
    if (error == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART) continue;  // deleted just now
    if (error != 0) return Failed(absl::StrCat("settings of topic ", name), error);
    size_t entries = 0;
    const rd_kafka_ConfigEntry_t** configs = rd_kafka_ConfigResource_configs(results[i], &entries);
    std::map<std::string, std::string> values;
    for (size_t e = 0; e < entries; ++e) {
      const char* value = rd_kafka_ConfigEntry_value(configs[e]);
      values[rd_kafka_ConfigEntry_name(configs[e])] = value == nullptr ? "" : value;
    }
    TopicSpec spec = SpecOf(values);
    spec.name = name;
    spec.partitions = topics.at(name).partitions;
    if (min_insync != nullptr) (*min_insync)[name] = MinInsyncOf(values);
    specs[name] = std::move(spec);
  }
  return specs;
}

absl::Status Cluster::EnsureTopic(const TopicSpec& spec) {
  RETURN_IF_ERROR(CheckTopicSpec(spec));
  {
    absl::MutexLock lock(&mutex_);
    const auto known = specs_.find(spec.name);
    if (known != specs_.end() && CheckSameSettings(known->second, spec).ok())
      return absl::OkStatus();
  }
  bool made = false;
  const absl::Time deadline = absl::Now() + options().request_timeout;
  // A broker that dies meanwhile is back soon, or another leads.
  absl::Status created = Create(spec, &made);
  while (absl::IsUnavailable(created) && absl::Now() < deadline) {
    absl::SleepFor(kAgain);
    created = Create(spec, &made);
  }
  RETURN_IF_ERROR(created);
  // All brokers learn of it in their time.
  std::map<std::string, Found> found;
  while (found.empty()) {
    absl::StatusOr<std::map<std::string, Found>> now = Describe(spec.name);
    if (now.ok()) found = *std::move(now);
    if (!found.empty()) break;
    if (absl::Now() > deadline) {
      RETURN_IF_ERROR(now.status());
      return Failed(absl::StrCat("topic ", spec.name, " does not appear"),
                    RD_KAFKA_RESP_ERR__TIMED_OUT);
    }
    absl::SleepFor(kAgain);
  }
  // Another node may be making it at this moment: a broker knows the topic before all of it.
  const absl::Time settled = std::min(deadline, absl::Now() + kSettles);
  for (bool same = made; !same;) {
    std::map<std::string, int> min_insync;
    auto specs_now = Settings(found, &min_insync);
    if (absl::IsUnavailable(specs_now.status()) && absl::Now() < deadline) {
      absl::SleepFor(kAgain);
      continue;
    }
    RETURN_IF_ERROR(specs_now.status());
    std::map<std::string, TopicSpec>& specs = *specs_now;
    const absl::Status checked = CheckSame(specs[spec.name], spec, found[spec.name].replication,
                                           min_insync[spec.name], options());
    same = checked.ok();
    if (same) break;
    if (absl::Now() > settled) return checked;
    absl::SleepFor(kAgain);
    auto again = Describe(spec.name);
    if (again.ok() && !again->empty()) found = *std::move(again);
  }
  absl::MutexLock lock(&mutex_);
  specs_[spec.name] = spec;
  return absl::OkStatus();
}

absl::StatusOr<std::vector<TopicSpec>> Cluster::ListTopics() {
  std::map<std::string, Found> found, unknown;
  ASSIGN_OR_RETURN(found, Describe(""));
  std::vector<TopicSpec> out;
  {
    absl::MutexLock lock(&mutex_);
    for (const auto& [name, topic] : found) {
      if (IsInternal(name)) continue;
      const auto known = specs_.find(name);
      if (known != specs_.end() && known->second.partitions == topic.partitions) {
        out.push_back(known->second);
      } else {
        unknown[name] = topic;
      }
    }
  }
  if (unknown.empty()) return out;
  std::map<std::string, TopicSpec> specs;
  ASSIGN_OR_RETURN(specs, Settings(unknown, nullptr));
  absl::MutexLock lock(&mutex_);
  for (auto& [name, spec] : specs) {
    out.push_back(spec);
    specs_[name] = std::move(spec);
  }
  return out;
}

absl::StatusOr<int32_t> Cluster::PartitionsOf(const std::string& topic) {
  {
    absl::MutexLock lock(&mutex_);
    const auto known = partitions_.find(topic);
    if (known != partitions_.end()) return known->second;
  }
  std::map<std::string, Found> found;
  ASSIGN_OR_RETURN(found, Describe(topic));
  const auto it = found.find(topic);
  if (it == found.end())
    return absl::NotFoundError(
        absl::StrCat("主题 ", topic, " 不存在 / topic ", topic, " does not exist"));
  return it->second.partitions;
}

absl::Status Cluster::CheckPartition(const TopicPartition& tp) {
  ASSIGN_OR_RETURN(const int32_t partitions, PartitionsOf(tp.topic));
  if (tp.partition.value() < 0 || tp.partition.value() >= partitions) return NoPartition(tp);
  return absl::OkStatus();
}

void Cluster::Forget(const std::string& topic) {
  absl::MutexLock lock(&mutex_);
  partitions_.erase(topic);
  specs_.erase(topic);
}

absl::StatusOr<std::pair<int64_t, int64_t>> Cluster::Watermarks(const TopicPartition& tp,
                                                                Isolation isolation) {
  ASSIGN_OR_RETURN(const int64_t high, End(tp, isolation));
  std::map<TopicPartition, int64_t> low;
  ASSIGN_OR_RETURN(low, Beginnings({tp}));
  return std::make_pair(low.at(tp), high);
}

absl::StatusOr<int64_t> Cluster::End(const TopicPartition& tp, Isolation isolation) {
  RETURN_IF_ERROR(CheckPartition(tp));
  std::map<TopicPartition, int64_t> ends;
  ASSIGN_OR_RETURN(ends, Ends({tp}, isolation));
  return ends.at(tp);
}

absl::Duration Cluster::PartOf(absl::Time deadline) const {
  return std::min(deadline - absl::Now(), options().broker_timeout);
}

// The leader may be lost: librdkafka asks for another one in its own time only.
void Cluster::LookForLeader(const std::string& topic) {
  absl::SleepFor(kAgain);
  for (const Handle* handle : {&committed_, &all_}) {
    const TopicHandle name(
        rd_kafka_topic_new(handle->get(), client_->Named(topic).c_str(), nullptr));
    const rd_kafka_metadata_t* metadata = nullptr;
    if (rd_kafka_metadata(handle->get(), 0, name.get(), &metadata, Ms(options().broker_timeout)) ==
        0)
      rd_kafka_metadata_destroy(metadata);
    rd_kafka_poll(handle->get(), 0);
  }
}

absl::StatusOr<std::map<TopicPartition, int64_t>> Cluster::Edges(
    const std::vector<TopicPartition>& tps, Isolation isolation, int64_t which) {
  std::map<TopicPartition, int64_t> ends;
  if (tps.empty()) return ends;
  const absl::Time deadline = absl::Now() + options().request_timeout;
  while (true) {
    // Timestamps of -1 and -2 ask for the end and the beginning of the log. (With
    // rd_kafka_query_watermark_offsets a leader that stands still is asked for ever: it takes no
    // notice of its time-out.)
    const PartitionList list = ListOf(*client_, tps, which);
    rd_kafka_resp_err_t error =
        rd_kafka_offsets_for_times(HandleFor(isolation), list.get(), Ms(PartOf(deadline)));
    for (int i = 0; i < list->cnt && error == 0; ++i) error = list->elems[i].err;
    if (error == 0) {
      for (size_t i = 0; i < tps.size(); ++i)
        ends[tps[i]] = list->elems[static_cast<int>(i)].offset;
      return ends;
    }
    const absl::Status failed = Failed(absl::StrCat("offsets of ", tps.front().topic), error);
    if (absl::IsNotFound(failed)) {
      for (const TopicPartition& tp : tps) Forget(tp.topic);
    }
    if (!absl::IsUnavailable(failed) || absl::Now() > deadline) return failed;
    std::set<std::string> topics;
    for (const TopicPartition& tp : tps) topics.insert(tp.topic);
    for (const std::string& topic : topics) LookForLeader(topic);
  }
}

absl::StatusOr<std::shared_ptr<rd_kafka_t>> Cluster::GroupHandle(
    const std::shared_ptr<rd_kafka_t>& stale) {
  absl::MutexLock lock(&mutex_);
  if (groups_ == nullptr || groups_ == stale) {
    ASSIGN_OR_RETURN(Handle made, NewAdmin(Isolation::kCommitted));
    groups_ = std::shared_ptr<rd_kafka_t>(made.release(), rd_kafka_destroy);
  }
  return groups_;
}

absl::StatusOr<std::map<TopicPartition, int64_t>> Cluster::AskForOffsets(
    rd_kafka_t* handle, absl::string_view group, const std::vector<TopicPartition>& tps) {
  const std::string what = absl::StrCat("offsets of group ", group);
  const PartitionList list = ListOf(*client_, tps, RD_KAFKA_OFFSET_INVALID);
  const GroupOffsets asked_for(
      rd_kafka_ListConsumerGroupOffsets_new(client_->Named(group).c_str(), list.get()));
  rd_kafka_ListConsumerGroupOffsets_t* asked_array[] = {asked_for.get()};
  ASSIGN_OR_RETURN(const Event event,
                   Ask(handle, what, RD_KAFKA_ADMIN_OP_LISTCONSUMERGROUPOFFSETS, true,
                       [&](rd_kafka_AdminOptions_t* asked, rd_kafka_queue_t* answers) {
                         rd_kafka_ListConsumerGroupOffsets(handle, asked_array, 1, asked, answers);
                       }));
  size_t count = 0;
  const rd_kafka_group_result_t** results = rd_kafka_ListConsumerGroupOffsets_result_groups(
      rd_kafka_event_ListConsumerGroupOffsets_result(event.get()), &count);
  if (count != 1) return Failed(what, RD_KAFKA_RESP_ERR_UNKNOWN);
  const rd_kafka_error_t* group_error = rd_kafka_group_result_error(results[0]);
  if (group_error != nullptr) return Failed(what, rd_kafka_error_code(group_error));
  std::map<TopicPartition, int64_t> offsets;
  const rd_kafka_topic_partition_list_t* found = rd_kafka_group_result_partitions(results[0]);
  for (int i = 0; found != nullptr && i < found->cnt; ++i) {
    const rd_kafka_topic_partition_t& one = found->elems[i];
    if (one.err != 0) return Failed(what, one.err);
    if (one.offset >= 0)
      offsets[{client_->Unnamed(one.topic), Partition(one.partition)}] = one.offset;
  }
  return offsets;
}

absl::StatusOr<std::map<TopicPartition, int64_t>> Cluster::CommittedOffsets(
    absl::string_view group, const std::vector<TopicPartition>& tps) {
  const absl::Time deadline = absl::Now() + options().request_timeout;
  ASSIGN_OR_RETURN(std::shared_ptr<rd_kafka_t> handle, GroupHandle(nullptr));
  absl::Time made = absl::Now();
  while (true) {
    auto offsets = AskForOffsets(handle.get(), group, tps);
    if (!absl::IsUnavailable(offsets.status()) || absl::Now() > deadline) return offsets;
    absl::SleepFor(kAgain);
    if (absl::Now() - made < kRenewAfter) continue;
    ASSIGN_OR_RETURN(handle, GroupHandle(handle));
    made = absl::Now();
  }
}

}  // namespace huiliu::kafka
