#include "broker/catalog/rocksdb/catalog_format.h"

#include "absl/strings/str_cat.h"
#include "core/model/varint.h"

namespace huiliu::rocks_catalog {

std::string RowsKey(absl::string_view dataset, absl::string_view row_key) {
  return absl::StrCat(dataset, absl::string_view("\0", 1), row_key);
}

std::string IndexPrefix(absl::string_view dataset, uint32_t field_number) {
  std::string key = absl::StrCat(dataset, absl::string_view("\0", 1));
  key.push_back(static_cast<char>(field_number >> 8));
  key.push_back(static_cast<char>(field_number));
  return key;
}

void AppendIndexValue(absl::string_view value, std::string* key) {
  for (char c : value) {
    key->push_back(c);
    if (c == '\0') key->push_back('\xFF');
  }
  key->append(2, '\0');
}

bool RowKeyOfIndex(absl::string_view index_key, size_t prefix_size, absl::string_view* row_key) {
  for (size_t i = prefix_size; i + 1 < index_key.size(); ++i) {
    if (index_key[i] != '\0') continue;
    if (index_key[i + 1] == '\0') {
      *row_key = index_key.substr(i + 2);
      return true;
    }
    ++i;
  }
  return false;
}

void EncodeRow(Partition partition, Offset offset, absl::string_view envelope,
               absl::string_view payload, std::string* out) {
  out->clear();
  AppendVarint(out, static_cast<uint64_t>(partition.value()));
  AppendVarint(out, static_cast<uint64_t>(offset.value()));
  AppendVarint(out, envelope.size());
  absl::StrAppend(out, envelope, payload);
}

absl::StatusOr<RowParts> ParseRow(absl::string_view value) {
  uint64_t partition = 0, offset = 0, envelope = 0;
  if (!TakeVarint(value, &partition) || !TakeVarint(value, &offset) ||
      !TakeVarint(value, &envelope) || envelope > value.size()) {
    return absl::DataLossError("a catalog row is torn");
  }
  return RowParts{Partition(static_cast<int32_t>(partition)), Offset(static_cast<int64_t>(offset)),
                  value.substr(0, envelope), value.substr(envelope)};
}

}  // namespace huiliu::rocks_catalog
