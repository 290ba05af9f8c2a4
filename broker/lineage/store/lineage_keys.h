// Keys of the lineage store's one column family. docs/formats/lineage.md, "The store".
#ifndef HUILIU_BROKER_LINEAGE_STORE_LINEAGE_KEYS_H_
#define HUILIU_BROKER_LINEAGE_STORE_LINEAGE_KEYS_H_

#include <cstdint>
#include <string>

#include "absl/base/internal/endian.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "core/base/digest.h"

namespace huiliu::lineage_keys {

inline constexpr char kState[] = "s";
inline constexpr size_t kDigestPrefix = 16;  // bytes of a key digest that index its reads

inline std::string BigEndian(uint64_t value) {
  std::string bytes(8, '\0');
  absl::big_endian::Store64(bytes.data(), value);
  return bytes;
}
inline int64_t TailIndex(absl::string_view key) {
  return static_cast<int64_t>(absl::big_endian::Load64(key.data() + key.size() - 8));
}

// First index of a run of entries → (varint length, leaf data)*.
inline std::string Entries(int64_t first) {
  return absl::StrCat("e", BigEndian(static_cast<uint64_t>(first)));
}
// A complete tile → 256 hashes.
inline std::string Tile(int level, uint64_t index) {
  const char name[2] = {'t', static_cast<char>(level)};
  return absl::StrCat(absl::string_view(name, 2), BigEndian(index));
}
// The incomplete tile of a level above 0 → its hashes.
inline std::string Edge(int level) {
  const char name[2] = {'p', static_cast<char>(level)};
  return std::string(name, 2);
}
// Tree size → Checkpoint.
inline std::string Checkpoint(int64_t size) {
  return absl::StrCat("c", BigEndian(static_cast<uint64_t>(size)));
}
// Source, epoch, sequence, then leaf index → step.
inline std::string BatchPrefix(absl::string_view source, uint64_t epoch, uint64_t sequence) {
  return absl::StrCat("q", source, absl::string_view("\0", 1), BigEndian(epoch),
                      BigEndian(sequence));
}
inline std::string Batch(absl::string_view source, uint64_t epoch, uint64_t sequence,
                         int64_t index) {
  return absl::StrCat(BatchPrefix(source, epoch, sequence),
                      BigEndian(static_cast<uint64_t>(index)));
}
// First bytes of the leaf hash of an entry whose counts are in the balance → empty.
inline std::string Counted(const Digest& leaf_hash) {
  return absl::StrCat("h", AsBytes(leaf_hash).substr(0, kDigestPrefix));
}
// Topic, partition, last offset of a run that the catalog applied → its first offset, leaf index.
inline std::string AppliedPrefix(absl::string_view topic, int32_t partition) {
  return absl::StrCat("a", topic, absl::string_view("\0", 1),
                      BigEndian(static_cast<uint64_t>(partition)));
}
inline std::string Applied(absl::string_view topic, int32_t partition, int64_t last_offset) {
  return absl::StrCat(AppliedPrefix(topic, partition),
                      BigEndian(static_cast<uint64_t>(last_offset)));
}
inline int64_t HeadOffset(absl::string_view value) {
  return static_cast<int64_t>(absl::big_endian::Load64(value.data()));
}
inline constexpr size_t kGrantMark = 8;
// The beginning of SHA-256 of a grant's id: tells most reads through other grants without their
// entries.
inline std::string GrantMark(absl::string_view grant) {
  return std::string(AsBytes(Sha256(grant)).substr(0, kGrantMark));
}
// Beginning of a key digest, then leaf index → the grant's mark (nothing in rows of older stores).
inline std::string ReadPrefix(absl::string_view key_digest) {
  return absl::StrCat("r", key_digest.substr(0, kDigestPrefix));
}
inline std::string Read(absl::string_view key_digest, int64_t index) {
  return absl::StrCat(ReadPrefix(key_digest), BigEndian(static_cast<uint64_t>(index)));
}
// Receiver, day, system, source, dataset, each ended by a zero byte → GetBalanceResponse.Line.
inline std::string BalancePrefix(absl::string_view receiver) {
  return absl::StrCat("b", receiver, absl::string_view("\0", 1));
}
inline std::string Balance(absl::string_view receiver, absl::string_view day,
                           absl::string_view system, absl::string_view source,
                           absl::string_view dataset) {
  const absl::string_view zero("\0", 1);
  return absl::StrCat(BalancePrefix(receiver), day, zero, system, zero,
                      absl::StrCat(source, zero, dataset, zero));
}
// Source → time of its newest batch, microseconds.
inline std::string LastBatch(absl::string_view source) { return absl::StrCat("l", source); }
// Receiver → count and last index of its refused reads.
inline std::string Refusals(absl::string_view receiver) { return absl::StrCat("f", receiver); }

}  // namespace huiliu::lineage_keys

#endif  // HUILIU_BROKER_LINEAGE_STORE_LINEAGE_KEYS_H_
