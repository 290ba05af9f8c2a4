#include "adapters/agent/unmapped_rows.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "core/base/digest.h"
#include "core/base/status.h"
#include "core/model/varint.h"

namespace huiliu::agent {
namespace {

constexpr char kFormat = 1;
constexpr size_t kRawBytes = 16;
constexpr char kSeveral = 1;
constexpr char kMasked = 1;
constexpr absl::string_view kAnyKey("\0", 1);  // there ever was one

absl::string_view View(const huiliu_bytes& bytes) { return {bytes.data, bytes.size}; }

std::string RawDigest(const huiliu_row& row) {
  return std::string(AsBytes(Sha256(View(row.raw))).substr(0, kRawBytes));
}

// A row without an id is known by its content alone.
std::string KeyOf(const huiliu_row& row) {
  if (row.row_id.size > 0) return absl::StrCat(absl::string_view("\0i", 2), View(row.row_id));
  return absl::StrCat(absl::string_view("\0d", 2), RawDigest(row));
}

}  // namespace

std::string EncodeUnmappedRow(const UnmappedRow& row) {
  std::string bytes = {kFormat, row.several ? kSeveral : '\0'};
  for (const UnmappedVersion& version : row.versions) {
    bytes.push_back(static_cast<char>(version.outcome));
    bytes.push_back(version.masked ? kMasked : '\0');
    AppendVarint(&bytes, static_cast<uint64_t>(std::max(version.counted_day, 0)));
    bytes += version.raw;
  }
  return bytes;
}

absl::Status DecodeUnmappedRow(absl::string_view bytes, UnmappedRow* row) {
  *row = {};
  bool good = bytes.size() >= 2 && bytes[0] == kFormat;
  if (good) row->several = (bytes[1] & kSeveral) != 0;
  absl::string_view rest = good ? bytes.substr(2) : absl::string_view();
  while (good && !rest.empty()) {
    UnmappedVersion& version = row->versions.emplace_back();
    good = rest.size() >= 2 && huiliu::v1::Outcome_IsValid(rest[0]);
    if (!good) break;
    version.outcome = static_cast<huiliu::v1::Outcome>(rest[0]);
    version.masked = (rest[1] & kMasked) != 0;
    rest.remove_prefix(2);
    uint64_t day = 0;
    good = TakeVarint(rest, &day) && day <= INT32_MAX && rest.size() >= kRawBytes &&
           row->versions.size() <= kMaxUnmappedVersions;
    if (!good) break;
    version.counted_day = static_cast<int32_t>(day);
    version.raw = std::string(rest.substr(0, kRawBytes));
    rest.remove_prefix(kRawBytes);
  }
  if (good) return absl::OkStatus();
  return absl::DataLossError(
      absl::StrCat("what is remembered of an unmapped row (", bytes.size(), " bytes) is damaged"));
}

absl::Status UnmappedRows::Load(const huiliu_rows& rows,
                                absl::Span<const mapping::MappedRow> mapped) {
  rows_.clear();
  if (!any_) {
    const absl::string_view any[] = {kAnyKey};
    ASSIGN_OR_RETURN(const auto value, store_.GetMany(any));
    any_ = value[0].has_value();
  }
  std::vector<std::string> keys;
  for (size_t i = 0; i < rows.row_count; ++i) {
    if (any_ || !mapped[i].error_code.empty()) keys.push_back(KeyOf(rows.rows[i]));
  }
  if (!any_) {  // nothing is stored: room for what comes
    for (std::string& key : keys) rows_[std::move(key)];
    return absl::OkStatus();
  }
  const std::vector<absl::string_view> views(keys.begin(), keys.end());
  ASSIGN_OR_RETURN(const auto values, store_.GetMany(views));
  for (size_t i = 0; i < keys.size(); ++i) {
    if (!values[i].has_value()) continue;
    Known& known = rows_[keys[i]];
    RETURN_IF_ERROR(DecodeUnmappedRow(*values[i], &known.row));
    known.there = true;
  }
  return absl::OkStatus();
}

const UnmappedRow* UnmappedRows::Find(const huiliu_row& row) const {
  if (rows_.empty()) return nullptr;
  const auto known = rows_.find(KeyOf(row));
  return known == rows_.end() || !known->second.there ? nullptr : &known->second.row;
}

const UnmappedVersion* UnmappedRows::VersionOf(const UnmappedRow& known, const huiliu_row& row) {
  const std::string raw = RawDigest(row);
  for (const UnmappedVersion& version : known.versions) {
    if (version.raw == raw) return &version;
  }
  return nullptr;
}

void UnmappedRows::Add(const huiliu_row& row, int32_t counted_day, bool masked) {
  Known& known = rows_[KeyOf(row)];
  known.row.several = known.row.several || known.added_here;
  auto& versions = known.row.versions;
  if (versions.size() >= kMaxUnmappedVersions) versions.erase(versions.begin());
  versions.push_back({RawDigest(row), huiliu::v1::OUTCOME_QUARANTINED, counted_day, masked});
  known.there = known.added_here = known.changed = true;
}

void UnmappedRows::SetOutcome(const huiliu_row& row, huiliu::v1::Outcome outcome) {
  const auto known = rows_.find(KeyOf(row));
  if (known == rows_.end()) return;
  const std::string raw = RawDigest(row);
  for (UnmappedVersion& version : known->second.row.versions) {
    if (version.raw != raw) continue;
    version.outcome = outcome;
    known->second.changed = true;
  }
}

void UnmappedRows::Forget(const huiliu_row& row) {
  const auto known = rows_.find(KeyOf(row));
  if (known == rows_.end()) return;
  UnmappedRow& kept = known->second.row;
  if (kept.several) {
    const std::string raw = RawDigest(row);
    std::erase_if(kept.versions,
                  [&](const UnmappedVersion& version) { return version.raw == raw; });
  } else {
    kept.versions.clear();
  }
  known->second.there = !kept.versions.empty();
  known->second.changed = true;
}

std::vector<DecisionUpdate> UnmappedRows::TakeUpdates() {
  std::vector<DecisionUpdate> updates;
  for (const auto& [key, known] : rows_) {
    if (known.changed) updates.push_back({key, known.there ? EncodeUnmappedRow(known.row) : ""});
  }
  rows_.clear();
  if (updates.empty() || any_) return updates;
  any_ = true;
  updates.push_back({std::string(kAnyKey), std::string(1, kFormat)});
  return updates;
}

}  // namespace huiliu::agent
