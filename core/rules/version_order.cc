#include "core/rules/version_order.h"

#include <cstring>

#include "absl/strings/ascii.h"

namespace huiliu::rules {
namespace {

// Takes the run of digits off the front, without leading zeros.
absl::string_view TakeDigits(absl::string_view& rest) {
  size_t end = 0;
  while (end < rest.size() && absl::ascii_isdigit(static_cast<unsigned char>(rest[end]))) ++end;
  absl::string_view digits = rest.substr(0, end);
  rest.remove_prefix(end);
  while (digits.size() > 1 && digits[0] == '0') digits.remove_prefix(1);
  return digits;
}

constexpr uint64_t kFnvBasis = 0xcbf29ce484222325u;
constexpr uint64_t kFnvPrime = 0x100000001b3u;

void AddToFnv(absl::string_view bytes, uint64_t* hash) {
  for (const char c : bytes) *hash = (*hash ^ static_cast<uint8_t>(c)) * kFnvPrime;
}

int Sign(int64_t difference) { return difference < 0 ? -1 : difference > 0 ? 1 : 0; }

}  // namespace

int CompareRowIds(absl::string_view a, absl::string_view b) {
  const absl::string_view whole_a = a, whole_b = b;
  while (!a.empty() && !b.empty()) {
    const unsigned char x = a[0], y = b[0];
    if (absl::ascii_isdigit(x) && absl::ascii_isdigit(y)) {
      const absl::string_view m = TakeDigits(a), n = TakeDigits(b);
      if (m.size() != n.size()) return m.size() < n.size() ? -1 : 1;
      if (const int order = m.compare(n); order != 0) return Sign(order);
      continue;
    }
    if (x != y) return x < y ? -1 : 1;
    a.remove_prefix(1);
    b.remove_prefix(1);
  }
  if (a.empty() != b.empty()) return a.empty() ? -1 : 1;
  return Sign(whole_a.compare(whole_b));
}

bool IsOlder(const VersionPlace& version, const VersionPlace& than) {
  if (version.time_us != 0 && than.time_us != 0 && version.time_us != than.time_us)
    return version.time_us < than.time_us;
  if (version.source != than.source) return CompareRowIds(version.source, than.source) < 0;
  if (version.row_id.empty() || than.row_id.empty()) return false;
  return CompareRowIds(version.row_id, than.row_id) < 0;
}

uint64_t FingerprintOf(absl::string_view source, absl::string_view row_id,
                       const Digest& payload_digest) {
  uint64_t hash = kFnvBasis;
  AddToFnv(row_id, &hash);
  AddToFnv(AsBytes(payload_digest).substr(0, kKeptPayloadDigestBytes), &hash);
  AddToFnv(source, &hash);
  return hash;
}

uint64_t FingerprintIn(absl::string_view source, uint64_t fingerprint) {
  AddToFnv(source, &fingerprint);
  return fingerprint;
}

bool SamePayload(const Digest& a, const Digest& b) {
  return std::memcmp(a.data(), b.data(), kKeptPayloadDigestBytes) == 0;
}
bool SameRules(const Digest& a, const Digest& b) {
  return std::memcmp(a.data(), b.data(), kKeptRuleDigestBytes) == 0;
}

}  // namespace huiliu::rules
