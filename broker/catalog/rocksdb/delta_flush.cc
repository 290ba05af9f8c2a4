#include "broker/catalog/rocksdb/delta_flush.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "broker/catalog/rocksdb/catalog_format.h"
#include "broker/catalog/rocksdb/run_cursor.h"
#include "core/base/status.h"

namespace huiliu::rocks_catalog {
namespace {

constexpr size_t kChunkRows = 512;

}  // namespace

absl::Status DeltaFlush::Add(const std::string& dataset, const DatasetState& state,
                             const RowCounts& stored) {
  const auto runs = absl::MakeSpan(state.runs).subspan(0, state.frozen);
  RowCounts counts = stored;
  RETURN_IF_ERROR(AddRows(state, runs, &counts));
  RETURN_IF_ERROR(AddEntries(state, runs));
  meta_[CountsKey(dataset)] = counts.Encode();
  stored_[dataset] = std::move(counts);
  meta_[TopicKey(dataset)] = state.topic;
  for (const auto& [tp, next] : state.applied) meta_[AppliedKey(tp)] = absl::StrCat(next.value());
  return absl::OkStatus();
}

absl::Status DeltaFlush::AddRows(const DatasetState& state, absl::Span<const RunPtr> runs,
                                 RowCounts* counts) {
  RunCursor<DeltaRow> cursor;
  for (const RunPtr& run : runs) cursor.Add(run->rows());
  std::vector<DeltaRow> chunk;
  const DeltaRow* previous = nullptr;
  for (cursor.Seek(""); cursor.valid(); cursor.Next()) {
    const DeltaRow& row = cursor.item();
    if (previous != nullptr && previous->key() == row.key()) {
      row.Supersede();  // the newest came first
      continue;
    }
    previous = &row;
    if (chunk.size() == kChunkRows) {
      RETURN_IF_ERROR(AddChunk(state, chunk, counts));
      chunk.clear();
    }
    chunk.push_back(row);
  }
  return AddChunk(state, chunk, counts);
}

absl::Status DeltaFlush::AddChunk(const DatasetState& state, const std::vector<DeltaRow>& chunk,
                                  RowCounts* counts) {
  std::vector<std::string> keys;
  keys.reserve(chunk.size());
  for (const DeltaRow& row : chunk) keys.push_back(absl::StrCat(state.prefix, row.key()));
  std::vector<rocksdb::PinnableSlice> old_values;
  std::vector<rocksdb::Status> statuses;
  rocksdb::ReadOptions options;
  options.fill_cache = false;
  RETURN_IF_ERROR(base_.MultiGetRows(options, keys, &old_values, &statuses));
  std::string old_keys;
  std::vector<size_t> ends;
  for (size_t i = 0; i < chunk.size(); ++i) {
    const DeltaRow& row = chunk[i];
    const bool existed = statuses[i].ok();
    absl::string_view envelope, payload;
    if (!row.tombstone()) {
      ASSIGN_OR_RETURN(const RowParts parts, ParseRow(row.value()));
      envelope = parts.envelope;
      payload = parts.payload;
      RETURN_IF_ERROR(rows_->Put(keys[i], row.value()));
    } else if (existed) {
      RETURN_IF_ERROR(rows_->Delete(keys[i]));
    }
    if (!row.tombstone()) counts->Add(row.value(), 1);
    if (existed) counts->Add(ToView(old_values[i]), -1);
    if (!existed) continue;
    ASSIGN_OR_RETURN(const RowParts old, ParseRow(ToView(old_values[i])));
    if (!row.tombstone() && old.payload == payload &&
        DivisionOf(old.envelope) == DivisionOf(envelope)) {
      continue;
    }
    old_keys.clear();
    ends.clear();
    state.index->AppendKeys(old.envelope, old.payload, row.key(), &old_keys, &ends);
    size_t begin = 0;
    for (size_t end : ends) {
      const absl::string_view key = absl::string_view(old_keys).substr(begin, end - begin);
      begin = end;
      if (row.tombstone() || !state.index->Has(envelope, payload, row.key(), key))
        gone_.emplace_back(key.data(), key.size());
    }
  }
  return absl::OkStatus();
}

absl::Status DeltaFlush::AddEntries(const DatasetState& state, absl::Span<const RunPtr> runs) {
  std::sort(gone_.begin(), gone_.end());
  gone_.erase(std::unique(gone_.begin(), gone_.end()), gone_.end());
  RunCursor<DeltaIndexEntry> cursor;
  for (const RunPtr& run : runs) cursor.Add(run->entries());
  cursor.Seek("");
  auto gone = gone_.begin();
  std::string key, last;
  bool first = true;
  while (cursor.valid() || gone != gone_.end()) {
    if (gone != gone_.end() &&
        (!cursor.valid() || absl::string_view(*gone) < cursor.item().key())) {
      RETURN_IF_ERROR(index_->Delete(absl::StrCat(state.prefix, *gone++)));
      continue;
    }
    const DeltaIndexEntry& entry = cursor.item();
    if (!entry.superseded() && (first || entry.key() != absl::string_view(last))) {
      first = false;
      last.assign(entry.key_data, entry.key_size);
      key.assign(state.prefix).append(last);
      RETURN_IF_ERROR(index_->Put(key, ""));
    }
    cursor.Next();
  }
  gone_.clear();
  return absl::OkStatus();
}

}  // namespace huiliu::rocks_catalog
