// The node's figures as Prometheus text. Nothing personal is in them.
#ifndef HUILIU_BROKER_SERVER_METRICS_H_
#define HUILIU_BROKER_SERVER_METRICS_H_

#include <string>

#include "broker/access/quotas.h"
#include "broker/cluster/cluster.h"
#include "broker/lineage/store/lineage_store.h"
#include "broker/pipeline/overlapping_records.h"
#include "broker/pipeline/set_aside.h"
#include "broker/server/health.h"

namespace huiliu::server {

// `cluster`: null on the only node.
std::string Metrics(const Health& health, const pipeline::SetAside& set_aside,
                    const pipeline::OverlappingRecords& overlaps, LineageStore& lineage,
                    const access::Quotas& quotas, const cluster::Cluster* cluster);

}  // namespace huiliu::server

#endif  // HUILIU_BROKER_SERVER_METRICS_H_
