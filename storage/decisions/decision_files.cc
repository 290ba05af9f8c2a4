#include "storage/decisions/decision_files.h"

#include <openssl/rand.h>
#include <rocksdb/cache.h>
#include <rocksdb/db.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/sst_file_writer.h>
#include <rocksdb/table.h>

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <utility>

#include "absl/base/internal/endian.h"
#include "absl/strings/str_cat.h"
#include "core/base/files.h"
#include "core/base/status.h"

namespace huiliu {
namespace {

namespace rdb = rocksdb;

constexpr char kFormat[] = "1";
constexpr char kSequenceKey[] = {
    '\0'};  // in truth, before every hash: the sequence that it reaches
constexpr size_t kHashBytes = 16;
constexpr int kCatchUps = 50;

rdb::Slice AsSlice(absl::string_view bytes) { return rdb::Slice(bytes.data(), bytes.size()); }
absl::string_view AsView(const rdb::Slice& slice) {
  return absl::string_view(slice.data(), slice.size());
}
rdb::Slice SequenceKey() { return rdb::Slice(kSequenceKey, 1); }

absl::Status FromRocks(const rdb::Status& status, absl::string_view doing) {
  if (status.ok()) return absl::OkStatus();
  const std::string message = absl::StrCat(doing, ": ", status.ToString());
  if (status.IsCorruption()) return absl::DataLossError(message);
  if (status.IsNoSpace()) return absl::ResourceExhaustedError(message);
  if (status.IsBusy() || message.find("lock") != std::string::npos)
    return absl::FailedPreconditionError(message);
  return absl::UnavailableError(message);
}

std::string BigEndian(uint64_t value) {
  std::string bytes(8, '\0');
  absl::big_endian::Store64(bytes.data(), value);
  return bytes;
}

struct HashKeyBytes {
  explicit HashKeyBytes(const KeyHash& hash) {
    absl::big_endian::Store64(bytes, hash.high);
    absl::big_endian::Store64(bytes + 8, hash.low);
  }
  rdb::Slice slice() const { return rdb::Slice(bytes, kHashBytes); }
  char bytes[kHashBytes];
};

rdb::Options DatabaseOptions() {
  rdb::Options options;
  options.create_if_missing = true;
  options.create_missing_column_families = true;
  options.info_log_level = rdb::WARN_LEVEL;
  options.keep_log_file_num = 2;
  options.max_background_jobs = 2;
  options.max_total_wal_size = uint64_t{192} << 20;
  options.recycle_log_file_num = 2;
  options.max_open_files = 256;
  return options;
}

rdb::ColumnFamilyOptions TruthOptions(const RocksDbDecisionStoreOptions& own) {
  rdb::ColumnFamilyOptions options;
  rdb::BlockBasedTableOptions table;
  table.block_cache = rdb::NewLRUCache(own.cache_bytes);
  table.filter_policy.reset(rdb::NewBloomFilterPolicy(10, false));
  table.cache_index_and_filter_blocks = true;
  table.pin_l0_filter_and_index_blocks_in_cache = true;
  table.format_version = 5;
  table.checksum = rdb::kXXH3;
  table.block_size = 4096;
  options.table_factory.reset(rdb::NewBlockBasedTableFactory(table));
  options.compression = rdb::kNoCompression;
  options.compaction_style = rdb::kCompactionStyleUniversal;
  options.compaction_options_universal.size_ratio = 20;
  options.level0_file_num_compaction_trigger = 6;
  options.write_buffer_size = size_t{1} << 20;
  options.optimize_filters_for_hits = false;
  return options;
}

rdb::ColumnFamilyOptions StagedOptions() {
  rdb::ColumnFamilyOptions options;
  // Most staged batches are forgotten before this memtable is full: they are written once, to the
  // log.
  options.write_buffer_size = size_t{64} << 20;
  options.max_write_buffer_number = 2;
  options.compression = rdb::kNoCompression;
  return options;
}

class RocksDbDecisionFiles : public DecisionFiles {
 public:
  RocksDbDecisionFiles(std::string path, const RocksDbDecisionStoreOptions& options)
      : path_(std::move(path)), options_(options), truth_options_(TruthOptions(options)) {
    sync_.sync = options.sync;
  }
  ~RocksDbDecisionFiles() override {
    if (db_ == nullptr) return;
    for (rdb::ColumnFamilyHandle* handle : {default_, truth_, staged_}) {
      if (handle != nullptr) db_->DestroyColumnFamilyHandle(handle);
    }
    db_->Close();
  }

  absl::Status InitForReading(const std::string& scratch) {
    if (!std::filesystem::exists(path_ + "/CURRENT"))
      return absl::NotFoundError(absl::StrCat(path_, ": nothing was decided here yet"));
    RETURN_IF_ERROR(MakeDirectories(scratch));
    rdb::Options options = DatabaseOptions();
    // A follower must keep what it reads open: the owner may delete it.
    options.max_open_files = -1;
    rdb::DB* db = nullptr;
    std::vector<rdb::ColumnFamilyHandle*> handles;
    RETURN_IF_ERROR(FromRocks(
        rdb::DB::OpenAsSecondary(options, path_, scratch, Families(), &handles, &db), path_));
    Take(db, handles);
    RETURN_IF_ERROR(ReadSeed());
    // A follower reads files first, then the log: the log may drop staged batches whose file came
    // meanwhile. So until no batch is missing between the two.
    for (int i = 0; i < kCatchUps; ++i) {
      const uint64_t before = written_sequence();
      RETURN_IF_ERROR(FromRocks(db_->TryCatchUpWithPrimary(), path_));
      RETURN_IF_ERROR(ReadSequence());
      uint64_t first = 0;
      RETURN_IF_ERROR(ReadStaged([&](uint64_t sequence, const std::string&) {
        if (first == 0) first = sequence;
        return absl::OkStatus();
      }));
      if (first == written_sequence() + 1) return absl::OkStatus();
      if (first == 0 && i > 0 && before == written_sequence()) return absl::OkStatus();
    }
    return absl::UnavailableError(
        absl::StrCat(path_, ": 正在写入，请稍后再试 / is being written, try again"));
  }

  absl::Status Init() {
    RETURN_IF_ERROR(MakeDirectories(path_));
    std::error_code ignored;
    std::filesystem::remove(IngestPath(), ignored);
    std::vector<rdb::ColumnFamilyHandle*> handles;
    rdb::DB* db = nullptr;
    RETURN_IF_ERROR(
        FromRocks(rdb::DB::Open(DatabaseOptions(), path_, Families(), &handles, &db), path_));
    Take(db, handles);
    RETURN_IF_ERROR(ReadMeta());
    return ReadSequence();
  }

  absl::Status ReadSequence() {
    rdb::PinnableSlice value;
    const rdb::Status status = db_->Get({}, truth_, SequenceKey(), &value);
    if (status.IsNotFound()) return absl::OkStatus();
    RETURN_IF_ERROR(FromRocks(status, path_));
    if (value.size() != 8) return absl::DataLossError(absl::StrCat(path_, ": bad sequence"));
    written_ = absl::big_endian::Load64(value.data());
    return absl::OkStatus();
  }

  const KeyHashSeed& seed() const override { return seed_; }
  uint64_t written_sequence() const override { return written_.load(std::memory_order_acquire); }
  bool rebuilding() const override { return rebuilding_; }

  absl::Status PutStaged(uint64_t sequence, absl::string_view blob) override {
    return FromRocks(db_->Put(sync_, staged_, BigEndian(sequence), AsSlice(blob)),
                     "stage decisions");
  }

  absl::Status ReadStaged(const std::function<absl::Status(uint64_t, std::string)>& f) override {
    const std::unique_ptr<rdb::Iterator> it(db_->NewIterator({}, staged_));
    for (it->Seek(BigEndian(written_sequence() + 1)); it->Valid(); it->Next()) {
      if (it->key().size() != 8)
        return absl::DataLossError(absl::StrCat(path_, ": bad staged key"));
      RETURN_IF_ERROR(f(absl::big_endian::Load64(it->key().data()), it->value().ToString()));
    }
    return FromRocks(it->status(), path_);
  }

  absl::Status DropStaged(uint64_t from, uint64_t to) override {
    return FromRocks(db_->DeleteRange({}, staged_, BigEndian(from), BigEndian(to + 1)),
                     "drop staged decisions");
  }

  absl::Status Read(absl::Span<Wanted> wanted) override {
    if (wanted.empty()) return absl::OkStatus();
    std::sort(wanted.begin(), wanted.end(),
              [](const Wanted& a, const Wanted& b) { return a.hash < b.hash; });
    std::vector<HashKeyBytes> bytes;
    std::vector<rdb::Slice> keys;
    bytes.reserve(wanted.size());
    keys.reserve(wanted.size());
    for (const Wanted& want : wanted) keys.push_back(bytes.emplace_back(want.hash).slice());
    std::vector<rdb::PinnableSlice> values(wanted.size());
    std::vector<rdb::Status> statuses(wanted.size());
    db_->MultiGet({}, truth_, keys.size(), keys.data(), values.data(), statuses.data(),
                  /*sorted_input=*/true);
    for (size_t i = 0; i < wanted.size(); ++i) {
      if (statuses[i].IsNotFound()) continue;
      RETURN_IF_ERROR(FromRocks(statuses[i], "read decisions"));
      absl::string_view rest = AsView(values[i]);
      UpdateEntry entry;
      if (!TakeUpdateEntry(rest, &entry))
        return absl::DataLossError(absl::StrCat(path_, ": torn decision"));
      if (entry.key == wanted[i].key)
        wanted[i].value->emplace(entry.value.data(), entry.value.size());
    }
    return absl::OkStatus();
  }

  absl::Status Write(const UpdateTable& table, uint64_t sequence) override {
    std::vector<UpdateTable::Slot> slots;
    slots.reserve(table.size());
    for (const UpdateTable::Slot& slot : table.slots()) {
      if (slot.entry != nullptr) slots.push_back(slot);
    }
    std::sort(slots.begin(), slots.end(),
              [](const auto& a, const auto& b) { return a.hash < b.hash; });
    rdb::Options options(DatabaseOptions(), truth_options_);
    rdb::SstFileWriter writer(rdb::EnvOptions(), options, truth_);
    const std::string file = IngestPath();
    constexpr absl::string_view kDoing = "write decisions";
    RETURN_IF_ERROR(FromRocks(writer.Open(file), kDoing));
    RETURN_IF_ERROR(FromRocks(writer.Put(SequenceKey(), BigEndian(sequence)), kDoing));
    for (const UpdateTable::Slot& slot : slots) {
      absl::string_view rest(slot.entry, slot.bytes);
      UpdateEntry entry;
      if (!TakeUpdateEntry(rest, &entry)) return absl::InternalError("torn entry in memory");
      const HashKeyBytes key(slot.hash);
      RETURN_IF_ERROR(FromRocks(entry.value.empty() ? writer.Delete(key.slice())
                                                    : writer.Put(key.slice(), AsSlice(entry.whole)),
                                kDoing));
    }
    RETURN_IF_ERROR(FromRocks(writer.Finish(), kDoing));
    rdb::IngestExternalFileOptions ingest;
    ingest.move_files = true;
    ingest.snapshot_consistency = false;
    ingest.write_global_seqno = false;
    RETURN_IF_ERROR(FromRocks(db_->IngestExternalFile(truth_, {file}, ingest), kDoing));
    const uint64_t before = written_.exchange(sequence, std::memory_order_acq_rel);
    return before < sequence ? DropStaged(before + 1, sequence) : absl::OkStatus();
  }

  absl::Status Scan(
      const std::function<absl::Status(const KeyHash&, const UpdateEntry&)>& f) override {
    rdb::ReadOptions read;
    read.fill_cache = false;
    const std::unique_ptr<rdb::Iterator> it(db_->NewIterator(read, truth_));
    for (it->SeekToFirst(); it->Valid(); it->Next()) {
      if (it->key().size() != kHashBytes) continue;
      absl::string_view rest = AsView(it->value());
      UpdateEntry entry;
      if (!TakeUpdateEntry(rest, &entry))
        return absl::DataLossError(absl::StrCat(path_, ": torn decision"));
      const char* key = it->key().data();
      RETURN_IF_ERROR(f({absl::big_endian::Load64(key), absl::big_endian::Load64(key + 8)}, entry));
    }
    return FromRocks(it->status(), path_);
  }

  absl::Status Clear() override {
    RETURN_IF_ERROR(PutMeta("rebuilding", "1"));
    rebuilding_ = true;
    RETURN_IF_ERROR(FromRocks(db_->DropColumnFamily(truth_), path_));
    RETURN_IF_ERROR(
        FromRocks(db_->DestroyColumnFamilyHandle(std::exchange(truth_, nullptr)), path_));
    RETURN_IF_ERROR(FromRocks(db_->CreateColumnFamily(truth_options_, "truth", &truth_), path_));
    written_ = 0;
    return DropStaged(0, UINT64_MAX - 1);
  }

  absl::Status EndRebuild() override {
    RETURN_IF_ERROR(PutMeta("rebuilding", "0"));
    rebuilding_ = false;
    return absl::OkStatus();
  }

 private:
  std::string IngestPath() const { return path_ + "/ingest.sst"; }
  std::vector<rdb::ColumnFamilyDescriptor> Families() const {
    return {{rdb::kDefaultColumnFamilyName, rdb::ColumnFamilyOptions()},
            {"truth", truth_options_},
            {"staged", StagedOptions()}};
  }
  void Take(rdb::DB* db, const std::vector<rdb::ColumnFamilyHandle*>& handles) {
    db_.reset(db);
    default_ = handles[0];
    truth_ = handles[1];
    staged_ = handles[2];
  }

  // Flushed at once, so that no old log is kept for its sake.
  absl::Status PutMeta(const std::string& key, const std::string& value) {
    RETURN_IF_ERROR(FromRocks(db_->Put(sync_, default_, key, value), path_));
    return FromRocks(db_->Flush({}, default_), path_);
  }

  absl::Status ReadMeta() {
    std::string format, rebuilding;
    const rdb::Status status = db_->Get({}, default_, "format", &format);
    if (status.IsNotFound()) {
      char bytes[16];
      if (RAND_bytes(reinterpret_cast<unsigned char*>(bytes), sizeof bytes) != 1) {
        return absl::InternalError("no random bytes");
      }
      RETURN_IF_ERROR(
          FromRocks(db_->Put(sync_, default_, "seed", rdb::Slice(bytes, sizeof bytes)), path_));
      RETURN_IF_ERROR(PutMeta("format", kFormat));
      format = kFormat;
    } else {
      RETURN_IF_ERROR(FromRocks(status, path_));
    }
    if (format != kFormat) {
      return absl::FailedPreconditionError(
          absl::StrCat(path_, ": decision store of format ", format, ", this is ", kFormat));
    }
    rebuilding_ = db_->Get({}, default_, "rebuilding", &rebuilding).ok() && rebuilding == "1";
    return ReadSeed();
  }

  absl::Status ReadSeed() {
    std::string seed;
    RETURN_IF_ERROR(FromRocks(db_->Get({}, default_, "seed", &seed), path_));
    if (seed.size() != 16) return absl::DataLossError(absl::StrCat(path_, ": bad seed"));
    seed_ = {absl::little_endian::Load64(seed.data()),
             absl::little_endian::Load64(seed.data() + 8)};
    return absl::OkStatus();
  }

  const std::string path_;
  const RocksDbDecisionStoreOptions options_;
  const rdb::ColumnFamilyOptions truth_options_;
  rdb::WriteOptions sync_;
  std::unique_ptr<rdb::DB> db_;
  rdb::ColumnFamilyHandle* default_ = nullptr;
  rdb::ColumnFamilyHandle* truth_ = nullptr;
  rdb::ColumnFamilyHandle* staged_ = nullptr;
  KeyHashSeed seed_;
  bool rebuilding_ = false;
  std::atomic<uint64_t> written_{0};
};

}  // namespace

absl::StatusOr<std::unique_ptr<DecisionFiles>> DecisionFiles::Open(
    const std::string& path, const RocksDbDecisionStoreOptions& options) {
  auto files = std::make_unique<RocksDbDecisionFiles>(path, options);
  RETURN_IF_ERROR(files->Init());
  return std::unique_ptr<DecisionFiles>(std::move(files));
}

absl::StatusOr<std::unique_ptr<DecisionFiles>> DecisionFiles::OpenForReading(
    const std::string& path, const std::string& scratch) {
  auto files = std::make_unique<RocksDbDecisionFiles>(path, RocksDbDecisionStoreOptions());
  RETURN_IF_ERROR(files->InitForReading(scratch));
  return std::unique_ptr<DecisionFiles>(std::move(files));
}

}  // namespace huiliu
