#include "broker/pipeline/position_checks.h"

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "broker/pipeline/node_decisions.h"
#include "broker/pipeline/returned_standing.h"
#include "huiliu/v1/control.pb.h"

namespace huiliu::pipeline {
namespace {

constexpr size_t kKeysDigestBytes = 32;  // SHA-256

template <typename Message>
bool Parses(absl::string_view value) {
  return Message().ParseFromArray(value.data(), static_cast<int>(value.size()));
}

bool IsOfSource(absl::string_view value) {
  huiliu::v1::SourcePosition position;
  return position.ParseFromArray(value.data(), static_cast<int>(value.size())) &&
         position.epoch() > 0;
}

bool HasItsForm(absl::string_view key, absl::string_view value) {
  if (absl::StartsWith(key, "source/")) return IsOfSource(value);
  if (absl::StartsWith(key, "reevaluation/")) return Parses<huiliu::v1::ReevaluationMark>(value);
  if (absl::StartsWith(key, "applied/")) return ParseStanding(value).ok();
  if (absl::StartsWith(key, "return/") || key == "return") return ParseEngineMark(value).ok();
  if (key == "cluster/keys") return value.size() == kKeysDigestBytes;
  uint64_t version = 0;
  if (key == "governance") return absl::SimpleAtoi(value, &version);
  return true;
}

bool IsKnown(absl::string_view key) {
  for (const absl::string_view family :
       {"source/", "cursor/", "return/", "reevaluation/", "applied/"}) {
    if (absl::StartsWith(key, family)) return true;
  }
  return key == "return" || key == "governance" || key == "cluster/keys";
}

}  // namespace

std::string WhyNotPosition(absl::string_view key, absl::string_view value) {
  if (!IsKnown(key)) return "its key is no position's";
  if (value.empty()) return "positions are never removed";
  return HasItsForm(key, value) ? "" : "its value is none of that position";
}

}  // namespace huiliu::pipeline
