// How many rows a dataset has, and how many of them are attributed to which division.
#ifndef HUILIU_BROKER_CATALOG_ROCKSDB_ROW_COUNTS_H_
#define HUILIU_BROKER_CATALOG_ROCKSDB_ROW_COUNTS_H_

#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace huiliu::rocks_catalog {

struct RowCounts {
  int64_t rows = 0;
  std::map<std::string, int64_t, std::less<>> divisions;

  // A stored row comes (+1) or goes (-1).
  void Add(absl::string_view stored_row, int64_t by);
  void Add(const RowCounts& other);
  // Rows whose division lies in none of the areas (530100: all of 5301, 530000: all of 53).
  int64_t Outside(const std::vector<std::string>& areas) const;

  // varint rows, then varint size, division, varint count.
  std::string Encode() const;
  static absl::StatusOr<RowCounts> Decode(absl::string_view bytes);
};

}  // namespace huiliu::rocks_catalog

#endif  // HUILIU_BROKER_CATALOG_ROCKSDB_ROW_COUNTS_H_
