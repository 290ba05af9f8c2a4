#include "broker/pipeline/returned_standing.h"

#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"
#include "core/base/status.h"

namespace huiliu::pipeline {

using absl::StrCat;

std::string Encode(const ReturnedStanding& standing) {
  std::string text = StrCat("generation=", standing.generation,
                            " restoring=", standing.restoring ? 1 : 0, " lost=", standing.lost);
  for (const auto& [partition, offset] : standing.applied)
    absl::StrAppend(&text, " ", partition, "=", offset.value());
  return text;
}

absl::StatusOr<ReturnedStanding> ParseStanding(absl::string_view text) {
  const absl::Status torn =
      absl::DataLossError("how far a returned topic was taken cannot be read");
  ReturnedStanding standing;
  for (const absl::string_view part : absl::StrSplit(text, ' ', absl::SkipEmpty())) {
    const std::pair<absl::string_view, absl::string_view> field = absl::StrSplit(part, '=');
    int32_t partition = 0;
    int64_t value = 0;
    if (!absl::SimpleAtoi(field.second, &value) || value < 0) return torn;
    if (field.first == "generation") {
      standing.generation = static_cast<uint64_t>(value);
    } else if (field.first == "restoring") {
      standing.restoring = value != 0;
    } else if (field.first == "lost") {
      standing.lost = value;
    } else if (absl::SimpleAtoi(field.first, &partition)) {
      standing.applied[partition] = Offset(value);
    } else {
      return torn;
    }
  }
  return standing;
}

absl::StatusOr<ReturnedStanding> LoadStanding(Backbone& backbone, const std::string& key) {
  ASSIGN_OR_RETURN(const std::optional<std::string> stored, backbone.Position(key));
  absl::StatusOr<ReturnedStanding> standing = ParseStanding(stored.value_or(""));
  if (!standing.ok()) return Annotate(standing.status(), StrCat("position ", key));
  return standing;
}

}  // namespace huiliu::pipeline
