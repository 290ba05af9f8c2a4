// The stored form of a decision: docs/formats/decision.md.
#include <algorithm>
#include <cstring>

#include "absl/base/internal/endian.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "core/base/status.h"
#include "core/model/varint.h"
#include "core/rules/return_engine.h"
#include "core/rules/version_order.h"

namespace huiliu::rules {
namespace {

constexpr char kFormat = 1;
constexpr uint8_t kDeleted = 1, kHasDivision = 2, kOneOutcome = 4, kConflict = 8, kCorrected = 32,
                  kHasSource = 64, kByHand = 128;
constexpr uint64_t kMaxReceivers = 4096;
constexpr uint64_t kMaxSeen = 64;

uint64_t ZigZag(int64_t value) {
  return (static_cast<uint64_t>(value) << 1) ^ static_cast<uint64_t>(value >> 63);
}
int64_t UnZigZag(uint64_t value) {
  return static_cast<int64_t>(value >> 1) ^ -static_cast<int64_t>(value & 1);
}

void AppendText(absl::string_view text, std::string* out) {
  AppendVarint(out, text.size());
  out->append(text.data(), text.size());
}

void AppendDigest(const Digest& digest, size_t bytes, std::string* out) {
  out->append(reinterpret_cast<const char*>(digest.data()), bytes);
}

void AppendFingerprint(uint64_t fingerprint, std::string* out) {
  char bytes[8];
  absl::little_endian::Store64(bytes, fingerprint);
  out->append(bytes, sizeof bytes);
}

bool TakeText(absl::string_view& rest, absl::string_view* text) {
  uint64_t size = 0;
  if (!TakeVarint(rest, &size) || size > rest.size()) return false;
  *text = rest.substr(0, size);
  rest.remove_prefix(size);
  return true;
}

bool TakeTextTo(absl::string_view& rest, std::string* text) {
  absl::string_view view;
  if (!TakeText(rest, &view)) return false;
  text->assign(view.data(), view.size());
  return true;
}

bool TakeDigest(absl::string_view& rest, size_t bytes, Digest* digest) {
  if (rest.size() < bytes) return false;
  digest->fill(0);
  std::memcpy(digest->data(), rest.data(), bytes);
  rest.remove_prefix(bytes);
  return true;
}

// Six digits; anything else is not kept.
bool DivisionNumber(absl::string_view division, uint32_t* number) {
  return division.size() == 6 && absl::SimpleAtoi(division, number) && *number < 1000000;
}

bool TakeDivision(absl::string_view& rest, std::string* division) {
  if (rest.size() < 3) return false;
  uint32_t number = static_cast<uint8_t>(rest[0]) |
                    static_cast<uint32_t>(static_cast<uint8_t>(rest[1])) << 8 |
                    static_cast<uint32_t>(static_cast<uint8_t>(rest[2])) << 16;
  rest.remove_prefix(3);
  if (number >= 1000000) return false;
  division->assign(6, '0');
  for (int i = 5; i >= 0; --i, number /= 10) (*division)[i] = static_cast<char>('0' + number % 10);
  return true;
}

bool TakeOutcomes(absl::string_view& rest, bool one, std::vector<huiliu::v1::Outcome>* outcomes) {
  uint64_t count = 0;
  if (!TakeVarint(rest, &count) || count > kMaxReceivers) return false;
  const size_t bytes = one ? std::min<size_t>(count, 1) : count;
  if (rest.size() < bytes) return false;
  outcomes->resize(count);
  for (size_t i = 0; i < count; ++i) {
    const int value = static_cast<uint8_t>(rest[one ? 0 : i]);
    if (!huiliu::v1::Outcome_IsValid(value)) return false;
    (*outcomes)[i] = static_cast<huiliu::v1::Outcome>(value);
  }
  rest.remove_prefix(bytes);
  return true;
}

bool TakeSeen(absl::string_view& rest, std::vector<uint64_t>* seen) {
  uint64_t count = 0;
  if (!TakeVarint(rest, &count) || count > kMaxSeen || rest.size() < count * 8) return false;
  seen->resize(count);
  for (uint64_t& fingerprint : *seen) {
    fingerprint = absl::little_endian::Load64(rest.data());
    rest.remove_prefix(8);
  }
  return true;
}

bool TakeHolders(absl::string_view& rest, std::vector<std::string>* holders) {
  uint64_t count = 0;
  if (!TakeVarint(rest, &count) || count > kMaxReceivers) return false;
  holders->resize(count);
  for (std::string& holder : *holders) {
    if (!TakeTextTo(rest, &holder)) return false;
  }
  return true;
}

bool TakeDecision(absl::string_view rest, PriorDecision* decision) {
  if (rest.size() < 2 || rest[0] != kFormat) return false;
  const uint8_t flags = static_cast<uint8_t>(rest[1]);
  rest.remove_prefix(2);
  decision->deleted = flags & kDeleted;
  decision->conflict = flags & kConflict;
  uint64_t time = 0, day = 0;
  if (!TakeVarint(rest, &time) || !TakeVarint(rest, &day)) return false;
  decision->source_time_us = UnZigZag(time);
  decision->counted_day = static_cast<int32_t>(UnZigZag(day));
  if (!TakeDigest(rest, kKeptPayloadDigestBytes, &decision->payload_digest) ||
      !TakeDigest(rest, kKeptRuleDigestBytes, &decision->rule_digest) ||
      !TakeTextTo(rest, &decision->row_id)) {
    return false;
  }
  decision->source.clear();
  if ((flags & kHasSource) != 0 && !TakeTextTo(rest, &decision->source)) return false;
  decision->by_hand.clear();
  if ((flags & kByHand) != 0 && !TakeTextTo(rest, &decision->by_hand)) return false;
  decision->division.clear();
  if ((flags & kHasDivision) != 0 && !TakeDivision(rest, &decision->division)) return false;
  decision->corrected = flags & kCorrected;
  decision->told.fill(0);
  return TakeOutcomes(rest, flags & kOneOutcome, &decision->outcomes) &&
         TakeHolders(rest, &decision->holders) && TakeSeen(rest, &decision->seen) &&
         (!decision->corrected || TakeDigest(rest, kKeptPayloadDigestBytes, &decision->told)) &&
         rest.empty();
}

}  // namespace

void AppendDecision(const PriorDecision& decision, std::string* out) {
  uint32_t division = 0;
  const bool has_division = DivisionNumber(decision.division, &division);
  const auto& outcomes = decision.outcomes;
  const bool one =
      std::all_of(outcomes.begin(), outcomes.end(), [&](auto o) { return o == outcomes[0]; });
  out->push_back(kFormat);
  out->push_back(static_cast<char>(
      (decision.deleted ? kDeleted : 0) | (has_division ? kHasDivision : 0) |
      (one ? kOneOutcome : 0) | (decision.conflict ? kConflict : 0) |
      (decision.corrected ? kCorrected : 0) | (decision.source.empty() ? 0 : kHasSource) |
      (decision.by_hand.empty() ? 0 : kByHand)));
  AppendVarint(out, ZigZag(decision.source_time_us));
  AppendVarint(out, ZigZag(decision.counted_day));
  AppendDigest(decision.payload_digest, kKeptPayloadDigestBytes, out);
  AppendDigest(decision.rule_digest, kKeptRuleDigestBytes, out);
  AppendText(decision.row_id, out);
  if (!decision.source.empty()) AppendText(decision.source, out);
  if (!decision.by_hand.empty()) AppendText(decision.by_hand, out);
  if (has_division) {
    for (int i = 0; i < 3; ++i) out->push_back(static_cast<char>(division >> (8 * i)));
  }
  AppendVarint(out, outcomes.size());
  for (size_t i = 0; i < (one ? std::min<size_t>(outcomes.size(), 1) : outcomes.size()); ++i) {
    out->push_back(static_cast<char>(outcomes[i]));
  }
  AppendVarint(out, decision.holders.size());
  for (const std::string& holder : decision.holders) AppendText(holder, out);
  AppendVarint(out, decision.seen.size());
  for (const uint64_t fingerprint : decision.seen) AppendFingerprint(fingerprint, out);
  if (decision.corrected) AppendDigest(decision.told, kKeptPayloadDigestBytes, out);
}

std::string EncodeDecision(const PriorDecision& decision) {
  std::string bytes;
  bytes.reserve(80 + decision.row_id.size() + 8 * decision.seen.size());
  AppendDecision(decision, &bytes);
  return bytes;
}

absl::Status DecodeDecision(absl::string_view bytes, PriorDecision* decision) {
  if (TakeDecision(bytes, decision)) return absl::OkStatus();
  return absl::DataLossError(
      absl::StrCat("stored decision of ", bytes.size(), " bytes is damaged"));
}

absl::StatusOr<PriorDecision> DecodeDecision(absl::string_view bytes) {
  PriorDecision decision;
  RETURN_IF_ERROR(DecodeDecision(bytes, &decision));
  return decision;
}

}  // namespace huiliu::rules
