#include "storage/quarantine/quarantine_store.h"

#include <rocksdb/cache.h>
#include <rocksdb/db.h>
#include <rocksdb/table.h>
#include <rocksdb/write_batch.h>
#include <unistd.h>

#include <algorithm>
#include <limits>
#include <utility>

#include "absl/base/internal/endian.h"
#include "absl/strings/escaping.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "core/base/digest.h"
#include "core/base/files.h"
#include "core/base/status.h"

namespace huiliu {
namespace {

namespace rdb = rocksdb;
using huiliu::v1::QuarantinedRow;

constexpr int kMaxPage = 1000;
constexpr int kDefaultPage = 100;
constexpr size_t kTailBytes = 8 + 8 + 4;  // sequence, epoch, index

absl::Status FromRocks(const rdb::Status& status, absl::string_view doing) {
  if (status.ok()) return absl::OkStatus();
  const std::string message = absl::StrCat(doing, ": ", status.ToString());
  if (status.IsCorruption()) return absl::DataLossError(message);
  if (status.IsNoSpace()) return absl::ResourceExhaustedError(message);
  if (status.IsNotSupported()) return absl::FailedPreconditionError(message);
  if (status.IsBusy() || message.find("lock") != std::string::npos)
    return absl::FailedPreconditionError(message);
  return absl::UnavailableError(message);
}

char LetterOf(KeptKind kind) { return kind == KeptKind::kQuarantined ? 'q' : 'p'; }

// kind, source, zero byte; then sequence, epoch, index, each big-endian: rows of a source stand in
// the order they came.
std::string SourcePrefix(KeptKind kind, absl::string_view source) {
  return absl::StrCat(absl::string_view(std::string(1, LetterOf(kind))), source,
                      absl::string_view("\0", 1));
}

std::string KeyOf(KeptKind kind, const KeptRowId& id) {
  std::string key = SourcePrefix(kind, id.source);
  const size_t at = key.size();
  key.resize(at + kTailBytes);
  absl::big_endian::Store64(&key[at], id.sequence);
  absl::big_endian::Store64(&key[at + 8], id.epoch);
  absl::big_endian::Store32(&key[at + 16], id.index);
  return key;
}

// What is staged with a batch: 's', source, zero byte, sequence → a line per row: its list's
// letter, its id.
std::string StagedPrefix(absl::string_view source) {
  return absl::StrCat("s", source, absl::string_view("\0", 1));
}
std::string StagedKey(absl::string_view source, uint64_t sequence) {
  std::string key = StagedPrefix(source);
  key.resize(key.size() + 8);
  absl::big_endian::Store64(&key[key.size() - 8], sequence);
  return key;
}

// By the source's row id: 'i', the list's letter, source, zero byte, digest of the row id; then the
// row's tail, as its own key has it.
constexpr size_t kRowDigestBytes = 16;
std::string RowIdPrefix(KeptKind kind, absl::string_view source, absl::string_view row_id) {
  return absl::StrCat("i", SourcePrefix(kind, source),
                      AsBytes(Sha256(row_id)).substr(0, kRowDigestBytes));
}
std::string RowIdKey(KeptKind kind, const KeptRowId& id, absl::string_view row_id) {
  const std::string key = KeyOf(kind, id);
  return absl::StrCat(RowIdPrefix(kind, id.source, row_id),
                      absl::string_view(key).substr(key.size() - kTailBytes));
}
// Says that every row of the store stands in that index.
constexpr char kIndexedKey[] = "x";

// The key after which no key with this prefix stands.
std::string After(std::string prefix) {
  prefix.back() = static_cast<char>(prefix.back() + 1);
  return prefix;
}

class RocksDbQuarantineStore : public QuarantineStore {
 public:
  RocksDbQuarantineStore(std::string path, const Options& options) : path_(std::move(path)) {
    write_.sync = options.sync;
  }

  absl::Status Init(const Options& own) {
    RETURN_IF_ERROR(MakeDirectories(path_));
    rdb::Options options = MakeOptions(own);
    options.create_if_missing = true;
    rdb::DB* db = nullptr;
    RETURN_IF_ERROR(FromRocks(rdb::DB::Open(options, path_, &db), path_));
    db_.reset(db);
    return IndexAll();
  }

  absl::Status InitForReading(const std::string& scratch) {
    if (access((path_ + "/CURRENT").c_str(), F_OK) != 0)
      return absl::NotFoundError(absl::StrCat(path_, ": no rows were kept here yet"));
    RETURN_IF_ERROR(MakeDirectories(scratch));
    rdb::Options options = MakeOptions({});
    // A follower must keep what it reads open: the holder may delete it.
    options.max_open_files = -1;
    rdb::DB* db = nullptr;
    RETURN_IF_ERROR(FromRocks(rdb::DB::OpenAsSecondary(options, path_, scratch, &db), path_));
    db_.reset(db);
    return FromRocks(db_->TryCatchUpWithPrimary(), path_);
  }

  static rdb::Options MakeOptions(const Options& own) {
    rdb::Options options;
    options.info_log_level = rdb::WARN_LEVEL;
    options.keep_log_file_num = 2;
    options.max_open_files = 64;
    options.write_buffer_size = size_t{4} << 20;
    options.compression = rdb::kLZ4Compression;
    rdb::BlockBasedTableOptions table;
    table.block_cache = rdb::NewLRUCache(own.cache_bytes);
    table.checksum = rdb::kXXH3;
    options.table_factory.reset(rdb::NewBlockBasedTableFactory(table));
    return options;
  }

  absl::Status Put(KeptKind kind, absl::Span<const QuarantinedRow> rows) override {
    rdb::WriteBatch batch;
    for (const QuarantinedRow& row : rows) {
      ASSIGN_OR_RETURN(const KeptRowId id, ParseKeptRowId(row.id()));
      RETURN_IF_ERROR(FromRocks(batch.Put(KeyOf(kind, id), row.SerializeAsString()), path_));
      RETURN_IF_ERROR(FromRocks(batch.Put(RowIdKey(kind, id, row.row_id()), ""), path_));
    }
    if (rows.empty()) return absl::OkStatus();
    return FromRocks(db_->Write(write_, &batch), "keep rows for repair");
  }

  absl::Status DiscardAfter(absl::string_view source, uint64_t node_sequence) override {
    if (node_sequence == std::numeric_limits<uint64_t>::max()) return absl::OkStatus();
    rdb::WriteBatch batch;
    for (const KeptKind kind : {KeptKind::kQuarantined, KeptKind::kPending}) {
      const std::string from = KeyOf(kind, {std::string(source), 0, node_sequence + 1, 0});
      RETURN_IF_ERROR(ForgetRowIds(kind, source, from, &batch));
      RETURN_IF_ERROR(FromRocks(batch.DeleteRange(from, After(SourcePrefix(kind, source))), path_));
    }
    RETURN_IF_ERROR(FromRocks(
        batch.DeleteRange(StagedKey(source, node_sequence + 1), After(StagedPrefix(source))),
        path_));
    return FromRocks(db_->Write(write_, &batch), "discard rows that were not taken over");
  }

  absl::StatusOr<KeptRowPage> List(KeptKind kind, absl::string_view source, int page_size,
                                   absl::string_view page_token, bool include_redriven) override {
    const size_t wanted = std::clamp(page_size == 0 ? kDefaultPage : page_size, 1, kMaxPage);
    const std::string prefix =
        source.empty() ? std::string(1, LetterOf(kind)) : SourcePrefix(kind, source);
    std::string from = prefix;
    if (!page_token.empty()) {
      std::string token;
      if (!absl::WebSafeBase64Unescape(page_token, &token) ||
          !rdb::Slice(token).starts_with(prefix)) {
        return absl::InvalidArgumentError(
            "page_token 不属于此列表 / page_token is not of this list");
      }
      from = token;
    }
    KeptRowPage page;
    const std::unique_ptr<rdb::Iterator> it(db_->NewIterator({}));
    for (it->Seek(from); it->Valid() && it->key().starts_with(prefix); it->Next()) {
      ASSIGN_OR_RETURN(QuarantinedRow row, Parse(it->value()));
      if (row.redriven() && !include_redriven) continue;
      if (page.rows.size() == wanted) {
        page.next_page_token =
            absl::WebSafeBase64Escape(absl::string_view(it->key().data(), it->key().size()));
        return page;
      }
      page.rows.push_back(std::move(row));
    }
    RETURN_IF_ERROR(FromRocks(it->status(), path_));
    return page;
  }

  absl::StatusOr<std::vector<QuarantinedRow>> OfRowIds(
      KeptKind kind, absl::string_view source, absl::Span<const std::string> row_ids) override {
    std::vector<QuarantinedRow> rows;
    const std::unique_ptr<rdb::Iterator> it(db_->NewIterator({}));
    for (const std::string& row_id : row_ids) {
      const std::string prefix = RowIdPrefix(kind, source, row_id);
      for (it->Seek(prefix); it->Valid() && it->key().starts_with(prefix); it->Next()) {
        const std::string key = absl::StrCat(
            SourcePrefix(kind, source),
            absl::string_view(it->key().data(), it->key().size()).substr(prefix.size()));
        rdb::PinnableSlice value;
        const rdb::Status status = db_->Get({}, db_->DefaultColumnFamily(), key, &value);
        if (status.IsNotFound()) continue;
        RETURN_IF_ERROR(FromRocks(status, path_));
        ASSIGN_OR_RETURN(QuarantinedRow row, Parse(value));
        // A batch that was made again may have put another row in its place.
        const bool counts = !row.redriven() || !row.territory_override().empty();
        if (counts && row.row_id() == row_id) rows.push_back(std::move(row));
      }
      RETURN_IF_ERROR(FromRocks(it->status(), path_));
    }
    return rows;
  }

  absl::StatusOr<QuarantinedRow> Get(KeptKind kind, absl::string_view id) override {
    ASSIGN_OR_RETURN(const KeptRowId parts, ParseKeptRowId(id));
    rdb::PinnableSlice value;
    const rdb::Status status = db_->Get({}, db_->DefaultColumnFamily(), KeyOf(kind, parts), &value);
    if (status.IsNotFound())
      return absl::NotFoundError(absl::StrCat("没有此行 / no such row: ", id));
    RETURN_IF_ERROR(FromRocks(status, path_));
    return Parse(value);
  }

  absl::Status StageRedriven(absl::string_view source, uint64_t sequence,
                             absl::Span<const KeptRowRef> rows) override {
    std::string lines;
    for (const KeptRowRef& row : rows)
      absl::StrAppend(&lines, std::string(1, LetterOf(row.kind)), row.id, "\n");
    return FromRocks(db_->Put(write_, StagedKey(source, sequence), lines), "stage redriven rows");
  }

  absl::Status CommitRedriven(absl::string_view source, uint64_t node_sequence) override {
    rdb::WriteBatch batch;
    const std::string prefix = StagedPrefix(source);
    const std::string last = StagedKey(source, node_sequence);
    const std::unique_ptr<rdb::Iterator> it(db_->NewIterator({}));
    for (it->Seek(prefix); it->Valid() && it->key().starts_with(prefix); it->Next()) {
      if (it->key().compare(last) > 0) break;
      RETURN_IF_ERROR(MarkStaged({it->value().data(), it->value().size()}, &batch));
      RETURN_IF_ERROR(FromRocks(batch.Delete(it->key()), path_));
    }
    RETURN_IF_ERROR(FromRocks(it->status(), path_));
    if (batch.Count() == 0) return absl::OkStatus();
    return FromRocks(db_->Write(write_, &batch), "mark redriven rows");
  }

  absl::Status MarkRedriven(KeptKind kind, absl::Span<const std::string> ids) override {
    std::vector<QuarantinedRow> rows;
    for (const std::string& id : ids) {
      ASSIGN_OR_RETURN(QuarantinedRow row, Get(kind, id));
      row.set_redriven(true);
      rows.push_back(std::move(row));
    }
    return Put(kind, rows);
  }

  absl::StatusOr<int64_t> PurgeRedriven(absl::string_view day) override {
    int64_t purged = 0;
    rdb::WriteBatch batch;
    const std::unique_ptr<rdb::Iterator> it(db_->NewIterator({}));
    for (it->SeekToFirst(); it->Valid(); it->Next()) {
      if (it->key()[0] != 'q' && it->key()[0] != 'p') continue;
      ASSIGN_OR_RETURN(const QuarantinedRow row, Parse(it->value()));
      if (!row.redriven() || row.day().empty() || absl::string_view(row.day()) >= day) continue;
      RETURN_IF_ERROR(FromRocks(batch.Delete(it->key()), path_));
      const KeptKind kind = it->key()[0] == 'q' ? KeptKind::kQuarantined : KeptKind::kPending;
      ASSIGN_OR_RETURN(const KeptRowId id, ParseKeptRowId(row.id()));
      RETURN_IF_ERROR(FromRocks(batch.Delete(RowIdKey(kind, id, row.row_id())), path_));
      ++purged;
    }
    RETURN_IF_ERROR(FromRocks(it->status(), path_));
    if (purged > 0) RETURN_IF_ERROR(FromRocks(db_->Write(write_, &batch), "purge redriven rows"));
    return purged;
  }

 private:
  absl::Status MarkStaged(absl::string_view lines, rdb::WriteBatch* batch) {
    for (absl::string_view line : absl::StrSplit(lines, '\n', absl::SkipEmpty())) {
      const KeptKind kind = line[0] == 'q' ? KeptKind::kQuarantined : KeptKind::kPending;
      auto row = Get(kind, line.substr(1));
      if (row.status().code() == absl::StatusCode::kNotFound) continue;  // purged meanwhile
      RETURN_IF_ERROR(row.status());
      row->set_redriven(true);
      row->clear_territory_override();
      ASSIGN_OR_RETURN(const KeptRowId id, ParseKeptRowId(row->id()));
      RETURN_IF_ERROR(FromRocks(batch->Put(KeyOf(kind, id), row->SerializeAsString()), path_));
    }
    return absl::OkStatus();
  }

  // Once, of a store that was written before there was the index.
  absl::Status IndexAll() {
    std::string done;
    const rdb::Status known = db_->Get({}, kIndexedKey, &done);
    if (known.ok()) return absl::OkStatus();
    if (!known.IsNotFound()) return FromRocks(known, path_);
    constexpr int kPerWrite = 10000;
    rdb::WriteBatch batch;
    const std::unique_ptr<rdb::Iterator> it(db_->NewIterator({}));
    for (const KeptKind kind : {KeptKind::kPending, KeptKind::kQuarantined}) {
      const std::string prefix(1, LetterOf(kind));
      for (it->Seek(prefix); it->Valid() && it->key().starts_with(prefix); it->Next()) {
        ASSIGN_OR_RETURN(const QuarantinedRow row, Parse(it->value()));
        ASSIGN_OR_RETURN(const KeptRowId id, ParseKeptRowId(row.id()));
        RETURN_IF_ERROR(FromRocks(batch.Put(RowIdKey(kind, id, row.row_id()), ""), path_));
        if (batch.Count() < kPerWrite) continue;
        RETURN_IF_ERROR(FromRocks(db_->Write({}, &batch), path_));
        batch.Clear();
      }
      RETURN_IF_ERROR(FromRocks(it->status(), path_));
    }
    RETURN_IF_ERROR(FromRocks(batch.Put(kIndexedKey, "1"), path_));
    return FromRocks(db_->Write(write_, &batch), "index the rows kept for repair");
  }

  absl::Status ForgetRowIds(KeptKind kind, absl::string_view source, const std::string& from,
                            rdb::WriteBatch* batch) {
    const std::string prefix = SourcePrefix(kind, source);
    const std::unique_ptr<rdb::Iterator> it(db_->NewIterator({}));
    for (it->Seek(from); it->Valid() && it->key().starts_with(prefix); it->Next()) {
      ASSIGN_OR_RETURN(const QuarantinedRow row, Parse(it->value()));
      ASSIGN_OR_RETURN(const KeptRowId id, ParseKeptRowId(row.id()));
      RETURN_IF_ERROR(FromRocks(batch->Delete(RowIdKey(kind, id, row.row_id())), path_));
    }
    return FromRocks(it->status(), path_);
  }

  absl::StatusOr<QuarantinedRow> Parse(const rdb::Slice& bytes) const {
    QuarantinedRow row;
    if (!row.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
      return absl::DataLossError(absl::StrCat(path_, ": a kept row is torn"));
    }
    return row;
  }

  const std::string path_;
  rdb::WriteOptions write_;
  std::unique_ptr<rdb::DB> db_;
};

}  // namespace

std::string FormatKeptRowId(const KeptRowId& id) {
  return absl::StrCat(id.source, "/", id.epoch, "/", id.sequence, "/", id.index);
}

absl::StatusOr<KeptRowId> ParseKeptRowId(absl::string_view id) {
  const auto bad = [&] {
    return absl::InvalidArgumentError(
        absl::StrCat("行号应为 source/epoch/sequence/index / not a row id: ",
                     absl::CHexEscape(id.substr(0, 200))));
  };
  KeptRowId parts;
  const auto take_last = [&id](auto* number) {
    const size_t slash = id.rfind('/');
    if (slash == absl::string_view::npos) return false;
    const absl::string_view text = id.substr(slash + 1);
    id = id.substr(0, slash);
    return absl::SimpleAtoi(text, number) && absl::StrCat(*number) == text;
  };
  const absl::string_view whole = id;
  if (!take_last(&parts.index) || !take_last(&parts.sequence) || !take_last(&parts.epoch) ||
      id.empty() || id.find('\0') != absl::string_view::npos) {
    id = whole;
    return bad();
  }
  parts.source = std::string(id);
  return parts;
}

absl::StatusOr<std::unique_ptr<QuarantineStore>> QuarantineStore::Open(const std::string& path,
                                                                       const Options& options) {
  auto store = std::make_unique<RocksDbQuarantineStore>(path, options);
  RETURN_IF_ERROR(store->Init(options));
  return std::unique_ptr<QuarantineStore>(std::move(store));
}

absl::StatusOr<std::unique_ptr<QuarantineStore>> QuarantineStore::OpenForReading(
    const std::string& path, const std::string& scratch) {
  auto store = std::make_unique<RocksDbQuarantineStore>(path, Options());
  RETURN_IF_ERROR(store->InitForReading(scratch));
  return std::unique_ptr<QuarantineStore>(std::move(store));
}

}  // namespace huiliu
