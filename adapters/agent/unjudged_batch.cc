#include "adapters/agent/unjudged_batch.h"

#include "absl/strings/str_cat.h"
#include "absl/time/civil_time.h"
#include "core/base/status.h"
#include "core/model/batch_digest.h"
#include "core/schema/contract.h"

namespace huiliu::agent {
namespace {

std::string Text(const huiliu_bytes& bytes) { return {bytes.data, bytes.size}; }

void AddRecord(const UnjudgedParts& parts, const huiliu_row& raw, const mapping::MappedRow& row,
               huiliu::v1::Batch* batch) {
  const bool is_delete = row.operation == huiliu::v1::OPERATION_DELETE;
  huiliu::v1::Envelope envelope;
  envelope.set_system(parts.source.system());
  envelope.set_source_department(parts.source.department());
  envelope.set_source_department_name(parts.source.department_title());
  envelope.set_source_table(Text(raw.table));
  envelope.set_row_id(Text(raw.row_id));
  envelope.set_operation(row.operation);
  envelope.set_source_time_us(row.source_time_us);
  envelope.set_key_hash(ToString(Sha256(row.key)));
  for (const std::string& finding : row.findings) envelope.add_findings(finding);
  envelope.set_masked_at_source(row.masked_at_source);
  envelope.set_source_epoch(batch->epoch());
  envelope.set_source_sequence(batch->sequence());
  envelope.set_index_in_batch(static_cast<uint32_t>(batch->keys_size()));
  envelope.set_cleaned_time_us(batch->created_us());
  envelope.set_source(parts.source.id());
  batch->add_keys(absl::StrCat(parts.source.system(), absl::string_view("\0", 1), row.key));
  batch->add_envelopes(envelope.SerializeAsString());
  batch->add_payloads(is_delete ? std::string() : row.payload);
}

void AddQuarantined(const huiliu_row& raw, const mapping::MappedRow& row,
                    huiliu::v1::Batch* batch) {
  huiliu::v1::QuarantinedRow* out = batch->add_quarantined();
  out->set_source(batch->source());
  out->set_row_id(Text(raw.row_id));
  out->set_reason(row.error_code);
  out->set_place(row.error_place.empty() ? Text(raw.row_id) : row.error_place);
  out->set_message(row.error_message);
  out->set_raw(Text(raw.raw));
  out->set_source_time_us(row.source_time_us);
}

}  // namespace

absl::StatusOr<MadeBatch> MakeUnjudgedBatch(const UnjudgedParts& parts, const huiliu_rows& rows,
                                            uint64_t epoch, uint64_t sequence) {
  MadeBatch made;
  huiliu::v1::Batch& batch = made.batch;
  batch.set_source(parts.source.id());
  batch.set_epoch(epoch);
  batch.set_sequence(sequence);
  batch.set_position(Text(rows.position));
  batch.set_dataset(parts.source.dataset());
  batch.set_dataset_version(parts.mapping.contract().version());
  batch.set_created_us(absl::ToUnixMicros(parts.clock.Now()));
  const auto today = static_cast<int32_t>(absl::ToCivilDay(parts.clock.Now(), ShanghaiTimeZone()) -
                                          absl::CivilDay(1970, 1, 1));
  std::vector<mapping::MappedRow> mapped(rows.row_count);
  for (size_t i = 0; i < rows.row_count; ++i) parts.mapping.Map(rows.rows[i], &mapped[i]);
  RETURN_IF_ERROR(parts.unmapped.Load(rows, mapped));
  for (size_t i = 0; i < rows.row_count; ++i) {
    const huiliu_row& row = rows.rows[i];
    const UnmappedRow* known = parts.unmapped.Find(row);
    if (mapped[i].error_code.empty()) {
      AddRecord(parts, row, mapped[i], &batch);
      if (known != nullptr) parts.unmapped.Forget(row);
    } else if (known == nullptr || UnmappedRows::VersionOf(*known, row) == nullptr) {
      AddQuarantined(row, mapped[i], &batch);
      parts.unmapped.Add(row, today, mapped[i].masked_at_source);
    }
  }
  made.decisions = parts.unmapped.TakeUpdates();
  batch.set_records_root(ToString(MerkleRootOf(RecordLeafHashes(batch))));
  batch.set_digest(ToString(BatchDigest(batch)));
  ASSIGN_OR_RETURN(*batch.mutable_signature(), parts.key.Sign(batch.digest()));
  return made;
}

}  // namespace huiliu::agent
