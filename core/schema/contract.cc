#include "core/schema/contract.h"

#include <google/protobuf/descriptor.h>

#include <algorithm>

#include "absl/container/inlined_vector.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "core/base/status.h"
#include "core/model/varint.h"
#include "core/schema/source_compiler.h"
#include "core/schema/text_value.h"
#include "core/schema/wire_reader.h"

namespace huiliu::schema {
namespace {

namespace pb = google::protobuf;
using absl::InvalidArgumentError;
using absl::StrCat;

constexpr int kMaxFields = 500;

// Options of a run-time pool are dynamic messages: the generated extension reads their bytes.
template <typename Options, typename Extension>
auto OptionsOf(const pb::Message& dynamic, const Extension& extension) {
  Options options;
  options.ParseFromString(dynamic.SerializeAsString());
  return options.GetExtension(extension);
}

absl::StatusOr<FieldType> TypeOf(const pb::FieldDescriptor& field) {
  switch (field.type()) {
    case pb::FieldDescriptor::TYPE_STRING:
      return FieldType::kString;
    case pb::FieldDescriptor::TYPE_BYTES:
      return FieldType::kBytes;
    case pb::FieldDescriptor::TYPE_BOOL:
      return FieldType::kBool;
    case pb::FieldDescriptor::TYPE_ENUM:
      return FieldType::kEnum;
    case pb::FieldDescriptor::TYPE_DOUBLE:
    case pb::FieldDescriptor::TYPE_FLOAT:
      return FieldType::kDouble;
    case pb::FieldDescriptor::TYPE_UINT32:
    case pb::FieldDescriptor::TYPE_UINT64:
    case pb::FieldDescriptor::TYPE_FIXED32:
    case pb::FieldDescriptor::TYPE_FIXED64:
      return FieldType::kUint64;
    case pb::FieldDescriptor::TYPE_MESSAGE:
      return field.message_type()->full_name() == "google.protobuf.Timestamp"
                 ? FieldType::kTimestamp
                 : FieldType::kMessage;
    case pb::FieldDescriptor::TYPE_GROUP:
      return InvalidArgumentError(
          StrCat("field ", field.name(), ": 不支持 group / groups are not supported"));
    default:
      return FieldType::kInt64;
  }
}

bool IsDatasetId(absl::string_view id) {
  return !id.empty() && id.size() <= 63 && absl::ascii_islower(id[0]) &&
         std::all_of(id.begin(), id.end(), [](char c) {
           return absl::ascii_islower(c) || absl::ascii_isdigit(c) || c == '_';
         });
}

class ParsedContract : public Contract {
 public:
  absl::Status Open(absl::string_view source_name, absl::string_view source_text,
                    uint32_t version) {
    source_name_ = std::string(source_name);
    source_text_ = std::string(source_text);
    version_ = version;
    ASSIGN_OR_RETURN(file_, CompileSource(source_name_, source_text_, &pool_));
    RETURN_IF_ERROR(FindMessage());
    RETURN_IF_ERROR(ReadFields());
    return CheckOptions();
  }

  const DatasetId& id() const override { return id_; }
  uint32_t version() const override { return version_; }
  const std::string& source_name() const override { return source_name_; }
  const std::string& source_text() const override { return source_text_; }
  const huiliu::v1::DatasetOptions& options() const override { return options_; }
  const pb::Descriptor* descriptor() const override { return message_; }
  absl::Span<const Field> fields() const override { return fields_; }
  absl::Span<const Field* const> key_fields() const override { return key_fields_; }
  huiliu::v1::Grade grade() const override { return grade_; }

  const Field* FindField(absl::string_view name) const override {
    for (const Field& field : fields_) {
      if (name == field.name) return &field;
    }
    return nullptr;
  }

  const Field* FindFieldByNumber(uint32_t number) const override {
    const int slot = by_number_->SlotOf(number);
    return slot < 0 ? nullptr : &fields_[static_cast<size_t>(slot)];
  }

  absl::StatusOr<std::string> KeyOf(absl::string_view record) const override {
    absl::InlinedVector<FieldSlot, 4> slots(key_fields_.size());
    RETURN_IF_ERROR(key_plan_->Scan(record, absl::MakeSpan(slots)));
    std::string key;
    std::string number;
    for (size_t i = 0; i < key_fields_.size(); ++i) {
      const Field& field = *key_fields_[i];
      const FieldSlot& slot = slots[i];
      absl::string_view text;
      if (slot.present && field.type == FieldType::kString && slot.type == WireType::kBytes) {
        text = slot.bytes;
      } else if (slot.present) {
        number.clear();
        RETURN_IF_ERROR(AppendText(field, slot.type, slot.number, slot.bytes, &number));
        text = number;
      }
      if (text.empty()) return EmptyKey(field);
      AppendVarint(&key, text.size());
      key.append(text.data(), text.size());
    }
    return key;
  }

  absl::StatusOr<std::string> KeyFromValues(absl::Span<const std::string> values) const override {
    if (values.size() != key_fields_.size()) {
      std::string names;
      for (const Field* field : key_fields_)
        absl::StrAppend(&names, names.empty() ? "" : ", ", field->name);
      return InvalidArgumentError(StrCat("dataset ", id_.value(), ": 主键值的个数不对 / a key has ",
                                         key_fields_.size(), " value(s) (", names, "), not ",
                                         values.size()));
    }
    std::string key;
    for (size_t i = 0; i < values.size(); ++i) {
      if (values[i].empty()) return EmptyKey(*key_fields_[i]);
      ASSIGN_OR_RETURN(const std::string text, Canonical(*key_fields_[i], values[i]));
      AppendVarint(&key, text.size());
      key += text;
    }
    return key;
  }

 private:
  // 007 and 7 are one whole number: its key text is what KeyOf writes.
  static absl::StatusOr<std::string> Canonical(const Field& field, const std::string& value) {
    if (field.type == FieldType::kString) return value;
    std::string wire;
    RETURN_IF_ERROR(AppendWire(field, value, &wire));
    absl::string_view rest = wire;
    WireField occurrence;
    TakeField(rest, &occurrence);
    std::string text;
    RETURN_IF_ERROR(AppendText(field, occurrence.type, occurrence.number, occurrence.bytes, &text));
    return text;
  }

  absl::Status EmptyKey(const Field& field) const {
    return InvalidArgumentError(
        StrCat("dataset ", id_.value(), ": 主键字段为空 / key field ", field.name, " is empty"));
  }

  // Where a declaration stands, as "file:line:column: ".
  template <typename Declaration>
  std::string Place(const Declaration& declaration) const {
    pb::SourceLocation at;
    if (!declaration.GetSourceLocation(&at)) return StrCat(source_name_, ": ");
    return StrCat(source_name_, ":", at.start_line + 1, ":", at.start_column + 1, ": ");
  }

  static bool IsDataset(const huiliu::v1::DatasetOptions& options) {
    return !options.id().empty() || !options.title().empty();
  }

  // A dataset that no one would find is refused, not passed over.
  absl::Status CheckNestedTypes(const pb::Descriptor& message) const {
    for (int i = 0; i < message.nested_type_count(); ++i) {
      const pb::Descriptor* nested = message.nested_type(i);
      if (IsDataset(OptionsOf<pb::MessageOptions>(nested->options(), huiliu::v1::dataset))) {
        return InvalidArgumentError(StrCat(Place(*nested), nested->name(),
                                           ": 数据集须是单独的 message，不能嵌套 / a dataset is a "
                                           "message of its own, not one inside another"));
      }
      RETURN_IF_ERROR(CheckNestedTypes(*nested));
    }
    return absl::OkStatus();
  }

  absl::Status FindMessage() {
    for (int i = 0; i < file_->message_type_count(); ++i) {
      const pb::Descriptor* message = file_->message_type(i);
      RETURN_IF_ERROR(CheckNestedTypes(*message));
      auto options = OptionsOf<pb::MessageOptions>(message->options(), huiliu::v1::dataset);
      if (!IsDataset(options)) continue;
      if (message_ != nullptr) {
        return InvalidArgumentError(StrCat(
            Place(*message), message_->name(), " and ", message->name(),
            " 都声明了数据集，一个文件只声明一个 / both declare a dataset; one file declares one"));
      }
      message_ = message;
      options_ = std::move(options);
    }
    if (message_ == nullptr) {
      return InvalidArgumentError(
          StrCat(source_name_,
                 ": 没有 message 声明数据集 / no message declares a dataset; add option "
                 "(huiliu.v1.dataset) = {id: … title: …}"));
    }
    id_ = DatasetId(options_.id());
    return absl::OkStatus();
  }

  absl::Status ReadFields() {
    if (message_->field_count() == 0 || message_->field_count() > kMaxFields) {
      return Fail(StrCat("数据集的字段数超出范围 / a dataset has 1 to ", kMaxFields, " fields"));
    }
    std::vector<uint32_t> numbers;
    for (int i = 0; i < message_->field_count(); ++i) {
      const pb::FieldDescriptor* descriptor = message_->field(i);
      Field field;
      field.name = descriptor->name();
      field.number = static_cast<uint32_t>(descriptor->number());
      ASSIGN_OR_RETURN(field.type, TypeOf(*descriptor));
      field.repeated = descriptor->is_repeated();
      field.options = OptionsOf<pb::FieldOptions>(descriptor->options(), huiliu::v1::data);
      field.descriptor = descriptor;
      field.index = i;
      numbers.push_back(field.number);
      grade_ = std::max(grade_, field.options.grade());
      fields_.push_back(std::move(field));
    }
    by_number_ = std::make_unique<FieldPlan>(numbers);
    std::vector<uint32_t> key_numbers;
    for (const Field& field : fields_) {
      if (!field.options.key()) continue;
      key_fields_.push_back(&field);
      key_numbers.push_back(field.number);
    }
    key_plan_ = std::make_unique<FieldPlan>(key_numbers);
    return absl::OkStatus();
  }

  absl::Status Fail(absl::string_view why) const {
    return InvalidArgumentError(StrCat(Place(*message_), "dataset ", options_.id(), ": ", why));
  }

  absl::Status Fail(const Field& field, absl::string_view why) const {
    return InvalidArgumentError(
        StrCat(Place(*field.descriptor), "dataset ", options_.id(), ": ", why));
  }

  absl::Status CheckOptions() const {
    if (!IsDatasetId(options_.id())) {
      return Fail("数据集 id 不合要求 / its id is 1 to 63 of a-z 0-9 _, the first a letter");
    }
    if (options_.title().empty()) return Fail("须有数据集名称 / a title (数据集名称) is required");
    if (options_.contains_secret()) {
      return Fail(
          "涉密数据不得登记 / state and work secrets are outside this exchange; it is refused");
    }
    if (options_.sharing() == huiliu::v1::SHARING_NOT_SHARED &&
        options_.not_shared_reason().empty()) {
      return Fail(
          "不予共享须写明依据的法律、行政法规或国务院决定 / 不予共享 needs not_shared_reason: the "
          "law, regulation or decision that says so");
    }
    if (key_fields_.empty()) return Fail("没有标为 key 的字段 / no field is marked key");
    for (const Field& field : fields_) RETURN_IF_ERROR(CheckField(field));
    for (const auto& evidence : options_.territory().evidence()) {
      const Field* field = FindField(evidence.field());
      if (field == nullptr)
        return Fail(StrCat("归属依据所指的字段不存在 / evidence names field \"", evidence.field(),
                           "\", which it does not have"));
      if (field->type != FieldType::kString || field->repeated) {
        return Fail(*field, StrCat("归属依据须是单值文本 / evidence field ", field->name,
                                   " must be a single string"));
      }
      if (evidence.kind() == huiliu::v1::EVIDENCE_KIND_UNSPECIFIED) {
        return Fail(*field, StrCat("归属依据须有种类 / evidence ", field->name, " needs a kind"));
      }
    }
    return absl::OkStatus();
  }

  absl::Status CheckField(const Field& field) const {
    if (field.options.title().empty())
      return Fail(field, StrCat("字段须有中文名称 / field ", field.name, " needs a Chinese title"));
    const bool scalar = !field.repeated && field.type != FieldType::kMessage;
    if (field.options.key() &&
        (!scalar || field.type == FieldType::kDouble || field.type == FieldType::kTimestamp ||
         field.type == FieldType::kBytes)) {
      return Fail(field, StrCat("key field ", field.name,
                                " must be a single text or whole number / "
                                "主键字段须是单值的文本或整数"));
    }
    if (field.options.index() && !scalar)
      return Fail(field,
                  StrCat("索引字段须是单值 / index field ", field.name, " must be a single value"));
    return absl::OkStatus();
  }

  std::string source_name_;
  std::string source_text_;
  uint32_t version_ = 1;
  pb::DescriptorPool pool_;
  const pb::FileDescriptor* file_ = nullptr;
  const pb::Descriptor* message_ = nullptr;
  huiliu::v1::DatasetOptions options_;
  DatasetId id_;
  std::vector<Field> fields_;
  std::vector<const Field*> key_fields_;
  std::unique_ptr<FieldPlan> by_number_;
  std::unique_ptr<FieldPlan> key_plan_;
  huiliu::v1::Grade grade_ = huiliu::v1::GRADE_UNSPECIFIED;
};

}  // namespace

absl::StatusOr<std::shared_ptr<const Contract>> Contract::Parse(absl::string_view source_name,
                                                                absl::string_view source_text,
                                                                uint32_t version) {
  auto contract = std::make_shared<ParsedContract>();
  RETURN_IF_ERROR(contract->Open(source_name, source_text, version));
  return std::shared_ptr<const Contract>(std::move(contract));
}

}  // namespace huiliu::schema
