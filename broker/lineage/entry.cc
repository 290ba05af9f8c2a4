#include "broker/lineage/entry.h"

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "core/base/digest.h"
#include "core/model/varint.h"

namespace huiliu::lineage {
namespace {

using huiliu::v1::LineageEntry;

std::string Text(absl::string_view text) { return std::string(text.data(), text.size()); }

void SetRange(const LogRange& range, LineageEntry* entry) {
  entry->set_topic(range.topic);
  entry->set_partition(range.partition);
  entry->set_first_offset(range.first_offset);
  entry->set_last_offset(range.last_offset);
}

LineageEntry Begin(huiliu::v1::Step step, absl::Time now) {
  LineageEntry entry;
  entry.set_step(step);
  entry.set_time_us(absl::ToUnixMicros(now));
  return entry;
}

LineageEntry OfReader(huiliu::v1::Step step, const Reader& reader, absl::Time now) {
  LineageEntry entry = Begin(step, now);
  entry.set_actor(reader.account);
  entry.set_organisation(reader.organisation);
  entry.set_receiver(reader.receiver);
  entry.set_dataset(reader.dataset);
  entry.set_dataset_version(reader.dataset_version);
  entry.set_purpose(reader.purpose);
  entry.set_grant(reader.grant);
  entry.set_method(reader.method);
  return entry;
}

}  // namespace

void CutText(std::string* text, size_t limit) {
  if (text->size() <= limit) return;
  size_t end = limit;
  while (end > 0 && (static_cast<uint8_t>((*text)[end]) & 0xC0) == 0x80) --end;
  text->resize(end);
}

void NameOverrides(const std::set<std::string>& ids, LineageEntry* entry) {
  constexpr size_t kRoom = 1000;
  std::string names;
  for (const std::string& id : ids) {
    if (names.size() + id.size() > kRoom) {
      absl::StrAppend(&names, ",…");
      break;
    }
    absl::StrAppend(&names, names.empty() ? "override:" : ",", id);
  }
  if (!names.empty()) entry->set_detail(names);
}

LineageEntry IntakeEntry(const huiliu::v1::Batch& batch, absl::string_view system,
                         absl::string_view organisation, absl::string_view receiver,
                         absl::string_view actor, const LogRange& range, absl::Time now) {
  LineageEntry entry =
      Begin(batch.redrive() ? huiliu::v1::STEP_REDRIVE : huiliu::v1::STEP_INTAKE, now);
  entry.set_actor(Text(actor));
  entry.set_organisation(Text(organisation));
  entry.set_source(batch.source());
  entry.set_system(Text(system));
  entry.set_dataset(batch.dataset());
  entry.set_dataset_version(batch.dataset_version());
  entry.set_receiver(Text(receiver));
  entry.set_epoch(batch.epoch());
  entry.set_sequence(batch.sequence());
  entry.set_batch_digest(batch.digest());
  entry.set_records_root(batch.records_root());
  entry.set_records(batch.keys_size());
  entry.set_rest_digest(batch.rest_digest());
  entry.set_rest_rows(batch.rest_rows());
  entry.set_rule_set(batch.rule_set());
  *entry.mutable_counts() = batch.counts();
  entry.set_batch_signature(batch.signature());
  NameOverrides({batch.overrides().begin(), batch.overrides().end()}, &entry);
  for (const huiliu::v1::QuarantineNote& note : batch.quarantine_notes()) {
    huiliu::v1::QuarantineTrace* trace = entry.add_quarantined();
    trace->set_row_id(note.row_id());
    trace->set_reason(note.reason());
    trace->set_raw_sha256(note.raw_sha256());
  }
  for (const huiliu::v1::QuarantinedRow& row : batch.quarantined()) {
    huiliu::v1::QuarantineTrace* trace = entry.add_quarantined();
    trace->set_row_id(row.row_id());
    trace->set_reason(row.reason());
    trace->set_raw_sha256(ToString(Sha256(row.raw())));
  }
  if (batch.keys_size() > 0) SetRange(range, &entry);
  return entry;
}

LineageEntry ReturnEntry(const Decided& decided, const LogRange& range, absl::Time now) {
  LineageEntry entry = Begin(huiliu::v1::STEP_RETURN, now);
  entry.set_source(decided.source);
  entry.set_system(decided.system);
  entry.set_dataset(decided.dataset);
  entry.set_dataset_version(decided.dataset_version);
  entry.set_receiver(decided.receiver);
  entry.set_epoch(decided.epoch);
  entry.set_sequence(decided.sequence);
  entry.set_batch_digest(decided.batch_digest);
  entry.set_records_root(decided.records_root);
  entry.set_records(decided.records);
  entry.set_rule_set(decided.rule_set);
  for (const huiliu::v1::CountDelta& delta : decided.counts) *entry.add_counts() = delta;
  if (decided.records > 0) SetRange(range, &entry);
  return entry;
}

LineageEntry ApplyEntry(absl::string_view receiver, absl::string_view dataset,
                        uint32_t dataset_version, int64_t records, const LogRange& range,
                        absl::Time now) {
  LineageEntry entry = Begin(huiliu::v1::STEP_APPLY, now);
  entry.set_receiver(Text(receiver));
  entry.set_dataset(Text(dataset));
  entry.set_dataset_version(dataset_version);
  entry.set_records(records);
  SetRange(range, &entry);
  return entry;
}

std::vector<LineageEntry> ReadEntries(huiliu::v1::Step step, const Reader& reader,
                                      absl::Span<const std::string> key_digests, absl::Time now) {
  std::vector<LineageEntry> entries;
  size_t next = 0;
  do {
    const size_t end = std::min(key_digests.size(), next + size_t{kMaxKeyDigests});
    LineageEntry& entry = entries.emplace_back(OfReader(step, reader, now));
    entry.set_records(static_cast<int64_t>(end - next));
    for (; next < end; ++next) entry.add_key_digests(key_digests[next]);
  } while (next < key_digests.size());
  return entries;
}

LineageEntry RefusedEntry(const Reader& reader, absl::string_view reason, absl::Time now) {
  LineageEntry entry = OfReader(huiliu::v1::STEP_REFUSED, reader, now);
  entry.set_reason(Text(reason));
  return entry;
}

LineageEntry GovernEntry(absl::string_view actor, absl::string_view organisation,
                         absl::string_view method, absl::string_view detail,
                         absl::string_view reason, absl::Time now) {
  LineageEntry entry = Begin(huiliu::v1::STEP_GOVERN, now);
  entry.set_actor(Text(actor));
  entry.set_organisation(Text(organisation));
  entry.set_method(Text(method));
  entry.set_detail(Text(detail));
  entry.set_reason(Text(reason));
  return entry;
}

std::string KeyDigest(absl::string_view node_key, absl::string_view receiver,
                      absl::string_view dataset, absl::string_view row_key) {
  static thread_local std::string bytes;
  bytes.assign("huiliu read v1");
  for (absl::string_view part : {receiver, dataset, row_key}) {
    AppendVarint(&bytes, part.size());
    bytes.append(part.data(), part.size());
  }
  return ToString(HmacSha256(node_key, bytes));
}

absl::Status Bound(LineageEntry* entry) {
  if (entry->step() == huiliu::v1::STEP_UNSPECIFIED) {
    return absl::InvalidArgumentError("lineage entry without a step");
  }
  if (entry->key_digests_size() > kMaxKeyDigests) {
    return absl::InvalidArgumentError(absl::StrCat("lineage entry with ", entry->key_digests_size(),
                                                   " key digests, at most ", kMaxKeyDigests));
  }
  CutText(entry->mutable_reason(), kMaxTextBytes);
  CutText(entry->mutable_detail(), kMaxTextBytes);
  // The quarantine store holds every row; the log needs to say how many it does not name.
  size_t size = entry->ByteSizeLong();
  if (size > kMaxEntryBytes && entry->quarantined_size() > 0) {
    int dropped = 0;
    const size_t room = kMaxEntryBytes - 128;  // for the note in `detail`
    while (size > room && entry->quarantined_size() > 0) {
      const size_t trace = entry->quarantined(entry->quarantined_size() - 1).ByteSizeLong();
      entry->mutable_quarantined()->RemoveLast();
      size -= std::min(size, trace + 3);
      ++dropped;
    }
    absl::StrAppend(entry->mutable_detail(), entry->detail().empty() ? "" : "; ", dropped,
                    " more quarantined rows");
    size = entry->ByteSizeLong();
  }
  if (size > kMaxEntryBytes) {
    return absl::InvalidArgumentError(
        absl::StrCat("lineage entry of ", size, " bytes, at most ", kMaxEntryBytes));
  }
  return absl::OkStatus();
}

std::string Encode(const LineageEntry& entry) {
  std::string bytes;
  bytes.reserve(entry.ByteSizeLong());
  google::protobuf::io::StringOutputStream stream(&bytes);
  google::protobuf::io::CodedOutputStream coded(&stream);
  coded.SetSerializationDeterministic(true);
  entry.SerializeToCodedStream(&coded);
  coded.Trim();
  return bytes;
}

}  // namespace huiliu::lineage
