// Keys and values of the catalog's column families. docs/formats/catalog.md.
#ifndef HUILIU_BROKER_CATALOG_ROCKSDB_CATALOG_FORMAT_H_
#define HUILIU_BROKER_CATALOG_ROCKSDB_CATALOG_FORMAT_H_

#include <string>

#include "absl/status/statusor.h"
#include "broker/catalog/catalog.h"

namespace huiliu::rocks_catalog {

// rows: dataset, 0x00, row key.
std::string RowsKey(absl::string_view dataset, absl::string_view row_key);
// index: dataset, 0x00, field number (2, big endian), escaped value, 0x00 0x00, row key. Escaping
// (0x00 → 0x00 0xFF) keeps the order of the values' bytes.
std::string IndexPrefix(absl::string_view dataset, uint32_t field_number);
void AppendIndexValue(absl::string_view value, std::string* key);
// The row key at the end of an index key; false where it is none.
bool RowKeyOfIndex(absl::string_view index_key, size_t prefix_size, absl::string_view* row_key);

// varint partition, varint offset, varint envelope size, envelope, payload.
void EncodeRow(Partition partition, Offset offset, absl::string_view envelope,
               absl::string_view payload, std::string* out);
struct RowParts {
  Partition partition;
  Offset offset;
  absl::string_view envelope;
  absl::string_view payload;
};
absl::StatusOr<RowParts> ParseRow(absl::string_view value);

}  // namespace huiliu::rocks_catalog

#endif  // HUILIU_BROKER_CATALOG_ROCKSDB_CATALOG_FORMAT_H_
