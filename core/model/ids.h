// Ids of the domain. Each is its own type; its text is UTF-8 and already checked by the registry.
#ifndef HUILIU_CORE_MODEL_IDS_H_
#define HUILIU_CORE_MODEL_IDS_H_

#include <cstdint>
#include <string>

#include "core/base/strong_type.h"

namespace huiliu {

using SystemId = StrongType<struct SystemIdTag, std::string>;
using DatasetId = StrongType<struct DatasetIdTag, std::string>;
using ReceiverId = StrongType<struct ReceiverIdTag, std::string>;
using SourceId = StrongType<struct SourceIdTag, std::string>;
using OrganisationId = StrongType<struct OrganisationIdTag, std::string>;
using AccountId = StrongType<struct AccountIdTag, std::string>;
using GrantId = StrongType<struct GrantIdTag, std::string>;

// Position of a record in a topic's partition.
using Offset = StrongType<struct OffsetTag, int64_t>;
using Partition = StrongType<struct PartitionTag, int32_t>;

}  // namespace huiliu

#endif  // HUILIU_CORE_MODEL_IDS_H_
