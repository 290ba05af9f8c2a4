// Writes one record of a contract straight to wire bytes, field by field, in any order.
#ifndef HUILIU_CORE_SCHEMA_RECORD_WRITER_H_
#define HUILIU_CORE_SCHEMA_RECORD_WRITER_H_

#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "core/schema/contract.h"

namespace huiliu::schema {

// (Set* Finish)*. Not thread-safe.
class RecordWriter {
 public:
  explicit RecordWriter(const Contract& contract) : contract_(contract) {}

  // Sets a field from text, by its type: int64 and uint64 decimal, double, bool
  // (true/false/1/0/是/否), timestamp (RFC 3339, or YYYY-MM-DD[ HH:MM[:SS[.ffffff]]] in
  // Asia/Shanghai), enum by name or number, string as it is (must be UTF-8). INVALID_ARGUMENT
  // naming the field; the message never repeats the value.
  absl::Status SetText(const Field& field, absl::string_view text);
  void SetString(const Field& field, absl::string_view value);
  void SetInt64(const Field& field, int64_t value);
  void SetDouble(const Field& field, double value);
  void SetBool(const Field& field, bool value);
  void SetTimestamp(const Field& field, absl::Time value);

  // The record. The writer is empty again.
  std::string Finish();

 private:
  const Contract& contract_;
  std::string bytes_;
};

// A record as a JSON object (protobuf's JSON mapping, field names as in the contract), and back.
// For edges, never hot paths.
absl::StatusOr<std::string> RecordToJson(const Contract& contract, absl::string_view record);
absl::StatusOr<std::string> RecordFromJson(const Contract& contract, absl::string_view json);

// A field's value as text, as SetText takes it; empty where absent.
absl::StatusOr<std::string> FieldToText(const Contract& contract, const Field& field,
                                        absl::string_view record);

}  // namespace huiliu::schema

#endif  // HUILIU_CORE_SCHEMA_RECORD_WRITER_H_
