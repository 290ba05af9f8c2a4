#include "broker/pipeline/delivered_keys.h"

#include "absl/time/clock.h"
#include "broker/pipeline/topics.h"
#include "core/base/status.h"

namespace huiliu::pipeline {

absl::Status DeliveredKeys::Settle() const {
  ASSIGN_OR_RETURN(const PartitionBounds bounds, backbone_.Bounds({kLineageTopic, Partition(0)}));
  const absl::Time deadline = absl::Now() + absl::Seconds(30);
  while (lineage_.NextOffset() < bounds.end) {
    if (absl::Now() > deadline)
      return absl::DeadlineExceededError("the lineage log is not folded yet; try again");
    absl::SleepFor(absl::Milliseconds(2));
  }
  return absl::OkStatus();
}

absl::StatusOr<bool> DeliveredKeys::Has(const Admission& admission, absl::string_view key) const {
  const lineage::Reader& reader = admission.reader;
  return lineage_.LeftThrough(reader.grant, reader.receiver, reader.dataset,
                              gate_.KeyDigest(reader.receiver, reader.dataset, key));
}

}  // namespace huiliu::pipeline
