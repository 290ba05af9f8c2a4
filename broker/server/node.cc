#include "broker/server/node.h"

#include <spdlog/spdlog.h>

#include <thread>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "broker/backbone/kafka/framing.h"
#include "broker/cluster/cluster.h"
#include "broker/http/connect_server.h"
#include "broker/http/openapi.h"
#include "broker/lineage/store/lineage_store.h"
#include "broker/pipeline/catalogs.h"
#include "broker/pipeline/dry_runs.h"
#include "broker/pipeline/explanations.h"
#include "broker/pipeline/gate.h"
#include "broker/pipeline/governance_commands.h"
#include "broker/pipeline/intake.h"
#include "broker/pipeline/lineage_folder.h"
#include "broker/pipeline/read_recorder.h"
#include "broker/pipeline/reads.h"
#include "broker/pipeline/subscription.h"
#include "broker/rpc/peer_client.h"
#include "broker/rpc/server.h"
#include "broker/server/backbones.h"
#include "broker/server/bootstrap.h"
#include "broker/server/health.h"
#include "broker/server/keys.h"
#include "broker/server/lone_node.h"
#include "broker/server/methods.h"
#include "broker/server/metrics.h"
#include "broker/server/return_lanes.h"
#include "broker/server/tenants.h"
#include "broker/server/watched_writer.h"
#include "broker/service/audit_service.h"
#include "broker/service/catalog_service.h"
#include "broker/service/cluster_service.h"
#include "broker/service/governance_service.h"
#include "broker/service/intake_service.h"
#include "broker/service/method_table.h"
#include "broker/service/registry_service.h"
#include "broker/service/rule_trials_service.h"
#include "core/base/files.h"
#include "core/base/status.h"
#include "core/rules/compiled_rules.h"
#include "core/territory/territory.h"

namespace huiliu::server {
namespace {

using absl::StrCat;

class OneNode : public Node {
 public:
  explicit OneNode(const Config& config) : config_(config), clock_(SystemClock()) {}
  ~OneNode() override { Stop(); }

  absl::Status Open() {
    RETURN_IF_ERROR(OpenStores());
    RETURN_IF_ERROR(OpenGovernance());
    RETURN_IF_ERROR(OpenReading());
    MakeServices();
    if (cluster_ == nullptr) {
      RETURN_IF_ERROR(tenants_->Reconcile().status());
      RETURN_IF_ERROR(ApplyBootstrap(config_.bootstrap, state_, *commands_));
      RETURN_IF_ERROR(returns_->Reconcile());
    }
    folder_->Start();
    RETURN_IF_ERROR(Listen());
    if (cluster_ != nullptr) RETURN_IF_ERROR(Join());
    keeper_ = std::thread([this] { Keep(); });
    return absl::OkStatus();
  }

  int grpc_port() const override { return rpc_->port(); }
  int http_port() const override { return http_ == nullptr ? 0 : http_->port(); }

  void Stop() override {
    if (delivery_ != nullptr) delivery_->Stop();
    if (http_ != nullptr) http_->Stop();
    if (rpc_ != nullptr) rpc_->Stop();
    {
      absl::MutexLock lock(&mutex_);
      stopping_ = true;
    }
    if (keeper_.joinable()) keeper_.join();
    if (tenants_ != nullptr) tenants_->Stop();
    if (returns_ != nullptr) returns_->Stop();
    if (cluster_ != nullptr) cluster_->Stop();
    recorder_.reset();
    if (folder_ != nullptr) folder_->Stop();
  }

 private:
  absl::Status OpenStores() {
    const auto warn = [](const std::string& text) {
      spdlog::warn("backbone warning=\"{}\"", text);
    };
    Framing framing;
    framing.before = [this](absl::string_view topic) { return FramingOf(topic); };
    framing.knows = [this](absl::string_view topic, uint32_t id) { return KnowsSchema(topic, id); };
    const auto foreign = [this](const TopicPartition& from, Offset offset, absl::string_view why) {
      set_aside_.Add(from, offset, why);
    };
    ASSIGN_OR_RETURN(backbone_, OpenBackbone(config_, clock_, warn, std::move(framing), foreign));
    for (const TopicSpec& spec : {pipeline::ControlTopicSpec(), pipeline::LineageTopicSpec(),
                                  pipeline::QuarantineTopicSpec()}) {
      RETURN_IF_ERROR(backbone_->EnsureTopic(spec));
    }
    ASSIGN_OR_RETURN(std::unique_ptr<BackboneWriter> writer, OpenNodeWriter(config_, *backbone_));
    writer_ = std::make_unique<WatchedWriter>(std::move(writer), health_);
    ASSIGN_OR_RETURN(keys_, Keys::Open(config_));
    ASSIGN_OR_RETURN(checkpoint_key_, keys_->Checkpoint());
    control_ = std::make_unique<pipeline::ControlLog>(state_, *backbone_, &set_aside_);
    if (config_.cluster.enabled()) RETURN_IF_ERROR(OpenCluster());
    LineageStoreOptions lineage;
    lineage.path = StrCat(config_.data_dir, "/lineage");
    // All nodes of a cluster fold one log into the same tree.
    lineage.origin =
        StrCat(cluster_ == nullptr ? config_.node : config_.cluster.name, "/lineage/0");
    lineage.checkpoint_every = config_.checkpoint_every;
    ASSIGN_OR_RETURN(lineage_, LineageStore::Open(lineage, *checkpoint_key_, clock_));
    folder_ = std::make_unique<pipeline::LineageFolder>(*backbone_, *lineage_, Errors());
    ASSIGN_OR_RETURN(divisions_, territory::Divisions::Load(config_.divisions_dir));
    environment_ = *rules::EnvironmentOf(divisions_);
    asked_environment_ = environment_;
    asked_environment_.check_area = [this](absl::string_view area) {
      return territory::CheckArea(*divisions_, area);
    };
    state_.KnowDivisions(divisions_);
    return absl::OkStatus();
  }

  // Returned records say in Kafka which schema they have.
  std::string FramingOf(absl::string_view topic) const {
    const absl::string_view dataset = pipeline::DatasetOfReturned(topic);
    int message_index = 0;
    const uint32_t id = dataset.empty() ? 0 : state_.SchemaId(dataset, &message_index);
    return id == 0 ? std::string() : ConfluentFraming(id, message_index);
  }

  // An id is the governance version that registered it: one that is newer than what this node knows
  // may have been registered at another node just now. What cannot be asked for is not refused.
  bool KnowsSchema(absl::string_view topic, uint32_t id) {
    const absl::string_view dataset = pipeline::DatasetOfReturned(topic);
    if (state_.HasSchema(dataset, id)) return true;
    if (id <= state_.version()) return false;
    return !control_->CatchUp().ok() || state_.HasSchema(dataset, id);
  }

  // Only Kafka lets others write to the topics.
  pipeline::SetAside* set_aside() { return config_.backbone == "kafka" ? &set_aside_ : nullptr; }

  pipeline::WorkerErrors Errors() {
    return [this](absl::string_view worker, const absl::Status& status) {
      health_.Report(worker, status);
    };
  }

  // A receiver's key for pseudonyms; empty where it cannot be had, and then hash masks fail closed.
  std::string PseudonymKey(absl::string_view receiver) {
    auto key = keys_->Secret(StrCat("receiver-", receiver));
    if (!key.ok()) health_.Report(StrCat("keys/", receiver), key.status());
    return key.ok() ? *std::move(key) : "";
  }

  absl::Status OpenGovernance() {
    const auto check_grant = [this](const huiliu::v1::Grant& grant) {
      return access::AccessPlan::Compile(grant, state_.FindContract(grant.dataset()),
                                         asked_environment_, PseudonymKey(grant.receiver()))
          .status();
    };
    RETURN_IF_ERROR(control_->CatchUp());
    commands_ = std::make_unique<pipeline::GovernanceCommands>(state_, *control_, *writer_, clock_,
                                                               fence(), check_grant);
    commands_->OnDone([this](const huiliu::v1::ControlRecord& record) {
      if (cluster_ != nullptr) {
        cluster_->AwaitSeen(record.version());
      } else {
        Report("tenants", tenants_->Reconcile().status());
        Report("return/reconcile", returns_->Reconcile());
      }
    });
    intake_ = std::make_unique<pipeline::Intake>(state_, *backbone_, *writer_, clock_,
                                                 config_.topics, &fence());
    tenants_ = std::make_unique<Tenants>(Tenants::Parts{config_, state_, *backbone_, *writer_,
                                                        clock_, catalogs_, health_, set_aside_,
                                                        overlaps_, set_aside()});
    returns_ = std::make_unique<ReturnLanes>(
        ReturnLanes::Parts{config_, state_, *backbone_, *writer_, clock_, divisions_,
                           [this](absl::string_view receiver) { return PseudonymKey(receiver); },
                           Errors(), set_aside(), control_.get()},
        cluster_.get());
    return absl::OkStatus();
  }

  // What divides the work with other nodes.
  absl::Status OpenCluster() {
    const ClusterConfig& config = config_.cluster;
    cluster::ClusterOptions options;
    options.name = config.name;
    options.node = config_.node;
    options.version = HUILIU_VERSION;
    options.keys_digest = keys_->Digest();
    options.lanes = config.lanes;
    options.standbys = config.standbys;
    options.lease = config.lease;
    options.dead_after = config.dead_after;
    options.topics = config_.topics;
    cluster_ = std::make_unique<cluster::Cluster>(
        std::move(options),
        cluster::Cluster::Parts{state_, *backbone_, *writer_, *control_, Errors()});
    RETURN_IF_ERROR(cluster_->Open());
    ASSIGN_OR_RETURN(const std::string secret, keys_->Secret("peers"));
    peer_seal_ = std::make_unique<TokenSeal>(secret);
    rpc::PeerClientOptions tls;
    if (config_.tls.enabled()) {
      ASSIGN_OR_RETURN(tls.ca, ReadFile(config_.tls.ca));
    }
    peers_ = rpc::NewPeerClient(std::move(tls), *peer_seal_);
    peering_ = std::make_unique<service::Peering>(state_, *cluster_, *peers_);
    return absl::OkStatus();
  }

  const pipeline::Fence& fence() const {
    return cluster_ == nullptr ? no_fence_ : cluster_->fence();
  }

  void Report(absl::string_view worker, const absl::Status& status) {
    health_.Report(worker, status);
  }

  absl::Status Join() {
    cluster::Cluster::Hooks hooks;
    hooks.take = [](int32_t) { return absl::OkStatus(); };
    hooks.release = [this](const std::set<int32_t>& lanes) {
      const auto released = [&](const std::string& key) {
        return lanes.contains(cluster_->LaneOf(key));
      };
      intake_->Release(released);
      returns_->Release(lanes);
    };
    hooks.catalogs = [this] { return tenants_->Held(); };
    hooks.changed = [this] {
      absl::MutexLock lock(&mutex_);
      changed_ = true;
    };
    // The port may have been chosen only now.
    std::string address = config_.cluster.address;
    if (absl::EndsWith(address, ":0"))
      address = StrCat(address.substr(0, address.size() - 1), rpc_->port());
    return cluster_->Start(address, *commands_, std::move(hooks));
  }

  // What this node holds follows the map and the lanes. On the only node it is there already, but
  // may have to be given up.
  void Keep() {
    const auto due = [this] {
      mutex_.AssertReaderHeld();
      return stopping_ || changed_;
    };
    while (true) {
      {
        absl::MutexLock lock(&mutex_);
        mutex_.AwaitWithTimeout(absl::Condition(&due),
                                absl::Milliseconds(cluster_ == nullptr ? 2000 : 200));
        if (stopping_) return;
        changed_ = false;
      }
      const absl::StatusOr<bool> changed = tenants_->Reconcile();
      if (cluster_ == nullptr) {
        Report("tenants", changed.status());
        continue;
      }
      if (changed.ok() && *changed) cluster_->Say();
      Report("return/reconcile", returns_->Reconcile());
      if (cluster_->Leads())
        Report("bootstrap", ApplyBootstrap(config_.bootstrap, state_, *commands_));
    }
  }

  absl::Status OpenReading() {
    access::Authoriser::Options options;
    options.environment = environment_;
    options.pseudonym_key = [this](absl::string_view receiver) { return PseudonymKey(receiver); };
    authoriser_ = std::make_unique<access::Authoriser>(options);
    recorder_ = std::make_unique<pipeline::ReadRecorder>(*writer_);
    ASSIGN_OR_RETURN(const std::string digest_key, keys_->Secret("lineage-digest"));
    gate_ = std::make_unique<pipeline::Gate>(state_, *authoriser_, catalogs_, *recorder_, clock_,
                                             digest_key,
                                             cluster_ == nullptr ? nullptr : &cluster_->lease());
    ASSIGN_OR_RETURN(const std::string token_secret, keys_->Secret("tokens"));
    token_seal_ = std::make_unique<TokenSeal>(token_secret);
    reads_ = std::make_unique<pipeline::Reads>(*gate_, asked_environment_, *token_seal_);
    cursors_ = std::make_unique<pipeline::Cursors>(*backbone_, *writer_, *token_seal_);
    delivered_ = std::make_unique<pipeline::DeliveredKeys>(*backbone_, *lineage_, *gate_);
    return absl::OkStatus();
  }

  void MakeServices() {
    intake_service_ = std::make_unique<service::IntakeService>(
        state_, *intake_, [this](const std::string& dataset) { return returns_->For(dataset); });
    registry_ = std::make_unique<service::RegistryService>(state_, *commands_, *intake_, clock_,
                                                           config_.office_hours);
    rules_ = std::make_unique<service::RulesService>(
        state_, *commands_, clock_,
        pipeline::ReevaluationReport(state_, *backbone_, config_.topics.partitions));
    const auto pseudonym_key = [this](absl::string_view receiver) {
      return PseudonymKey(receiver);
    };
    dry_runs_ = std::make_unique<pipeline::DryRuns>(pipeline::DryRuns::Parts{
        state_, *backbone_, divisions_, pseudonym_key, *gate_, *recorder_, clock_});
    explanations_ = std::make_unique<pipeline::Explanations>(pipeline::Explanations::Parts{
        state_, *backbone_, divisions_, pseudonym_key, *gate_, clock_});
    rule_trials_ = std::make_unique<service::RuleTrialsService>(state_, *commands_, *dry_runs_,
                                                                *explanations_);
    overrides_ = std::make_unique<service::OverrideService>(
        state_, *commands_, divisions_,
        pipeline::OverrideReach({state_, *backbone_, divisions_, clock_}));
    governance_ = std::make_unique<service::GovernanceService>(state_, *commands_);
    catalog_ = std::make_unique<service::CatalogService>(state_, *reads_, catalogs_);
    delivery_ = std::make_unique<service::DeliveryService>(pipeline::Subscription::Parts{
        *gate_, *backbone_, *cursors_, *delivered_, clock_, config_.topics.tombstone_retention});
    audit_ =
        std::make_unique<service::AuditService>(state_, *lineage_, *gate_, catalogs_, *backbone_);
    cluster_service_ = std::make_unique<service::ClusterService>(state_, cluster_.get());
    FillMethodTable(Handlers(), &methods_);
    if (cluster_ == nullptr) return;
    methods_.RouteBy(*peering_);
    audit_->AskElsewhere([this](const service::CallContext& context,
                                const std::string& receiver) -> absl::StatusOr<int64_t> {
      ASSIGN_OR_RETURN(const auto peer, cluster_->OwnerOf(receiver));
      if (!peer.has_value() || context.forwarded) {
        return absl::UnavailableError(StrCat("接收方 ", receiver,
                                             " 的目录正在转移，请稍后重试 / the catalog of ",
                                             receiver, " is moving; try again shortly"));
      }
      huiliu::v1::GetBalanceRequest request;
      request.set_receiver(receiver);
      huiliu::v1::GetBalanceResponse response;
      RETURN_IF_ERROR(peering_->ThereAndWait(*peer, context, request, &response));
      return response.outside_rows_held();
    });
  }

  rpc::Handlers Handlers() const {
    return {{state_, peering_.get(), peer_seal_.get()},
            *intake_,
            *intake_service_,
            *registry_,
            *rules_,
            *overrides_,
            *governance_,
            *catalog_,
            *delivery_,
            *audit_,
            *cluster_service_,
            *rule_trials_};
  }

  absl::Status Listen() {
    rpc::Server::Options options;
    options.address = config_.grpc_address;
    if (config_.tls.enabled()) {
      ASSIGN_OR_RETURN(options.ca, ReadFile(config_.tls.ca));
      ASSIGN_OR_RETURN(options.certificate, ReadFile(config_.tls.certificate));
      ASSIGN_OR_RETURN(options.key, ReadFile(config_.tls.key));
    }
    auto rpc = rpc::Server::Start(options, Handlers());
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
    pages.notices = [this] { return StrCat(set_aside_.Notice(), overlaps_.Notice()); };
    pages.metrics = [this] {
      return Metrics(health_, set_aside_, overlaps_, *lineage_, gate_->quotas(), cluster_.get());
    };
    pages.openapi = http::OpenApi(methods_);
    pages.schemas = [this](const service::RegistryRequest& request) {
      return schemas_.Answer(request);
    };
    auto http = http::ConnectServer::Start(web, methods_, state_, std::move(pages));
    RETURN_IF_ERROR(Annotate(http.status(), "listen.http"));
    http_ = *std::move(http);
    return absl::OkStatus();
  }

  const Config config_;
  Clock& clock_;
  Health health_;
  pipeline::SetAside set_aside_{
      [](const std::string& text) { spdlog::warn("topics warning=\"{}\"", text); }};
  std::unique_ptr<Backbone> backbone_;
  std::unique_ptr<BackboneWriter> writer_;
  std::unique_ptr<Keys> keys_;
  std::unique_ptr<SigningKey> checkpoint_key_;
  std::unique_ptr<LineageStore> lineage_;
  std::unique_ptr<pipeline::LineageFolder> folder_;
  std::shared_ptr<const territory::Divisions> divisions_;
  cel::Environment environment_;        // of what holds already
  cel::Environment asked_environment_;  // of what somebody writes now: areas are looked up too
  governance::State state_;
  pipeline::OverlappingRecords overlaps_{state_, clock_, [](const std::string& text) {
                                           spdlog::warn("catalog warning=\"{}\"", text);
                                         }};
  const service::SchemaRegistry schemas_{state_, config_.kafka.prefix};
  std::unique_ptr<pipeline::ControlLog> control_;
  const pipeline::NoFence no_fence_;
  std::unique_ptr<cluster::Cluster> cluster_;  // null: the only node
  std::unique_ptr<TokenSeal> peer_seal_;
  std::unique_ptr<service::PeerCalls> peers_;
  std::unique_ptr<service::Peering> peering_;
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
  std::unique_ptr<pipeline::DryRuns> dry_runs_;
  std::unique_ptr<pipeline::Explanations> explanations_;
  std::unique_ptr<Tenants> tenants_;
  std::unique_ptr<ReturnLanes> returns_;
  std::unique_ptr<service::IntakeService> intake_service_;
  std::unique_ptr<service::RegistryService> registry_;
  std::unique_ptr<service::RulesService> rules_;
  std::unique_ptr<service::RuleTrialsService> rule_trials_;
  std::unique_ptr<service::OverrideService> overrides_;
  std::unique_ptr<service::GovernanceService> governance_;
  std::unique_ptr<service::CatalogService> catalog_;
  std::unique_ptr<service::DeliveryService> delivery_;
  std::unique_ptr<service::AuditService> audit_;
  std::unique_ptr<service::ClusterService> cluster_service_;
  service::MethodTable methods_;
  absl::Mutex mutex_;
  bool changed_ ABSL_GUARDED_BY(mutex_) = false;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  std::thread keeper_;
  std::unique_ptr<rpc::Server> rpc_;
  std::unique_ptr<http::ConnectServer> http_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<Node>> Node::Open(const Config& config) {
  auto node = std::make_unique<OneNode>(config);
  RETURN_IF_ERROR(node->Open());
  return std::unique_ptr<Node>(std::move(node));
}

}  // namespace huiliu::server
