// Which keys may stand in the truth: a Bloom filter whose every key lives in one word, so that a
// key that was never seen costs one cache line instead of a walk through RocksDB. It only saves
// time: where it is not complete it says "maybe".
#ifndef HUILIU_STORAGE_DECISIONS_KEY_FILTER_H_
#define HUILIU_STORAGE_DECISIONS_KEY_FILTER_H_

#include <atomic>
#include <bit>
#include <cstdint>
#include <memory>

#include "storage/decisions/key_hash.h"

namespace huiliu {

// Thread-safe.
class KeyFilter {
 public:
  explicit KeyFilter(size_t bytes)
      : words_(bytes < 64 ? 0 : std::bit_floor(bytes / 8)),
        bits_(words_ == 0 ? nullptr : std::make_unique<std::atomic<uint64_t>[]>(words_)) {}

  void Add(const KeyHash& hash) {
    if (words_ != 0) Word(hash).fetch_or(Pattern(hash), std::memory_order_relaxed);
  }
  // False only where the filter is complete and the key was never added.
  bool MayHold(const KeyHash& hash) const {
    if (!complete_.load(std::memory_order_acquire)) return true;
    const uint64_t pattern = Pattern(hash);
    return (Word(hash).load(std::memory_order_relaxed) & pattern) == pattern;
  }
  void Prefetch(const KeyHash& hash) const {
    if (words_ != 0) __builtin_prefetch(&Word(hash));
  }
  // All keys of the truth have been added.
  void SetComplete(bool complete) {
    complete_.store(complete && words_ != 0, std::memory_order_release);
  }
  // Keys up to which it pays.
  size_t capacity() const { return words_ * 64 / 6; }

 private:
  static uint64_t Pattern(const KeyHash& hash) {
    uint64_t pattern = 0;
    for (int i = 0; i < 4; ++i) pattern |= uint64_t{1} << (hash.low >> (40 + 6 * i) & 63);
    return pattern;
  }
  std::atomic<uint64_t>& Word(const KeyHash& hash) const { return bits_[hash.high & (words_ - 1)]; }

  const size_t words_;
  const std::unique_ptr<std::atomic<uint64_t>[]> bits_;
  std::atomic<bool> complete_{false};
};

}  // namespace huiliu

#endif  // HUILIU_STORAGE_DECISIONS_KEY_FILTER_H_
