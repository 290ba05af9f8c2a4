// Rows that more than one source brings: versions that follow each other and are of two sources.
// Looked at where both are at hand anyway. docs/formats/catalog.md, "Records of two sources".
#ifndef HUILIU_BROKER_CATALOG_ROCKSDB_ROW_OVERLAPS_H_
#define HUILIU_BROKER_CATALOG_ROCKSDB_ROW_OVERLAPS_H_

#include <cstdint>
#include <map>
#include <string>
#include <utility>

#include "absl/strings/string_view.h"
#include "broker/catalog/rocksdb/delta_run.h"

namespace huiliu::rocks_catalog {

// The source that an encoded envelope names; empty where it names none.
absl::string_view SourceOf(absl::string_view envelope);
// That of a version, of a tombstone, too.
absl::string_view SourceOf(const DeltaRow& row);

// What a tombstone keeps of its envelope, in the place of a value: a byte for its size, the source.
inline constexpr size_t kMaxTellerBytes = 255;
size_t TellerBytes(absl::string_view source);
void PutTeller(absl::string_view source, char* out);

// Rows that were there of one source and were replaced or removed by another. One thread.
class RowOverlaps {
 public:
  // `older` is of a live row, else empty.
  void Look(absl::string_view older, absl::string_view newer) {
    if (older.empty() || newer.empty() || older == newer) return;
    ++rows_[{std::string(newer), std::string(older)}];
  }
  void Look(const DeltaRow& older, const DeltaRow& newer) {
    if (!older.tombstone()) Look(SourceOf(older), SourceOf(newer));
  }
  // By the source that came and the one whose rows were there.
  const std::map<std::pair<std::string, std::string>, int64_t>& rows() const { return rows_; }

 private:
  std::map<std::pair<std::string, std::string>, int64_t> rows_;
};

// The sources that were met, by system: whether it is worth looking for versions of two of them.
class MetSources {
 public:
  // `row_key` begins with the system. Whether the system has several by now.
  bool Meet(absl::string_view row_key, absl::string_view source);

 private:
  struct Met {
    std::string first;
    bool several = false;
  };
  std::map<std::string, Met, std::less<>> systems_;
};

}  // namespace huiliu::rocks_catalog

#endif  // HUILIU_BROKER_CATALOG_ROCKSDB_ROW_OVERLAPS_H_
