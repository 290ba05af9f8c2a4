#include "broker/catalog/rocksdb/row_index.h"

#include <algorithm>
#include <cstring>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "broker/catalog/rocksdb/catalog_format.h"
#include "core/base/status.h"
#include "core/schema/text_value.h"
#include "huiliu/v1/common.pb.h"

namespace huiliu::rocks_catalog {
namespace {

constexpr size_t kPrefixBytes = 4;

void AppendEscaped(absl::string_view value, std::string* out) {
  const void* zero = value.empty() ? nullptr : std::memchr(value.data(), 0, value.size());
  if (zero == nullptr) {
    out->append(value.data(), value.size());
  } else {
    for (char c : value) {
      out->push_back(c);
      if (c == '\0') out->push_back('\xFF');
    }
  }
  out->append(2, '\0');
}

void AppendNumber(uint64_t ordered, std::string* out) {
  char bytes[8];
  for (int i = 0; i < 8; ++i) bytes[i] = static_cast<char>(ordered >> (56 - 8 * i));
  AppendEscaped(absl::string_view(bytes, 8), out);
}

constexpr uint64_t kSign = uint64_t{1} << 63;

// The value's text in the order of its type. False where it is no value of the type.
bool AppendValue(schema::FieldType type, absl::string_view text, std::string* out) {
  switch (type) {
    case schema::FieldType::kInt64:
    case schema::FieldType::kEnum: {
      int64_t number = 0;
      if (!absl::SimpleAtoi(text, &number)) return false;
      AppendNumber(static_cast<uint64_t>(number) ^ kSign, out);
      return true;
    }
    case schema::FieldType::kUint64: {
      uint64_t number = 0;
      if (!absl::SimpleAtoi(text, &number)) return false;
      AppendNumber(number, out);
      return true;
    }
    case schema::FieldType::kDouble: {
      double number = 0;
      if (!absl::SimpleAtod(text, &number)) return false;
      uint64_t bits = 0;
      std::memcpy(&bits, &number, sizeof bits);
      AppendNumber((bits & kSign) != 0 ? ~bits : bits ^ kSign, out);
      return true;
    }
    case schema::FieldType::kTimestamp: {
      absl::Time time;
      if (!schema::ParseTime(text, &time)) return false;
      AppendNumber(static_cast<uint64_t>(absl::ToUnixMicros(time)) ^ kSign, out);
      return true;
    }
    case schema::FieldType::kString:
    case schema::FieldType::kBytes:
    case schema::FieldType::kBool:
      AppendEscaped(text, out);
      return true;
    case schema::FieldType::kMessage:
      return false;
  }
  return false;
}

}  // namespace

std::string IndexPrefix(uint32_t field_number) {
  std::string key;
  for (int shift = 24; shift >= 0; shift -= 8)
    key.push_back(static_cast<char>(field_number >> shift));
  return key;
}

absl::string_view DivisionOf(absl::string_view envelope) {
  schema::WireField field;
  absl::string_view division;
  while (schema::TakeField(envelope, &field)) {
    if (field.field_number == huiliu::v1::Envelope::kDivisionFieldNumber) division = field.bytes;
  }
  return division;
}

void AppendDivisionKey(absl::string_view division, absl::string_view row_key, std::string* out) {
  out->append(kPrefixBytes, '\0');  // kDivisionNumber
  AppendEscaped(division, out);
  out->append(row_key.data(), row_key.size());
}

bool DivisionOfIndex(absl::string_view index_key, std::string* division) {
  division->clear();
  if (index_key.substr(0, kPrefixBytes) != IndexPrefix(kDivisionNumber)) return false;
  for (size_t i = kPrefixBytes; i + 1 < index_key.size(); ++i) {
    if (index_key[i] != '\0') {
      division->push_back(index_key[i]);
      continue;
    }
    if (index_key[i + 1] == '\0') return true;
    division->push_back(index_key[i++]);
  }
  return false;
}

bool RowKeyOfIndex(absl::string_view index_key, absl::string_view* row_key) {
  for (size_t i = kPrefixBytes; i + 1 < index_key.size(); ++i) {
    if (index_key[i] != '\0') continue;
    if (index_key[i + 1] == '\0') {
      *row_key = index_key.substr(i + 2);
      return true;
    }
    ++i;
  }
  return false;
}

RowIndex::RowIndex(std::shared_ptr<const schema::Contract> contract)
    : contract_(std::move(contract)) {
  std::vector<uint32_t> numbers;
  for (const schema::Field& field : contract_->fields()) {
    if (!field.options.index() || field.type == schema::FieldType::kMessage) continue;
    fields_.push_back(&field);
    numbers.push_back(field.number);
  }
  plan_ = std::make_unique<schema::FieldPlan>(numbers);
}

bool RowIndex::Find(absl::string_view payload, std::vector<Occurrence>* found) const {
  found->clear();
  schema::WireField value;
  while (schema::TakeField(payload, &value)) {
    const int slot = plan_->SlotOf(value.field_number);
    if (slot < 0) continue;
    const size_t field = static_cast<size_t>(slot);
    if (!fields_[field]->repeated) {  // the last occurrence counts
      const auto same = std::find_if(found->begin(), found->end(),
                                     [&](const Occurrence& o) { return o.field == field; });
      if (same != found->end()) {
        same->value = value;
        continue;
      }
    }
    found->push_back({field, value});
  }
  return payload.empty();
}

bool RowIndex::AppendKey(const schema::Field& field, const schema::WireField& value,
                         absl::string_view row_key, std::string* out) {
  const size_t before = out->size();
  for (int shift = 24; shift >= 0; shift -= 8)
    out->push_back(static_cast<char>(field.number >> shift));
  bool good = true;
  if (field.type == schema::FieldType::kString && value.type == schema::WireType::kBytes) {
    AppendEscaped(value.bytes, out);
  } else {
    std::string text;
    good = schema::AppendText(field, value.type, value.number, value.bytes, &text).ok() &&
           AppendValue(field.type, text, out);
  }
  if (!good) {
    out->resize(before);
    return false;
  }
  out->append(row_key.data(), row_key.size());
  return true;
}

void RowIndex::AppendKeys(absl::string_view envelope, absl::string_view payload,
                          absl::string_view row_key, std::string* keys,
                          std::vector<size_t>* ends) const {
  const absl::string_view division = DivisionOf(envelope);
  if (!division.empty()) {
    AppendDivisionKey(division, row_key, keys);
    ends->push_back(keys->size());
  }
  AppendFieldKeys(payload, row_key, keys, ends);
}

void RowIndex::AppendFieldKeys(absl::string_view payload, absl::string_view row_key,
                               std::string* keys, std::vector<size_t>* ends) const {
  if (fields_.empty()) return;
  thread_local std::vector<Occurrence> found;
  if (!Find(payload, &found)) return;
  for (const Occurrence& o : found) {
    if (AppendKey(*fields_[o.field], o.value, row_key, keys)) ends->push_back(keys->size());
  }
}

bool RowIndex::Has(absl::string_view envelope, absl::string_view payload, absl::string_view row_key,
                   absl::string_view index_key) const {
  std::string keys;
  std::vector<size_t> ends;
  AppendKeys(envelope, payload, row_key, &keys, &ends);
  size_t begin = 0;
  for (size_t end : ends) {
    if (absl::string_view(keys).substr(begin, end - begin) == index_key) return true;
    begin = end;
  }
  return false;
}

std::vector<std::pair<std::string, std::string>> RowIndex::DivisionRanges(
    const IndexCondition& condition) {
  std::vector<std::pair<std::string, std::string>> ranges;
  for (const std::string& division : condition.equals) {
    std::string begin = IndexPrefix(kDivisionNumber);
    AppendEscaped(division, &begin);
    std::string end = begin;
    end.back() = '\1';
    ranges.emplace_back(std::move(begin), std::move(end));
  }
  std::sort(ranges.begin(), ranges.end());
  ranges.erase(std::unique(ranges.begin(), ranges.end()), ranges.end());
  return ranges;
}

absl::StatusOr<std::vector<std::pair<std::string, std::string>>> RowIndex::Ranges(
    const IndexCondition& condition) const {
  if (condition.field == IndexCondition::kDivision) return DivisionRanges(condition);
  const auto all = contract_->fields();
  if (condition.field < 0 || static_cast<size_t>(condition.field) >= all.size())
    return absl::InvalidArgumentError(absl::StrCat(
        "数据集没有该字段 / dataset ", contract_->id().value(), " has no field ", condition.field));
  const schema::Field& field = all[static_cast<size_t>(condition.field)];
  if (std::find(fields_.begin(), fields_.end(), &field) == fields_.end())
    return absl::InvalidArgumentError(absl::StrCat("字段 ", field.name, " 没有索引 / field ",
                                                   field.name, " of ", contract_->id().value(),
                                                   " has no index"));
  const std::string prefix = IndexPrefix(field.number);
  std::vector<std::pair<std::string, std::string>> ranges;
  const auto key_of = [&](const std::string& text) -> absl::StatusOr<std::string> {
    std::string key = prefix;
    if (!AppendValue(field.type, text, &key))
      return absl::InvalidArgumentError(absl::StrCat("字段 ", field.name,
                                                     "：查询值的类型不符 / field ", field.name,
                                                     ": the value asked for is none of its type"));
    return key;
  };
  for (const std::string& value : condition.equals) {
    ASSIGN_OR_RETURN(std::string begin, key_of(value));
    std::string end = begin;
    end.back() = '\1';
    ranges.emplace_back(std::move(begin), std::move(end));
  }
  if (!ranges.empty()) {
    std::sort(ranges.begin(), ranges.end());
    ranges.erase(std::unique(ranges.begin(), ranges.end()), ranges.end());
    return ranges;
  }
  std::string begin = prefix, end = BehindPrefix(prefix);
  if (!condition.at_least.empty()) {
    ASSIGN_OR_RETURN(begin, key_of(condition.at_least));
  }
  if (!condition.below.empty()) {
    ASSIGN_OR_RETURN(end, key_of(condition.below));
  }
  if (begin < end) ranges.emplace_back(std::move(begin), std::move(end));
  return ranges;
}

}  // namespace huiliu::rocks_catalog
