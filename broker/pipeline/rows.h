// A catalog row as a reader sees it.
#ifndef HUILIU_BROKER_PIPELINE_ROWS_H_
#define HUILIU_BROKER_PIPELINE_ROWS_H_

#include "absl/status/statusor.h"
#include "broker/access/access_plan.h"
#include "broker/catalog/catalog.h"
#include "huiliu/v1/catalog.pb.h"

namespace huiliu::pipeline {

// Fills *row with what the plan shows. False: the row is hidden. Not OK: it cannot be masked and
// nothing of it is shown.
absl::StatusOr<bool> ShowRow(const access::AccessPlan& plan, const CatalogRow& stored,
                             huiliu::v1::RowFormat format, huiliu::v1::Row* row);

}  // namespace huiliu::pipeline

#endif  // HUILIU_BROKER_PIPELINE_ROWS_H_
