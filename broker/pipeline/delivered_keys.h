// Which rows a grant has let out: what a subscriber may be told to forget.
#ifndef HUILIU_BROKER_PIPELINE_DELIVERED_KEYS_H_
#define HUILIU_BROKER_PIPELINE_DELIVERED_KEYS_H_

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "broker/backbone/backbone.h"
#include "broker/lineage/store/lineage_store.h"
#include "broker/pipeline/gate.h"

namespace huiliu::pipeline {

// Answers from the lineage log, where every row that leaves stands before it does: no state of its
// own that a crash could lose. Thread-safe.
class DeliveredKeys {
 public:
  DeliveredKeys(Backbone& backbone, const LineageStore& lineage, const Gate& gate)
      : backbone_(backbone), lineage_(lineage), gate_(gate) {}

  // Waits until all that stands in the log now is folded. DEADLINE_EXCEEDED after 30 s.
  absl::Status Settle() const;
  // Whether a row with this key has left through the admission's grant before the last Settle.
  absl::StatusOr<bool> Has(const Admission& admission, absl::string_view key) const;

 private:
  Backbone& backbone_;
  const LineageStore& lineage_;
  const Gate& gate_;
};

}  // namespace huiliu::pipeline

#endif  // HUILIU_BROKER_PIPELINE_DELIVERED_KEYS_H_
