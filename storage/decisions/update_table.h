// Decisions in memory: a hash table over encoded entries that stay where they were staged, so that
// staging, committing and writing out a batch copy nothing.
#ifndef HUILIU_STORAGE_DECISIONS_UPDATE_TABLE_H_
#define HUILIU_STORAGE_DECISIONS_UPDATE_TABLE_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "storage/decisions/decision_store.h"
#include "storage/decisions/key_hash.h"

namespace huiliu {

// An entry: varint key length, key, varint value length, value. An empty value: the key is
// forgotten.
struct UpdateEntry {
  absl::string_view key;
  absl::string_view value;
  absl::string_view whole;
};
// Takes an entry off the front; false where it is torn.
bool TakeUpdateEntry(absl::string_view& rest, UpdateEntry* entry);
// Entries end to end. Sizes are known before the first byte is written.
std::string EncodeUpdates(absl::Span<const DecisionUpdate> updates);

// Thread-compatible; read by several threads once nothing is added.
class UpdateTable {
 public:
  struct Slot {
    KeyHash hash;
    const char* entry = nullptr;  // nullptr: free
    uint32_t bytes = 0;
  };

  explicit UpdateTable(size_t expected = 0);

  // Takes over a blob of entries. DATA_LOSS where it is torn.
  absl::Status Add(const KeyHashSeed& seed, std::string blob);
  // Takes over all of `other`, which becomes empty. Newer than what is here.
  void Add(UpdateTable&& other);
  // Whether there is an entry for the key.
  bool Find(const KeyHash& hash, absl::string_view key, absl::string_view* value) const;
  // Asks for the slot's cache line ahead of Find.
  void Prefetch(const KeyHash& hash) const { __builtin_prefetch(&slots_[hash.low & mask_]); }

  size_t size() const { return size_; }
  // Blobs and slots.
  size_t bytes() const { return blob_bytes_ + slots_.size() * sizeof(Slot); }
  // Slots, free ones among them.
  absl::Span<const Slot> slots() const { return slots_; }

 private:
  void Put(const Slot& slot);
  void Grow(size_t expected);

  std::vector<std::unique_ptr<const std::string>> blobs_;
  std::vector<Slot> slots_;
  size_t mask_ = 0;
  size_t size_ = 0;
  size_t blob_bytes_ = 0;
};

}  // namespace huiliu

#endif  // HUILIU_STORAGE_DECISIONS_UPDATE_TABLE_H_
