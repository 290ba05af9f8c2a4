// Rows that could not be mapped, and those that can be now: BatchMaker's part of it.
#include "adapters/agent/batch_work.h"

namespace huiliu::agent {

void BatchMaker::DecideUnmapped(Work* work, size_t i) {
  const mapping::MappedRow& row = work->mapped[i];
  const huiliu_row& raw = work->rows.rows[i];
  const UnmappedRow* known = unmapped_.Find(raw);
  const bool before = known != nullptr;
  if (before && UnmappedRows::VersionOf(*known, raw) != nullptr) {
    work->made.batch.set_unchanged_rows(work->made.batch.unchanged_rows() + 1);
    return;
  }
  CountChange(work, work->today, huiliu::v1::OUTCOME_QUARANTINED, decision_, row.masked_at_source,
              1);
  KeepRow(work, i, work->today, row.error_code, row.error_place, row.error_message,
          &work->made.quarantined);
  AddRest(work, i);
  unmapped_.Add(raw, NumberOf(work->today), row.masked_at_source);
  // Of rows that share an id no one can say which stands for which.
  if (before && !unmapped_.Find(raw)->several) work->made.superseded.emplace_back(View(raw.row_id));
}

bool BatchMaker::TakeMended(Work* work, size_t i, std::optional<UnmappedVersion>* mended) {
  const huiliu_row& raw = work->rows.rows[i];
  const UnmappedRow* known = unmapped_.Find(raw);
  if (known == nullptr) return true;
  const UnmappedVersion* version = UnmappedRows::VersionOf(*known, raw);
  if (version != nullptr && version->outcome != huiliu::v1::OUTCOME_QUARANTINED) {
    // Somebody corrected and redrove it; that stands until the source changes the row.
    work->made.batch.set_unchanged_rows(work->made.batch.unchanged_rows() + 1);
    return false;
  }
  if (!known->several) work->made.superseded.emplace_back(View(raw.row_id));
  // Another version was corrected at its source: a change of its own.
  if (version != nullptr) {
    *mended = *version;
    CountChange(work, DayOf(version->counted_day), huiliu::v1::OUTCOME_QUARANTINED, {},
                version->masked, -1);
    work->moved_counts = true;
  }
  unmapped_.Forget(raw);
  return true;
}

}  // namespace huiliu::agent
