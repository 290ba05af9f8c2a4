#include "broker/backbone/embedded/batch_value.h"

#include "core/model/varint.h"

namespace huiliu::embedded {
namespace {

constexpr char kFormat = 1;
constexpr size_t kFixedBytes = 1 + 8 + 8 + 4 + 4;

void AppendBig(uint64_t value, int bytes, std::string* out) {
  for (int shift = 8 * (bytes - 1); shift >= 0; shift -= 8)
    out->push_back(static_cast<char>(value >> shift));
}

void AppendLittle(uint64_t value, int bytes, std::string* out) {
  for (int i = 0; i < bytes; ++i) out->push_back(static_cast<char>(value >> (8 * i)));
}

uint64_t ReadLittle(absl::string_view bytes, size_t at, int count) {
  uint64_t value = 0;
  for (int i = count - 1; i >= 0; --i)
    value = (value << 8) | static_cast<uint8_t>(bytes[at + static_cast<size_t>(i)]);
  return value;
}

}  // namespace

std::string PartitionPrefix(uint32_t topic, Partition partition) {
  std::string key = "H";
  AppendBig(topic, 4, &key);
  AppendBig(static_cast<uint32_t>(partition.value()), 4, &key);
  return key;
}

std::string HeadKey(uint32_t topic, Partition partition, Offset first) {
  std::string key = PartitionPrefix(topic, partition);
  AppendBig(static_cast<uint64_t>(first.value()), 8, &key);
  return key;
}

std::string BatchKeyOf(absl::string_view head_key) {
  std::string key(head_key);
  key[0] = 'B';
  return key;
}

Offset OffsetInKey(absl::string_view key) {
  uint64_t value = 0;
  for (size_t i = 9; i < 17 && i < key.size(); ++i)
    value = (value << 8) | static_cast<uint8_t>(key[i]);
  return Offset(static_cast<int64_t>(value));
}

void AppendHead(const BatchHead& head, Offset first, std::string* out) {
  out->push_back(kFormat);
  AppendLittle(static_cast<uint64_t>(head.next.value()), 8, out);
  AppendLittle(static_cast<uint64_t>(absl::ToUnixMicros(head.appended)), 8, out);
  AppendLittle(static_cast<uint32_t>(head.records), 4, out);
  AppendLittle(head.bytes, 4, out);
  AppendVarint(out, head.offsets.size());
  int64_t last = first.value();
  for (Offset offset : head.offsets) {
    AppendVarint(out, static_cast<uint64_t>(offset.value() - last));
    last = offset.value();
  }
}

absl::StatusOr<BatchHead> ParseHead(absl::string_view value, Offset first) {
  if (value.size() < kFixedBytes || value[0] != kFormat)
    return absl::DataLossError("torn or unknown batch head");
  BatchHead head;
  head.next = Offset(static_cast<int64_t>(ReadLittle(value, 1, 8)));
  head.appended = absl::FromUnixMicros(static_cast<int64_t>(ReadLittle(value, 9, 8)));
  head.records = static_cast<int32_t>(ReadLittle(value, 17, 4));
  head.bytes = static_cast<uint32_t>(ReadLittle(value, 21, 4));
  absl::string_view rest = value.substr(kFixedBytes);
  uint64_t listed = 0;
  if (!TakeVarint(rest, &listed) || listed > rest.size())
    return absl::DataLossError("torn batch head");
  const auto contradicts = [] { return absl::DataLossError("a batch head contradicts itself"); };
  if (head.records <= 0 || head.next <= first ||
      (listed != 0 && listed != static_cast<uint64_t>(head.records)))
    return contradicts();
  // Offsets grow and stay below the next batch's; so no sum is out of range either.
  int64_t last = first.value();
  for (uint64_t i = 0; i < listed; ++i) {
    uint64_t step = 0;
    if (!TakeVarint(rest, &step)) return absl::DataLossError("torn batch head");
    if ((i > 0 && step == 0) || step >= static_cast<uint64_t>(head.next.value() - last))
      return contradicts();
    last += static_cast<int64_t>(step);
    head.offsets.emplace_back(last);
  }
  return head;
}

}  // namespace huiliu::embedded
