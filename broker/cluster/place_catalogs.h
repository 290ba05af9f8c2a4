// Where the receivers' catalogs should be, from where they are and who is there.
#ifndef HUILIU_BROKER_CLUSTER_PLACE_CATALOGS_H_
#define HUILIU_BROKER_CLUSTER_PLACE_CATALOGS_H_

#include <string>
#include <vector>

#include "broker/cluster/members.h"
#include "huiliu/v1/control.pb.h"

namespace huiliu::cluster {

// The next map. Nothing moves without need:
//   - an owner that lives stays; of a dead one a standby takes over, one that has caught up first;
//   - each catalog has `standbys` living standbys besides its owner, where there are so many nodes;
//   - owners are spread evenly, one step at a time: a catalog goes to a node with two fewer, as
//   soon
//     as that node follows it and has caught up; where it does not follow yet, it is made to first.
// Pure. Where nobody lives the map stays as it is.
huiliu::v1::CatalogPlacement PlaceCatalogs(const huiliu::v1::CatalogPlacement& now,
                                           const std::vector<std::string>& receivers,
                                           const std::vector<Member>& members, int standbys);

}  // namespace huiliu::cluster

#endif  // HUILIU_BROKER_CLUSTER_PLACE_CATALOGS_H_
