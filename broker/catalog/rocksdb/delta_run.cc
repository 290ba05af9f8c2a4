#include "broker/catalog/rocksdb/delta_run.h"

#include <algorithm>
#include <map>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "broker/catalog/rocksdb/catalog_format.h"
#include "broker/catalog/rocksdb/row_overlaps.h"
#include "broker/catalog/rocksdb/run_cursor.h"

namespace huiliu::rocks_catalog {
namespace {

// A blocked Bloom filter of one word a key: 16 bits a key, 4 of a word's bits set.
uint64_t BloomBits(uint64_t hash) {
  return (uint64_t{1} << (hash & 63)) | (uint64_t{1} << ((hash >> 6) & 63)) |
         (uint64_t{1} << ((hash >> 12) & 63)) | (uint64_t{1} << ((hash >> 18) & 63));
}
size_t BloomWord(uint64_t hash, size_t words) {
  return static_cast<size_t>(((hash >> 32) * words) >> 32);
}

}  // namespace

uint64_t HashKey(absl::string_view key) { return XXH3_64bits(key.data(), key.size()); }

void RunArena::Grow(size_t bytes) {
  chunks_.emplace_back(new char[bytes]);
  next_ = chunks_.back().get();
  left_ = bytes;
  bytes_ += bytes;
}

std::shared_ptr<const DeltaRun> DeltaRun::Build(std::shared_ptr<const RunArena> arena,
                                                std::vector<DeltaRow> rows,
                                                std::vector<DeltaIndexEntry> entries,
                                                RowOverlaps* overlaps) {
  auto run = std::make_shared<DeltaRun>();
  // Equal keys stay in the order applied: the arena's addresses do not tell it, places do.
  std::stable_sort(rows.begin(), rows.end(),
                   [](const DeltaRow& a, const DeltaRow& b) { return a.key() < b.key(); });
  size_t kept = 0;
  for (size_t i = 0; i < rows.size(); ++i) {
    if (i + 1 < rows.size() && rows[i].key() == rows[i + 1].key()) {
      overlaps->Look(rows[i], rows[i + 1]);
      rows[i].Supersede();
      continue;
    }
    rows[kept++] = rows[i];
  }
  rows.resize(kept);
  std::erase_if(entries, [](const DeltaIndexEntry& entry) { return entry.superseded(); });
  std::sort(entries.begin(), entries.end(),
            [](const DeltaIndexEntry& a, const DeltaIndexEntry& b) { return a.key() < b.key(); });
  run->bytes_ = arena->bytes();
  run->arenas_.push_back(std::move(arena));
  run->rows_ = std::move(rows);
  run->entries_ = std::move(entries);
  run->Seal();
  return run;
}

std::shared_ptr<const DeltaRun> DeltaRun::Merge(
    absl::Span<const std::shared_ptr<const DeltaRun>> runs) {
  auto merged = std::make_shared<DeltaRun>();
  RunCursor<DeltaRow> rows;
  RunCursor<DeltaIndexEntry> entries;
  size_t row_count = 0, entry_count = 0;
  RowCounts change;
  bool all_counted = true;
  for (const std::shared_ptr<const DeltaRun>& run : runs) {
    rows.Add(run->rows_);
    entries.Add(run->entries_);
    row_count += run->rows_.size();
    entry_count += run->entries_.size();
    merged->tier_ = std::max(merged->tier_, run->tier_ + 1);
    const std::shared_ptr<const RowCounts> counted = run->change;
    all_counted = all_counted && counted != nullptr;
    if (all_counted) change.Add(*counted);
    merged->arenas_.insert(merged->arenas_.end(), run->arenas_.begin(), run->arenas_.end());
  }
  if (all_counted) merged->change = std::make_shared<const RowCounts>(std::move(change));
  merged->rows_.reserve(row_count);
  for (rows.Seek(""); rows.valid(); rows.Next()) {
    if (!merged->rows_.empty() && merged->rows_.back().key() == rows.item().key()) {
      rows.item().Supersede();
    } else {
      merged->rows_.push_back(rows.item());
    }
  }
  merged->entries_.reserve(entry_count);
  for (entries.Seek(""); entries.valid(); entries.Next()) {
    if (!entries.item().superseded()) merged->entries_.push_back(entries.item());
  }
  for (const auto& arena : merged->arenas_) merged->bytes_ += arena->bytes();
  merged->Seal();
  return merged;
}

void DeltaRun::Seal() {
  bloom_.resize(rows_.size() / 4 + 1);
  for (const DeltaRow& row : rows_)
    bloom_[BloomWord(row.hash, bloom_.size())] |= BloomBits(row.hash);
  bytes_ += rows_.capacity() * sizeof(DeltaRow) + entries_.capacity() * sizeof(DeltaIndexEntry) +
            bloom_.size() * sizeof(uint64_t);
}

const DeltaRow* DeltaRun::Find(absl::string_view key, uint64_t hash) const {
  const uint64_t bits = BloomBits(hash);
  if ((bloom_[BloomWord(hash, bloom_.size())] & bits) != bits) return nullptr;
  const auto it = std::partition_point(rows_.begin(), rows_.end(),
                                       [&](const DeltaRow& row) { return row.key() < key; });
  return it != rows_.end() && it->key() == key ? &*it : nullptr;
}

const std::vector<DeltaIndexEntry>& DeltaRun::division_entries() const {
  absl::call_once(divided_, [this] { Divide(); });
  return division_entries_;
}

// The rows stand by key: taken apart by division they are the index, and nothing is compared.
void DeltaRun::Divide() const {
  std::map<std::string, std::vector<const DeltaRow*>, std::less<>> rows_of;
  size_t bytes = 0;
  for (const DeltaRow& row : rows_) {
    if (row.tombstone()) continue;
    const auto parts = ParseRow(row.value());
    if (!parts.ok()) continue;  // whoever reads the row says so
    const absl::string_view division = DivisionOf(parts->envelope);
    if (division.empty()) continue;
    auto of = rows_of.find(division);
    if (of == rows_of.end()) of = rows_of.try_emplace(std::string(division)).first;
    of->second.push_back(&row);
    bytes += row.key_size + 2 * division.size() + 6;
  }
  division_keys_.reserve(bytes);  // entries point into it
  for (const auto& [division, rows] : rows_of) {
    for (const DeltaRow* row : rows) {
      const size_t begin = division_keys_.size();
      AppendDivisionKey(division, row->key(), &division_keys_);
      division_entries_.push_back({division_keys_.data() + begin, row->value_data,
                                   static_cast<uint32_t>(division_keys_.size() - begin)});
    }
  }
}

const DeltaRow* FindInRuns(absl::Span<const RunPtr> runs, absl::string_view key) {
  if (runs.empty()) return nullptr;
  const uint64_t hash = HashKey(key);
  for (size_t i = runs.size(); i-- > 0;) {
    if (const DeltaRow* row = runs[i]->Find(key, hash)) return row;
  }
  return nullptr;
}

void MergeTiers(Runs* runs) {
  while (runs->size() >= kFanout) {
    const size_t first = runs->size() - kFanout;
    const int tier = runs->back()->tier();
    for (size_t i = first; i < runs->size(); ++i) {
      if ((*runs)[i]->tier() != tier) return;
    }
    RunPtr merged = DeltaRun::Merge(absl::MakeSpan(*runs).subspan(first));
    runs->resize(first);
    runs->push_back(std::move(merged));
  }
}

}  // namespace huiliu::rocks_catalog
