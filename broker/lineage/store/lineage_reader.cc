#include "broker/lineage/store/lineage_reader.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "broker/lineage/store/lineage_keys.h"
#include "core/base/status.h"
#include "core/model/varint.h"

namespace huiliu {
namespace {

namespace rdb = rocksdb;
namespace keys = lineage_keys;
using huiliu::v1::LineageEntry;

rdb::Slice AsSlice(absl::string_view view) { return {view.data(), view.size()}; }
absl::string_view AsView(const rdb::Slice& slice) { return {slice.data(), slice.size()}; }

absl::Status NoEntry(int64_t index) {
  return absl::OutOfRangeError(
      absl::StrCat("留痕日志没有该条目 / the lineage log has no entry ", index));
}

absl::Status CheckSize(const LineageState& state, int64_t size) {
  const int64_t there = static_cast<int64_t>(state.tree.size());
  if (size >= 0 && size <= there) return absl::OkStatus();
  return absl::OutOfRangeError(
      absl::StrCat("留痕日志没有这么多条目 / the lineage log has ", there, " entries, not ", size));
}

}  // namespace

absl::Status LineageStatus(const rdb::Status& status, absl::string_view doing) {
  if (status.ok()) return absl::OkStatus();
  const std::string message = absl::StrCat(doing, ": ", status.ToString());
  if (status.IsCorruption()) return absl::DataLossError(message);
  if (status.IsNoSpace()) return absl::ResourceExhaustedError(message);
  if (status.IsBusy() || message.find("lock") != std::string::npos)
    return absl::FailedPreconditionError(message);
  return absl::UnavailableError(message);
}

std::shared_ptr<const LineageState> LineageReader::State() const {
  absl::MutexLock lock(&state_mutex_);
  return state_;
}

void LineageReader::Publish(LineageState state) {
  auto next = std::make_shared<const LineageState>(std::move(state));
  absl::MutexLock lock(&state_mutex_);
  state_.swap(next);
}

absl::StatusOr<std::optional<std::string>> LineageReader::Read(const std::string& key) const {
  std::string value;
  const rdb::Status status = db_->Get({}, key, &value);
  if (status.IsNotFound()) return std::optional<std::string>();
  RETURN_IF_ERROR(LineageStatus(status, "read lineage"));
  return std::optional<std::string>(std::move(value));
}

absl::StatusOr<std::string> LineageReader::TileAt(int level, uint64_t index) const {
  ASSIGN_OR_RETURN(std::optional<std::string> tile, Read(keys::Tile(level, index)));
  if (!tile.has_value()) {
    return absl::DataLossError(
        absl::StrCat("lineage store ", options_.path, ": tile ", level, "/", index, " is missing"));
  }
  return *std::move(tile);
}

merkle::NodeReader LineageReader::ReaderOf(const LineageState& state) const {
  return [this, &state](const merkle::NodeId& id) {
    return state.tree.Node(id, [this](int level, uint64_t index) { return TileAt(level, index); });
  };
}

absl::Status LineageReader::Scan(absl::string_view prefix, absl::string_view start,
                                 Visit visit) const {
  const std::unique_ptr<rdb::Iterator> it(db_->NewIterator({}));
  for (it->Seek(AsSlice(start)); it->Valid() && it->key().starts_with(AsSlice(prefix));
       it->Next()) {
    ASSIGN_OR_RETURN(const bool more, visit(AsView(it->key()), AsView(it->value())));
    if (!more) return absl::OkStatus();
  }
  return LineageStatus(it->status(), "read lineage");
}

absl::Status LineageReader::ScanEntries(
    int64_t from, absl::FunctionRef<bool(int64_t index, absl::string_view leaf)> visit) const {
  const std::unique_ptr<rdb::Iterator> it(db_->NewIterator({}));
  for (it->SeekForPrev(keys::Entries(from)); it->Valid() && it->key()[0] == 'e'; it->Next()) {
    absl::string_view run = AsView(it->value());
    for (int64_t index = keys::TailIndex(AsView(it->key())); !run.empty(); ++index) {
      uint64_t length = 0;
      if (!TakeVarint(run, &length) || length > run.size()) return TornEntries(index);
      if (index >= from && !visit(index, run.substr(0, length))) return absl::OkStatus();
      run.remove_prefix(length);
    }
  }
  return LineageStatus(it->status(), "read lineage entries");
}

absl::Status LineageReader::TornEntries(int64_t index) const {
  return absl::DataLossError(
      absl::StrCat("lineage store ", options_.path, ": entry ", index, " is missing or torn"));
}

absl::StatusOr<std::vector<huiliu::v1::Checkpoint>> LineageReader::Checkpoints(int64_t from,
                                                                               int limit) const {
  std::vector<huiliu::v1::Checkpoint> found;
  RETURN_IF_ERROR(
      Scan("c", keys::Checkpoint(std::max<int64_t>(from, 0)),
           [&](absl::string_view, absl::string_view value) -> absl::StatusOr<bool> {
             if (static_cast<int>(found.size()) >= limit) return false;
             if (!found.emplace_back().ParseFromArray(value.data(), static_cast<int>(value.size())))
               return absl::DataLossError("lineage store: a torn checkpoint");
             return true;
           }));
  return found;
}

absl::StatusOr<LineageStore::Inclusion> LineageReader::InclusionProof(int64_t index,
                                                                      int64_t size) const {
  const std::shared_ptr<const LineageState> state = State();
  RETURN_IF_ERROR(CheckSize(*state, size));
  if (index < 0 || index >= size) {
    return absl::OutOfRangeError(absl::StrCat("该条目不在此大小的留痕日志之内 / entry ", index,
                                              " is not in a log of ", size));
  }
  Inclusion inclusion;
  const merkle::NodeReader reader = ReaderOf(*state);
  ASSIGN_OR_RETURN(inclusion.path, merkle::InclusionProof(static_cast<uint64_t>(index),
                                                          static_cast<uint64_t>(size), reader));
  ASSIGN_OR_RETURN(inclusion.leaf_hash, reader({0, static_cast<uint64_t>(index)}));
  return inclusion;
}

absl::StatusOr<std::vector<Digest>> LineageReader::ConsistencyProof(int64_t from,
                                                                    int64_t to) const {
  const std::shared_ptr<const LineageState> state = State();
  RETURN_IF_ERROR(CheckSize(*state, to));
  if (from <= 0 || from > to) {
    return absl::OutOfRangeError(
        absl::StrCat("无法给出一致性证明 / no consistency proof from ", from, " to ", to));
  }
  return merkle::ConsistencyProof(static_cast<uint64_t>(from), static_cast<uint64_t>(to),
                                  ReaderOf(*state));
}

absl::StatusOr<Digest> LineageReader::RootAt(int64_t size) const {
  const std::shared_ptr<const LineageState> state = State();
  RETURN_IF_ERROR(CheckSize(*state, size));
  return merkle::RootAt(static_cast<uint64_t>(size), ReaderOf(*state));
}

absl::StatusOr<std::vector<Digest>> LineageReader::Peaks(int64_t size) const {
  const std::shared_ptr<const LineageState> state = State();
  RETURN_IF_ERROR(CheckSize(*state, size));
  const merkle::NodeReader reader = ReaderOf(*state);
  std::vector<Digest> peaks;
  for (const merkle::NodeId& id : merkle::PeakIds(static_cast<uint64_t>(size))) {
    ASSIGN_OR_RETURN(peaks.emplace_back(), reader(id));
  }
  return peaks;
}

absl::StatusOr<std::string> LineageReader::Leaf(int64_t index) const {
  if (index >= Size()) return NoEntry(index);
  ASSIGN_OR_RETURN(std::vector<std::string> leaves, Leaves(index, index + 1, 1));
  return std::move(leaves[0]);
}

absl::StatusOr<std::vector<std::string>> LineageReader::Leaves(int64_t from, int64_t to,
                                                               size_t max_bytes) const {
  to = std::min(to, Size());
  std::vector<std::string> leaves;
  if (from < 0) return NoEntry(from);
  if (from >= to) return leaves;
  size_t bytes = 0;
  int64_t next = from;
  RETURN_IF_ERROR(ScanEntries(from, [&](int64_t index, absl::string_view leaf) {
    if (index != next) return false;
    leaves.emplace_back(leaf.data(), leaf.size());
    bytes += leaf.size();
    return ++next < to && bytes < max_bytes;
  }));
  if (next < to && bytes < max_bytes) return TornEntries(next);
  return leaves;
}

absl::StatusOr<LineageEntry> LineageReader::Entry(int64_t index) const {
  ASSIGN_OR_RETURN(const std::string leaf, Leaf(index));
  LineageEntry entry;
  if (!entry.ParseFromString(leaf)) {
    return absl::DataLossError(absl::StrCat("leaf ", index, " is no lineage entry"));
  }
  return entry;
}

absl::StatusOr<std::vector<LineageStore::BatchEntry>> LineageReader::FindBatch(
    absl::string_view source, uint64_t epoch, uint64_t sequence) const {
  std::vector<BatchEntry> found;
  const std::string prefix = keys::BatchPrefix(source, epoch, sequence);
  RETURN_IF_ERROR(Scan(
      prefix, prefix, [&](absl::string_view key, absl::string_view value) -> absl::StatusOr<bool> {
        if (key.size() == prefix.size() + 8 && value.size() == 1) {
          found.push_back({static_cast<huiliu::v1::Step>(value[0]), keys::TailIndex(key)});
        }
        return true;
      }));
  return found;
}

absl::StatusOr<std::optional<int64_t>> LineageReader::FindApplied(const TopicPartition& tp,
                                                                  Offset offset) const {
  std::optional<int64_t> found;
  const std::string prefix = keys::AppliedPrefix(tp.topic, tp.partition.value());
  RETURN_IF_ERROR(Scan(prefix, keys::Applied(tp.topic, tp.partition.value(), offset.value()),
                       [&](absl::string_view, absl::string_view value) -> absl::StatusOr<bool> {
                         if (value.size() == 16 && keys::HeadOffset(value) <= offset.value())
                           found = keys::TailIndex(value);
                         return false;
                       }));
  return found;
}

namespace {

bool HoldsKey(const LineageEntry& entry, absl::string_view receiver, absl::string_view dataset,
              absl::string_view key_digest) {
  const auto& digests = entry.key_digests();
  return absl::string_view(entry.receiver()) == receiver &&
         absl::string_view(entry.dataset()) == dataset &&
         std::any_of(digests.begin(), digests.end(),
                     [&](const std::string& d) { return absl::string_view(d) == key_digest; });
}

}  // namespace

absl::StatusOr<std::vector<int64_t>> LineageReader::FindReads(absl::string_view receiver,
                                                              absl::string_view dataset,
                                                              absl::string_view key_digest,
                                                              int limit, int64_t before) const {
  std::vector<int64_t> found;
  if (key_digest.size() < keys::kDigestPrefix || before <= 0) return found;
  const std::string prefix = keys::ReadPrefix(key_digest);
  const std::unique_ptr<rdb::Iterator> it(db_->NewIterator({}));
  it->SeekForPrev(keys::Read(key_digest, before - 1));
  for (; it->Valid() && it->key().starts_with(prefix); it->Prev()) {
    if (static_cast<int>(found.size()) >= limit) break;
    const int64_t index = keys::TailIndex(AsView(it->key()));
    // The index knows a digest's beginning only.
    ASSIGN_OR_RETURN(const LineageEntry entry, Entry(index));
    if (HoldsKey(entry, receiver, dataset, key_digest)) found.push_back(index);
  }
  RETURN_IF_ERROR(LineageStatus(it->status(), "find reads"));
  return found;
}

absl::StatusOr<bool> LineageReader::LeftThrough(absl::string_view grant, absl::string_view receiver,
                                                absl::string_view dataset,
                                                absl::string_view key_digest) const {
  if (key_digest.size() < keys::kDigestPrefix) return false;
  const std::string prefix = keys::ReadPrefix(key_digest);
  const std::string mark = keys::GrantMark(grant);
  const std::unique_ptr<rdb::Iterator> it(db_->NewIterator({}));
  for (it->Seek(prefix); it->Valid() && it->key().starts_with(prefix); it->Next()) {
    if (!it->value().empty() && AsView(it->value()) != mark) continue;
    ASSIGN_OR_RETURN(const LineageEntry entry, Entry(keys::TailIndex(AsView(it->key()))));
    if (absl::string_view(entry.grant()) == grant && HoldsKey(entry, receiver, dataset, key_digest))
      return true;
  }
  RETURN_IF_ERROR(LineageStatus(it->status(), "find reads"));
  return false;
}

absl::StatusOr<std::vector<BalanceLine>> LineageReader::Balance(absl::string_view receiver,
                                                                absl::string_view day) const {
  std::vector<BalanceLine> lines;
  const std::string prefix = receiver.empty() ? "b" : keys::BalancePrefix(receiver);
  RETURN_IF_ERROR(
      Scan(prefix, prefix, [&](absl::string_view, absl::string_view value) -> absl::StatusOr<bool> {
        BalanceLine line;
        if (!line.ParseFromArray(value.data(), static_cast<int>(value.size())))
          return absl::DataLossError("lineage store: a torn balance line");
        if (day.empty() || day == absl::string_view(line.day())) lines.push_back(std::move(line));
        return true;
      }));
  return lines;
}

absl::StatusOr<std::optional<absl::Time>> LineageReader::LastBatchTime(
    absl::string_view source) const {
  ASSIGN_OR_RETURN(const std::optional<std::string> stored, Read(keys::LastBatch(source)));
  if (!stored.has_value()) return std::optional<absl::Time>();
  if (stored->size() != 8) return absl::DataLossError("lineage store: a torn batch time");
  return std::optional<absl::Time>(absl::FromUnixMicros(keys::TailIndex(*stored)));
}

LineageStore::Refusals LineageReader::RefusedReads(absl::string_view receiver) const {
  const std::shared_ptr<const LineageState> state = State();
  if (receiver.empty()) return state->refusals;
  const auto it = state->refusals_by_receiver.find(std::string(receiver));
  return it == state->refusals_by_receiver.end() ? Refusals{} : it->second;
}

}  // namespace huiliu
