// publish → returned → queryable on the embedded backbone, lineage on, beside a raw RocksDB put of
// the same rows; and what a start after SIGKILL costs.
#include <rocksdb/db.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/table.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "broker/backbone/embedded/embedded_backbone.h"
#include "broker/catalog/rocksdb/rocks_catalog.h"
#include "broker/lineage/store/lineage_store.h"
#include "broker/pipeline/applier.h"
#include "broker/pipeline/governance_commands.h"
#include "broker/pipeline/intake.h"
#include "broker/pipeline/lineage_folder.h"
#include "core/base/signing.h"
#include "core/base/status.h"
#include "core/model/batch_digest.h"
#include "tests/bench/bench.h"
#include "tests/bench/records.h"

namespace huiliu::bench {
namespace {

constexpr int kBatches = 600;  // of kBatchRows
constexpr int kRestartBatches = 5000;

double SecondsSince(absl::Time start) { return absl::ToDoubleSeconds(absl::Now() - start); }

// The node's stations in one process, without transports.
struct Stations {
  std::unique_ptr<EmbeddedBackbone> backbone;
  std::unique_ptr<BackboneWriter> writer;
  std::unique_ptr<SigningKey> key;
  governance::State state;
  std::unique_ptr<pipeline::GovernanceCommands> commands;
  std::unique_ptr<pipeline::Intake> intake;
  std::unique_ptr<RocksCatalog> catalog;
  std::unique_ptr<LineageStore> lineage;
  std::unique_ptr<pipeline::LineageFolder> folder;
  std::unique_ptr<pipeline::Applier> applier;

  absl::Status Open(const std::string& path, const SigningKey& source_key) {
    const auto errors = [](absl::string_view, const absl::Status&) {};
    EmbeddedOptions options;
    options.path = path + "/backbone";
    ASSIGN_OR_RETURN(backbone, EmbeddedBackbone::Open(options));
    for (const TopicSpec& spec : {pipeline::ControlTopicSpec(), pipeline::LineageTopicSpec(),
                                  pipeline::QuarantineTopicSpec()}) {
      RETURN_IF_ERROR(backbone->EnsureTopic(spec));
    }
    ASSIGN_OR_RETURN(writer, backbone->OpenWriter("bench"));
    ASSIGN_OR_RETURN(key, SigningKey::LoadOrCreate(path + "/checkpoint.pem"));
    LineageStoreOptions lineage_options;
    lineage_options.path = path + "/lineage";
    lineage_options.origin = "bench";
    ASSIGN_OR_RETURN(lineage, LineageStore::Open(lineage_options, *key, SystemClock()));
    folder = std::make_unique<pipeline::LineageFolder>(*backbone, *lineage, errors);
    commands = std::make_unique<pipeline::GovernanceCommands>(
        state, *backbone, *writer, SystemClock(),
        [](const huiliu::v1::Grant&) { return absl::OkStatus(); });
    RETURN_IF_ERROR(commands->Replay());
    if (state.version() == 0) RETURN_IF_ERROR(Register(source_key));
    intake = std::make_unique<pipeline::Intake>(state, *backbone, *writer, SystemClock(),
                                                pipeline::TopicSettings());
    RocksCatalogOptions catalog_options;
    catalog_options.path = path + "/catalog";
    catalog_options.receiver = kReceiver;
    ASSIGN_OR_RETURN(catalog, RocksCatalog::Open(catalog_options));
    applier = std::make_unique<pipeline::Applier>(kReceiver, *catalog, *backbone, *writer,
                                                  SystemClock(), pipeline::TopicSettings(), errors);
    RETURN_IF_ERROR(applier->AddDataset(state.FindContract(kDataset)));
    RETURN_IF_ERROR(applier->CatchUp());
    applier->Start();
    folder->Start();
    return absl::OkStatus();
  }

  absl::Status Register(const SigningKey& source_key) {
    const governance::Principal root{"bootstrap", "", {}};
    huiliu::v1::PutReceiverRequest receiver;
    receiver.mutable_receiver()->set_id(kReceiver);
    receiver.mutable_receiver()->set_title("昆明市");
    receiver.mutable_receiver()->add_divisions(kReceiver);
    RETURN_IF_ERROR(commands->Put(root, receiver).status());
    huiliu::v1::PutOrganisationRequest organisation;
    organisation.mutable_organisation()->set_id("bench");
    organisation.mutable_organisation()->set_title("基准");
    RETURN_IF_ERROR(commands->Put(root, organisation).status());
    huiliu::v1::PutSystemRequest system;
    system.mutable_system()->set_id(kSystem);
    system.mutable_system()->set_title("基准");
    system.mutable_system()->set_tier(huiliu::v1::TIER_MUNICIPAL);
    system.mutable_system()->set_status(huiliu::v1::SYSTEM_STATUS_OPEN);
    RETURN_IF_ERROR(commands->Put(root, system).status());
    huiliu::v1::PutDatasetRequest dataset;
    dataset.set_source_name("bench.proto");
    dataset.set_source_text(ContractText());
    RETURN_IF_ERROR(commands->Put(root, dataset).status());
    huiliu::v1::PutSourceRequest source;
    source.mutable_source()->set_id(kSource);
    source.mutable_source()->set_system(kSystem);
    source.mutable_source()->set_dataset(kDataset);
    source.mutable_source()->set_organisation("bench");
    source.mutable_source()->set_placement(huiliu::v1::PLACEMENT_EDGE);
    source.mutable_source()->add_receivers(kReceiver);
    source.mutable_source()->set_batch_public_key(source_key.public_key());
    return commands->Put(root, source).status();
  }

  absl::StatusOr<std::unique_ptr<pipeline::Intake::Session>> OpenSession() {
    huiliu::v1::Hello hello;
    hello.set_source(kSource);
    hello.set_dataset(kDataset);
    huiliu::v1::Welcome welcome;
    return intake->Open({"bench", "bench", {huiliu::v1::ROLE_AGENT}}, hello, &welcome);
  }

  absl::Status WaitForRows(int64_t rows) {
    while (true) {
      ASSIGN_OR_RETURN(const int64_t now, catalog->Rows(DatasetId(kDataset)));
      if (now >= rows) return absl::OkStatus();
      absl::SleepFor(absl::Milliseconds(1));
    }
  }

  void Close() {
    applier->Stop();
    folder->Stop();
  }
};

absl::Status Seal(const SigningKey& key, huiliu::v1::Batch* batch) {
  batch->set_records_root(ToString(MerkleRootOf(RecordLeafHashes(*batch))));
  batch->set_digest(ToString(BatchDigest(*batch)));
  ASSIGN_OR_RETURN(*batch->mutable_signature(), key.Sign(batch->digest()));
  return absl::OkStatus();
}

absl::StatusOr<std::vector<huiliu::v1::Batch>> SealedBatches(const SigningKey& key, int first,
                                                             int count) {
  std::vector<huiliu::v1::Batch> batches;
  for (int n = first; n < first + count; ++n) {
    batches.push_back(MakeBatch(static_cast<uint64_t>(n), 1));
    RETURN_IF_ERROR(Seal(key, &batches.back()));
  }
  return batches;
}

// Rows a second of a plain RocksDB with the catalog's options, random keys, batches of kBatchRows,
// no write-ahead log.
absl::StatusOr<double> RawPut(const std::string& path,
                              const std::vector<huiliu::v1::Batch>& batches) {
  rocksdb::Options options;
  options.create_if_missing = true;
  options.write_buffer_size = 64 << 20;
  options.compression = rocksdb::kLZ4Compression;
  options.max_background_jobs = 2;
  rocksdb::BlockBasedTableOptions table;
  table.checksum = rocksdb::kXXH3;
  table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(10));
  options.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  rocksdb::DB* raw = nullptr;
  if (!rocksdb::DB::Open(options, path, &raw).ok())
    return absl::InternalError("the yardstick's database cannot be opened");
  const std::unique_ptr<rocksdb::DB> db(raw);
  rocksdb::WriteOptions no_log;
  no_log.disableWAL = true;
  const absl::Time start = absl::Now();
  for (const huiliu::v1::Batch& batch : batches) {
    rocksdb::WriteBatch write;
    for (int i = 0; i < batch.keys_size(); ++i)
      write.Put(batch.keys(i), batch.envelopes(i) + batch.payloads(i));
    if (!db->Write(no_log, &write).ok()) return absl::InternalError("the yardstick's write failed");
  }
  return static_cast<double>(batches.size()) * kBatchRows / SecondsSince(start);
}

long ResidentMiB() {
  struct rusage usage {};
  getrusage(RUSAGE_SELF, &usage);
  return usage.ru_maxrss / 1024;
}

}  // namespace

absl::StatusOr<std::vector<Line>> EndToEnd(const std::string& folder) {
  ASSIGN_OR_RETURN(const std::unique_ptr<SigningKey> key, SigningKey::Generate());
  ASSIGN_OR_RETURN(const std::vector<huiliu::v1::Batch> batches, SealedBatches(*key, 1, kBatches));
  const long before_mib = ResidentMiB();
  ASSIGN_OR_RETURN(const double raw, RawPut(folder + "/raw", batches));
  Stations stations;
  RETURN_IF_ERROR(stations.Open(folder + "/node", *key));
  ASSIGN_OR_RETURN(const auto session, stations.OpenSession());
  const absl::Time start = absl::Now();
  for (const huiliu::v1::Batch& batch : batches) RETURN_IF_ERROR(session->Take(batch));
  RETURN_IF_ERROR(stations.WaitForRows(static_cast<int64_t>(kBatches) * kBatchRows));
  RETURN_IF_ERROR(stations.folder->CatchUp(absl::Seconds(30)));
  const double ours = kBatches * kBatchRows / SecondsSince(start);
  const long grown_mib = ResidentMiB() - before_mib;
  stations.Close();
  const double ratio = ours / raw;
  const double bound_mib = 256 + 32 + 64 * 2 + 32 * 2 + 64 * 2 + 24 +
                           512;  // caches and write buffers as configured, and 512
  return std::vector<Line>{{"end_to_end_embedded", ours, "rows/s",
                            absl::StrCat("raw RocksDB put ", static_cast<int64_t>(raw), " rows/s"),
                            ratio, 0.70, ratio >= 0.70},
                           {"memory_at_full_load", static_cast<double>(grown_mib), "MiB",
                            "configured caches and buffers + 512 MiB", std::nullopt, bound_mib,
                            static_cast<double>(grown_mib) <= bound_mib}};
}

absl::StatusOr<std::vector<Line>> Restart(const std::string& folder) {
  ASSIGN_OR_RETURN(const std::unique_ptr<SigningKey> key,
                   SigningKey::LoadOrCreate(folder + "/source.pem"));
  int pipe_fds[2];
  if (pipe(pipe_fds) != 0) return absl::InternalError("pipe failed");
  const pid_t child = fork();
  if (child == 0) {
    Stations stations;
    if (!stations.Open(folder + "/node", *key).ok()) _exit(1);
    auto session = stations.OpenSession();
    for (int n = 1; n <= kRestartBatches; ++n) {
      huiliu::v1::Batch batch = MakeBatch(static_cast<uint64_t>(n), 1);
      if (!Seal(*key, &batch).ok() || !session.ok() || !(*session)->Take(batch).ok()) _exit(1);
    }
    if (!stations.WaitForRows(static_cast<int64_t>(kRestartBatches) * kBatchRows).ok()) _exit(1);
    const char done = 1;
    if (write(pipe_fds[1], &done, 1) != 1) _exit(1);
    pause();
    _exit(0);
  }
  close(pipe_fds[1]);
  char done = 0;
  const bool loaded = read(pipe_fds[0], &done, 1) == 1;
  close(pipe_fds[0]);
  kill(child, SIGKILL);
  waitpid(child, nullptr, 0);
  if (!loaded) return absl::InternalError("loading the rows failed");
  const absl::Time start = absl::Now();
  Stations stations;
  RETURN_IF_ERROR(stations.Open(folder + "/node", *key));
  const huiliu::v1::Batch last = MakeBatch(kRestartBatches, 1);
  ASSIGN_OR_RETURN(const auto row,
                   stations.catalog->Get(DatasetId(kDataset), last.keys(kBatchRows - 1)));
  const double seconds = SecondsSince(start);
  stations.Close();
  if (!row.has_value()) return absl::DataLossError("the last row is not there after the restart");
  return std::vector<Line>{
      {"restart_after_sigkill", seconds, "s",
       absl::StrCat(kRestartBatches * kBatchRows, " rows, to the first answer"), std::nullopt, 5,
       seconds <= 5}};
}

}  // namespace huiliu::bench
