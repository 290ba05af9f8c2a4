#include "core/text/csv.h"

#include <algorithm>
#include <cstring>

namespace huiliu::text {

void CsvSplitter::Fail(CsvRecord* record, const char* code, size_t at) {
  record->error = code;
  const absl::string_view before = input_.substr(record->begin, at - record->begin);
  record->error_line = record->line + std::count(before.begin(), before.end(), '\n');
  const size_t line_end = before.rfind('\n');
  record->error_column = static_cast<int64_t>(
      line_end == absl::string_view::npos ? before.size() + 1 : before.size() - line_end);
}

CsvSplitter::Field CsvSplitter::EndOfField(size_t& at, CsvRecord* record, absl::string_view value) {
  record->fields.push_back(value);
  if (at == input_.size()) return at_end_ ? Field::kLast : Field::kTorn;
  if (input_[at] == options_.delimiter) {
    ++at;
    return Field::kNext;
  }
  if (input_[at] == '\r') {
    if (at + 1 == input_.size() && !at_end_) return Field::kTorn;
    ++at;
    if (at < input_.size() && input_[at] == '\n') ++at;
    return Field::kLast;
  }
  ++at;  // '\n'
  return Field::kLast;
}

CsvSplitter::Field CsvSplitter::TakeQuoted(size_t& at, CsvRecord* record) {
  const size_t open = at++;
  const size_t begin = at;
  bool doubled = false;
  while (true) {
    const char* quote =
        static_cast<const char*>(std::memchr(input_.data() + at, '"', input_.size() - at));
    if (quote == nullptr) {
      if (!at_end_ && input_.size() - record->begin <= options_.max_record_bytes)
        return Field::kTorn;
      Fail(record, at_end_ ? "csv.unterminated" : "csv.too_long", open);
      return Field::kBad;
    }
    at = static_cast<size_t>(quote - input_.data());
    if (at + 1 < input_.size() && input_[at + 1] == '"') {
      doubled = true;
      at += 2;
      continue;
    }
    if (at + 1 == input_.size() && !at_end_) return Field::kTorn;
    break;
  }
  absl::string_view value = input_.substr(begin, at - begin);
  ++at;
  if (at < input_.size() && input_[at] != options_.delimiter && input_[at] != '\r' &&
      input_[at] != '\n') {
    Fail(record, "csv.quote", at);
    return Field::kBad;
  }
  if (doubled) {
    // Views into `unescaped` stay valid: it never grows beyond what is reserved here.
    if (record->unescaped.capacity() < record->unescaped.size() + value.size()) {
      const std::string old = record->unescaped;
      const char* base = record->unescaped.data();
      record->unescaped.reserve(old.size() + value.size() + options_.max_record_bytes / 64);
      for (absl::string_view& field : record->fields) {
        if (!old.empty() && field.data() >= base && field.data() < base + old.size()) {
          field = absl::string_view(record->unescaped.data() + (field.data() - base), field.size());
        }
      }
    }
    const size_t start = record->unescaped.size();
    for (size_t i = 0; i < value.size(); ++i) {
      record->unescaped.push_back(value[i]);
      if (value[i] == '"') ++i;
    }
    value = absl::string_view(record->unescaped).substr(start);
  }
  return EndOfField(at, record, value);
}

CsvSplitter::Field CsvSplitter::TakeField(size_t& at, CsvRecord* record) {
  if (at < input_.size() && input_[at] == '"') return TakeQuoted(at, record);
  const size_t begin = at;
  while (at < input_.size()) {
    const char c = input_[at];
    if (c == options_.delimiter || c == '\n' || c == '\r') break;
    if (c == '"' && options_.strict) {
      Fail(record, "csv.quote", at);
      return Field::kBad;
    }
    ++at;
  }
  return EndOfField(at, record, input_.substr(begin, at - begin));
}

CsvSplitter::Result CsvSplitter::Finish(CsvRecord* record, size_t end) {
  record->size = end - record->begin;
  const absl::string_view bytes = input_.substr(record->begin, record->size);
  line_ += std::count(bytes.begin(), bytes.end(), '\n');
  offset_ = end;
  return Result::kRecord;
}

// The record ends, as an error, at the first line end behind where it began: at most one line is
// lost.
CsvSplitter::Result CsvSplitter::SkipBad(CsvRecord* record) {
  const size_t newline = input_.find('\n', record->begin);
  if (newline == absl::string_view::npos) {
    if (!at_end_ && input_.size() - record->begin <= options_.max_record_bytes)
      return Result::kMore;
    return Finish(record, input_.size());
  }
  return Finish(record, newline + 1);
}

CsvSplitter::Result CsvSplitter::Next(CsvRecord* record) {
  record->fields.clear();
  record->unescaped.clear();
  record->error = nullptr;
  record->line = line_;
  record->begin = offset_;
  if (offset_ == input_.size()) return at_end_ ? Result::kEnd : Result::kMore;
  size_t at = offset_;
  while (true) {
    switch (TakeField(at, record)) {
      case Field::kNext:
        continue;
      case Field::kLast:
        if (at - record->begin > options_.max_record_bytes)
          Fail(record, "csv.too_long", record->begin);
        return Finish(record, at);
      case Field::kTorn:
        if (input_.size() - record->begin > options_.max_record_bytes) {
          Fail(record, "csv.too_long", record->begin);
          return SkipBad(record);
        }
        return Result::kMore;
      case Field::kBad:
        return SkipBad(record);
    }
  }
}

}  // namespace huiliu::text
