#include "broker/server/node.h"

#include <spdlog/spdlog.h>

#include <map>

#include "absl/strings/str_cat.h"
#include "broker/backbone/kafka/framing.h"
#include "broker/catalog/rocksdb/rocks_catalog.h"
#include "broker/http/connect_server.h"
#include "broker/http/openapi.h"
#include "broker/lineage/store/lineage_store.h"
#include "broker/pipeline/applier.h"
#include "broker/pipeline/catalogs.h"
#include "broker/pipeline/gate.h"
#include "broker/pipeline/governance_commands.h"
#include "broker/pipeline/intake.h"
#include "broker/pipeline/lineage_folder.h"
#include "broker/pipeline/read_recorder.h"
#include "broker/pipeline/reads.h"
#include "broker/pipeline/return_worker.h"
#include "broker/pipeline/subscription.h"
#include "broker/rpc/server.h"
#include "broker/server/backbones.h"
#include "broker/server/health.h"
#include "broker/server/keys.h"
#include "broker/server/watched_writer.h"
#include "broker/service/audit_service.h"
#include "broker/service/catalog_service.h"
#include "broker/service/governance_service.h"
#include "broker/service/intake_service.h"
#include "broker/service/method_table.h"
#include "broker/service/registry_service.h"
#include "core/base/files.h"
#include "core/base/status.h"
#include "core/territory/territory.h"
#include "storage/decisions/rocksdb_decision_store.h"
#include "storage/quarantine/quarantine_store.h"

namespace huiliu::server {
namespace {

using absl::StrCat;

// A receiver's catalog is fed by an applier of its own: one tenant's load does not wait for
// another's.
struct Tenant {
  Catalog* catalog = nullptr;
  std::unique_ptr<pipeline::Applier> applier;
};

class EmbeddedNode : public Node {
 public:
  explicit EmbeddedNode(const Config& config) : config_(config), clock_(SystemClock()) {}
  ~EmbeddedNode() override { Stop(); }

  absl::Status Open() {
    RETURN_IF_ERROR(OpenStores());
    RETURN_IF_ERROR(OpenGovernance());
    RETURN_IF_ERROR(OpenReturning());
    RETURN_IF_ERROR(OpenReading());
    MakeServices();
    for (const huiliu::v1::Receiver& receiver : state_.Receivers())
      RETURN_IF_ERROR(AddTenant(receiver.id()));
    RETURN_IF_ERROR(ApplyBootstrap());
    folder_->Start();
    returns_->Start();
    return Listen();
  }

  int grpc_port() const override { return rpc_->port(); }
  int http_port() const override { return http_ == nullptr ? 0 : http_->port(); }

  void Stop() override {
    if (delivery_ != nullptr) delivery_->Stop();
    if (http_ != nullptr) http_->Stop();
    if (rpc_ != nullptr) rpc_->Stop();
    {
      absl::MutexLock lock(&tenants_mutex_);
      for (auto& [id, tenant] : tenants_) tenant.applier->Stop();
    }
    if (returns_ != nullptr) returns_->Stop();
    recorder_.reset();
    if (folder_ != nullptr) folder_->Stop();
  }

 private:
  absl::Status OpenStores() {
    const auto warn = [](const std::string& text) {
      spdlog::warn("backbone warning=\"{}\"", text);
    };
    const auto framing = [this](absl::string_view topic) { return FramingOf(topic); };
    ASSIGN_OR_RETURN(backbone_, OpenBackbone(config_, clock_, warn, framing));
    for (const TopicSpec& spec : {pipeline::ControlTopicSpec(), pipeline::LineageTopicSpec(),
                                  pipeline::QuarantineTopicSpec()}) {
      RETURN_IF_ERROR(backbone_->EnsureTopic(spec));
    }
    ASSIGN_OR_RETURN(std::unique_ptr<BackboneWriter> writer,
                     backbone_->OpenWriter(StrCat("node/", config_.node)));
    writer_ = std::make_unique<WatchedWriter>(std::move(writer), health_);
    ASSIGN_OR_RETURN(checkpoint_key_, LoadCheckpointKey(config_.data_dir));
    LineageStoreOptions lineage;
    lineage.path = StrCat(config_.data_dir, "/lineage");
    lineage.origin = StrCat(config_.node, "/lineage/0");
    lineage.checkpoint_every = config_.checkpoint_every;
    ASSIGN_OR_RETURN(lineage_, LineageStore::Open(lineage, *checkpoint_key_, clock_));
    folder_ = std::make_unique<pipeline::LineageFolder>(*backbone_, *lineage_, Errors());
    ASSIGN_OR_RETURN(divisions_, territory::Divisions::Load(config_.divisions_dir));
    environment_.contains = [this](absl::string_view area, absl::string_view code) {
      return divisions_->Contains(area, code);
    };
    environment_.resolve = [this](absl::string_view code) { return divisions_->Resolve(code); };
    return absl::OkStatus();
  }

  // Returned records say in Kafka which schema they have.
  std::string FramingOf(absl::string_view topic) const {
    const absl::string_view dataset = pipeline::DatasetOfReturned(topic);
    int message_index = 0;
    const uint32_t id = dataset.empty() ? 0 : state_.SchemaId(dataset, &message_index);
    return id == 0 ? std::string() : ConfluentFraming(id, message_index);
  }

  pipeline::WorkerErrors Errors() {
    return [this](absl::string_view worker, const absl::Status& status) {
      health_.Report(worker, status);
    };
  }

  // A receiver's key for pseudonyms; empty where it cannot be had, and then hash masks fail closed.
  std::string PseudonymKey(absl::string_view receiver) {
    auto key = LoadOrCreateSecret(config_.data_dir, StrCat("receiver-", receiver));
    if (!key.ok()) health_.Report(StrCat("keys/", receiver), key.status());
    return key.ok() ? *std::move(key) : "";
  }

  absl::Status OpenGovernance() {
    const auto check_grant = [this](const huiliu::v1::Grant& grant) {
      return access::AccessPlan::Compile(grant, state_.FindContract(grant.dataset()), environment_,
                                         PseudonymKey(grant.receiver()))
          .status();
    };
    commands_ = std::make_unique<pipeline::GovernanceCommands>(state_, *backbone_, *writer_, clock_,
                                                               check_grant);
    RETURN_IF_ERROR(commands_->Replay());
    commands_->OnChange([this](const huiliu::v1::ControlRecord& record) { OnChange(record); });
    intake_ =
        std::make_unique<pipeline::Intake>(state_, *backbone_, *writer_, clock_, config_.topics);
    return absl::OkStatus();
  }

  // The return engine of sources that are decided here.
  absl::Status OpenReturning() {
    ASSIGN_OR_RETURN(decisions_,
                     RocksDbDecisionStore::Open(StrCat(config_.data_dir, "/decisions"), {}));
    ASSIGN_OR_RETURN(kept_, QuarantineStore::Open(StrCat(config_.data_dir, "/kept"), {}));
    returns_ = std::make_unique<pipeline::ReturnWorker>(pipeline::ReturnWorker::Parts{
        state_, *backbone_, *writer_, clock_, config_.topics, divisions_,
        [this](absl::string_view receiver) { return PseudonymKey(receiver); }, *decisions_, *kept_,
        Errors()});
    for (const huiliu::v1::Dataset& dataset : state_.Datasets())
      RETURN_IF_ERROR(returns_->AddDataset(dataset.id()));
    return absl::OkStatus();
  }

  absl::Status OpenReading() {
    access::Authoriser::Options options;
    options.environment = environment_;
    options.pseudonym_key = [this](absl::string_view receiver) { return PseudonymKey(receiver); };
    authoriser_ = std::make_unique<access::Authoriser>(options);
    recorder_ = std::make_unique<pipeline::ReadRecorder>(*writer_);
    ASSIGN_OR_RETURN(const std::string digest_key,
                     LoadOrCreateSecret(config_.data_dir, "lineage-digest"));
    gate_ = std::make_unique<pipeline::Gate>(state_, *authoriser_, catalogs_, *recorder_, clock_,
                                             digest_key);
    ASSIGN_OR_RETURN(const std::string token_secret,
                     LoadOrCreateSecret(config_.data_dir, "tokens"));
    token_seal_ = std::make_unique<TokenSeal>(token_secret);
    reads_ = std::make_unique<pipeline::Reads>(*gate_, environment_, *token_seal_);
    cursors_ = std::make_unique<pipeline::Cursors>(*backbone_, *writer_, *token_seal_);
    delivered_ = std::make_unique<pipeline::DeliveredKeys>(*backbone_, *lineage_, *gate_);
    return absl::OkStatus();
  }

  void MakeServices() {
    intake_service_ = std::make_unique<service::IntakeService>(state_, *intake_, *returns_);
    registry_ = std::make_unique<service::RegistryService>(state_, *commands_, *intake_, clock_,
                                                           config_.office_hours);
    rules_ = std::make_unique<service::RulesService>(state_, *commands_, clock_);
    governance_ = std::make_unique<service::GovernanceService>(state_, *commands_);
    catalog_ = std::make_unique<service::CatalogService>(state_, *reads_, catalogs_);
    delivery_ =
        std::make_unique<service::DeliveryService>(*gate_, *backbone_, *cursors_, *delivered_);
    audit_ =
        std::make_unique<service::AuditService>(state_, *lineage_, *gate_, catalogs_, *backbone_);
    FillMethodTable();
  }

  void FillMethodTable() {
    using namespace service;  // NOLINT: one line a method
    const auto add = [this](const char* service, auto& target, const char* method, auto handler) {
      methods_.AddUnary(service, target, method, handler);
    };
    constexpr const char* kIntake = "huiliu.v1.Intake";
    add(kIntake, *intake_service_, "GetPosition", &IntakeService::GetPosition);
    add(kIntake, *intake_service_, "ListQuarantine", &IntakeService::ListQuarantine);
    add(kIntake, *intake_service_, "Redrive", &IntakeService::Redrive);
    constexpr const char* kRegistry = "huiliu.v1.Registry";
    add(kRegistry, *registry_, "PutOrganisation", &RegistryService::PutOrganisation);
    add(kRegistry, *registry_, "ListOrganisations", &RegistryService::ListOrganisations);
    add(kRegistry, *registry_, "PutAccount", &RegistryService::PutAccount);
    add(kRegistry, *registry_, "ListAccounts", &RegistryService::ListAccounts);
    add(kRegistry, *registry_, "PutReceiver", &RegistryService::PutReceiver);
    add(kRegistry, *registry_, "ListReceivers", &RegistryService::ListReceivers);
    add(kRegistry, *registry_, "PutSystem", &RegistryService::PutSystem);
    add(kRegistry, *registry_, "ListSystems", &RegistryService::ListSystems);
    add(kRegistry, *registry_, "PutSource", &RegistryService::PutSource);
    add(kRegistry, *registry_, "ListSources", &RegistryService::ListSources);
    add(kRegistry, *registry_, "PutDataset", &RegistryService::PutDataset);
    add(kRegistry, *registry_, "GetDataset", &RegistryService::GetDataset);
    add(kRegistry, *registry_, "ListDatasets", &RegistryService::ListDatasets);
    constexpr const char* kRules = "huiliu.v1.Rules";
    add(kRules, *rules_, "ProposeRuleSet", &RulesService::ProposeRuleSet);
    add(kRules, *rules_, "DecideRuleSet", &RulesService::DecideRuleSet);
    add(kRules, *rules_, "GetRuleSet", &RulesService::GetRuleSet);
    add(kRules, *rules_, "ListRuleSets", &RulesService::ListRuleSets);
    add(kRules, *rules_, "CheckRuleSet", &RulesService::CheckRuleSet);
    constexpr const char* kGovernance = "huiliu.v1.Governance";
    add(kGovernance, *governance_, "PutGrant", &GovernanceService::PutGrant);
    add(kGovernance, *governance_, "RevokeGrant", &GovernanceService::RevokeGrant);
    add(kGovernance, *governance_, "ListGrants", &GovernanceService::ListGrants);
    add(kGovernance, *governance_, "WhoAmI", &GovernanceService::WhoAmI);
    constexpr const char* kCatalog = "huiliu.v1.Catalog";
    add(kCatalog, *catalog_, "Get", &CatalogService::GetAndWait);
    add(kCatalog, *catalog_, "MultiGet", &CatalogService::MultiGetAndWait);
    add(kCatalog, *catalog_, "Query", &CatalogService::QueryAndWait);
    add(kCatalog, *catalog_, "Stats", &CatalogService::Stats);
    add("huiliu.v1.Delivery", *delivery_, "CommitCursor", &DeliveryService::CommitCursor);
    methods_.AddStream("huiliu.v1.Delivery", *delivery_, "Subscribe",
                       huiliu::v1::SubscribeResponse::default_instance(),
                       &DeliveryService::Subscribe);
    constexpr const char* kAudit = "huiliu.v1.Audit";
    add(kAudit, *audit_, "TraceRecord", &AuditService::TraceRecord);
    add(kAudit, *audit_, "GetCheckpoint", &AuditService::GetCheckpoint);
    add(kAudit, *audit_, "GetInclusionProof", &AuditService::GetInclusionProof);
    add(kAudit, *audit_, "GetConsistencyProof", &AuditService::GetConsistencyProof);
    add(kAudit, *audit_, "GetBalance", &AuditService::GetBalance);
    methods_.AddStream(kAudit, *audit_, "ExportEntries",
                       huiliu::v1::ExportEntriesResponse::default_instance(),
                       &AuditService::ExportEntries);
  }

  absl::Status AddTenant(const std::string& receiver) {
    absl::MutexLock lock(&tenants_mutex_);
    if (tenants_.contains(receiver)) return absl::OkStatus();
    RocksCatalogOptions options;
    options.path = StrCat(config_.data_dir, "/catalog/", receiver);
    options.receiver = receiver;
    options.block_cache_bytes = static_cast<size_t>(config_.block_cache_mib) << 20;
    ASSIGN_OR_RETURN(std::unique_ptr<RocksCatalog> catalog, RocksCatalog::Open(options));
    Tenant tenant;
    tenant.catalog = catalog.get();
    tenant.applier = std::make_unique<pipeline::Applier>(receiver, *catalog, *backbone_, *writer_,
                                                         clock_, config_.topics, Errors());
    for (const huiliu::v1::Dataset& dataset : state_.Datasets()) {
      RETURN_IF_ERROR(tenant.applier->AddDataset(state_.FindContract(dataset.id())));
    }
    RETURN_IF_ERROR(tenant.applier->CatchUp());
    tenant.applier->Start();
    catalogs_.Add(receiver, std::move(catalog));
    tenants_[receiver] = std::move(tenant);
    return absl::OkStatus();
  }

  void OnChange(const huiliu::v1::ControlRecord& record) {
    if (record.has_receiver()) {
      health_.Report(StrCat("receiver/", record.receiver().id()),
                     AddTenant(record.receiver().id()));
    } else if (record.has_dataset()) {
      const std::string& id = record.dataset().id();
      absl::Status status = returns_->AddDataset(id);
      absl::MutexLock lock(&tenants_mutex_);
      for (auto& [receiver, tenant] : tenants_) {
        if (status.ok()) status = tenant.applier->AddDataset(state_.FindContract(id));
      }
      health_.Report(StrCat("dataset/", id), status);
    }
  }

  absl::Status ApplyBootstrap() {
    if (state_.version() > 0 || config_.bootstrap.empty()) return absl::OkStatus();
    ASSIGN_OR_RETURN(const Bootstrap bootstrap, LoadBootstrap(config_.bootstrap));
    const governance::Principal caller{"bootstrap", "", {}};
    for (const auto& receiver : bootstrap.receivers) {
      huiliu::v1::PutReceiverRequest request;
      *request.mutable_receiver() = receiver;
      RETURN_IF_ERROR(Annotate(commands_->Put(caller, request).status(), config_.bootstrap));
    }
    for (const auto& organisation : bootstrap.organisations) {
      huiliu::v1::PutOrganisationRequest request;
      *request.mutable_organisation() = organisation;
      RETURN_IF_ERROR(Annotate(commands_->Put(caller, request).status(), config_.bootstrap));
    }
    for (const auto& account : bootstrap.accounts) {
      huiliu::v1::PutAccountRequest request;
      *request.mutable_account() = account;
      RETURN_IF_ERROR(Annotate(commands_->Put(caller, request).status(), config_.bootstrap));
    }
    return absl::OkStatus();
  }

  absl::Status Listen() {
    rpc::Server::Options options;
    options.address = config_.grpc_address;
    if (config_.tls.enabled()) {
      ASSIGN_OR_RETURN(options.ca, ReadFile(config_.tls.ca));
      ASSIGN_OR_RETURN(options.certificate, ReadFile(config_.tls.certificate));
      ASSIGN_OR_RETURN(options.key, ReadFile(config_.tls.key));
    }
    const rpc::Handlers handlers{state_,       *intake_,  *intake_service_, *registry_, *rules_,
                                 *governance_, *catalog_, *delivery_,       *audit_};
    auto rpc = rpc::Server::Start(options, handlers);
    RETURN_IF_ERROR(Annotate(rpc.status(), "listen.grpc"));
    rpc_ = *std::move(rpc);
    if (config_.http_address.empty()) return absl::OkStatus();
    http::ConnectServer::Options web;
    web.address = config_.http_address;
    web.ca = config_.tls.ca;
    web.certificate = config_.tls.certificate;
    web.key = config_.tls.key;
    http::ConnectServer::Pages pages;
    pages.health = [this] { return health_.Overall(); };
    pages.metrics = [this] { return Metrics(); };
    pages.openapi = http::OpenApi(methods_);
    pages.schemas = [this](const service::RegistryRequest& request) {
      return schemas_.Answer(request);
    };
    auto http = http::ConnectServer::Start(web, methods_, state_, std::move(pages));
    RETURN_IF_ERROR(Annotate(http.status(), "listen.http"));
    http_ = *std::move(http);
    return absl::OkStatus();
  }

  std::string Metrics() const {
    std::string out = "# TYPE huiliu_worker_failing gauge\n";
    for (const auto& [worker, error] : health_.failing())
      absl::StrAppend(&out, "huiliu_worker_failing{worker=\"", worker, "\"} 1\n");
    absl::StrAppend(&out, "# TYPE huiliu_lineage_entries gauge\nhuiliu_lineage_entries ",
                    lineage_->Size(), "\n",
                    "# TYPE huiliu_refused_reads_total counter\nhuiliu_refused_reads_total ",
                    lineage_->RefusedReads("").count, "\n");
    return out;
  }

  const Config config_;
  Clock& clock_;
  Health health_;
  std::unique_ptr<Backbone> backbone_;
  std::unique_ptr<BackboneWriter> writer_;
  std::unique_ptr<SigningKey> checkpoint_key_;
  std::unique_ptr<LineageStore> lineage_;
  std::unique_ptr<pipeline::LineageFolder> folder_;
  std::shared_ptr<const territory::Divisions> divisions_;
  cel::Environment environment_;
  governance::State state_;
  const service::SchemaRegistry schemas_{state_, config_.kafka.prefix};
  std::unique_ptr<pipeline::GovernanceCommands> commands_;
  std::unique_ptr<pipeline::Intake> intake_;
  pipeline::Catalogs catalogs_;
  std::unique_ptr<access::Authoriser> authoriser_;
  std::unique_ptr<pipeline::ReadRecorder> recorder_;
  std::unique_ptr<pipeline::Gate> gate_;
  std::unique_ptr<TokenSeal> token_seal_;
  std::unique_ptr<pipeline::Reads> reads_;
  std::unique_ptr<pipeline::Cursors> cursors_;
  std::unique_ptr<pipeline::DeliveredKeys> delivered_;
  std::unique_ptr<DecisionStore> decisions_;
  std::unique_ptr<QuarantineStore> kept_;
  std::unique_ptr<pipeline::ReturnWorker> returns_;
  std::unique_ptr<service::IntakeService> intake_service_;
  std::unique_ptr<service::RegistryService> registry_;
  std::unique_ptr<service::RulesService> rules_;
  std::unique_ptr<service::GovernanceService> governance_;
  std::unique_ptr<service::CatalogService> catalog_;
  std::unique_ptr<service::DeliveryService> delivery_;
  std::unique_ptr<service::AuditService> audit_;
  service::MethodTable methods_;
  absl::Mutex tenants_mutex_;
  std::map<std::string, Tenant> tenants_ ABSL_GUARDED_BY(tenants_mutex_);
  std::unique_ptr<rpc::Server> rpc_;
  std::unique_ptr<http::ConnectServer> http_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<Node>> Node::Open(const Config& config) {
  auto node = std::make_unique<EmbeddedNode>(config);
  RETURN_IF_ERROR(node->Open());
  return std::unique_ptr<Node>(std::move(node));
}

}  // namespace huiliu::server
