#include "broker/pipeline/former_decisions.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/base/status.h"
#include "core/rules/version_order.h"

namespace huiliu::pipeline {
namespace {

constexpr size_t kMaxSeen = 16;

void AddSeen(uint64_t fingerprint, std::vector<uint64_t>* seen) {
  if (std::find(seen->begin(), seen->end(), fingerprint) == seen->end())
    seen->push_back(fingerprint);
}

rules::VersionPlace PlaceOf(const rules::PriorDecision& decision) {
  return {decision.source_time_us, decision.source, decision.row_id};
}

}  // namespace

bool IsFormerKey(absl::string_view key) { return !key.empty() && key[0] != '\0'; }

std::string FormerKey(absl::string_view source, absl::string_view record_key) {
  return absl::StrCat(source, absl::string_view("\0", 1), record_key);
}

absl::Status DecodeStoredDecision(absl::string_view key, absl::string_view value,
                                  NodeDecision* decision) {
  RETURN_IF_ERROR(DecodeNodeDecision(value, decision));
  if (!IsFormerKey(key)) return absl::OkStatus();
  const absl::string_view source = key.substr(0, key.find('\0'));
  decision->prior.source.assign(source.data(), source.size());
  if (!decision->kept.empty()) decision->kept = absl::StrCat(source, "/", decision->kept);
  for (uint64_t& fingerprint : decision->prior.seen)
    fingerprint = rules::FingerprintIn(source, fingerprint);
  return absl::OkStatus();
}

void MergeFormer(NodeDecision other, NodeDecision* decision) {
  if (rules::IsOlder(PlaceOf(decision->prior), PlaceOf(other.prior))) std::swap(other, *decision);
  rules::PriorDecision& prior = decision->prior;
  std::vector<uint64_t> seen = std::move(other.prior.seen);
  const auto add = [&](const Digest& digest) {
    AddSeen(rules::FingerprintOf(other.prior.source, other.prior.row_id, digest), &seen);
  };
  if (other.prior.corrected) add(other.prior.told);
  add(other.prior.payload_digest);
  for (const uint64_t fingerprint : prior.seen) AddSeen(fingerprint, &seen);
  if (seen.size() > kMaxSeen)
    seen.erase(seen.begin(), seen.end() - static_cast<std::ptrdiff_t>(kMaxSeen));
  prior.seen = std::move(seen);
  for (std::string& holder : other.prior.holders) {
    if (std::find(prior.holders.begin(), prior.holders.end(), holder) == prior.holders.end())
      prior.holders.push_back(std::move(holder));
  }
}

}  // namespace huiliu::pipeline
