#include "core/rules/override_probes.h"

#include <algorithm>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/types/span.h"
#include "core/base/status.h"
#include "core/rules/override_match.h"
#include "core/rules/pattern_literal.h"
#include "core/schema/record_writer.h"

namespace huiliu::rules {
namespace {

using schema::Field;
using schema::FieldType;
using Texts = absl::Span<const absl::string_view>;

// Unlike each other, and as long as real ones are.
constexpr absl::string_view kTexts[] = {
    "昆明市五华区华山西路", "7", "Qz", "大理", "2019-00317", "已受理，待补正材料", "曲靖-B-12",
    "不予受理通知书"};
constexpr absl::string_view kDates[] = {"1958-03-07", "2009-11-30", "2031-12-01", "1999-06-15",
                                        "1986-08-21", "2017-02-02", "2023-10-19", "2004-04-28"};
constexpr absl::string_view kDivisions[] = {"530102", "110101001", "659001", "320505",
                                            "440106", "532901",    "210102", "620102001004"};
constexpr absl::string_view kDecimals[] = {"7",     "1240000.00", "0.35",  "88",
                                           "50000", "-3.2",       "613.5", "20000000"};
constexpr absl::string_view kCodes[] = {"7", "A", "110", "其他", "02", "C4", "XK-9", "承诺件"};
constexpr absl::string_view kUsccs[] = {
    "91530102MA6K47XC4H", "11110000000000000A", "52650000MJ12345678", "93320505MA1X2Y3Z4J",
    "12440106745512345T", "913702007255341117", "91510100MA61T9LR4D", "92210102MA0QCTWY2K"};
constexpr absl::string_view kOrganisations[] = {
    "云南白药集团股份有限公司", "大理州妇幼保健院", "个体户张记米线", "ABC Trading",
    "曲靖市麒麟区教育局",       "盛达建材经营部",   "龙泉小学",       "滇东煤业第三矿"};
constexpr absl::string_view kAddresses[] = {
    "昆明市五华区华山西路1号", "大理镇复兴路",       "北京朝阳",         "Jinghong 12",
    "曲靖市麒麟区南宁北路8号", "个旧市金湖东路甲栋", "昭阳区凤凰镇二组", "宝山乡政府旁"};
// None that an empty field reads as.
constexpr absl::string_view kNumbers[] = {"7", "41", "1000003", "2", "365", "18", "77", "90210"};
constexpr absl::string_view kTimes[] = {
    "1971-01-01T00:00:00Z", "2009-11-30T12:34:56Z", "2031-12-01T00:00:00Z", "1999-06-15T08:00:00Z",
    "1986-08-21T23:10:00Z", "2017-02-02T02:02:02Z", "2023-10-19T16:45:00Z", "2004-04-28T11:00:00Z"};
constexpr absl::string_view kBools[] = {"true",  "false", "true",  "false",
                                        "false", "true",  "false", "true"};
constexpr size_t kProbes = std::size(kTexts);
// A condition that holds for more of them picks out no records, it takes most.
constexpr size_t kMostMatched = kProbes / 2;
// Of a pattern's literal: two characters of Chinese, or four others.
constexpr size_t kLeastLiteral = 4;
static_assert(std::size(kAddresses) == kProbes && std::size(kOrganisations) == kProbes &&
              std::size(kUsccs) == kProbes && std::size(kDates) == kProbes &&
              std::size(kDivisions) == kProbes && std::size(kDecimals) == kProbes &&
              std::size(kCodes) == kProbes && std::size(kNumbers) == kProbes &&
              std::size(kTimes) == kProbes && std::size(kBools) == kProbes);

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

// How many records of a series match.
absl::StatusOr<size_t> CountMatches(const cel::Predicate& predicate,
                                    const schema::Contract& contract, bool of_kind) {
  std::vector<uint32_t> numbers;
  for (const Field& field : contract.fields()) numbers.push_back(field.number);
  const schema::FieldPlan plan(numbers);
  std::vector<schema::FieldSlot> slots(numbers.size());
  size_t matches = 0;
  for (size_t probe = 0; probe < kProbes; ++probe) {
    ASSIGN_OR_RETURN(const std::string record, ProbeOf(contract, probe, of_kind));
    RETURN_IF_ERROR(plan.Scan(record, absl::MakeSpan(slots)));
    matches += predicate.Evaluate({slots, "", record, probe % 2 == 0}) == cel::Truth::kTrue;
  }
  return matches;
}

}  // namespace

absl::Status CheckTellsApart(const huiliu::v1::TerritoryOverride& given,
                             const schema::Contract& contract) {
  if (!given.has_pattern() && !given.has_condition()) return absl::OkStatus();
  if (given.has_pattern() && LiteralWeight(given.pattern().text()) < kLeastLiteral) {
    return absl::InvalidArgumentError(
        "模式须写有必须出现的文字（至少两个汉字，或四个其他字符相连），只写字符类别或重复会认领许多"
        "记录，请写得更具体 "
        "/ a pattern has some text that must stand in the value (two Chinese characters in a row, "
        "or four others): classes and repetitions alone would claim many records; be more "
        "particular");
  }
  const cel::Environment environment{[](absl::string_view, absl::string_view) { return false; },
                                     [](absl::string_view) { return std::string(); }};
  ASSIGN_OR_RETURN(const std::unique_ptr<const cel::Predicate> predicate,
                   CompileOverride(given, contract, environment));
  for (const bool of_kind : {false, true}) {
    ASSIGN_OR_RETURN(const size_t matches, CountMatches(*predicate, contract, of_kind));
    if (matches <= kMostMatched) continue;
    return absl::InvalidArgumentError(absl::StrCat(
        given.has_pattern() ? "模式" : "条件", "对互不相同的 ", kProbes, " 条记录中的 ", matches,
        " 条成立，会认领大量填写了此字段的待认领记录，请写得更具体 / the ",
        given.has_pattern() ? "pattern" : "condition", " holds for ", matches, " of ", kProbes,
        " records that have nothing in common, so most pending ones with that field filled would "
        "be claimed; be more particular"));
  }
  return absl::OkStatus();
}

}  // namespace huiliu::rules
