#include "core/model/left_record.h"

namespace huiliu {

void LeaveOutNewVersion(huiliu::v1::Envelope* envelope) {
  envelope->clear_source_table();
  envelope->clear_row_id();
  envelope->clear_source_time_us();
  envelope->clear_division();
  envelope->clear_decided_by();
  envelope->clear_conflict();
  envelope->clear_rule();
  envelope->clear_findings();
  envelope->clear_masked_at_source();
}

}  // namespace huiliu
