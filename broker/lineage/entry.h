// Lineage entries (流转与访问留痕): one leaf of the log per batch and step. Pure; no personal data
// stands in an entry.
#ifndef HUILIU_BROKER_LINEAGE_ENTRY_H_
#define HUILIU_BROKER_LINEAGE_ENTRY_H_

#include <set>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "core/model/ids.h"
#include "huiliu/v1/audit.pb.h"
#include "huiliu/v1/governance.pb.h"
#include "huiliu/v1/intake.pb.h"

namespace huiliu::lineage {

inline constexpr size_t kMaxEntryBytes = (64 << 10) - 1;  // an encoded entry, at most
inline constexpr int kMaxKeyDigests = 1000;               // of one entry
inline constexpr size_t kMaxTextBytes = 1024;  // of a reason or detail: cut at a code point beyond

// Where records stand in the log.
struct LogRange {
  std::string topic;
  int32_t partition = 0;
  int64_t first_offset = 0;
  int64_t last_offset = 0;
};

// Who reads what, why.
struct Reader {
  std::string account;
  std::string organisation;
  std::string receiver;
  std::string dataset;
  uint32_t dataset_version = 0;
  std::string purpose;
  std::string grant;   // empty where there was none
  std::string method;  // e.g. Catalog.Get
};

// A batch taken over (STEP_INTAKE, or STEP_REDRIVE where it is one). Counts, digests, signature and
// content-free quarantine traces come from the batch; `system` and `organisation` from the source's
// registration. The batch's records must stand at `range`.
huiliu::v1::LineageEntry IntakeEntry(const huiliu::v1::Batch& batch, absl::string_view system,
                                     absl::string_view organisation, absl::string_view receiver,
                                     absl::string_view actor, const LogRange& range,
                                     absl::Time now);

// What a return engine at the node decided of a source batch (STEP_RETURN). `records_root` is over
// the records that went to `receiver`.
struct Decided {
  std::string source;
  std::string system;
  std::string dataset;
  uint32_t dataset_version = 0;
  std::string receiver;
  uint64_t epoch = 0;
  uint64_t sequence = 0;
  std::string batch_digest;
  std::string records_root;
  int64_t records = 0;
  std::string rule_set;
  std::vector<huiliu::v1::CountDelta> counts;
};
huiliu::v1::LineageEntry ReturnEntry(const Decided& decided, const LogRange& range, absl::Time now);

// The catalog applied a batch (STEP_APPLY).
huiliu::v1::LineageEntry ApplyEntry(absl::string_view receiver, absl::string_view dataset,
                                    uint32_t dataset_version, int64_t records,
                                    const LogRange& range, absl::Time now);

// Rows that leave through a grant (step STEP_READ, or STEP_DELIVER through a subscription). One
// entry per kMaxKeyDigests keys; none for no keys is still one entry: that somebody looked is
// recorded too. `key_digests` come from KeyDigest.
std::vector<huiliu::v1::LineageEntry> ReadEntries(huiliu::v1::Step step, const Reader& reader,
                                                  absl::Span<const std::string> key_digests,
                                                  absl::Time now);

// A read that was refused (STEP_REFUSED). `reason` is the refusal's stable code and words, without
// personal data.
huiliu::v1::LineageEntry RefusedEntry(const Reader& reader, absl::string_view reason,
                                      absl::Time now);

// A governance command (STEP_GOVERN): what changed, content-free ("grant hrss-insurance put,
// version 7").
huiliu::v1::LineageEntry GovernEntry(absl::string_view actor, absl::string_view organisation,
                                     absl::string_view method, absl::string_view detail,
                                     absl::string_view reason, absl::Time now);

// Keyed digest of a row's key: HMAC-SHA-256 under the node's key over receiver, dataset and key,
// each length-prefixed. Without the key nobody can try citizen numbers against the log. 32 bytes.
std::string KeyDigest(absl::string_view node_key, absl::string_view receiver,
                      absl::string_view dataset, absl::string_view row_key);

// Says in `detail` which territory overrides decided rows: "override:ov7,ov12". As many as have
// room; the rows' envelopes name each.
void NameOverrides(const std::set<std::string>& ids, huiliu::v1::LineageEntry* entry);

// Cuts a text to at most `limit` bytes, at a code point's beginning: half of one would make the
// whole entry unreadable.
void CutText(std::string* text, size_t limit);

// Makes an entry fit: long texts are cut; quarantine traces beyond the room are dropped, their
// number named in `detail`. Key digests are never cut (ReadEntries splits). INVALID_ARGUMENT where
// it still does not fit, or names no step.
absl::Status Bound(huiliu::v1::LineageEntry* entry);

// The leaf data: deterministic encoding.
std::string Encode(const huiliu::v1::LineageEntry& entry);

}  // namespace huiliu::lineage

#endif  // HUILIU_BROKER_LINEAGE_ENTRY_H_
