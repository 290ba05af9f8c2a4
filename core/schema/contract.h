// A dataset contract (数据集契约): one protobuf message with options from huiliu/v1/dataset.proto,
// parsed at run time.
#ifndef HUILIU_CORE_SCHEMA_CONTRACT_H_
#define HUILIU_CORE_SCHEMA_CONTRACT_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "core/model/ids.h"
#include "huiliu/v1/dataset.pb.h"

namespace google::protobuf {
class Descriptor;
class FieldDescriptor;
}  // namespace google::protobuf

namespace huiliu::schema {

// What a field holds, as rules, masks, the catalog and landing see it.
enum class FieldType {
  kString,
  kBytes,
  kBool,
  kInt64,
  kUint64,
  kDouble,
  kEnum,
  kTimestamp,
  kMessage
};

struct Field {
  std::string name;
  uint32_t number = 0;
  FieldType type = FieldType::kString;
  bool repeated = false;
  huiliu::v1::FieldDataOptions options;  // title, key, index, grade, value kind, default mask
  const google::protobuf::FieldDescriptor* descriptor = nullptr;
  int index = 0;  // position in Contract::fields()
};

// One version of one dataset. Immutable and thread-safe; descriptors live as long as it.
class Contract {
 public:
  // Parses proto source text. INVALID_ARGUMENT naming file, line and column; also where the options
  // are incomplete (no id, no key field, an evidence link to a field that is not there, secret
  // content, 不予共享 without its reason). Only
  // google/protobuf/{descriptor,timestamp,wrappers,struct,duration}.proto and
  // huiliu/v1/dataset.proto may be imported.
  static absl::StatusOr<std::shared_ptr<const Contract>> Parse(absl::string_view source_name,
                                                               absl::string_view source_text,
                                                               uint32_t version = 1);
  virtual ~Contract() = default;

  virtual const DatasetId& id() const = 0;
  virtual uint32_t version() const = 0;
  virtual const std::string& source_name() const = 0;
  virtual const std::string& source_text() const = 0;
  virtual const huiliu::v1::DatasetOptions& options() const = 0;
  virtual const google::protobuf::Descriptor* descriptor() const = 0;
  // In declaration order.
  virtual absl::Span<const Field> fields() const = 0;
  virtual absl::Span<const Field* const> key_fields() const = 0;
  // nullptr where there is none.
  virtual const Field* FindField(absl::string_view name) const = 0;
  virtual const Field* FindFieldByNumber(uint32_t number) const = 0;
  // The highest grade of its fields (就高从严).
  virtual huiliu::v1::Grade grade() const = 0;

  // The business key of a record: its key fields' values, each length-prefixed, in contract order.
  // INVALID_ARGUMENT naming the field where a key field is empty; DATA_LOSS where the bytes are no
  // message.
  virtual absl::StatusOr<std::string> KeyOf(absl::string_view record) const = 0;
  // The same key from the values' texts, as a lookup gives them.
  virtual absl::StatusOr<std::string> KeyFromValues(absl::Span<const std::string> values) const = 0;
};

// Whether `next` may follow `previous`: OK, or FAILED_PRECONDITION naming every removed,
// renumbered, renamed or retyped field and every changed key. docs/formats/dataset-contract.md
// lists the rules.
absl::Status CheckEvolution(const Contract& previous, const Contract& next);

}  // namespace huiliu::schema

#endif  // HUILIU_CORE_SCHEMA_CONTRACT_H_
