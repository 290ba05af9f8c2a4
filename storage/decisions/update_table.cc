#include "storage/decisions/update_table.h"

#include <algorithm>
#include <bit>
#include <utility>

#include "core/model/varint.h"

namespace huiliu {
namespace {

bool TakeBytes(absl::string_view& rest, absl::string_view* bytes) {
  uint64_t size = 0;
  if (!TakeVarint(rest, &size) || size > rest.size()) return false;
  *bytes = rest.substr(0, size);
  rest.remove_prefix(size);
  return true;
}

size_t VarintSize(uint64_t value) {
  return std::max(1, (static_cast<int>(std::bit_width(value)) + 6) / 7);
}

}  // namespace

bool TakeUpdateEntry(absl::string_view& rest, UpdateEntry* entry) {
  const char* begin = rest.data();
  if (!TakeBytes(rest, &entry->key) || !TakeBytes(rest, &entry->value)) return false;
  entry->whole = absl::string_view(begin, rest.data() - begin);
  return true;
}

std::string EncodeUpdates(absl::Span<const DecisionUpdate> updates) {
  size_t bytes = 0;
  for (const DecisionUpdate& update : updates) {
    bytes += VarintSize(update.key.size()) + update.key.size() + VarintSize(update.value.size()) +
             update.value.size();
  }
  std::string blob;
  blob.reserve(bytes);
  for (const DecisionUpdate& update : updates) {
    AppendVarint(&blob, update.key.size());
    blob.append(update.key);
    AppendVarint(&blob, update.value.size());
    blob.append(update.value);
  }
  return blob;
}

UpdateTable::UpdateTable(size_t expected) { Grow(expected); }

absl::Status UpdateTable::Add(const KeyHashSeed& seed, std::string blob) {
  blobs_.push_back(std::make_unique<const std::string>(std::move(blob)));
  blob_bytes_ += blobs_.back()->size();
  absl::string_view rest = *blobs_.back();
  UpdateEntry entry;
  while (!rest.empty()) {
    if (!TakeUpdateEntry(rest, &entry)) return absl::DataLossError("staged decisions are torn");
    Put({HashKey(seed, entry.key), entry.whole.data(), static_cast<uint32_t>(entry.whole.size())});
  }
  return absl::OkStatus();
}

void UpdateTable::Add(UpdateTable&& other) {
  if ((size_ + other.size_) * 4 > slots_.size() * 3) Grow(size_ + other.size_);
  constexpr size_t kAhead = 16;
  for (size_t i = 0; i < other.slots_.size(); ++i) {
    if (i + kAhead < other.slots_.size() && other.slots_[i + kAhead].entry != nullptr) {
      Prefetch(other.slots_[i + kAhead].hash);
    }
    if (other.slots_[i].entry != nullptr) Put(other.slots_[i]);
  }
  for (auto& blob : other.blobs_) blobs_.push_back(std::move(blob));
  blob_bytes_ += other.blob_bytes_;
  other = UpdateTable();
}

bool UpdateTable::Find(const KeyHash& hash, absl::string_view key, absl::string_view* value) const {
  for (size_t at = hash.low & mask_; slots_[at].entry != nullptr; at = (at + 1) & mask_) {
    if (slots_[at].hash != hash) continue;
    absl::string_view rest(slots_[at].entry, slots_[at].bytes);
    UpdateEntry entry;
    // 128 bits of a keyed hash: another key here would be a broken invariant, and is simply not
    // this key.
    if (!TakeUpdateEntry(rest, &entry) || entry.key != key) return false;
    *value = entry.value;
    return true;
  }
  return false;
}

void UpdateTable::Put(const Slot& slot) {
  if ((size_ + 1) * 4 > slots_.size() * 3) Grow(size_ * 2);
  size_t at = slot.hash.low & mask_;
  while (slots_[at].entry != nullptr && slots_[at].hash != slot.hash) at = (at + 1) & mask_;
  if (slots_[at].entry == nullptr) ++size_;
  slots_[at] = slot;
}

void UpdateTable::Grow(size_t expected) {
  const size_t wanted = std::bit_ceil(std::max<size_t>(16, expected * 3 / 2 + 1));
  if (wanted <= slots_.size()) return;
  std::vector<Slot> old = std::exchange(slots_, std::vector<Slot>(wanted));
  mask_ = wanted - 1;
  size_ = 0;
  for (const Slot& slot : old) {
    if (slot.entry != nullptr) Put(slot);
  }
}

}  // namespace huiliu
