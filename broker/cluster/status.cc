// What an operator sees of the cluster, and what there is to do.
#include "core/base/status.h"

#include <map>

#include "absl/strings/str_cat.h"
#include "broker/cluster/cluster.h"

namespace huiliu::cluster {
namespace {

using absl::StrCat;
using huiliu::v1::GetClusterStatusResponse;
using pipeline::SinceBoot;

constexpr absl::Duration kStatusAge = absl::Seconds(1);

// Offsets of a topic that a group has not read yet.
absl::StatusOr<int64_t> Unread(Backbone& backbone, const std::string& group,
                               const std::string& topic, int32_t partitions) {
  int64_t unread = 0;
  for (int32_t p = 0; p < partitions; ++p) {
    const TopicPartition tp{topic, Partition(p)};
    auto bounds = backbone.Bounds(tp);
    if (absl::IsNotFound(bounds.status())) continue;
    RETURN_IF_ERROR(bounds.status());
    ASSIGN_OR_RETURN(const std::optional<Offset> read, backbone.CommittedOffset(group, tp));
    unread += std::max<int64_t>(
        0, bounds->end.value() - std::max(read.value_or(Offset(0)), bounds->earliest).value());
  }
  return unread;
}

void Advise(const std::string& chinese, const std::string& english,
            GetClusterStatusResponse* response) {
  auto* advice = response->add_advice();
  advice->set_chinese(chinese);
  advice->set_english(english);
}

void AdviseOnNodes(const absl::Duration dead_after, GetClusterStatusResponse* response) {
  std::map<std::string, std::string> by_version;
  for (const auto& node : response->nodes()) {
    if (node.alive()) {
      by_version[node.version()] = node.node();
      continue;
    }
    Advise(StrCat("节点 ", node.node(), " 已 ", node.silent_ms() / 1000, " 秒无消息（超过 ",
                  absl::FormatDuration(dead_after),
                  " 即由其他节点接管）：检查该机器和 huiliud 进程，修复后重新启动；"
                  "若不再使用，无须处理"),
           StrCat("node ", node.node(), " has been silent for ", node.silent_ms() / 1000,
                  " s (others take over after ", absl::FormatDuration(dead_after),
                  "): look at the machine and its huiliud, and start it again; if it is no longer "
                  "used there is nothing to do"),
           response);
  }
  if (by_version.size() > 1) {
    Advise("各节点程序版本不同：升级完成后应一致",
           "the nodes run different versions: finish the upgrade", response);
  }
}

void AdviseOnWork(int standbys, GetClusterStatusResponse* response) {
  const auto alive = std::count_if(response->nodes().begin(), response->nodes().end(),
                                   [](const auto& node) { return node.alive(); });
  for (const auto& lane : response->lanes()) {
    if (!lane.node().empty()) continue;
    Advise(StrCat("泳道 ", lane.lane(), " 暂无节点持有：若一分钟后仍如此，查看各节点 /healthz"),
           StrCat("nobody holds lane ", lane.lane(),
                  ": if that lasts a minute, look at /healthz of the nodes"),
           response);
  }
  for (const auto& catalog : response->catalogs()) {
    if (catalog.owner().node().empty() || !catalog.owner().alive()) {
      Advise(StrCat("接收方 ", catalog.receiver(), " 的目录暂无可用节点：等待接管，或启动其节点"),
             StrCat("the catalog of ", catalog.receiver(),
                    " has no living node: wait for the takeover, or start its node"),
             response);
    } else if (catalog.standbys_size() < standbys && alive <= standbys) {
      Advise(StrCat("接收方 ", catalog.receiver(), " 的目录缺备节点（要求 ", standbys,
                    " 个）：再启动一个节点"),
             StrCat("the catalog of ", catalog.receiver(), " lacks a standby (", standbys,
                    " wanted): start another node"),
             response);
    }
  }
}

}  // namespace

absl::Status Cluster::FillLag(GetClusterStatusResponse* response) const {
  const std::vector<huiliu::v1::Dataset> datasets = parts_.state.Datasets();
  for (auto& lane : *response->mutable_lanes()) {
    for (const huiliu::v1::Source& source : parts_.state.Sources()) {
      if (LaneOf(source.id()) == lane.lane()) lane.set_sources(lane.sources() + 1);
    }
    for (const huiliu::v1::Dataset& dataset : datasets) {
      if (LaneOf(dataset.id()) != lane.lane()) continue;
      ASSIGN_OR_RETURN(const int64_t unread,
                       Unread(parts_.backbone, pipeline::ReturnGroup(),
                              pipeline::SourceTopic(dataset.id()), options_.topics.partitions));
      lane.set_unjudged(lane.unjudged() + unread);
    }
  }
  for (auto& catalog : *response->mutable_catalogs()) {
    for (const huiliu::v1::Dataset& dataset : datasets) {
      ASSIGN_OR_RETURN(const int64_t unread,
                       Unread(parts_.backbone, pipeline::CatalogGroup(catalog.receiver()),
                              pipeline::ReturnedTopic(catalog.receiver(), dataset.id()),
                              options_.topics.partitions));
      catalog.set_unapplied(catalog.unapplied() + unread);
    }
  }
  return absl::OkStatus();
}

GetClusterStatusResponse Cluster::Status() const {
  absl::MutexLock lock(&telling_);
  if (!told_at_.has_value() || SinceBoot() - *told_at_ > kStatusAge) {
    told_ = StatusNow();
    told_at_ = SinceBoot();
  }
  return told_;
}

GetClusterStatusResponse Cluster::StatusNow() const {
  GetClusterStatusResponse response;
  response.set_cluster(options_.name);
  response.set_control_version(parts_.state.version());
  std::map<std::string, Member> members;
  std::map<int32_t, std::string> holders;
  for (Member& member : members_.All()) {
    const huiliu::v1::MemberRecord& record = member.record;
    auto* node = response.add_nodes();
    node->set_node(record.node());
    node->set_grpc_address(record.grpc_address());
    node->set_alive(member.alive);
    node->set_silent_ms(absl::ToInt64Milliseconds(SinceBoot() - member.heard));
    node->set_leader(member.alive && record.leader());
    node->set_control_version(record.control_version());
    node->set_version(record.version());
    if (member.alive) {
      *node->mutable_lanes() = record.lanes();
      for (const int32_t lane : record.lanes()) holders[lane] = record.node();
    }
    members.emplace(record.node(), std::move(member));
  }
  for (int32_t lane = 0; lane < lanes_.count(); ++lane) {
    auto* out = response.add_lanes();
    out->set_lane(lane);
    out->set_node(holders[lane]);
  }
  const auto fill = [&](const std::string& name, const std::string& receiver,
                        GetClusterStatusResponse::Copy* copy) {
    copy->set_node(name);
    const auto found = members.find(name);
    if (found == members.end()) return;
    copy->set_alive(found->second.alive);
    for (const auto& catalog : found->second.record.catalogs()) {
      if (catalog.receiver() == receiver) copy->set_caught_up(catalog.caught_up());
    }
  };
  const huiliu::v1::CatalogPlacement placement = parts_.state.PlacedCatalogs();
  for (const auto& place : placement.catalogs()) {
    auto* catalog = response.add_catalogs();
    catalog->set_receiver(place.receiver());
    fill(place.owner(), place.receiver(), catalog->mutable_owner());
    for (const std::string& standby : place.standbys())
      fill(standby, place.receiver(), catalog->add_standbys());
  }
  const absl::Status lag = FillLag(&response);
  if (!lag.ok()) {
    response.set_lag_unknown(std::string(lag.message()));
    Advise(StrCat("Kafka 未答出积压：", lag.message(), "；检查 Kafka 各节点"),
           StrCat("Kafka did not tell how far behind the readers are: ", lag.message(),
                  "; look at its brokers"),
           &response);
  }
  AdviseOnNodes(options_.dead_after, &response);
  AdviseOnWork(options_.standbys, &response);
  return response;
}

}  // namespace huiliu::cluster
