#include "core/model/record_batch.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "absl/strings/str_cat.h"
#include "core/base/status.h"
#include "core/model/varint.h"

namespace huiliu {
namespace {

// magic (1) | format version (1) | low half of XXH3-64 of all that follows (4, little endian) |
// varint count | records
constexpr char kMagic = '\xB7';
constexpr char kFormat = 1;
constexpr size_t kHeaderBytes = 6;
// Each record: varint key length + 1 bit "tombstone" below it, key, varint header length, header[,
// varint value length, value].

uint32_t Checksum(absl::string_view bytes) {
  return static_cast<uint32_t>(XXH3_64bits(bytes.data(), bytes.size()));
}

bool TakeBytes(absl::string_view& rest, uint64_t size, absl::string_view* out) {
  if (size > rest.size()) return false;
  *out = rest.substr(0, size);
  rest.remove_prefix(size);
  return true;
}

bool TakeRecord(absl::string_view& rest, RecordView* record) {
  uint64_t n = 0;
  if (!TakeVarint(rest, &n)) return false;
  record->tombstone = (n & 1) != 0;
  if (!TakeBytes(rest, n >> 1, &record->key)) return false;
  if (!TakeVarint(rest, &n) || !TakeBytes(rest, n, &record->header)) return false;
  record->value = {};
  if (record->tombstone) return true;
  return TakeVarint(rest, &n) && TakeBytes(rest, n, &record->value);
}

}  // namespace

void RecordBatchBuilder::Append(absl::string_view key, absl::string_view header,
                                absl::string_view value, bool tombstone) {
  AppendVarint(&body_, (static_cast<uint64_t>(key.size()) << 1) | (tombstone ? 1 : 0));
  body_.append(key.data(), key.size());
  AppendVarint(&body_, header.size());
  body_.append(header.data(), header.size());
  if (!tombstone) {
    AppendVarint(&body_, value.size());
    body_.append(value.data(), value.size());
  }
  ++count_;
}

void RecordBatchBuilder::Add(absl::string_view key, absl::string_view header,
                             absl::string_view value) {
  Append(key, header, value, false);
}

void RecordBatchBuilder::AddTombstone(absl::string_view key, absl::string_view header) {
  Append(key, header, {}, true);
}

std::string RecordBatchBuilder::Finish() {
  std::string out;
  out.reserve(kHeaderBytes + 5 + body_.size());
  out.push_back(kMagic);
  out.push_back(kFormat);
  out.append(4, '\0');
  AppendVarint(&out, static_cast<uint64_t>(count_));
  out += body_;
  const uint32_t sum = Checksum(absl::string_view(out).substr(kHeaderBytes));
  for (int i = 0; i < 4; ++i) out[2 + i] = static_cast<char>(sum >> (8 * i));
  body_.clear();
  count_ = 0;
  return out;
}

absl::StatusOr<RecordBatchView> RecordBatchView::Parse(absl::string_view bytes) {
  if (bytes.size() < kHeaderBytes + 1 || bytes[0] != kMagic) {
    return absl::DataLossError("record batch: no batch header");
  }
  if (bytes[1] != kFormat) {
    return absl::DataLossError(absl::StrCat("record batch: format ", static_cast<int>(bytes[1]),
                                            " is not known to this version"));
  }
  uint32_t sum = 0;
  for (int i = 0; i < 4; ++i)
    sum |= static_cast<uint32_t>(static_cast<uint8_t>(bytes[2 + i])) << (8 * i);
  absl::string_view rest = bytes.substr(kHeaderBytes);
  if (Checksum(rest) != sum) return absl::DataLossError("record batch: checksum does not fit");
  uint64_t count = 0;
  if (!TakeVarint(rest, &count) || count > rest.size()) {
    return absl::DataLossError("record batch: torn count");
  }
  const absl::string_view body = rest;
  RecordView record;
  for (uint64_t i = 0; i < count; ++i) {
    if (!TakeRecord(rest, &record)) {
      return absl::DataLossError(absl::StrCat("record batch: torn record ", i, " of ", count));
    }
  }
  if (!rest.empty()) return absl::DataLossError("record batch: bytes after the last record");
  return RecordBatchView(body, static_cast<int>(count));
}

RecordView RecordBatchView::Next(absl::string_view& rest) {
  RecordView record;
  TakeRecord(rest, &record);
  return record;
}

}  // namespace huiliu
