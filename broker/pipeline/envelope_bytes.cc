#include "broker/pipeline/envelope_bytes.h"

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "core/model/varint.h"
#include "core/schema/text_value.h"
#include "core/schema/wire_reader.h"
#include "huiliu/v1/common.pb.h"

namespace huiliu::pipeline {

using huiliu::v1::Envelope;

namespace {

// Whether the occurrence is what libprotobuf would take for this field: another wire type it passes
// over, and a text that is not UTF-8 makes the whole envelope unreadable for everyone behind us.
bool IsOfItsType(const schema::WireField& field) {
  switch (field.field_number) {
    case Envelope::kSystemFieldNumber:
    case Envelope::kSourceDepartmentFieldNumber:
    case Envelope::kSourceDepartmentNameFieldNumber:
    case Envelope::kSourceTableFieldNumber:
    case Envelope::kRowIdFieldNumber:
    case Envelope::kDivisionFieldNumber:
    case Envelope::kDecidedByFieldNumber:
    case Envelope::kRuleFieldNumber:
    case Envelope::kFindingsFieldNumber:
    case Envelope::kCityFieldNumber:
    case Envelope::kSourceFieldNumber:
    case Envelope::kReasonFieldNumber:
    case Envelope::kRuleSetFieldNumber:
      return field.type == schema::WireType::kBytes && schema::IsUtf8(field.bytes);
    case Envelope::kKeyHashFieldNumber:
      return field.type == schema::WireType::kBytes;
    case Envelope::kOperationFieldNumber:
    case Envelope::kConflictFieldNumber:
    case Envelope::kSourceTimeUsFieldNumber:
    case Envelope::kSourceEpochFieldNumber:
    case Envelope::kSourceSequenceFieldNumber:
    case Envelope::kIndexInBatchFieldNumber:
    case Envelope::kCleanedTimeUsFieldNumber:
    case Envelope::kArrivalTimeUsFieldNumber:
    case Envelope::kMaskedAtSourceFieldNumber:
    case Envelope::kCountedReceiversFieldNumber:
      return field.type == schema::WireType::kVarint;
    default:
      return true;
  }
}

}  // namespace

absl::StatusOr<EnvelopeGlance> GlanceAt(absl::string_view envelope) {
  EnvelopeGlance glance;
  absl::string_view rest = envelope;
  schema::WireField field;
  while (schema::TakeField(rest, &field)) {
    if (!IsOfItsType(field))
      return absl::DataLossError(absl::StrCat(
          "field ", field.field_number, " of its envelope has not its type, or is not UTF-8"));
    switch (field.field_number) {
      case Envelope::kSystemFieldNumber:
        glance.system = field.bytes;
        break;
      case Envelope::kDivisionFieldNumber:
        glance.division = field.bytes;
        break;
      case Envelope::kSourceFieldNumber:
        glance.source = field.bytes;
        break;
      case Envelope::kRowIdFieldNumber:
        glance.row_id = field.bytes;
        break;
      case Envelope::kOperationFieldNumber:
        glance.operation = field.number;
        break;
      case Envelope::kSourceTimeUsFieldNumber:
        glance.source_time_us = static_cast<int64_t>(field.number);
        break;
      case Envelope::kArrivalTimeUsFieldNumber:
        glance.arrival_time_us = static_cast<int64_t>(field.number);
        break;
      case Envelope::kSourceEpochFieldNumber:
        glance.epoch = field.number;
        break;
      case Envelope::kSourceSequenceFieldNumber:
        glance.sequence = field.number;
        break;
      case Envelope::kIndexInBatchFieldNumber:
        glance.index = field.number;
        break;
      default:
        break;
    }
  }
  if (!rest.empty()) return absl::DataLossError("torn envelope");
  return glance;
}

namespace {

std::string ArrivalTag() {
  std::string tag;
  AppendVarint(&tag, static_cast<uint64_t>(Envelope::kArrivalTimeUsFieldNumber) << 3);
  return tag;
}

}  // namespace

void AppendCountedReceivers(uint32_t receivers, std::string* envelope) {
  AppendVarint(envelope, static_cast<uint64_t>(Envelope::kCountedReceiversFieldNumber) << 3);
  AppendVarint(envelope, receivers);
}

void AppendArrival(int64_t arrival_time_us, std::string* envelope) {
  static const std::string* const tag = new std::string(ArrivalTag());
  *envelope += *tag;
  AppendVarint(envelope, static_cast<uint64_t>(arrival_time_us));
}

absl::string_view WithoutArrival(absl::string_view envelope) {
  absl::string_view rest = envelope;
  schema::WireField field;
  absl::string_view last;
  uint32_t number = 0;
  while (schema::TakeField(rest, &field)) {
    last = field.whole;
    number = field.field_number;
  }
  if (number == static_cast<uint32_t>(Envelope::kArrivalTimeUsFieldNumber)) {
    envelope.remove_suffix(last.size());
  }
  return envelope;
}

bool InArea(absl::string_view area, absl::string_view division) {
  if (area.size() != 6 || division.size() != 6) return false;
  if (absl::EndsWith(area, "0000")) return absl::StartsWith(division, area.substr(0, 2));
  if (absl::EndsWith(area, "00")) return absl::StartsWith(division, area.substr(0, 4));
  return area == division;
}

}  // namespace huiliu::pipeline
