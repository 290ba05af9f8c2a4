#include "core/schema/text_value.h"

#include <google/protobuf/descriptor.h>
#include <google/protobuf/timestamp.pb.h>

#include <array>
#include <charconv>
#include <cmath>
#include <cstring>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "core/base/clock.h"
#include "core/base/status.h"
#include "core/model/varint.h"

namespace huiliu::schema {
namespace {

using google::protobuf::FieldDescriptor;

absl::Status WrongType(const Field& field) {
  return absl::DataLossError(
      absl::StrCat("field ", field.name, ": its bytes are not of the contract's type"));
}

absl::Status NotA(const Field& field, absl::string_view what) {
  return absl::InvalidArgumentError(
      absl::StrCat("field ", field.name, ": 值不合字段的类型 / the value is not ", what));
}

template <typename Number, typename Bits>
Number FromBits(uint64_t number) {
  const Bits bits = static_cast<Bits>(number);
  Number value;
  static_assert(sizeof value == sizeof bits);
  std::memcpy(&value, &bits, sizeof value);
  return value;
}

WireType WireTypeOf(const Field& field) {
  switch (field.descriptor->type()) {
    case FieldDescriptor::TYPE_DOUBLE:
    case FieldDescriptor::TYPE_FIXED64:
    case FieldDescriptor::TYPE_SFIXED64:
      return WireType::kFixed64;
    case FieldDescriptor::TYPE_FLOAT:
    case FieldDescriptor::TYPE_FIXED32:
    case FieldDescriptor::TYPE_SFIXED32:
      return WireType::kFixed32;
    case FieldDescriptor::TYPE_STRING:
    case FieldDescriptor::TYPE_BYTES:
    case FieldDescriptor::TYPE_MESSAGE:
    case FieldDescriptor::TYPE_GROUP:
      return WireType::kBytes;
    default:
      return WireType::kVarint;
  }
}

// The shortest text that reads back as the same number.
template <typename Number>
void AppendShortest(Number value, std::string* out) {
  char buffer[32];
  const auto result = std::to_chars(buffer, buffer + sizeof buffer, value);
  out->append(buffer, static_cast<size_t>(result.ptr - buffer));
}

// As protobuf's own parser reads it: 32-bit types take the low half of a longer varint, so that a
// record reads the same here as in a message object.
int64_t AsSigned(const Field& field, uint64_t number) {
  const auto unzigzag = [](uint64_t n) { return static_cast<int64_t>((n >> 1) ^ (~(n & 1) + 1)); };
  switch (field.descriptor->type()) {
    case FieldDescriptor::TYPE_SINT32:
      return unzigzag(static_cast<uint32_t>(number));
    case FieldDescriptor::TYPE_SINT64:
      return unzigzag(number);
    case FieldDescriptor::TYPE_INT32:
    case FieldDescriptor::TYPE_ENUM:
    case FieldDescriptor::TYPE_SFIXED32:
      return static_cast<int32_t>(number);
    default:
      return static_cast<int64_t>(number);
  }
}

absl::Status AppendTimestampText(const Field& field, absl::string_view bytes, std::string* out) {
  google::protobuf::Timestamp timestamp;
  if (!timestamp.ParseFromArray(bytes.data(), static_cast<int>(bytes.size())))
    return WrongType(field);
  if (timestamp.seconds() < kFirstSecond || timestamp.seconds() > kLastSecond ||
      timestamp.nanos() < 0 || timestamp.nanos() > 999999999) {
    return WrongType(field);
  }
  const absl::Time time =
      absl::FromUnixSeconds(timestamp.seconds()) + absl::Nanoseconds(timestamp.nanos());
  AppendRfc3339(time, out);
  return absl::OkStatus();
}

// YYYY-MM-DDTHH:MM:SSZ, as AppendRfc3339 writes it; false: another form, or no such time.
bool ParsePlainTime(absl::string_view text, absl::Time* time) {
  constexpr absl::string_view kForm = "dddd-dd-ddTdd:dd:ddZ";
  if (text.size() != kForm.size()) return false;
  std::array<int, 6> numbers{};
  size_t number = 0;
  for (size_t i = 0; i < kForm.size(); ++i) {
    if (kForm[i] == 'd') {
      if (!absl::ascii_isdigit(static_cast<unsigned char>(text[i]))) return false;
      numbers[number] = numbers[number] * 10 + (text[i] - '0');
    } else {
      if (text[i] != kForm[i]) return false;
      ++number;
    }
  }
  const auto [year, month, day, hour, minute, second] = numbers;
  const absl::CivilSecond civil(year, month, day, hour, minute, second);
  if (civil.month() != month || civil.day() != day || civil.hour() != hour ||
      civil.minute() != minute || civil.second() != second)
    return false;
  *time = absl::FromCivil(civil, absl::UTCTimeZone());
  return true;
}

void AppendNumber(const Field& field, uint64_t value, std::string* out) {
  switch (field.descriptor->type()) {
    case FieldDescriptor::TYPE_FIXED64:
    case FieldDescriptor::TYPE_SFIXED64:
    case FieldDescriptor::TYPE_DOUBLE: {
      AppendTag(field, WireType::kFixed64, out);
      out->append(reinterpret_cast<const char*>(&value), 8);
      return;
    }
    case FieldDescriptor::TYPE_FIXED32:
    case FieldDescriptor::TYPE_SFIXED32:
    case FieldDescriptor::TYPE_FLOAT: {
      const uint32_t narrow = static_cast<uint32_t>(value);
      AppendTag(field, WireType::kFixed32, out);
      out->append(reinterpret_cast<const char*>(&narrow), 4);
      return;
    }
    case FieldDescriptor::TYPE_SINT32:
    case FieldDescriptor::TYPE_SINT64:
      value = (value << 1) ^ static_cast<uint64_t>(static_cast<int64_t>(value) >> 63);
      break;
    default:
      break;
  }
  AppendTag(field, WireType::kVarint, out);
  AppendVarint(out, value);
}

bool ParseBool(absl::string_view text, bool* value) {
  if (text == "1" || text == "true" || text == "是" || absl::EqualsIgnoreCase(text, "y")) {
    *value = true;
    return true;
  }
  if (text == "0" || text == "false" || text == "否" || absl::EqualsIgnoreCase(text, "n")) {
    *value = false;
    return true;
  }
  return false;
}

absl::Status AppendInteger(const Field& field, absl::string_view text, std::string* out) {
  const bool narrow = field.descriptor->cpp_type() == FieldDescriptor::CPPTYPE_INT32 ||
                      field.descriptor->cpp_type() == FieldDescriptor::CPPTYPE_UINT32;
  if (field.type == FieldType::kUint64) {
    uint64_t value = 0;
    if (!absl::SimpleAtoi(text, &value) || (narrow && value > UINT32_MAX))
      return NotA(field, "a whole number in range");
    AppendNumber(field, value, out);
    return absl::OkStatus();
  }
  int64_t value = 0;
  if (!absl::SimpleAtoi(text, &value) || (narrow && (value > INT32_MAX || value < INT32_MIN))) {
    return NotA(field, "a whole number in range");
  }
  AppendNumber(field, static_cast<uint64_t>(value), out);
  return absl::OkStatus();
}

absl::Status AppendDouble(const Field& field, absl::string_view text, std::string* out) {
  double value = 0;
  if (!absl::SimpleAtod(text, &value) || !std::isfinite(value)) return NotA(field, "a number");
  uint64_t bits = 0;
  if (field.descriptor->type() == FieldDescriptor::TYPE_FLOAT) {
    const float narrow = static_cast<float>(value);
    if (!std::isfinite(narrow)) return NotA(field, "a number in range");
    std::memcpy(&bits, &narrow, sizeof narrow);
  } else {
    std::memcpy(&bits, &value, sizeof value);
  }
  AppendNumber(field, bits, out);
  return absl::OkStatus();
}

absl::Status AppendEnum(const Field& field, absl::string_view text, std::string* out) {
  const auto* type = field.descriptor->enum_type();
  const auto* value = type->FindValueByName(std::string(text));
  int32_t number = 0;
  if (value == nullptr &&
      (!absl::SimpleAtoi(text, &number) || type->FindValueByNumber(number) == nullptr)) {
    return NotA(field, absl::StrCat("a value of ", type->name()));
  }
  AppendNumber(
      field,
      static_cast<uint64_t>(static_cast<int64_t>(value != nullptr ? value->number() : number)),
      out);
  return absl::OkStatus();
}

}  // namespace

bool IsUtf8(absl::string_view text) {
  size_t i = 0;
  while (i < text.size()) {
    const uint8_t c = static_cast<uint8_t>(text[i]);
    if (c < 0x80) {
      ++i;
      continue;
    }
    const size_t n = c >= 0xF0 ? 4 : c >= 0xE0 ? 3 : 2;
    if (c < 0xC2 || c > 0xF4 || i + n > text.size()) return false;
    for (size_t k = 1; k < n; ++k) {
      if ((static_cast<uint8_t>(text[i + k]) & 0xC0) != 0x80) return false;
    }
    const uint8_t d = static_cast<uint8_t>(text[i + 1]);
    if ((c == 0xE0 && d < 0xA0) || (c == 0xED && d > 0x9F) || (c == 0xF0 && d < 0x90) ||
        (c == 0xF4 && d > 0x8F)) {
      return false;
    }
    i += n;
  }
  return true;
}

void AppendTag(const Field& field, WireType type, std::string* out) {
  AppendVarint(out, (static_cast<uint64_t>(field.number) << 3) | static_cast<uint64_t>(type));
}

void AppendTimestamp(const Field& field, absl::Time time, std::string* out) {
  google::protobuf::Timestamp timestamp;
  const int64_t us = absl::ToUnixMicros(time);
  const int64_t seconds = us >= 0 ? us / 1000000 : -((-us + 999999) / 1000000);
  timestamp.set_seconds(seconds);
  timestamp.set_nanos(static_cast<int32_t>((us - seconds * 1000000) * 1000));
  const std::string bytes = timestamp.SerializeAsString();
  AppendTag(field, WireType::kBytes, out);
  AppendVarint(out, bytes.size());
  out->append(bytes);
}

void AppendRfc3339(absl::Time time, std::string* out) {
  const absl::CivilSecond civil = absl::ToCivilSecond(time, absl::UTCTimeZone());
  if (civil.year() < 1000 || civil.year() > 9999 ||
      absl::FromCivil(civil, absl::UTCTimeZone()) != time) {
    absl::StrAppend(out, absl::FormatTime("%Y-%m-%dT%H:%M:%E*SZ", time, absl::UTCTimeZone()));
    return;
  }
  const auto two = [](int n) { return absl::Dec(n, absl::kZeroPad2); };
  absl::StrAppend(out, civil.year(), "-", two(civil.month()), "-", two(civil.day()));
  absl::StrAppend(out, "T", two(civil.hour()), ":", two(civil.minute()));
  absl::StrAppend(out, ":", two(civil.second()), "Z");
}

bool ParseTime(absl::string_view text, absl::Time* time) {
  const auto in_range = [time] {
    const int64_t seconds = absl::ToUnixSeconds(*time);  // saturates for the infinite ones
    return seconds >= kFirstSecond && seconds <= kLastSecond;
  };
  if (ParsePlainTime(text, time)) return in_range();
  if (absl::ParseTime(absl::RFC3339_full, text, time, nullptr)) return in_range();
  const std::string dashed = absl::StrReplaceAll(text, {{"/", "-"}, {"T", " "}});
  for (const char* format : {"%Y-%m-%d %H:%M:%E*S", "%Y-%m-%d %H:%M", "%Y-%m-%d"}) {
    if (absl::ParseTime(format, dashed, ShanghaiTimeZone(), time, nullptr)) return in_range();
  }
  return false;
}

absl::Status AppendText(const Field& field, WireType type, uint64_t number, absl::string_view bytes,
                        std::string* out) {
  if (type != WireTypeOf(field)) return WrongType(field);
  switch (field.type) {
    case FieldType::kString:
    case FieldType::kBytes:
      absl::StrAppend(out, bytes);
      return absl::OkStatus();
    case FieldType::kTimestamp:
      return AppendTimestampText(field, bytes, out);
    case FieldType::kMessage:
      return absl::InvalidArgumentError(
          absl::StrCat("field ", field.name, " 是消息，没有文本 / is a message and has no text"));
    case FieldType::kBool:
      absl::StrAppend(out, number != 0 ? "true" : "false");
      return absl::OkStatus();
    case FieldType::kDouble:
      if (type == WireType::kFixed32) {
        AppendShortest(FromBits<float, uint32_t>(number), out);
      } else {
        AppendShortest(FromBits<double, uint64_t>(number), out);
      }
      return absl::OkStatus();
    case FieldType::kUint64:
      absl::StrAppend(out, field.descriptor->type() == FieldDescriptor::TYPE_UINT32
                               ? static_cast<uint32_t>(number)
                               : number);
      return absl::OkStatus();
    case FieldType::kInt64:
    case FieldType::kEnum:
      absl::StrAppend(out, AsSigned(field, number));
      return absl::OkStatus();
  }
  return WrongType(field);
}

absl::Status AppendWire(const Field& field, absl::string_view text, std::string* out) {
  switch (field.type) {
    case FieldType::kString:
      if (!IsUtf8(text)) return NotA(field, "UTF-8");
      [[fallthrough]];
    case FieldType::kBytes:
      AppendTag(field, WireType::kBytes, out);
      AppendVarint(out, text.size());
      absl::StrAppend(out, text);
      return absl::OkStatus();
    case FieldType::kBool: {
      bool value = false;
      if (!ParseBool(text, &value)) return NotA(field, "true or false");
      AppendNumber(field, value ? 1 : 0, out);
      return absl::OkStatus();
    }
    case FieldType::kInt64:
    case FieldType::kUint64:
      return AppendInteger(field, text, out);
    case FieldType::kDouble:
      return AppendDouble(field, text, out);
    case FieldType::kEnum:
      return AppendEnum(field, text, out);
    case FieldType::kTimestamp: {
      absl::Time time;
      if (!ParseTime(text, &time)) return NotA(field, "a time");
      AppendTimestamp(field, time, out);
      return absl::OkStatus();
    }
    case FieldType::kMessage:
      break;
  }
  return NotA(field, "a text: it is a message");
}

}  // namespace huiliu::schema
