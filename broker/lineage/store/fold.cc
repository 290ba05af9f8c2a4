#include "broker/lineage/store/fold.h"

#include <rocksdb/write_batch.h>

#include <algorithm>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "broker/lineage/store/lineage_keys.h"
#include "core/base/status.h"
#include "core/model/varint.h"

namespace huiliu {
namespace {

namespace keys = lineage_keys;
using huiliu::v1::CountDelta;
using huiliu::v1::LineageEntry;

constexpr size_t kRunBytes = 16 << 10;  // of entries under one key: a point read parses so much
constexpr int kRunEntries = 64;
constexpr size_t kMaxCachedLines = 4096;
constexpr char kFormat = 1;

rocksdb::Slice AsSlice(absl::string_view view) { return {view.data(), view.size()}; }

absl::Status Put(rocksdb::WriteBatch& batch, absl::string_view key, absl::string_view value) {
  const rocksdb::Status status = batch.Put(AsSlice(key), AsSlice(value));
  if (status.ok()) return absl::OkStatus();
  return absl::InternalError(absl::StrCat("lineage fold: ", status.ToString()));
}

std::string EncodeEdge(const std::vector<Digest>& edge) {
  std::string bytes;
  for (const Digest& hash : edge) absl::StrAppend(&bytes, AsBytes(hash));
  return bytes;
}

absl::Status BadState() { return absl::DataLossError("lineage store: its state is torn"); }

void Count(const CountDelta& delta, BalanceLine* line) {
  const int64_t rows = delta.rows();
  line->set_read(line->read() + rows);
  line->set_conflicts(line->conflicts() + delta.conflicts());
  line->set_masked_at_source(line->masked_at_source() + delta.masked_at_source());
  switch (delta.outcome()) {
    case huiliu::v1::OUTCOME_RETURNED:
      line->set_returned(line->returned() + rows);
      (*line->mutable_by_county())[delta.division()] += rows;
      break;
    case huiliu::v1::OUTCOME_OUTSIDE_AREA:
      line->set_outside_area(line->outside_area() + rows);
      break;
    case huiliu::v1::OUTCOME_WITHHELD:
      line->set_withheld(line->withheld() + rows);
      break;
    case huiliu::v1::OUTCOME_QUARANTINED:
      line->set_quarantined(line->quarantined() + rows);
      break;
    default:
      // An outcome that this version does not know is a change whose end is not known.
      line->set_pending(line->pending() + rows);
  }
}

bool IsRead(const LineageEntry& entry) {
  return entry.step() == huiliu::v1::STEP_READ || entry.step() == huiliu::v1::STEP_DELIVER;
}

bool TakesOver(const LineageEntry& entry) {
  return entry.step() == huiliu::v1::STEP_INTAKE || entry.step() == huiliu::v1::STEP_REDRIVE;
}

}  // namespace

LineageFold::LineageFold(const LineageState& before, ReadValue read, BalanceCache* cache,
                         rocksdb::WriteBatch* batch)
    : state(before), read_(std::move(read)), cache_(*cache), batch_(*batch) {
  if (cache_.size() > kMaxCachedLines) cache_.clear();
}

absl::Status LineageFold::Add(absl::string_view leaf) {
  const int64_t index = static_cast<int64_t>(state.tree.size());
  state.tree.Append(merkle::HashLeaf(leaf),
                    [&](int level, uint64_t tile, const std::string& hashes) {
                      tiles_written_ = true;
                      tile_status_.Update(Put(batch_, keys::Tile(level, tile), hashes));
                    });
  RETURN_IF_ERROR(tile_status_);
  if (run_entries_ == 0) run_first_ = index;
  AppendVarint(&run_, leaf.size());
  run_.append(leaf.data(), leaf.size());
  if (++run_entries_ >= kRunEntries || run_.size() >= kRunBytes) RETURN_IF_ERROR(FlushEntries());

  if (!entry_.ParseFromArray(leaf.data(), static_cast<int>(leaf.size())) ||
      entry_.step() == huiliu::v1::STEP_UNSPECIFIED) {
    ++state.malformed;
    return absl::OkStatus();
  }
  if (entry_.counts_size() > 0) {
    ASSIGN_OR_RETURN(const bool counted, WasCounted(leaf));
    if (!counted) RETURN_IF_ERROR(AddCounts(entry_));
  }
  return AddIndexes(entry_, index);
}

absl::StatusOr<BalanceLine*> LineageFold::LineOf(const LineageEntry& entry,
                                                 const CountDelta& delta) {
  const std::string& receiver = delta.receiver().empty() ? entry.receiver() : delta.receiver();
  std::string key =
      keys::Balance(receiver, delta.day(), entry.system(), entry.source(), entry.dataset());
  const auto touched = lines_.find(key);
  if (touched != lines_.end()) return touched->second;
  auto cached = cache_.find(key);
  if (cached == cache_.end()) {
    BalanceLine line;
    ASSIGN_OR_RETURN(const std::optional<std::string> stored, read_(key));
    if (!stored.has_value()) {
      line.set_receiver(receiver);
      line.set_day(delta.day());
      line.set_system(entry.system());
      line.set_source(entry.source());
      line.set_dataset(entry.dataset());
    } else if (!line.ParseFromString(*stored)) {
      return absl::DataLossError("lineage store: a torn balance line");
    }
    cached = cache_.emplace(key, std::move(line)).first;
  }
  lines_.emplace(std::move(key), &cached->second);
  return &cached->second;
}

// A transaction that Kafka repeated appends the same bytes once more.
absl::StatusOr<bool> LineageFold::WasCounted(absl::string_view leaf) {
  std::string key = keys::Counted(merkle::HashLeaf(leaf));
  if (counted_.contains(key)) return true;
  ASSIGN_OR_RETURN(const std::optional<std::string> stored, read_(key));
  if (stored.has_value()) return true;
  RETURN_IF_ERROR(Put(batch_, key, ""));
  counted_.insert(std::move(key));
  return false;
}

absl::Status LineageFold::AddCounts(const LineageEntry& entry) {
  for (const CountDelta& delta : entry.counts()) {
    ASSIGN_OR_RETURN(BalanceLine * line, LineOf(entry, delta));
    Count(delta, line);
    if (!TakesOver(entry)) continue;
    const int64_t seconds = entry.time_us() / 1'000'000;
    if (line->last_batch().seconds() > seconds) continue;
    line->mutable_last_batch()->set_seconds(seconds);
    line->mutable_last_batch()->set_nanos(static_cast<int32_t>(entry.time_us() % 1'000'000 * 1000));
  }
  return absl::OkStatus();
}

absl::Status LineageFold::AddIndexes(const LineageEntry& entry, int64_t index) {
  if (!entry.source().empty() && entry.sequence() > 0) {
    const char step = static_cast<char>(entry.step());
    RETURN_IF_ERROR(Put(batch_, keys::Batch(entry.source(), entry.epoch(), entry.sequence(), index),
                        absl::string_view(&step, 1)));
  }
  if (entry.step() == huiliu::v1::STEP_APPLY) {
    RETURN_IF_ERROR(Put(batch_,
                        keys::Applied(entry.topic(), entry.partition(), entry.last_offset()),
                        absl::StrCat(keys::BigEndian(static_cast<uint64_t>(entry.first_offset())),
                                     keys::BigEndian(static_cast<uint64_t>(index)))));
  }
  if (TakesOver(entry) && !entry.source().empty()) {
    int64_t& last = last_batch_us_[entry.source()];
    last = std::max(last, entry.time_us());
  }
  if (IsRead(entry) && !entry.key_digests().empty()) {
    const std::string grant = keys::GrantMark(entry.grant());
    for (const std::string& digest : entry.key_digests()) {
      if (digest.size() < keys::kDigestPrefix) continue;
      ReadRow& row = reads_.emplace_back();
      std::memcpy(row.key.data(), digest.data(), keys::kDigestPrefix);
      absl::big_endian::Store64(row.key.data() + keys::kDigestPrefix, static_cast<uint64_t>(index));
      std::memcpy(row.grant.data(), grant.data(), grant.size());
    }
  }
  if (entry.step() == huiliu::v1::STEP_REFUSED) {
    for (LineageStore::Refusals* refusals :
         {&state.refusals, &state.refusals_by_receiver[entry.receiver()]}) {
      ++refusals->count;
      refusals->last_index = index;
    }
    RETURN_IF_ERROR(Put(batch_, keys::Refusals(entry.receiver()),
                        EncodeRefusals(state.refusals_by_receiver[entry.receiver()])));
  }
  return absl::OkStatus();
}

absl::Status LineageFold::FlushEntries() {
  if (run_entries_ == 0) return absl::OkStatus();
  RETURN_IF_ERROR(Put(batch_, keys::Entries(run_first_), run_));
  run_.clear();
  run_entries_ = 0;
  return absl::OkStatus();
}

absl::Status LineageFold::Finish(int64_t next_offset) {
  RETURN_IF_ERROR(FlushEntries());
  if (tiles_written_) {
    // Level 0's edge is hashed again from its entries when the store opens.
    for (size_t level = 1; level < state.tree.edges().size(); ++level) {
      RETURN_IF_ERROR(
          Put(batch_, keys::Edge(static_cast<int>(level)), EncodeEdge(state.tree.edges()[level])));
    }
  }
  // In order: random keys would cost twice as much to insert.
  std::sort(reads_.begin(), reads_.end(),
            [](const ReadRow& a, const ReadRow& b) { return a.key < b.key; });
  std::string read_key = "r";
  for (const ReadRow& row : reads_) {
    read_key.resize(1);
    read_key.append(row.key.data(), row.key.size());
    RETURN_IF_ERROR(Put(batch_, read_key, absl::string_view(row.grant.data(), row.grant.size())));
  }
  for (const auto& [key, line] : lines_) {
    RETURN_IF_ERROR(Put(batch_, key, line->SerializeAsString()));
  }
  for (const auto& [source, time_us] : last_batch_us_) {
    const std::string key = keys::LastBatch(source);
    ASSIGN_OR_RETURN(const std::optional<std::string> stored, read_(key));
    const int64_t before =
        stored.has_value() && stored->size() == 8 ? keys::TailIndex(*stored) : INT64_MIN;
    RETURN_IF_ERROR(
        Put(batch_, key, keys::BigEndian(static_cast<uint64_t>(std::max(before, time_us)))));
  }
  state.next_offset = next_offset;
  return Put(batch_, keys::kState, EncodeState(state));
}

std::string EncodeRefusals(const LineageStore::Refusals& refusals) {
  std::string bytes;
  AppendVarint(&bytes, static_cast<uint64_t>(refusals.count));
  AppendVarint(&bytes, static_cast<uint64_t>(refusals.last_index + 1));
  return bytes;
}

absl::StatusOr<LineageStore::Refusals> DecodeRefusals(absl::string_view bytes) {
  uint64_t count = 0, next = 0;
  if (!TakeVarint(bytes, &count) || !TakeVarint(bytes, &next) || !bytes.empty()) return BadState();
  return LineageStore::Refusals{static_cast<int64_t>(count), static_cast<int64_t>(next) - 1};
}

std::string EncodeState(const LineageState& state) {
  std::string bytes(1, kFormat);
  AppendVarint(&bytes, state.tree.size());
  AppendVarint(&bytes, static_cast<uint64_t>(state.next_offset));
  AppendVarint(&bytes, static_cast<uint64_t>(state.malformed));
  return absl::StrCat(bytes, EncodeRefusals(state.refusals));
}

absl::Status DecodeState(absl::string_view bytes, LineageState* state, uint64_t* size) {
  if (bytes.empty()) return BadState();
  if (bytes[0] != kFormat) {
    return absl::FailedPreconditionError(
        absl::StrCat("留痕库由更新的版本写成，请升级本节点 / lineage store: format ",
                     static_cast<int>(bytes[0]), " is not known to this version"));
  }
  bytes.remove_prefix(1);
  uint64_t next = 0, malformed = 0;
  if (!TakeVarint(bytes, size) || !TakeVarint(bytes, &next) || !TakeVarint(bytes, &malformed)) {
    return BadState();
  }
  state->next_offset = static_cast<int64_t>(next);
  state->malformed = static_cast<int64_t>(malformed);
  ASSIGN_OR_RETURN(state->refusals, DecodeRefusals(bytes));
  return absl::OkStatus();
}

}  // namespace huiliu
