#include "broker/catalog/rocksdb/delta_builder.h"

#include <cstring>

#include "absl/strings/str_cat.h"
#include "broker/catalog/rocksdb/catalog_format.h"
#include "core/base/status.h"

namespace huiliu::rocks_catalog {
namespace {

class Builder {
 public:
  Builder(const DatasetState& state, size_t expected_bytes)
      : index_(*state.index), arena_(std::make_shared<RunArena>(expected_bytes)) {}

  void Add(Partition partition, Offset offset, const RecordView& record) {
    DeltaRow row;
    row.key_size = static_cast<uint32_t>(record.key.size());
    char* key = arena_->Allocate(record.key.size() + 1);
    std::memcpy(key, record.key.data(), record.key.size());
    row.key_data = key;
    row.hash = HashKey(record.key);
    const absl::string_view teller = record.tombstone ? SourceOf(record.header) : "";
    const size_t most =
        record.tombstone ? TellerBytes(teller) : EncodedRowBytes(record.header, record.value);
    char* value = arena_->Allocate(1 + most);
    value[0] = 0;  // superseded: not yet
    row.value_data = value + 1;
    if (!record.tombstone) {
      row.value_size = static_cast<uint32_t>(
          EncodeRow(partition, offset, record.header, record.value, row.value_data));
      arena_->Return(most - row.value_size);
      AddEntries(row, record.value);
    } else {
      PutTeller(teller, row.value_data);
    }
    rows_.push_back(row);
  }

  RunPtr Finish(RowOverlaps* overlaps) {
    if (rows_.empty()) return nullptr;
    return DeltaRun::Build(std::move(arena_), std::move(rows_), std::move(entries_), overlaps);
  }

 private:
  void AddEntries(const DeltaRow& row, absl::string_view payload) {
    keys_.clear();
    ends_.clear();
    index_.AppendFieldKeys(payload, row.key(), &keys_, &ends_);
    if (ends_.empty()) return;
    char* data = arena_->Allocate(keys_.size());
    std::memcpy(data, keys_.data(), keys_.size());
    size_t begin = 0;
    for (size_t end : ends_) {
      entries_.push_back({data + begin, row.value_data, static_cast<uint32_t>(end - begin)});
      begin = end;
    }
  }

  const RowIndex& index_;
  std::shared_ptr<RunArena> arena_;
  std::vector<DeltaRow> rows_;
  std::vector<DeltaIndexEntry> entries_;
  std::string keys_;
  std::vector<size_t> ends_;
};

}  // namespace

absl::StatusOr<DeltaPart> BuildDelta(const DatasetState& state,
                                     absl::Span<const StoredBatch> batches, MetSources* met) {
  DeltaPart part;
  part.applied = state.applied;
  size_t bytes = 0, records = 0;
  for (const StoredBatch& batch : batches) {
    bytes += batch.bytes.size();
    records += static_cast<size_t>(std::max(batch.records, 0));
  }
  Builder builder(state, bytes + records * (16 + 48 * state.index->fields().size()) + 64);
  for (const StoredBatch& batch : batches) {
    const std::string& topic = state.topic.empty() ? batches.front().from.topic : state.topic;
    if (batch.from.topic != topic) {
      return absl::InvalidArgumentError(
          absl::StrCat("dataset is applied from topic ", topic, ", not from ", batch.from.topic));
    }
    Offset& next = part.applied[batch.from];
    if (batch.next <= next) continue;
    auto view = RecordBatchView::Parse(batch.bytes);
    if (!view.ok() ||
        (!batch.offsets.empty() && batch.offsets.size() != static_cast<size_t>(view->count()))) {
      return absl::DataLossError(
          absl::StrCat("topic ", batch.from.topic, "/", batch.from.partition.value(), ", offset ",
                       batch.first_offset.value(), ": ",
                       view.ok() ? "offsets do not fit the records" : view.status().message()));
    }
    view->ForEach([&](int i, const RecordView& record) {
      if (i == 0 && met->Meet(record.key, SourceOf(record.header))) part.of_several = true;
      const Offset offset = batch.offsets.empty() ? Offset(batch.first_offset.value() + i)
                                                  : batch.offsets[static_cast<size_t>(i)];
      if (offset >= next) builder.Add(batch.from.partition, offset, record);
    });
    next = batch.next;
  }
  part.run = builder.Finish(&part.overlaps);
  return part;
}

}  // namespace huiliu::rocks_catalog
