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
  RETURN_IF_ERROR(AddRows(state, runs, &counts, &overlaps_[dataset]));
  RETURN_IF_ERROR(AddEntries(state, runs));
  meta_[CountsKey(dataset)] = counts.Encode();
  stored_[dataset] = std::move(counts);
  meta_[TopicKey(dataset)] = state.topic;
  for (const auto& [tp, next] : state.applied) meta_[AppliedKey(tp)] = absl::StrCat(next.value());
  return absl::OkStatus();
}

absl::Status DeltaFlush::AddRows(const DatasetState& state, absl::Span<const RunPtr> runs,
                                 RowCounts* counts, RowOverlaps* overlaps) {
  RunCursor<DeltaRow> cursor;
  for (const RunPtr& run : runs) cursor.Add(run->rows());
  std::vector<RowVersions> chunk;
  const DeltaRow* previous = nullptr;
  for (cursor.Seek(""); cursor.valid(); cursor.Next()) {
    const DeltaRow& row = cursor.item();
    if (previous != nullptr && previous->key() == row.key()) {
      row.Supersede();  // the newest came first
      chunk.back().oldest = row;
      continue;
    }
    previous = &row;
    if (chunk.size() == kChunkRows) {
      RETURN_IF_ERROR(AddChunk(state, chunk, counts, overlaps));
      chunk.clear();
    }
    chunk.push_back({row, row});
  }
  return AddChunk(state, chunk, counts, overlaps);
}

absl::Status DeltaFlush::AddChunk(const DatasetState& state, const std::vector<RowVersions>& chunk,
                                  RowCounts* counts, RowOverlaps* overlaps) {
  std::vector<std::string> keys;
  keys.reserve(chunk.size());
  for (const RowVersions& row : chunk) keys.push_back(absl::StrCat(state.prefix, row.newest.key()));
  std::vector<rocksdb::PinnableSlice> old_values;
  std::vector<rocksdb::Status> statuses;
  rocksdb::ReadOptions options;
  options.fill_cache = false;
  RETURN_IF_ERROR(base_.MultiGetRows(options, keys, &old_values, &statuses));
  std::string old_keys;
  std::vector<size_t> ends;
  for (size_t i = 0; i < chunk.size(); ++i) {
    const DeltaRow& row = chunk[i].newest;
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
    RowParts old{};
    if (existed) {
      ASSIGN_OR_RETURN(old, ParseRow(ToView(old_values[i])));
      overlaps->Look(SourceOf(old.envelope), SourceOf(chunk[i].oldest));
    }
    const absl::string_view division = DivisionOf(envelope);
    const bool stays = DivisionOf(old.envelope) == division;
    if (!division.empty() && !stays) {
      auto of = came_.find(division);
      if (of == came_.end()) of = came_.try_emplace(std::string(division)).first;
      of->second.push_back(row.key());
    }
    if (!existed || (!row.tombstone() && old.payload == payload && stays)) continue;
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

absl::Status DeltaFlush::DeleteBefore(absl::string_view key, const std::string& prefix) {
  for (; deleted_ < gone_.size() && absl::string_view(gone_[deleted_]) < key; ++deleted_)
    RETURN_IF_ERROR(index_->Delete(prefix + gone_[deleted_]));
  return absl::OkStatus();
}

absl::Status DeltaFlush::AddEntries(const DatasetState& state, absl::Span<const RunPtr> runs) {
  std::sort(gone_.begin(), gone_.end());
  gone_.erase(std::unique(gone_.begin(), gone_.end()), gone_.end());
  deleted_ = 0;
  // The division's index stands before those of the fields.
  std::string key;
  for (const auto& [division, rows] : came_) {
    for (const absl::string_view row : rows) {
      key.clear();
      AppendDivisionKey(division, row, &key);
      RETURN_IF_ERROR(DeleteBefore(key, state.prefix));
      RETURN_IF_ERROR(index_->Put(state.prefix + key, ""));
    }
  }
  came_.clear();
  RunCursor<DeltaIndexEntry> cursor;
  for (const RunPtr& run : runs) cursor.Add(run->entries());
  std::string last;
  for (cursor.Seek(""); cursor.valid(); cursor.Next()) {
    const DeltaIndexEntry& entry = cursor.item();
    RETURN_IF_ERROR(DeleteBefore(entry.key(), state.prefix));
    if (entry.superseded() || entry.key() == absl::string_view(last)) continue;
    last.assign(entry.key_data, entry.key_size);
    key.assign(state.prefix).append(last);
    RETURN_IF_ERROR(index_->Put(key, ""));
  }
  for (; deleted_ < gone_.size(); ++deleted_)
    RETURN_IF_ERROR(index_->Delete(state.prefix + gone_[deleted_]));
  gone_.clear();
  return absl::OkStatus();
}

}  // namespace huiliu::rocks_catalog
