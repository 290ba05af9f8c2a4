#include "broker/catalog/rocksdb/row_overlaps.h"

#include <cstring>

#include "broker/catalog/rocksdb/catalog_format.h"
#include "core/schema/wire_reader.h"
#include "huiliu/v1/common.pb.h"

namespace huiliu::rocks_catalog {

absl::string_view SourceOf(absl::string_view envelope) {
  schema::WireField field;
  absl::string_view source;
  while (schema::TakeField(envelope, &field)) {
    if (field.field_number == huiliu::v1::Envelope::kSourceFieldNumber) source = field.bytes;
  }
  return source;
}

absl::string_view SourceOf(const DeltaRow& row) {
  if (row.tombstone())
    return {row.value_data + 1, static_cast<size_t>(static_cast<uint8_t>(row.value_data[0]))};
  const auto parts = ParseRow(row.value());
  return parts.ok() ? SourceOf(parts->envelope) : absl::string_view();
}

size_t TellerBytes(absl::string_view source) {
  return 1 + (source.size() > kMaxTellerBytes ? 0 : source.size());
}

void PutTeller(absl::string_view source, char* out) {
  const size_t size = TellerBytes(source) - 1;
  out[0] = static_cast<char>(size);
  if (size > 0) std::memcpy(out + 1, source.data(), size);
}

bool MetSources::Meet(absl::string_view row_key, absl::string_view source) {
  const absl::string_view system = row_key.substr(0, row_key.find('\0'));
  auto met = systems_.find(system);
  if (met == systems_.end())
    met = systems_.try_emplace(std::string(system), Met{std::string(source)}).first;
  met->second.several = met->second.several || met->second.first != source;
  return met->second.several;
}

}  // namespace huiliu::rocks_catalog
