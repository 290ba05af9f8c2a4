#include "broker/pipeline/rows.h"

#include <google/protobuf/util/json_util.h>

#include "core/base/status.h"
#include "core/model/proto_time.h"
#include "core/schema/record_writer.h"
#include "huiliu/v1/common.pb.h"

namespace huiliu::pipeline {

absl::StatusOr<bool> ShowRow(const access::AccessPlan& plan, const CatalogRow& stored,
                             huiliu::v1::RowFormat format, huiliu::v1::Row* row) {
  std::string shown;
  ASSIGN_OR_RETURN(const bool visible, plan.Apply(stored.payload, stored.envelope, &shown));
  if (!visible) return false;
  row->set_key(plan.ShownKey(stored.key));
  huiliu::v1::Envelope envelope;
  if (!envelope.ParseFromString(stored.envelope))
    return absl::DataLossError("a stored envelope cannot be read");
  row->set_division(envelope.division());
  row->set_system(envelope.system());
  row->set_conflict(envelope.conflict());
  if (envelope.source_time_us() != 0)
    *row->mutable_source_time() = ToProto(absl::FromUnixMicros(envelope.source_time_us()));
  *row->mutable_arrival_time() = ToProto(absl::FromUnixMicros(envelope.arrival_time_us()));
  if (format != huiliu::v1::ROW_FORMAT_JSON) {
    row->set_payload(std::move(shown));
    return true;
  }
  ASSIGN_OR_RETURN(const std::string json, schema::RecordToJson(plan.contract(), shown));
  if (!google::protobuf::util::JsonStringToMessage(json, row->mutable_fields()).ok()) {
    return absl::DataLossError("a row cannot be written as JSON");
  }
  return true;
}

}  // namespace huiliu::pipeline
