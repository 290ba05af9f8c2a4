// Confluent's wire format of a Protobuf message: 0x00, the schema's id (4 bytes, big endian), the
// message's place in its file, then the message itself.
// docs.confluent.io/platform/current/schema-registry/fundamentals/serdes-develop
#ifndef HUILIU_BROKER_BACKBONE_KAFKA_FRAMING_H_
#define HUILIU_BROKER_BACKBONE_KAFKA_FRAMING_H_

#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"

namespace huiliu {

// What goes before a message of a top-level type, the `message_index`th of its file.
std::string ConfluentFraming(uint32_t schema_id, int message_index);

// Without what goes before; `schema_id`, where it is given, gets the frame's. A value that has no
// such frame is given back as it is, with the id 0: no Protobuf message begins with 0x00.
absl::string_view WithoutFraming(absl::string_view value, uint32_t* schema_id = nullptr);

}  // namespace huiliu

#endif  // HUILIU_BROKER_BACKBONE_KAFKA_FRAMING_H_
