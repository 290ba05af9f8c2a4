// SipHash-2-4 with 128 bits of output (Aumasson and Bernstein, "SipHash: a fast short-input PRF"):
// keys sort and spread evenly whatever they are, and no source can choose keys that collide in a
// store whose seed it does not know.
#ifndef HUILIU_STORAGE_DECISIONS_KEY_HASH_H_
#define HUILIU_STORAGE_DECISIONS_KEY_HASH_H_

#include <array>
#include <bit>
#include <compare>
#include <cstdint>
#include <cstring>

#include "absl/base/internal/endian.h"
#include "absl/strings/string_view.h"

namespace huiliu {

struct KeyHash {
  uint64_t high = 0;
  uint64_t low = 0;
  friend bool operator==(const KeyHash&, const KeyHash&) = default;
  friend auto operator<=>(const KeyHash&, const KeyHash&) = default;
};

struct KeyHashSeed {
  uint64_t k0 = 0;
  uint64_t k1 = 0;
};

inline KeyHash HashKey(const KeyHashSeed& seed, absl::string_view key) {
  uint64_t v0 = 0x736f6d6570736575u ^ seed.k0;
  uint64_t v1 = 0x646f72616e646f6du ^ seed.k1 ^ 0xee;
  uint64_t v2 = 0x6c7967656e657261u ^ seed.k0;
  uint64_t v3 = 0x7465646279746573u ^ seed.k1;
  const auto round = [&] {
    v0 += v1, v1 = std::rotl(v1, 13), v1 ^= v0, v0 = std::rotl(v0, 32);
    v2 += v3, v3 = std::rotl(v3, 16), v3 ^= v2;
    v0 += v3, v3 = std::rotl(v3, 21), v3 ^= v0;
    v2 += v1, v1 = std::rotl(v1, 17), v1 ^= v2, v2 = std::rotl(v2, 32);
  };
  const auto absorb = [&](uint64_t word) {
    v3 ^= word;
    round();
    round();
    v0 ^= word;
  };
  uint64_t last = static_cast<uint64_t>(key.size()) << 56;
  while (key.size() >= 8) {
    absorb(absl::little_endian::Load64(key.data()));
    key.remove_prefix(8);
  }
  for (size_t i = 0; i < key.size(); ++i) last |= uint64_t{static_cast<uint8_t>(key[i])} << (8 * i);
  absorb(last);
  v2 ^= 0xee;
  for (int i = 0; i < 4; ++i) round();
  const uint64_t first = v0 ^ v1 ^ v2 ^ v3;
  v1 ^= 0xdd;
  for (int i = 0; i < 4; ++i) round();
  return {first, v0 ^ v1 ^ v2 ^ v3};
}

}  // namespace huiliu

#endif  // HUILIU_STORAGE_DECISIONS_KEY_HASH_H_
