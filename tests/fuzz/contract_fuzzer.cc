// Dataset contracts from any text: parsed the same twice, and what is accepted is whole; what may
// follow a contract still reads its records the same way. Two contracts of one input are parted by
// a line "----".
#include <google/protobuf/descriptor.h>
#include <google/protobuf/stubs/logging.h>

#include <set>

#include "absl/strings/str_cat.h"
#include "core/schema/contract.h"
#include "core/schema/projector.h"
#include "core/schema/record_writer.h"
#include "core/schema/text_value.h"
#include "tests/fuzz/fuzz.h"

namespace huiliu::schema {
namespace {

using Parsed = absl::StatusOr<std::shared_ptr<const Contract>>;

void CheckContract(const Contract& contract) {
  FUZZ_CHECK(!contract.id().value().empty() && !contract.options().title().empty());
  FUZZ_CHECK(!contract.options().contains_secret());
  FUZZ_CHECK(!contract.key_fields().empty());
  std::set<uint32_t> numbers;
  for (const Field& field : contract.fields()) {
    FUZZ_CHECK(numbers.insert(field.number).second);
    FUZZ_CHECK(contract.FindField(field.name) == &field);
    FUZZ_CHECK(contract.FindFieldByNumber(field.number) == &field);
    FUZZ_CHECK(&contract.fields()[static_cast<size_t>(field.index)] == &field);
    FUZZ_CHECK(field.options.grade() <= contract.grade());
  }
  // What is said of it reaches others as proto3 messages.
  huiliu::v1::DatasetOptions options;
  FUZZ_CHECK(options.ParseFromString(contract.options().SerializeAsString()));
  for (const Field& field : contract.fields()) {
    huiliu::v1::FieldDataOptions data;
    FUZZ_CHECK(data.ParseFromString(field.options.SerializeAsString()));
  }
  const absl::Status same = CheckEvolution(contract, contract);
  FUZZ_CHECK_SAY(same.ok(), same.ToString());
}

// A value that the field takes, as text; empty where it takes none.
std::string SampleOf(const Field& field) {
  switch (field.type) {
    case FieldType::kString:
    case FieldType::kBytes:
      return "甲1";
    case FieldType::kTimestamp:
      return "2026-01-02T03:04:05Z";
    case FieldType::kMessage:
      return "";
    case FieldType::kEnum:
      return "";  // which numbers it has is its own
    default:
      return "1";
  }
}

// A record of the contract keeps its key and its texts.
std::string CheckRecord(const Contract& contract) {
  RecordWriter writer(contract);
  std::set<std::string> set;
  for (const Field& field : contract.fields()) {
    // The last set member of a oneof wins.
    const auto* oneof = field.descriptor->real_containing_oneof();
    if (oneof != nullptr && !set.insert("oneof " + oneof->name()).second) continue;
    const std::string text = SampleOf(field);
    if (text.empty()) continue;
    const absl::Status status = writer.SetText(field, text);
    FUZZ_CHECK_SAY(status.ok(), status.ToString());
    set.insert(field.name);
  }
  const std::string record = writer.Finish();
  for (const Field& field : contract.fields()) {
    if (field.repeated || set.count(field.name) == 0) continue;
    const auto text = FieldToText(contract, field, record);
    FUZZ_CHECK_SAY(text.ok(), text.status().ToString());
    const std::string expected = field.type == FieldType::kBool ? "true" : SampleOf(field);
    FUZZ_CHECK_SAY(*text == expected, field.name + " " + *text);
  }
  const auto json = RecordToJson(contract, record);
  FUZZ_CHECK_SAY(json.ok(), json.status().ToString());
  const auto back = RecordFromJson(contract, *json);
  FUZZ_CHECK_SAY(back.ok(), absl::StrCat(*json, back.status().message()));
  return record;
}

// What the old contract says of a record, the new one says too.
void CheckFollows(const Contract& previous, const Contract& next, const std::string& record) {
  const auto key = previous.KeyOf(record), key_after = next.KeyOf(record);
  FUZZ_CHECK(key.ok() == key_after.ok());
  if (key.ok()) FUZZ_CHECK(*key == *key_after);
  for (const Field& field : previous.fields()) {
    const Field* after = next.FindFieldByNumber(field.number);
    FUZZ_CHECK(after != nullptr && after->name == field.name);
    if (field.type == FieldType::kMessage || field.repeated) continue;
    const auto text = FieldToText(previous, field, record);
    const auto text_after = FieldToText(next, *after, record);
    FUZZ_CHECK(text.ok() == text_after.ok());
    if (text.ok()) FUZZ_CHECK(*text == *text_after);
  }
}

Parsed Parse(absl::string_view source) {
  Parsed parsed = Contract::Parse("fuzz.proto", source);
  const Parsed again = Contract::Parse("fuzz.proto", source);
  FUZZ_CHECK(parsed.status() == again.status());
  if (!parsed.ok()) {
    FUZZ_CHECK(parsed.status().code() == absl::StatusCode::kInvalidArgument);
    FUZZ_CHECK(!parsed.status().message().empty());
    FUZZ_CHECK(IsUtf8(parsed.status().message()));  // it is shown, and travels as a proto3 string
  }
  return parsed;
}

void Check(absl::string_view input) {
  google::protobuf::SetLogHandler(nullptr);
  fuzz::Parts parts(input);
  const Parsed previous = Parse(parts.Section());
  if (!previous.ok()) return;
  CheckContract(**previous);
  const std::string record = CheckRecord(**previous);
  if (parts.rest().empty()) return;
  const Parsed next = Parse(parts.Section());
  if (!next.ok()) return;
  if (CheckEvolution(**previous, **next).ok()) CheckFollows(**previous, **next, record);
}

}  // namespace
}  // namespace huiliu::schema

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  huiliu::schema::Check(huiliu::fuzz::AsText(data, size));
  return 0;
}
