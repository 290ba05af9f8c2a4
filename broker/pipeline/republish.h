// Fills a returned.* topic that was lost, from the catalog that was applied from it.
#ifndef HUILIU_BROKER_PIPELINE_REPUBLISH_H_
#define HUILIU_BROKER_PIPELINE_REPUBLISH_H_

#include <string>

#include "absl/status/statusor.h"
#include "broker/backbone/backbone.h"
#include "broker/catalog/catalog.h"

namespace huiliu::pipeline {

// Appends every row of the dataset to the (new) topic, with the envelope that it had, in the
// partition that it had. Others may write to the topic meanwhile: what they wrote for a key stays
// the key's last record, for it is newer than the catalog; what none of ours wrote is passed over.
// Nothing may be applied to the catalog meanwhile. Repeated after a crash it does the same again,
// and the topic ends with the same rows. Returns the number of rows.
absl::StatusOr<int64_t> Republish(const schema::Contract& contract, const std::string& topic,
                                  int32_t partitions, Catalog& catalog, Backbone& backbone,
                                  BackboneWriter& writer);

}  // namespace huiliu::pipeline

#endif  // HUILIU_BROKER_PIPELINE_REPUBLISH_H_
