#include "broker/catalog/rocksdb/row_counts.h"

#include <algorithm>

#include "absl/strings/match.h"
#include "broker/catalog/rocksdb/catalog_format.h"
#include "broker/catalog/rocksdb/row_index.h"
#include "core/model/varint.h"

namespace huiliu::rocks_catalog {
namespace {

// 530100 → 5301, 530000 → 53, 530102 → 530102: what its codes begin with.
absl::string_view AreaPrefix(absl::string_view area) {
  if (absl::EndsWith(area, "0000")) return area.substr(0, 2);
  return absl::EndsWith(area, "00") ? area.substr(0, 4) : area;
}

}  // namespace

void RowCounts::Add(absl::string_view stored_row, int64_t by) {
  rows += by;
  const auto parts = ParseRow(stored_row);
  const absl::string_view division = parts.ok() ? DivisionOf(parts->envelope) : "";
  const std::string_view key(division.data(), division.size());
  auto it = divisions.find(key);
  if (it == divisions.end()) it = divisions.emplace(std::string(key), 0).first;
  it->second += by;
}

void RowCounts::Add(const RowCounts& other) {
  rows += other.rows;
  for (const auto& [division, count] : other.divisions) divisions[division] += count;
}

int64_t RowCounts::Outside(const std::vector<std::string>& areas) const {
  int64_t outside = 0;
  for (const auto& [division, count] : divisions) {
    const bool inside =
        std::any_of(areas.begin(), areas.end(), [&code = division](const std::string& area) {
          return absl::StartsWith(code, AreaPrefix(area));
        });
    if (!inside) outside += count;
  }
  return outside;
}

std::string RowCounts::Encode() const {
  std::string out;
  AppendVarint(&out, static_cast<uint64_t>(rows));
  for (const auto& [division, count] : divisions) {
    if (count == 0) continue;
    AppendVarint(&out, division.size());
    out += division;
    AppendVarint(&out, static_cast<uint64_t>(count));
  }
  return out;
}

absl::StatusOr<RowCounts> RowCounts::Decode(absl::string_view bytes) {
  RowCounts counts;
  uint64_t rows = 0;
  if (!TakeVarint(bytes, &rows)) return absl::DataLossError("row counts cannot be read");
  counts.rows = static_cast<int64_t>(rows);
  while (!bytes.empty()) {
    uint64_t size = 0, count = 0;
    if (!TakeVarint(bytes, &size) || size > bytes.size())
      return absl::DataLossError("row counts cannot be read");
    const std::string division(bytes.substr(0, size));
    bytes.remove_prefix(size);
    if (!TakeVarint(bytes, &count)) return absl::DataLossError("row counts cannot be read");
    counts.divisions[division] = static_cast<int64_t>(count);
  }
  return counts;
}

}  // namespace huiliu::rocks_catalog
