// A field's value as text and back, on wire bytes: what masks, mappings, keys and landings
// exchange.
#ifndef HUILIU_CORE_SCHEMA_TEXT_VALUE_H_
#define HUILIU_CORE_SCHEMA_TEXT_VALUE_H_

#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "core/schema/contract.h"
#include "core/schema/wire_reader.h"

namespace huiliu::schema {

// What google.protobuf.Timestamp may hold: the years 1 to 9999.
inline constexpr int64_t kFirstSecond = -62135596800;
inline constexpr int64_t kLastSecond = 253402300799;

// Appends the value of an occurrence (numbers decimal, bool true/false, timestamps RFC 3339 in UTC,
// text as it is). DATA_LOSS where the wire type does not fit the field.
absl::Status AppendText(const Field& field, WireType type, uint64_t number, absl::string_view bytes,
                        std::string* out);

// Appends tag and content of `text` as the field's type. INVALID_ARGUMENT names the field, never
// the value.
absl::Status AppendWire(const Field& field, absl::string_view text, std::string* out);

void AppendTag(const Field& field, WireType type, std::string* out);
void AppendTimestamp(const Field& field, absl::Time time, std::string* out);
// RFC 3339 in UTC, the seconds' fraction where there is one.
void AppendRfc3339(absl::Time time, std::string* out);
// RFC 3339, or YYYY-MM-DD[ HH:MM[:SS[.ffffff]]] in Asia/Shanghai ('/' as '-').
bool ParseTime(absl::string_view text, absl::Time* time);
bool IsUtf8(absl::string_view text);

}  // namespace huiliu::schema

#endif  // HUILIU_CORE_SCHEMA_TEXT_VALUE_H_
