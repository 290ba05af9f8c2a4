// What a receiver is told when a record that it held belongs to somebody else now.
#ifndef HUILIU_CORE_MODEL_LEFT_RECORD_H_
#define HUILIU_CORE_MODEL_LEFT_RECORD_H_

#include "huiliu/v1/common.pb.h"

namespace huiliu {

// Leaves in a tombstone's envelope that the record is gone, and by which batch of which system. The
// version that made it leave is another area's: where it went, when, from which row and what was
// found on it stay there.
void LeaveOutNewVersion(huiliu::v1::Envelope* envelope);

}  // namespace huiliu

#endif  // HUILIU_CORE_MODEL_LEFT_RECORD_H_
