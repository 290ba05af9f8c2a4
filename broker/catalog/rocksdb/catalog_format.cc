#include "broker/catalog/rocksdb/catalog_format.h"

#include <cstring>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "core/model/varint.h"

namespace huiliu::rocks_catalog {
namespace {

char* PutVarint(char* out, uint64_t value) {
  while (value >= 0x80) {
    *out++ = static_cast<char>(value | 0x80);
    value >>= 7;
  }
  *out++ = static_cast<char>(value);
  return out;
}

char* PutBytes(char* out, absl::string_view bytes) {
  if (!bytes.empty()) std::memcpy(out, bytes.data(), bytes.size());
  return out + bytes.size();
}

}  // namespace

std::string DatasetPrefix(absl::string_view dataset) {
  return absl::StrCat(dataset, absl::string_view("\0", 1));
}

std::string BehindPrefix(std::string prefix) {
  while (!prefix.empty() && prefix.back() == '\xFF') prefix.pop_back();
  if (!prefix.empty()) prefix.back() = static_cast<char>(prefix.back() + 1);
  return prefix;
}

std::string AppliedPrefix(absl::string_view topic) { return absl::StrCat("applied/", topic, "/"); }
std::string AppliedKey(const TopicPartition& tp) {
  return absl::StrCat(AppliedPrefix(tp.topic), tp.partition.value());
}
std::string FollowedKey(const TopicPartition& tp) {
  return absl::StrCat("followed/", tp.topic, "/", tp.partition.value());
}
std::string CountsKey(absl::string_view dataset) { return absl::StrCat("counts/", dataset); }
std::string TopicKey(absl::string_view dataset) { return absl::StrCat("topic/", dataset); }
std::string IndexesKey(absl::string_view dataset) { return absl::StrCat("indexes/", dataset); }
std::string GenerationKey(absl::string_view dataset) {
  return absl::StrCat("generation/", dataset);
}

std::string EncodeFollowed(const Followed& followed) {
  return absl::StrCat(absl::ToUnixMicros(followed.at), " ", followed.log_end.value());
}

absl::StatusOr<Followed> ParseFollowed(absl::string_view text) {
  const std::pair<absl::string_view, absl::string_view> parts =
      absl::StrSplit(text, absl::MaxSplits(' ', 1));
  int64_t at_us = 0, log_end = 0;
  if (!absl::SimpleAtoi(parts.first, &at_us) || !absl::SimpleAtoi(parts.second, &log_end))
    return absl::DataLossError("up to when a catalog has followed its topic cannot be read");
  return Followed{absl::FromUnixMicros(at_us), Offset(log_end)};
}

size_t EncodedRowBytes(absl::string_view envelope, absl::string_view payload) {
  return 5 + 10 + 10 + envelope.size() + payload.size();
}

size_t EncodeRow(Partition partition, Offset offset, absl::string_view envelope,
                 absl::string_view payload, char* out) {
  char* p = PutVarint(out, static_cast<uint32_t>(partition.value()));
  p = PutVarint(p, static_cast<uint64_t>(offset.value()));
  p = PutVarint(p, envelope.size());
  p = PutBytes(PutBytes(p, envelope), payload);
  return static_cast<size_t>(p - out);
}

absl::StatusOr<RowParts> ParseRow(absl::string_view value) {
  uint64_t partition = 0, offset = 0, envelope = 0;
  if (!TakeVarint(value, &partition) || !TakeVarint(value, &offset) ||
      !TakeVarint(value, &envelope) || envelope > value.size()) {
    return absl::DataLossError("a catalog row is torn");
  }
  return RowParts{Partition(static_cast<int32_t>(partition)), Offset(static_cast<int64_t>(offset)),
                  value.substr(0, envelope), value.substr(envelope)};
}

}  // namespace huiliu::rocks_catalog
