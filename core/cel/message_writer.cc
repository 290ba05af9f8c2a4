// Values to wire bytes: message literals, and the conversions into well-known types that they
// imply.
#include <google/protobuf/descriptor.h>

#include <cfloat>
#include <cmath>
#include <limits>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "core/cel/message.h"
#include "core/cel/wire_append.h"

namespace huiliu::cel {
namespace {

namespace pb = google::protobuf;
using pb::FieldDescriptor;

constexpr int kMaxDepth = 200;  // lists and maps inside one another
constexpr int64_t kBillion = 1'000'000'000;
constexpr int64_t kMaxExact = (int64_t{1} << 53) - 1;  // whole numbers that a double keeps

float ToFloat(double d) {
  if (std::fabs(d) <= FLT_MAX || std::isnan(d)) return static_cast<float>(d);
  return d > 0 ? std::numeric_limits<float>::infinity() : -std::numeric_limits<float>::infinity();
}

class Writer {
 public:
  explicit Writer(Frame& frame) : frame_(frame) {}
  absl::string_view why() const { return why_; }

  bool Field(const FieldDescriptor& field, const Value& value, std::string* out) {
    if (field.is_map()) return Map(field, value, out);
    if (!field.is_repeated()) return Single(field, value, /*element=*/false, out);
    if (value.kind != ValueKind::kList)
      return Fail("unsupported field type: a list is needed (此字段应为列表)");
    for (size_t i = 0; i < value.size; ++i) {
      if (!Single(field, value.items[i], /*element=*/true, out)) return false;
    }
    return true;
  }

 private:
  bool Fail(absl::string_view why) {
    why_ = why;
    return false;
  }
  bool Charge(const std::string& out) {
    if (out.size() > kMaxEvaluationBytes)
      return Fail("the evaluation needs too much memory (计算占用内存过多)");
    return frame_.Charge(1) || Fail(kTooCostly);
  }

  bool Map(const FieldDescriptor& field, const Value& map, std::string* out) {
    if (map.kind != ValueKind::kMap)
      return Fail("unsupported field type: a map is needed (此字段应为映射)");
    for (size_t i = 0; i < map.size; ++i) {
      std::string entry;
      if (!Single(*field.message_type()->map_key(), map.items[2 * i], true, &entry) ||
          !Single(*field.message_type()->map_value(), map.items[2 * i + 1], true, &entry))
        return false;
      AppendDelimitedField(field.number(), entry, out);
    }
    return true;
  }

  bool Single(const FieldDescriptor& field, const Value& value, bool element, std::string* out) {
    if (!Charge(*out)) return false;
    switch (field.cpp_type()) {
      case FieldDescriptor::CPPTYPE_MESSAGE:
        return Message(field, value, element, out);
      case FieldDescriptor::CPPTYPE_STRING: {
        const bool bytes = field.type() == FieldDescriptor::TYPE_BYTES;
        if (value.kind != (bytes ? ValueKind::kBytes : ValueKind::kString)) return WrongType();
        if (!frame_.ChargeText(value.size)) return Fail(kTooCostly);
        AppendDelimitedField(field.number(), value.text(), out);
        return true;
      }
      case FieldDescriptor::CPPTYPE_BOOL:
        if (value.kind != ValueKind::kBool) return WrongType();
        AppendVarintField(field.number(), value.boolean ? 1 : 0, out);
        return true;
      case FieldDescriptor::CPPTYPE_FLOAT:
        if (value.kind != ValueKind::kDouble) return WrongType();
        AppendFixedField(field.number(), ToFloat(value.number), out);
        return true;
      case FieldDescriptor::CPPTYPE_DOUBLE:
        if (value.kind != ValueKind::kDouble) return WrongType();
        AppendFixedField(field.number(), value.number, out);
        return true;
      case FieldDescriptor::CPPTYPE_UINT32:
      case FieldDescriptor::CPPTYPE_UINT64:
        return Natural(field, value, out);
      default:
        return Whole(field, value, out);
    }
  }

  bool WrongType() {
    return Fail("unsupported field type: the value does not fit the field (值与字段类型不符)");
  }

  bool Natural(const FieldDescriptor& field, const Value& value, std::string* out) {
    if (value.kind != ValueKind::kUint) return WrongType();
    const uint64_t n = value.natural;
    if (field.cpp_type() == FieldDescriptor::CPPTYPE_UINT32 &&
        n > std::numeric_limits<uint32_t>::max())
      return Fail("range error: the number does not fit the field (数值超出字段范围)");
    if (field.type() == FieldDescriptor::TYPE_FIXED32)
      AppendFixedField(field.number(), static_cast<uint32_t>(n), out);
    else if (field.type() == FieldDescriptor::TYPE_FIXED64)
      AppendFixedField(field.number(), n, out);
    else
      AppendVarintField(field.number(), n, out);
    return true;
  }

  bool Whole(const FieldDescriptor& field, const Value& value, std::string* out) {
    const bool is_enum = field.cpp_type() == FieldDescriptor::CPPTYPE_ENUM;
    const bool null_enum = is_enum && field.enum_type()->full_name() == "google.protobuf.NullValue";
    if (null_enum && value.kind == ValueKind::kNull) {
      AppendVarintField(field.number(), 0, out);
      return true;
    }
    if (value.kind != ValueKind::kInt) return WrongType();
    const int64_t i = value.integer;
    const bool narrow = is_enum || field.cpp_type() == FieldDescriptor::CPPTYPE_INT32;
    if (narrow &&
        (i < std::numeric_limits<int32_t>::min() || i > std::numeric_limits<int32_t>::max()))
      return Fail("range error: the number does not fit the field (数值超出字段范围)");
    switch (field.type()) {
      case FieldDescriptor::TYPE_SFIXED32:
        AppendFixedField(field.number(), static_cast<int32_t>(i), out);
        break;
      case FieldDescriptor::TYPE_SFIXED64:
        AppendFixedField(field.number(), i, out);
        break;
      case FieldDescriptor::TYPE_SINT32:
      case FieldDescriptor::TYPE_SINT64:
        AppendVarintField(field.number(),
                          (static_cast<uint64_t>(i) << 1) ^ static_cast<uint64_t>(i >> 63), out);
        break;
      default:
        AppendVarintField(field.number(), static_cast<uint64_t>(i), out);
    }
    return true;
  }

  bool Message(const FieldDescriptor& field, const Value& value, bool element, std::string* out) {
    if (field.type() == FieldDescriptor::TYPE_GROUP)
      return Fail("groups are not supported (不支持 group)");
    const pb::Descriptor& type = *field.message_type();
    const auto kind = type.well_known_type();
    const bool takes_null =
        kind == pb::Descriptor::WELLKNOWNTYPE_VALUE || kind == pb::Descriptor::WELLKNOWNTYPE_ANY;
    const bool container = kind == pb::Descriptor::WELLKNOWNTYPE_STRUCT ||
                           kind == pb::Descriptor::WELLKNOWNTYPE_LISTVALUE;
    if (value.kind == ValueKind::kNull && !takes_null) {
      if (element || container) return WrongType();
      return true;  // null leaves the field unset
    }
    std::string content;
    if (!Content(type, value, &content)) return false;
    AppendDelimitedField(field.number(), content, out);
    return true;
  }

  bool Content(const pb::Descriptor& type, const Value& value, std::string* out) {
    switch (type.well_known_type()) {
      case pb::Descriptor::WELLKNOWNTYPE_ANY:
        return Any(value, out);
      case pb::Descriptor::WELLKNOWNTYPE_VALUE:
        return Json(value, out);
      case pb::Descriptor::WELLKNOWNTYPE_STRUCT:
        return value.kind == ValueKind::kMap ? Struct(value, out) : WrongType();
      case pb::Descriptor::WELLKNOWNTYPE_LISTVALUE:
        return value.kind == ValueKind::kList ? JsonList(value, out) : WrongType();
      case pb::Descriptor::WELLKNOWNTYPE_TIMESTAMP:
        return value.kind == ValueKind::kTimestamp ? Time(value, out) : WrongType();
      case pb::Descriptor::WELLKNOWNTYPE_DURATION:
        return value.kind == ValueKind::kDuration ? Time(value, out) : WrongType();
      case pb::Descriptor::WELLKNOWNTYPE_UNSPECIFIED:
      case pb::Descriptor::WELLKNOWNTYPE_FIELDMASK:
        if (value.kind != ValueKind::kMessage ||
            value.message->type->full_name() != type.full_name())
          return WrongType();
        if (!frame_.ChargeText(value.message->bytes.size())) return Fail(kTooCostly);
        out->append(value.message->bytes.data(), value.message->bytes.size());
        return true;
      default:  // a wrapper: value = 1
        return Single(*type.FindFieldByNumber(1), value, /*element=*/true, out);
    }
  }

  bool Time(const Value& value, std::string* out) {
    const bool timestamp = value.kind == ValueKind::kTimestamp;
    const int64_t seconds = timestamp ? value.integer : value.integer / kBillion;
    const int64_t nanos = timestamp ? value.nanos : value.integer % kBillion;
    if (seconds != 0) AppendVarintField(1, static_cast<uint64_t>(seconds), out);
    if (nanos != 0) AppendVarintField(2, static_cast<uint64_t>(nanos), out);
    return true;
  }

  // What a plain value is inside an Any: its name in google.protobuf and its content.
  bool Any(const Value& value, std::string* out) {
    std::string name, content;
    bool ok = true;
    switch (value.kind) {
      case ValueKind::kMessage:
        name = value.message->type->full_name();
        content = std::string(value.message->bytes);
        break;
      case ValueKind::kBool:
        name = "google.protobuf.BoolValue";
        AppendVarintField(1, value.boolean ? 1 : 0, &content);
        break;
      case ValueKind::kInt:
        name = "google.protobuf.Int64Value";
        AppendVarintField(1, static_cast<uint64_t>(value.integer), &content);
        break;
      case ValueKind::kUint:
        name = "google.protobuf.UInt64Value";
        AppendVarintField(1, value.natural, &content);
        break;
      case ValueKind::kDouble:
        name = "google.protobuf.DoubleValue";
        AppendFixedField(1, value.number, &content);
        break;
      case ValueKind::kString:
      case ValueKind::kBytes:
        name = value.kind == ValueKind::kString ? "google.protobuf.StringValue"
                                                : "google.protobuf.BytesValue";
        AppendDelimitedField(1, value.text(), &content);
        break;
      case ValueKind::kTimestamp:
      case ValueKind::kDuration:
        name = value.kind == ValueKind::kTimestamp ? "google.protobuf.Timestamp"
                                                   : "google.protobuf.Duration";
        ok = Time(value, &content);
        break;
      case ValueKind::kList:
        name = "google.protobuf.ListValue";
        ok = JsonList(value, &content);
        break;
      case ValueKind::kMap:
        name = "google.protobuf.Struct";
        ok = Struct(value, &content);
        break;
      case ValueKind::kNull:
        name = "google.protobuf.Value";
        ok = Json(value, &content);
        break;
      default:
        return WrongType();
    }
    if (!ok || !frame_.ChargeText(content.size())) return ok ? Fail(kTooCostly) : false;
    AppendDelimitedField(1, absl::StrCat("type.googleapis.com/", name), out);
    AppendDelimitedField(2, content, out);
    return true;
  }

  void JsonWhole(bool exact, double number, absl::string_view digits, std::string* out) {
    if (exact)
      AppendFixedField(2, number, out);
    else
      AppendDelimitedField(3, digits, out);
  }

  // google.protobuf.Value's content.
  bool Json(const Value& value, std::string* out) {
    if (!Charge(*out)) return false;
    switch (value.kind) {
      case ValueKind::kNull:
        AppendVarintField(1, 0, out);
        return true;
      case ValueKind::kBool:
        AppendVarintField(4, value.boolean ? 1 : 0, out);
        return true;
      case ValueKind::kInt:
        JsonWhole(value.integer >= -kMaxExact && value.integer <= kMaxExact,
                  static_cast<double>(value.integer), absl::StrCat(value.integer), out);
        return true;
      case ValueKind::kUint:
        JsonWhole(value.natural <= static_cast<uint64_t>(kMaxExact),
                  static_cast<double>(value.natural), absl::StrCat(value.natural), out);
        return true;
      case ValueKind::kDouble:
        AppendFixedField(2, value.number, out);
        return true;
      case ValueKind::kString:
        AppendDelimitedField(3, value.text(), out);
        return frame_.ChargeText(value.size) || Fail(kTooCostly);
      case ValueKind::kBytes:
        AppendDelimitedField(3, absl::Base64Escape(value.text()), out);
        return frame_.ChargeText(value.size) || Fail(kTooCostly);
      case ValueKind::kTimestamp:
        AppendDelimitedField(3, FormatTimestamp(value), out);
        return true;
      case ValueKind::kDuration:
        AppendDelimitedField(3, FormatDuration(value), out);
        return true;
      case ValueKind::kList:
      case ValueKind::kMap: {
        std::string content;
        const bool list = value.kind == ValueKind::kList;
        if (!(list ? JsonList(value, &content) : Struct(value, &content))) return false;
        AppendDelimitedField(list ? 6 : 5, content, out);
        return true;
      }
      case ValueKind::kMessage:
        return JsonMessage(*value.message, out);
      default:
        return WrongType();
    }
  }

  // Only the two messages that JSON writes in their own way; others have no meaning here.
  bool JsonMessage(const MessageData& message, std::string* out) {
    const std::string& name = message.type->full_name();
    if (name == "google.protobuf.Empty") {
      AppendDelimitedField(5, {}, out);
      return true;
    }
    if (name != "google.protobuf.FieldMask") return WrongType();
    const Value paths = ReadField(frame_, message, *message.type->FindFieldByNumber(1));
    if (paths.is_error()) return Fail(paths.text());
    std::string text;
    for (size_t i = 0; i < paths.size; ++i)
      absl::StrAppend(&text, i == 0 ? "" : ",", paths.items[i].text());
    AppendDelimitedField(3, text, out);
    return true;
  }

  bool JsonList(const Value& list, std::string* out) {
    const bool ok = Nested([&] {
      for (size_t i = 0; i < list.size; ++i) {
        std::string item;
        if (!Json(list.items[i], &item)) return false;
        AppendDelimitedField(1, item, out);
      }
      return true;
    });
    return ok;
  }

  bool Struct(const Value& map, std::string* out) {
    return Nested([&] {
      for (size_t i = 0; i < map.size; ++i) {
        if (map.items[2 * i].kind != ValueKind::kString)
          return Fail("bad key type: a Struct's keys are strings (Struct 的键应为文本)");
        std::string entry, item;
        if (!Json(map.items[2 * i + 1], &item)) return false;
        AppendDelimitedField(1, map.items[2 * i].text(), &entry);
        AppendDelimitedField(2, item, &entry);
        AppendDelimitedField(1, entry, out);
      }
      return true;
    });
  }

  template <typename Step>
  bool Nested(Step step) {
    if (++depth_ > kMaxDepth) return Fail("values nested too deep (值嵌套过深)");
    const bool ok = step();
    --depth_;
    return ok;
  }

  Frame& frame_;
  absl::string_view why_;
  int depth_ = 0;
};

}  // namespace

Value BuildMessage(Frame& frame, const pb::Descriptor& type,
                   absl::Span<const FieldDescriptor* const> fields,
                   absl::Span<const Value> values) {
  Writer writer(frame);
  std::string bytes;
  for (size_t i = 0; i < fields.size(); ++i) {
    if (!writer.Field(*fields[i], values[i], &bytes)) return Error(writer.why());
  }
  if (!frame.ChargeText(bytes.size())) return Error(kTooCostly);
  const Value kept = frame.arena.Copy(ValueKind::kBytes, bytes);
  return kept.is_error() ? kept : FromWire(frame, type, kept.text(), 0);
}

}  // namespace huiliu::cel
