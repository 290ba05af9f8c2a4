// The wire reader and the projector over any bytes: nothing outside is read, the two readers agree
// with each other and with libprotobuf, and a projection parses and holds no field that was
// dropped.
#include <google/protobuf/empty.pb.h>
#include <google/protobuf/stubs/logging.h>
#include <google/protobuf/unknown_field_set.h>

#include <algorithm>
#include <map>
#include <vector>

#include "absl/strings/str_cat.h"
#include "core/schema/contract.h"
#include "core/schema/projector.h"
#include "core/schema/record_check.h"
#include "core/schema/record_writer.h"
#include "core/schema/wire_reader.h"
#include "tests/fuzz/fuzz.h"

namespace huiliu::schema {
namespace {

using google::protobuf::UnknownField;
using google::protobuf::UnknownFieldSet;

constexpr char kContract[] = R"(syntax = "proto3";
package fuzz;
import "google/protobuf/timestamp.proto";
import "huiliu/v1/dataset.proto";
message Row {
  option (huiliu.v1.dataset) = {id: "row" title: "行"};
  enum State { STATE_UNSPECIFIED = 0; STATE_OPEN = 1; }
  message Part { string text = 1; repeated int32 numbers = 2; }
  string id = 1 [(huiliu.v1.data) = {title: "编号" key: true}];
  int64 n = 2 [(huiliu.v1.data) = {title: "数"}];
  string name = 3 [(huiliu.v1.data) = {title: "名"}];
  sint64 z = 4 [(huiliu.v1.data) = {title: "有符号"}];
  fixed32 f = 5 [(huiliu.v1.data) = {title: "定长"}];
  bool b = 7 [(huiliu.v1.data) = {title: "是否"}];
  int32 small = 8 [(huiliu.v1.data) = {title: "短"}];
  float half = 9 [(huiliu.v1.data) = {title: "单精度"}];
  google.protobuf.Timestamp at = 10 [(huiliu.v1.data) = {title: "时间"}];
  State state = 11 [(huiliu.v1.data) = {title: "状态"}];
  repeated int64 list = 12 [(huiliu.v1.data) = {title: "列"}];
  repeated string tags = 13 [(huiliu.v1.data) = {title: "签"}];
  Part part = 14 [(huiliu.v1.data) = {title: "部分"}];
  double d = 150 [(huiliu.v1.data) = {title: "额"}];
  bytes photo = 536870911 [(huiliu.v1.data) = {title: "照片"}];
})";

struct Fixture {
  std::shared_ptr<const Contract> contract = fuzz::Must(Contract::Parse("row.proto", kContract));
  std::vector<uint32_t> numbers;
  std::unique_ptr<FieldPlan> plan;
  Fixture() {
    google::protobuf::SetLogHandler(nullptr);
    for (const Field& field : contract->fields()) numbers.push_back(field.number);
    plan = std::make_unique<FieldPlan>(numbers);
  }
};

// True where the bytes are a message; its fields in order.
bool ReadAll(absl::string_view record, std::vector<WireField>* fields) {
  absl::string_view rest = record;
  WireField field;
  const char* at = record.data();
  while (TakeField(rest, &field)) {
    FUZZ_CHECK(field.whole.data() == at && !field.whole.empty());
    at += field.whole.size();
    FUZZ_CHECK(at <= record.data() + record.size() && rest.data() == at);
    if (field.type == WireType::kBytes) {
      FUZZ_CHECK(field.bytes.data() + field.bytes.size() == at);
      FUZZ_CHECK(field.bytes.size() < field.whole.size());
    }
    fields->push_back(field);
  }
  return rest.empty();
}

// What we take for a message is one for a receiver's parser, which is stricter than
// UnknownFieldSet's own; both read the same.
void CompareWithProtobuf(absl::string_view record, const std::vector<WireField>& fields) {
  google::protobuf::Empty message;
  FUZZ_CHECK(message.ParseFromArray(record.data(), static_cast<int>(record.size())));
  const UnknownFieldSet& set = google::protobuf::Empty::GetReflection()->GetUnknownFields(message);
  FUZZ_CHECK(static_cast<size_t>(set.field_count()) == fields.size());
  for (size_t i = 0; i < fields.size(); ++i) {
    const UnknownField& theirs = set.field(static_cast<int>(i));
    const WireField& ours = fields[i];
    FUZZ_CHECK(static_cast<uint32_t>(theirs.number()) == ours.field_number);
    switch (ours.type) {
      case WireType::kVarint:
        FUZZ_CHECK(theirs.type() == UnknownField::TYPE_VARINT && theirs.varint() == ours.number);
        break;
      case WireType::kFixed64:
        FUZZ_CHECK(theirs.type() == UnknownField::TYPE_FIXED64 && theirs.fixed64() == ours.number);
        break;
      case WireType::kFixed32:
        FUZZ_CHECK(theirs.type() == UnknownField::TYPE_FIXED32 && theirs.fixed32() == ours.number);
        break;
      case WireType::kBytes:
        FUZZ_CHECK(theirs.type() == UnknownField::TYPE_LENGTH_DELIMITED &&
                   theirs.length_delimited() == std::string(ours.bytes));
    }
  }
}

void CompareScan(const Fixture& fixture, absl::string_view record, bool whole,
                 const std::vector<WireField>& fields) {
  std::vector<FieldSlot> slots(fixture.numbers.size());
  FUZZ_CHECK(fixture.plan->Scan(record, absl::MakeSpan(slots)).ok() == whole);
  if (!whole) return;
  std::map<uint32_t, const WireField*> last;
  for (const WireField& field : fields) last[field.field_number] = &field;
  for (size_t i = 0; i < slots.size(); ++i) {
    const auto found = last.find(fixture.numbers[i]);
    FUZZ_CHECK(slots[i].present == (found != last.end()));
    if (!slots[i].present) continue;
    FUZZ_CHECK(slots[i].type == found->second->type && slots[i].number == found->second->number &&
               slots[i].bytes == found->second->bytes);
  }
}

// `keep` and `rewrite` by Field::index, disjoint.
void CheckProjection(const Fixture& fixture, absl::string_view record, bool whole,
                     const std::vector<WireField>& fields, uint32_t keep, uint32_t rewrite) {
  Projector projector(fixture.contract);
  std::map<uint32_t, const Field*> kept, rewritten;
  for (const Field& field : fixture.contract->fields()) {
    const uint32_t bit = 1U << field.index;
    if ((keep & bit) != 0) {
      projector.Keep(field);
      kept[field.number] = &field;
    } else if ((rewrite & bit) != 0) {
      projector.Rewrite(field, [](absl::string_view value, std::string* shown) {
        shown->assign(value.data(), value.size());
        return absl::OkStatus();
      });
      if (projector.keeps(field)) rewritten[field.number] = &field;
    }
  }
  std::string out = "left over";
  const absl::Status status = projector.Apply(record, &out);
  if (!whole) FUZZ_CHECK(!status.ok());
  if (!status.ok()) {
    FUZZ_CHECK(out.empty());
    return;
  }
  std::vector<WireField> shown;
  FUZZ_CHECK(ReadAll(out, &shown));
  FUZZ_CHECK(google::protobuf::Empty().ParseFromString(out));
  size_t next = 0;
  for (const WireField& field : fields) {
    const bool is_kept = kept.count(field.field_number) > 0;
    if (!is_kept && rewritten.count(field.field_number) == 0) continue;
    FUZZ_CHECK(next < shown.size() && shown[next].field_number == field.field_number);
    if (is_kept) FUZZ_CHECK(shown[next].whole == field.whole);
    ++next;
  }
  FUZZ_CHECK(next == shown.size());  // and nothing else
}

void Check(absl::string_view record) {
  static const auto& fixture = *new Fixture;
  std::vector<WireField> fields;
  const bool whole = ReadAll(record, &fields);
  if (whole) CompareWithProtobuf(record, fields);
  CompareScan(fixture, record, whole, fields);
  fuzz::Choices choices(record);
  const auto all = static_cast<uint32_t>((1U << fixture.numbers.size()) - 1);
  CheckProjection(fixture, record, whole, fields, all, 0);
  CheckProjection(fixture, record, whole, fields, 0, all);
  const auto keep = static_cast<uint32_t>(choices.Next());
  CheckProjection(fixture, record, whole, fields, keep,
                  static_cast<uint32_t>(choices.Next()) & ~keep);
  // These parse by the contract; whatever they say, they end.
  (void)fixture.contract->KeyOf(record);
  const auto json = RecordToJson(*fixture.contract, record);
  // What passes the check, everyone can read.
  if (CheckRecord(*fixture.contract, record).ok()) {
    FUZZ_CHECK_SAY(json.ok(), json.status().ToString());
    for (const Field& field : fixture.contract->fields())
      if (!field.repeated && field.type != FieldType::kMessage)
        FUZZ_CHECK(FieldToText(*fixture.contract, field, record).ok());
  }
  if (json.ok()) {
    const auto again = RecordFromJson(*fixture.contract, *json);
    FUZZ_CHECK_SAY(again.ok(), absl::StrCat(*json, again.status().message()));
  }
}

}  // namespace
}  // namespace huiliu::schema

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  huiliu::schema::Check(huiliu::fuzz::AsText(data, size));
  return 0;
}
