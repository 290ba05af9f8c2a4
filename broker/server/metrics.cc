#include "broker/server/metrics.h"

#include "absl/strings/str_cat.h"

namespace huiliu::server {
namespace {

void AppendCluster(const cluster::Cluster& cluster, std::string* out) {
  absl::StrAppend(out, "# TYPE huiliu_cluster_leader gauge\nhuiliu_cluster_leader ",
                  cluster.Leads() ? 1 : 0, "\n# TYPE huiliu_cluster_lease_valid gauge\n",
                  "huiliu_cluster_lease_valid ", cluster.lease().Term() == 0 ? 0 : 1, "\n");
  const huiliu::v1::GetClusterStatusResponse status = cluster.Status();
  absl::StrAppend(out, "# TYPE huiliu_cluster_node_alive gauge\n");
  for (const auto& node : status.nodes()) {
    absl::StrAppend(out, "huiliu_cluster_node_alive{node=\"", node.node(), "\"} ",
                    node.alive() ? 1 : 0, "\n");
  }
  absl::StrAppend(out, "# TYPE huiliu_lane_held gauge\n");
  for (const auto& lane : status.lanes()) {
    absl::StrAppend(out, "huiliu_lane_held{lane=\"", lane.lane(), "\"} ",
                    lane.node().empty() ? 0 : 1, "\n");
  }
  absl::StrAppend(out, "# TYPE huiliu_cluster_advice gauge\nhuiliu_cluster_advice ",
                  status.advice_size(), "\n");
  // Without brokers there is no telling.
  if (!status.lag_unknown().empty()) return;
  absl::StrAppend(out, "# TYPE huiliu_lane_unjudged_records gauge\n");
  for (const auto& lane : status.lanes()) {
    absl::StrAppend(out, "huiliu_lane_unjudged_records{lane=\"", lane.lane(), "\"} ",
                    lane.unjudged(), "\n");
  }
  absl::StrAppend(out, "# TYPE huiliu_catalog_unapplied_records gauge\n");
  for (const auto& catalog : status.catalogs()) {
    absl::StrAppend(out, "huiliu_catalog_unapplied_records{receiver=\"", catalog.receiver(), "\"} ",
                    catalog.unapplied(), "\n");
  }
}

}  // namespace

std::string Metrics(const Health& health, const pipeline::SetAside& set_aside,
                    const pipeline::OverlappingRecords& overlaps, LineageStore& lineage,
                    const access::Quotas& quotas, const cluster::Cluster* cluster) {
  std::string out = "# TYPE huiliu_worker_failing gauge\n";
  for (const auto& [worker, error] : health.failing())
    absl::StrAppend(&out, "huiliu_worker_failing{worker=\"", worker, "\"} 1\n");
  const std::map<std::string, pipeline::SetAside::Seen> foreign = set_aside.seen();
  if (!foreign.empty()) absl::StrAppend(&out, "# TYPE huiliu_foreign_messages_total counter\n");
  for (const auto& [topic, seen] : foreign) {
    absl::StrAppend(&out, "huiliu_foreign_messages_total{topic=\"", topic, "\"} ", seen.messages,
                    "\n");
  }
  const std::map<pipeline::OverlappingRecords::Pair, int64_t> overlapping = overlaps.seen();
  if (!overlapping.empty())
    absl::StrAppend(&out, "# TYPE huiliu_overlapping_records_total counter\n");
  for (const auto& [pair, records] : overlapping) {
    absl::StrAppend(&out, "huiliu_overlapping_records_total{dataset=\"", pair.dataset,
                    "\",source=\"", pair.source, "\",other=\"", pair.other, "\"} ", records, "\n");
  }
  absl::StrAppend(&out, "# TYPE huiliu_lineage_entries gauge\nhuiliu_lineage_entries ",
                  lineage.Size(), "\n",
                  "# TYPE huiliu_refused_reads_total counter\nhuiliu_refused_reads_total ",
                  lineage.RefusedReads("").count, "\n");
  absl::StrAppend(&out, "# TYPE huiliu_quota_refused_total counter\n");
  for (const auto& [receiver, refused] : quotas.Refused()) {
    absl::StrAppend(&out, "huiliu_quota_refused_total{receiver=\"", receiver, "\"} ", refused,
                    "\n");
  }
  if (cluster != nullptr) AppendCluster(*cluster, &out);
  return out;
}

}  // namespace huiliu::server
