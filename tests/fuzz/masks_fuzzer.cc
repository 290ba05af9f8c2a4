// Masks over any bytes: of a masked value nothing but the code points that the mask keeps appears
// in what leaves, else nothing leaves at all. The code points are counted here once more, by
// another decoder.
#include <algorithm>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "core/rules/masks.h"
#include "core/rules/record_transform.h"
#include "core/schema/contract.h"
#include "core/schema/wire_reader.h"
#include "tests/fuzz/fuzz.h"

namespace huiliu::rules {
namespace {

using huiliu::v1::Mask;
using schema::WireField;
using Result = RecordTransform::Result;

constexpr char kKey[] = "0123456789abcdef0123456789abcdef";

constexpr char kContract[] = R"(syntax = "proto3";
package fuzz;
import "huiliu/v1/dataset.proto";
message Row {
  option (huiliu.v1.dataset) = {id: "row" title: "行"};
  string id = 1 [(huiliu.v1.data) = {title: "编号" key: true}];
  int64 n = 2 [(huiliu.v1.data) = {title: "数"}];
  string name = 3 [(huiliu.v1.data) = {title: "名"}];
  repeated string tags = 4 [(huiliu.v1.data) = {title: "签"}];
  string phone = 5 [(huiliu.v1.data) = {title: "电话"}];
  fixed32 f = 6 [(huiliu.v1.data) = {title: "定长"}];
  string note = 150 [(huiliu.v1.data) = {title: "注"}];
})";

Mask Partial(uint32_t first, uint32_t last, absl::string_view fill) {
  Mask mask;
  mask.mutable_partial()->set_keep_first(first);
  mask.mutable_partial()->set_keep_last(last);
  mask.mutable_partial()->set_fill(std::string(fill));
  return mask;
}

// A plain decoder by the ranges of RFC 3629's table; false where `text` is not UTF-8.
bool Split(absl::string_view text, std::vector<absl::string_view>* code_points) {
  const auto within = [&](size_t at, uint8_t low, uint8_t high) {
    return at < text.size() && static_cast<uint8_t>(text[at]) >= low &&
           static_cast<uint8_t>(text[at]) <= high;
  };
  for (size_t at = 0; at < text.size();) {
    size_t size = 0;
    const bool tail1 = within(at + 1, 0x80, 0xBF), tail2 = within(at + 2, 0x80, 0xBF);
    const bool tail3 = within(at + 3, 0x80, 0xBF);
    if (within(at, 0x00, 0x7F)) size = 1;
    if (within(at, 0xC2, 0xDF) && tail1) size = 2;
    if (within(at, 0xE0, 0xE0) && within(at + 1, 0xA0, 0xBF) && tail2) size = 3;
    if (within(at, 0xE1, 0xEC) && tail1 && tail2) size = 3;
    if (within(at, 0xED, 0xED) && within(at + 1, 0x80, 0x9F) && tail2) size = 3;
    if (within(at, 0xEE, 0xEF) && tail1 && tail2) size = 3;
    if (within(at, 0xF0, 0xF0) && within(at + 1, 0x90, 0xBF) && tail2 && tail3) size = 4;
    if (within(at, 0xF1, 0xF3) && tail1 && tail2 && tail3) size = 4;
    if (within(at, 0xF4, 0xF4) && within(at + 1, 0x80, 0x8F) && tail2 && tail3) size = 4;
    if (size == 0) return false;
    code_points->push_back(text.substr(at, size));
    at += size;
  }
  return true;
}

// Whether `shown` may stand for `value`.
void CheckShown(const Mask& mask, absl::string_view value, absl::string_view shown) {
  std::vector<absl::string_view> before;
  FUZZ_CHECK(Split(value, &before));  // else it had to be refused
  if (mask.has_hash()) {
    FUZZ_CHECK(shown.size() == (value.empty() ? 0 : 64));
    FUZZ_CHECK(std::all_of(shown.begin(), shown.end(), [](char c) {
      return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
    }));
    return;
  }
  const Mask::Partial& partial = mask.partial();
  const std::string fill = partial.fill().empty() ? "*" : partial.fill();
  const size_t first = partial.keep_first(), last = partial.keep_last();
  const bool hides_all = first + last >= before.size();
  size_t at = 0;
  for (size_t i = 0; i < before.size(); ++i) {
    const bool open = !hides_all && (i < first || i + last >= before.size());
    const absl::string_view expected = open ? before[i] : absl::string_view(fill);
    FUZZ_CHECK(shown.substr(at, expected.size()) == expected);
    at += expected.size();
  }
  FUZZ_CHECK(at == shown.size());
}

bool HasDivision(absl::string_view code) { return absl::StartsWith(code, "53"); }

// Coarser values say nothing of what they leave out: made coarser again they stay.
void CheckCoarser(absl::string_view value) {
  Mask::Generalise to[4];
  to[0].set_division(Mask::Generalise::LEVEL_CITY);
  to[1].set_date(Mask::Generalise::PRECISION_MONTH);
  to[2].set_date(Mask::Generalise::PRECISION_YEAR);
  to[3].set_band(100);
  for (const Mask::Generalise& coarser : to) {
    Mask mask;
    *mask.mutable_generalise() = coarser;
    std::string once, twice;
    if (!AppendMasked(mask, value, {kKey, HasDivision}, &once)) {
      FUZZ_CHECK(once.empty());
      continue;
    }
    FUZZ_CHECK(AppendMasked(mask, once, {kKey, HasDivision}, &twice));
    FUZZ_CHECK_SAY(once == twice, once);
  }
}

bool ReadAll(absl::string_view record, std::vector<WireField>* fields) {
  WireField field;
  while (schema::TakeField(record, &field)) fields->push_back(field);
  return record.empty();
}

const Mask* MaskOf(const Rule& rule, const std::string& name) {
  for (const auto& [field, mask] : rule.masks)
    if (field == name) return &mask;
  return nullptr;
}

bool Drops(const Rule& rule, const std::string& name) {
  const auto names = [&](const std::vector<std::string>& list) {
    return std::find(list.begin(), list.end(), name) != list.end();
  };
  const Mask* mask = MaskOf(rule, name);
  if (mask != nullptr) return mask->has_drop();
  return names(rule.drop) || (!rule.keep.empty() && !names(rule.keep));
}

void CheckRecord(const schema::Contract& contract, const Rule& rule, absl::string_view key,
                 absl::string_view record) {
  const auto transform = fuzz::Must(
      RecordTransform::Create(contract, RecordTransform::FieldsOf(contract), rule, {}, key));
  RecordTransform::Workspace workspace;
  std::string out = "left over";
  const Result result = transform->Apply({{}, "", record}, &workspace, &out);
  std::vector<WireField> before;
  const bool whole = ReadAll(record, &before);
  if (!whole) FUZZ_CHECK(result != Result::kOk);
  if (result != Result::kOk) {
    FUZZ_CHECK(out.empty());
    FUZZ_CHECK((workspace.failed_field == nullptr) == (result == Result::kTorn));
    return;
  }
  std::vector<WireField> after;
  FUZZ_CHECK(ReadAll(out, &after));
  size_t next = 0;
  for (const WireField& field : before) {
    const schema::Field* of = contract.FindFieldByNumber(field.field_number);
    if (of == nullptr || Drops(rule, of->name)) continue;
    FUZZ_CHECK(next < after.size());
    const WireField& shown = after[next++];
    FUZZ_CHECK(shown.field_number == field.field_number);
    const Mask* mask = MaskOf(rule, of->name);
    if (mask == nullptr) {
      FUZZ_CHECK(shown.whole == field.whole);
      continue;
    }
    FUZZ_CHECK(field.type == schema::WireType::kBytes && shown.type == field.type);
    if (mask->has_hash()) FUZZ_CHECK(key.size() >= 16);
    CheckShown(*mask, field.bytes, shown.bytes);
  }
  FUZZ_CHECK(next == after.size());  // and nothing else
}

void Check(absl::string_view input) {
  static const auto& contract =
      *new auto(fuzz::Must(schema::Contract::Parse("row.proto", kContract)));
  fuzz::Choices choices(input);
  const uint32_t first = static_cast<uint32_t>(choices.Below(6));
  const uint32_t last = static_cast<uint32_t>(choices.Below(6));
  const absl::string_view fills[] = {"", "*", "**", "＊", "某"};
  const Mask partial = Partial(first, last, fills[choices.Below(5)]);
  Mask hash, drop;
  hash.set_hash(true);
  drop.set_drop(true);
  Rule rule;
  rule.id = "r";
  rule.masks = {{"name", partial}, {"tags", partial}, {"phone", hash}, {"note", drop}};
  CheckRecord(*contract, rule, kKey, input);
  CheckRecord(*contract, rule, "short", input);
  rule.masks = {{"name", Partial(0, 0, "")}};
  rule.drop = {"tags"};
  CheckRecord(*contract, rule, kKey, input);
  rule.drop.clear();
  rule.keep = {"id", "name"};
  CheckRecord(*contract, rule, kKey, input);

  CheckCoarser(input);

  // The input as a value, and as its own fill.
  for (const Mask& mask :
       {partial, Partial(first, last, input.substr(0, choices.Below(5))), hash}) {
    if (!CheckMask(mask, *contract->FindField("name")).ok()) continue;
    std::string out;
    if (!AppendMasked(mask, input, {kKey}, &out)) {
      FUZZ_CHECK(out.empty());
      continue;
    }
    CheckShown(mask, input, out);
  }
}

}  // namespace
}  // namespace huiliu::rules

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  huiliu::rules::Check(huiliu::fuzz::AsText(data, size));
  return 0;
}
