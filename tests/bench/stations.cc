#include "tests/bench/stations.h"

#include "absl/time/clock.h"
#include "core/base/digest.h"
#include "core/base/files.h"
#include "core/base/status.h"
#include "core/model/batch_digest.h"
#include "core/model/proto_time.h"
#include "tests/bench/records.h"

namespace huiliu::bench {
namespace {

// Commits everything but lineage.
class WriterWithoutLineage : public BackboneWriter {
 public:
  explicit WriterWithoutLineage(std::unique_ptr<BackboneWriter> writer)
      : writer_(std::move(writer)) {}
  absl::StatusOr<CommitResult> Commit(Transaction transaction) override {
    std::erase_if(transaction.appends,
                  [](const Append& append) { return append.to.topic == pipeline::kLineageTopic; });
    return writer_->Commit(std::move(transaction));
  }

 private:
  const std::unique_ptr<BackboneWriter> writer_;
};

}  // namespace

double SecondsSince(absl::Time start) { return absl::ToDoubleSeconds(absl::Now() - start); }

absl::Status Stations::Open(const std::string& path, const SigningKey& source_key,
                            bool with_lineage) {
  const auto errors = [](absl::string_view, const absl::Status&) {};
  EmbeddedOptions options;
  options.path = path + "/backbone";
  ASSIGN_OR_RETURN(backbone, EmbeddedBackbone::Open(options));
  for (const TopicSpec& spec : {pipeline::ControlTopicSpec(), pipeline::LineageTopicSpec(),
                                pipeline::QuarantineTopicSpec()}) {
    RETURN_IF_ERROR(backbone->EnsureTopic(spec));
  }
  ASSIGN_OR_RETURN(writer, backbone->OpenWriter("bench"));
  if (!with_lineage) writer = std::make_unique<WriterWithoutLineage>(std::move(writer));
  RETURN_IF_ERROR(MakeDirectories(path + "/keys"));
  ASSIGN_OR_RETURN(key, SigningKey::LoadOrCreate(path + "/keys/checkpoint.pem"));
  LineageStoreOptions lineage_options;
  lineage_options.path = path + "/lineage";
  lineage_options.origin = "bench/lineage/0";
  ASSIGN_OR_RETURN(lineage, LineageStore::Open(lineage_options, *key, SystemClock()));
  folder = std::make_unique<pipeline::LineageFolder>(*backbone, *lineage, errors);
  control = std::make_unique<pipeline::ControlLog>(state, *backbone);
  RETURN_IF_ERROR(control->CatchUp());
  commands = std::make_unique<pipeline::GovernanceCommands>(
      state, *control, *writer, SystemClock(), fence,
      [](const huiliu::v1::Grant&) { return absl::OkStatus(); });
  if (state.version() == 0) RETURN_IF_ERROR(Register(source_key));
  intake = std::make_unique<pipeline::Intake>(state, *backbone, *writer, SystemClock(),
                                              pipeline::TopicSettings());
  RocksCatalogOptions catalog_options;
  catalog_options.path = path + "/catalog/" + kReceiver;
  catalog_options.receiver = kReceiver;
  ASSIGN_OR_RETURN(catalog, RocksCatalog::Open(catalog_options));
  applier = std::make_unique<pipeline::Applier>(kReceiver, *catalog, *backbone, writer.get(),
                                                SystemClock(), pipeline::TopicSettings(), errors);
  RETURN_IF_ERROR(applier->AddDataset(state.FindContract(kDataset)));
  RETURN_IF_ERROR(applier->CatchUp());
  applier->Start();
  folder->Start();
  return absl::OkStatus();
}

absl::Status RegisterBench(pipeline::GovernanceCommands& commands, const SigningKey& source_key,
                           const std::vector<std::string>& sources,
                           huiliu::v1::Placement placement) {
  const governance::Principal root{
      "bootstrap",
      "",
      {huiliu::v1::ROLE_SYSTEM_ADMINISTRATOR, huiliu::v1::ROLE_SECURITY_ADMINISTRATOR,
       huiliu::v1::ROLE_DATA_OFFICER}};
  huiliu::v1::PutReceiverRequest receiver;
  receiver.mutable_receiver()->set_id(kReceiver);
  receiver.mutable_receiver()->set_title("昆明市");
  receiver.mutable_receiver()->add_divisions(kReceiver);
  RETURN_IF_ERROR(commands.Put(root, receiver).status());
  huiliu::v1::PutOrganisationRequest organisation;
  organisation.mutable_organisation()->set_id("bench");
  organisation.mutable_organisation()->set_title("基准");
  RETURN_IF_ERROR(commands.Put(root, organisation).status());
  huiliu::v1::PutSystemRequest system;
  system.mutable_system()->set_id(kSystem);
  system.mutable_system()->set_title("基准");
  system.mutable_system()->set_tier(huiliu::v1::TIER_MUNICIPAL);
  system.mutable_system()->set_status(huiliu::v1::SYSTEM_STATUS_OPEN);
  RETURN_IF_ERROR(commands.Put(root, system).status());
  huiliu::v1::PutDatasetRequest dataset;
  dataset.set_source_name("bench.proto");
  dataset.set_source_text(ContractText());
  RETURN_IF_ERROR(commands.Put(root, dataset).status());
  for (const std::string& id : sources) {
    huiliu::v1::PutSourceRequest source;
    source.mutable_source()->set_id(id);
    source.mutable_source()->set_system(kSystem);
    source.mutable_source()->set_dataset(kDataset);
    source.mutable_source()->set_organisation("bench");
    source.mutable_source()->set_placement(placement);
    source.mutable_source()->add_receivers(kReceiver);
    source.mutable_source()->set_batch_public_key(source_key.public_key());
    RETURN_IF_ERROR(commands.Put(root, source).status());
  }
  return absl::OkStatus();
}

absl::Status Stations::Register(const SigningKey& source_key) {
  RETURN_IF_ERROR(RegisterBench(*commands, source_key, {kSource}));
  return RegisterReader();
}

absl::Status Stations::RegisterReader() {
  const governance::Principal root{
      "bootstrap",
      "",
      {huiliu::v1::ROLE_SYSTEM_ADMINISTRATOR, huiliu::v1::ROLE_SECURITY_ADMINISTRATOR,
       huiliu::v1::ROLE_DATA_OFFICER}};
  huiliu::v1::PutAccountRequest account;
  account.mutable_account()->set_id("reader");
  account.mutable_account()->set_organisation("bench");
  account.mutable_account()->add_roles(huiliu::v1::ROLE_CONSUMER);
  account.mutable_account()->add_token_sha256(ToString(Sha256(kReaderToken)));
  RETURN_IF_ERROR(commands->Put(root, account).status());
  huiliu::v1::PutGrantRequest request;
  huiliu::v1::Grant& grant = *request.mutable_grant();
  grant.set_id("bench-reader");
  grant.set_organisation("bench");
  grant.set_receiver(kReceiver);
  grant.set_dataset(kDataset);
  grant.set_purpose(kPurpose);
  grant.set_legal_basis("基准");
  grant.set_row_filter("division == \"530102\"");
  huiliu::v1::Mask partial;
  partial.mutable_partial()->set_keep_first(1);
  partial.mutable_partial()->set_keep_last(2);
  (*grant.mutable_masks())["f2"] = partial;
  (*grant.mutable_masks())["f3"] = partial;
  (*grant.mutable_masks())["f4"].set_hash(true);
  (*grant.mutable_masks())["f5"].set_drop(true);
  *grant.mutable_valid_to() = ToProto(absl::Now() + absl::Hours(24));
  return commands->Put(root, request).status();
}

absl::StatusOr<std::unique_ptr<pipeline::Intake::Session>> Stations::OpenSession() {
  huiliu::v1::Hello hello;
  hello.set_source(kSource);
  hello.set_dataset(kDataset);
  huiliu::v1::Welcome welcome;
  return intake->Open({"bench", "bench", {huiliu::v1::ROLE_AGENT}}, hello, &welcome);
}

absl::Status Stations::WaitForRows(int64_t rows) {
  // By the offset: counting rows is work of its own.
  const TopicPartition returned{pipeline::ReturnedTopic(kReceiver, kDataset), Partition(0)};
  while (true) {
    ASSIGN_OR_RETURN(const Offset applied, catalog->AppliedOffset(DatasetId(kDataset), returned));
    if (applied.value() >= rows) break;
    absl::SleepFor(absl::Milliseconds(1));
  }
  return absl::OkStatus();
}

absl::Status Stations::CheckRows(int64_t rows) {
  ASSIGN_OR_RETURN(const int64_t now, catalog->Rows(DatasetId(kDataset)));
  if (now == rows) return absl::OkStatus();
  return absl::DataLossError(absl::StrCat(now, " rows in the catalog, not ", rows));
}

void Stations::Close() {
  applier->Stop();
  folder->Stop();
}

absl::StatusOr<huiliu::v1::Batch> SealedBatch(const SigningKey& key, int n) {
  huiliu::v1::Batch batch = MakeBatch(static_cast<uint64_t>(n), 1);
  batch.set_records_root(ToString(MerkleRootOf(RecordLeafHashes(batch))));
  batch.set_digest(ToString(BatchDigest(batch)));
  ASSIGN_OR_RETURN(*batch.mutable_signature(), key.Sign(batch.digest()));
  return batch;
}

absl::StatusOr<std::vector<huiliu::v1::Batch>> SealedBatches(const SigningKey& key, int first,
                                                             int count) {
  std::vector<huiliu::v1::Batch> batches;
  for (int n = first; n < first + count; ++n) {
    ASSIGN_OR_RETURN(batches.emplace_back(), SealedBatch(key, n));
  }
  return batches;
}

}  // namespace huiliu::bench
