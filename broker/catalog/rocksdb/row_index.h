// The secondary indexes of one dataset: which keys a row has in them. docs/formats/catalog.md.
#ifndef HUILIU_BROKER_CATALOG_ROCKSDB_ROW_INDEX_H_
#define HUILIU_BROKER_CATALOG_ROCKSDB_ROW_INDEX_H_

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "broker/catalog/catalog.h"
#include "core/schema/contract.h"
#include "core/schema/wire_reader.h"

namespace huiliu::rocks_catalog {

// An index key: field number (4, big endian), value, 0x00 0x00, row key. Values keep their type's
// order: text as its bytes, numbers and times as 8 big-endian bytes with the sign bit turned;
// 0x00 in them is written 0x00 0xFF. Every dataset has an index on the attributed division of its
// rows' envelopes, under the field number 0.
class RowIndex {
 public:
  explicit RowIndex(std::shared_ptr<const schema::Contract> contract);

  const schema::Contract& contract() const { return *contract_; }
  const std::vector<const schema::Field*>& fields() const { return fields_; }

  // Appends the row's index keys one behind the other, and where each ends. Absent values are not
  // indexed; a payload that is no message has no index keys of its fields.
  void AppendKeys(absl::string_view envelope, absl::string_view payload, absl::string_view row_key,
                  std::string* keys, std::vector<size_t>* ends) const;
  // Those of its fields alone.
  void AppendFieldKeys(absl::string_view payload, absl::string_view row_key, std::string* keys,
                       std::vector<size_t>* ends) const;
  // Whether a row has this index key.
  bool Has(absl::string_view envelope, absl::string_view payload, absl::string_view row_key,
           absl::string_view index_key) const;

  // The index keys [begin, end) that the condition covers, ascending, apart from each other.
  // INVALID_ARGUMENT where the field has no index or a value is none of its type.
  absl::StatusOr<std::vector<std::pair<std::string, std::string>>> Ranges(
      const IndexCondition& condition) const;

 private:
  struct Occurrence {
    size_t field;
    schema::WireField value;
  };
  // Of the divisions asked for; none: no rows.
  static std::vector<std::pair<std::string, std::string>> DivisionRanges(
      const IndexCondition& condition);
  bool Find(absl::string_view payload, std::vector<Occurrence>* found) const;
  static bool AppendKey(const schema::Field& field, const schema::WireField& value,
                        absl::string_view row_key, std::string* out);

  const std::shared_ptr<const schema::Contract> contract_;
  std::vector<const schema::Field*> fields_;
  std::unique_ptr<schema::FieldPlan> plan_;
};

// Stands where a field's number does in the keys of the division's index.
inline constexpr uint32_t kDivisionNumber = 0;
std::string IndexPrefix(uint32_t field_number);
void AppendDivisionKey(absl::string_view division, absl::string_view row_key, std::string* out);
// Of a key of the division's index, or of what is left of one; false where it is none.
bool DivisionOfIndex(absl::string_view index_key, std::string* division);
// The attributed division of an encoded envelope; empty where it has none.
absl::string_view DivisionOf(absl::string_view envelope);
// The row key at the end of an index key; false where it is none.
bool RowKeyOfIndex(absl::string_view index_key, absl::string_view* row_key);

}  // namespace huiliu::rocks_catalog

#endif  // HUILIU_BROKER_CATALOG_ROCKSDB_ROW_INDEX_H_
