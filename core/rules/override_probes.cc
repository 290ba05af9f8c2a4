#include "core/rules/override_probes.h"

#include <algorithm>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/types/span.h"
#include "core/base/status.h"
#include "core/rules/override_match.h"
#include "core/schema/record_writer.h"

namespace huiliu::rules {
namespace {

using schema::Field;
using schema::FieldType;
using Texts = absl::Span<const absl::string_view>;

// Without a character in common.
constexpr absl::string_view kTexts[] = {"昆明市五华区华山西路", "7", "Qz", "大理"};
constexpr absl::string_view kDates[] = {"1958-03-07", "2009-11-30", "2031-12-01", "1999-06-15"};
constexpr absl::string_view kDivisions[] = {"530102", "110101001", "659001", "320505"};
constexpr absl::string_view kDecimals[] = {"7", "1240000.00", "0.35", "88"};
constexpr absl::string_view kCodes[] = {"7", "A", "110", "其他"};
constexpr absl::string_view kUsccs[] = {"91530102MA6K47XC4H", "11110000000000000A",
                                        "52650000MJ12345678", "93320505MA1X2Y3Z4J"};
constexpr absl::string_view kOrganisations[] = {"云南白药集团股份有限公司", "大理州妇幼保健院",
                                                "个体户张记米线", "ABC Trading"};
constexpr absl::string_view kAddresses[] = {"昆明市五华区华山西路1号", "大理镇复兴路", "北京朝阳",
                                            "Jinghong 12"};
// None that an empty field reads as.
constexpr absl::string_view kNumbers[] = {"7", "41", "1000003", "2"};
constexpr absl::string_view kTimes[] = {"1971-01-01T00:00:00Z", "2009-11-30T12:34:56Z",
                                        "2031-12-01T00:00:00Z", "1999-06-15T08:00:00Z"};
constexpr absl::string_view kBools[] = {"true", "false", "true", "false"};
constexpr size_t kProbes = std::size(kTexts);

Texts OfKind(const Field& field) {
  switch (field.options.value()) {
    case huiliu::v1::VALUE_KIND_DATE:
      return kDates;
    case huiliu::v1::VALUE_KIND_DIVISION:
      return kDivisions;
    case huiliu::v1::VALUE_KIND_DECIMAL:
      return kDecimals;
    case huiliu::v1::VALUE_KIND_CODE:
      return kCodes;
    case huiliu::v1::VALUE_KIND_USCC:
    case huiliu::v1::VALUE_KIND_ORGANISATION_CODE:
      return kUsccs;
    case huiliu::v1::VALUE_KIND_ORGANISATION_NAME:
      return kOrganisations;
    case huiliu::v1::VALUE_KIND_ADDRESS:
      return kAddresses;
    default:
      return kTexts;
  }
}

Texts TextsFor(const Field& field, bool of_kind) {
  switch (field.type) {
    case FieldType::kString:
      return of_kind ? OfKind(field) : Texts(kTexts);
    case FieldType::kInt64:
    case FieldType::kUint64:
    case FieldType::kDouble:
      return kNumbers;
    case FieldType::kBool:
      return kBools;
    case FieldType::kTimestamp:
      return kTimes;
    case FieldType::kEnum:
    case FieldType::kBytes:
    case FieldType::kMessage:
      break;
  }
  return {};
}

absl::StatusOr<std::string> ProbeOf(const schema::Contract& contract, size_t probe, bool of_kind) {
  schema::RecordWriter writer(contract);
  for (const Field& field : contract.fields()) {
    const Texts texts = TextsFor(field, of_kind);
    if (!texts.empty()) RETURN_IF_ERROR(writer.SetText(field, texts[probe]));
  }
  return writer.Finish();
}

// Whether all records of a series match.
absl::StatusOr<bool> AllMatch(const cel::Predicate& predicate, const schema::Contract& contract,
                              bool of_kind) {
  std::vector<uint32_t> numbers;
  for (const Field& field : contract.fields()) numbers.push_back(field.number);
  const schema::FieldPlan plan(numbers);
  std::vector<schema::FieldSlot> slots(numbers.size());
  for (size_t probe = 0; probe < kProbes; ++probe) {
    ASSIGN_OR_RETURN(const std::string record, ProbeOf(contract, probe, of_kind));
    RETURN_IF_ERROR(plan.Scan(record, absl::MakeSpan(slots)));
    if (predicate.Evaluate({slots, "", record, probe % 2 == 0}) != cel::Truth::kTrue) return false;
  }
  return true;
}

}  // namespace

absl::Status CheckTellsApart(const huiliu::v1::TerritoryOverride& given,
                             const schema::Contract& contract) {
  if (!given.has_pattern() && !given.has_condition()) return absl::OkStatus();
  const cel::Environment environment{[](absl::string_view, absl::string_view) { return false; },
                                     [](absl::string_view) { return std::string(); }};
  ASSIGN_OR_RETURN(const std::unique_ptr<const cel::Predicate> predicate,
                   CompileOverride(given, contract, environment));
  for (const bool of_kind : {false, true}) {
    ASSIGN_OR_RETURN(const bool all, AllMatch(*predicate, contract, of_kind));
    if (!all) continue;
    return absl::InvalidArgumentError(absl::StrCat(
        given.has_pattern() ? "模式" : "条件",
        "对互不相同的记录都成立，会认领所有填写了此字段的待认领记录，请写得更具体 / the ",
        given.has_pattern() ? "pattern" : "condition",
        " holds for records that have nothing in common, so every pending one with that field "
        "filled would be claimed; be more particular"));
  }
  return absl::OkStatus();
}

}  // namespace huiliu::rules
