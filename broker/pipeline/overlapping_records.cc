#include "broker/pipeline/overlapping_records.h"

#include "absl/strings/str_cat.h"

namespace huiliu::pipeline {

bool OverlappingRecords::IsDecidedHere(const std::string& source) const {
  const auto known = state_.FindSource(source);
  return known.has_value() && known->placement() == huiliu::v1::PLACEMENT_NODE;
}

void OverlappingRecords::Add(const Pair& pair, int64_t records) {
  if (IsDecidedHere(pair.source) && IsDecidedHere(pair.other)) return;
  const absl::Time now = clock_.Now();
  {
    absl::MutexLock lock(&mutex_);
    Seen& seen = seen_[pair];
    seen.records += records;
    seen.last = now;
    if (now - seen.warned < kWarnEvery) return;
    seen.warned = now;
  }
  if (warn_) {
    warn_(absl::StrCat("source ", pair.source, " writes over records of source ", pair.other,
                       " of the same system in dataset ", pair.dataset));
  }
}

std::map<OverlappingRecords::Pair, int64_t> OverlappingRecords::seen() const {
  absl::MutexLock lock(&mutex_);
  std::map<Pair, int64_t> all;
  for (const auto& [pair, seen] : seen_) all[pair] = seen.records;
  return all;
}

std::string OverlappingRecords::Notice() const {
  const absl::Time now = clock_.Now();
  absl::MutexLock lock(&mutex_);
  std::string text;
  for (const auto& [pair, seen] : seen_) {
    if (now - seen.last > kNoticeFor) continue;
    absl::StrAppend(
        &text, "数据集 ", pair.dataset, "：数据源 ", pair.source, " 覆盖了同一系统数据源 ",
        pair.other, " 的 ", seen.records,
        " 条记录，两者主键重叠、互不知情；请使其主键不重叠，或只留其一 / dataset ", pair.dataset,
        ": source ", pair.source, " wrote over ", seen.records, " records of source ", pair.other,
        " of the same system; they tell the same keys and know nothing of each other: let each "
        "tell keys of its own, or keep one of them (last ",
        absl::FormatTime("%Y-%m-%dT%H:%M:%SZ", seen.last, absl::UTCTimeZone()), ")\n");
  }
  return text;
}

}  // namespace huiliu::pipeline
