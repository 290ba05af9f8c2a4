#include "core/text/csv.h"

#include <algorithm>
#include <cstring>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

namespace huiliu::text {
namespace {

// The first of four bytes at or after `at`, or `size`.
size_t FindFirstOf4(const char* data, size_t at, size_t size, char a, char b, char c, char d) {
#ifdef __SSE2__
  const __m128i va = _mm_set1_epi8(a), vb = _mm_set1_epi8(b);
  const __m128i vc = _mm_set1_epi8(c), vd = _mm_set1_epi8(d);
  for (; at + 16 <= size; at += 16) {
    const __m128i block = _mm_loadu_si128(reinterpret_cast<const __m128i*>(data + at));
    const __m128i hit =
        _mm_or_si128(_mm_or_si128(_mm_cmpeq_epi8(block, va), _mm_cmpeq_epi8(block, vb)),
                     _mm_or_si128(_mm_cmpeq_epi8(block, vc), _mm_cmpeq_epi8(block, vd)));
    const int mask = _mm_movemask_epi8(hit);
    if (mask != 0) return at + static_cast<size_t>(__builtin_ctz(static_cast<unsigned>(mask)));
  }
#endif
  while (at < size && data[at] != a && data[at] != b && data[at] != c && data[at] != d) ++at;
  return at;
}

}  // namespace

int64_t CountLineEnds(absl::string_view text) {
  int64_t lines = 0;
  for (size_t at = 0;; ++at) {
    at = FindFirstOf4(text.data(), at, text.size(), '\n', '\r', '\n', '\r');
    if (at >= text.size()) return lines;
    if (text[at] == '\r' && at + 1 < text.size() && text[at + 1] == '\n') ++at;
    ++lines;
  }
}

void CsvSplitter::Fail(CsvRecord* record, const char* code, size_t at) {
  record->error = code;
  const absl::string_view before = input_.substr(record->begin, at - record->begin);
  record->error_line = record->line + CountLineEnds(before);
  const size_t line_end = before.find_last_of("\r\n");
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
  // Beyond the bound nobody looks for the closing quote.
  const size_t limit =
      record->begin + std::min(input_.size() - record->begin, options_.max_record_bytes);
  bool doubled = false;
  while (true) {
    const char* quote = static_cast<const char*>(
        at < limit ? std::memchr(input_.data() + at, '"', limit - at) : nullptr);
    if (quote == nullptr) {
      if (limit < input_.size() || input_.size() - record->begin > options_.max_record_bytes) {
        Fail(record, "csv.too_long", open);
        return Field::kBad;
      }
      if (!at_end_) return Field::kTorn;
      Fail(record, "csv.unterminated", open);
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
  quoted_lines_ += CountLineEnds(value);
  if (doubled) {
    std::string& plain = *record->unescaped.emplace_back(std::make_unique<std::string>());
    plain.reserve(value.size());
    for (size_t i = 0; i < value.size(); ++i) {
      plain.push_back(value[i]);
      if (value[i] == '"') ++i;
    }
    value = plain;
  }
  return EndOfField(at, record, value);
}

size_t CsvSplitter::FindFieldEnd(size_t at) const {
  const char quote = options_.strict ? '"' : '\n';
  const char d = options_.delimiter;
  if (!options_.multibyte || static_cast<uint8_t>(d) < 0x30)
    return FindFirstOf4(input_.data(), at, input_.size(), d, '\n', '\r', quote);
  while (at < input_.size()) {
    const char c = input_[at];
    if (c == d || c == '\n' || c == '\r' || c == quote) return at;
    const bool pair = static_cast<uint8_t>(c) >= 0x81 && at + 1 < input_.size() &&
                      static_cast<uint8_t>(input_[at + 1]) >= 0x30;
    at += pair ? 2 : 1;
  }
  return at;
}

CsvSplitter::Field CsvSplitter::TakeField(size_t& at, CsvRecord* record) {
  if (at < input_.size() && input_[at] == '"') return TakeQuoted(at, record);
  const size_t begin = at;
  at = FindFieldEnd(at);
  if (at < input_.size() && options_.strict && input_[at] == '"') {
    Fail(record, "csv.quote", at);
    return Field::kBad;
  }
  return EndOfField(at, record, input_.substr(begin, at - begin));
}

CsvSplitter::Result CsvSplitter::Finish(CsvRecord* record, size_t end, int64_t lines) {
  record->size = end - record->begin;
  line_ += lines;
  offset_ = end;
  return Result::kRecord;
}

// The record ends, as an error, at the first line end behind where it began: at most one line is
// lost.
CsvSplitter::Result CsvSplitter::SkipBad(CsvRecord* record) {
  size_t end = FindFirstOf4(input_.data(), record->begin, input_.size(), '\n', '\r', '\n', '\r');
  if (end == input_.size()) {
    if (!at_end_ && end - record->begin <= options_.max_record_bytes) return Result::kMore;
    return Finish(record, end, 0);
  }
  if (input_[end] == '\r') {
    if (end + 1 == input_.size() && !at_end_) return Result::kMore;
    if (end + 1 < input_.size() && input_[end + 1] == '\n') ++end;
  }
  return Finish(record, end + 1, 1);
}

CsvSplitter::Result CsvSplitter::Next(CsvRecord* record) {
  record->fields.clear();
  record->unescaped.clear();
  record->error = nullptr;
  record->line = line_;
  record->begin = offset_;
  quoted_lines_ = 0;
  if (offset_ == input_.size()) return at_end_ ? Result::kEnd : Result::kMore;
  size_t at = offset_;
  while (true) {
    switch (TakeField(at, record)) {
      case Field::kNext:
        if (at - record->begin <= options_.max_record_bytes) continue;
        Fail(record, "csv.too_long", record->begin);
        return SkipBad(record);
      case Field::kLast: {
        // Up to its first line end like every bad record, whether or not the input holds it all:
        // else the rows behind it would hang on where a file was cut into blocks.
        if (at - record->begin > options_.max_record_bytes) {
          Fail(record, "csv.too_long", record->begin);
          return SkipBad(record);
        }
        const bool ended = input_[at - 1] == '\n' || input_[at - 1] == '\r';
        return Finish(record, at, quoted_lines_ + (ended ? 1 : 0));
      }
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
