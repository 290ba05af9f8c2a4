// A node's services over NodeFixture: two receivers that hold rows, each with a catalog, an applier
// and accounts of its own, and an upper level over both.
#ifndef HUILIU_TESTS_UNIT_SERVICE_SERVICES_FIXTURE_H_
#define HUILIU_TESTS_UNIT_SERVICE_SERVICES_FIXTURE_H_

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <string>

#include "broker/pipeline/applier.h"
#include "broker/pipeline/lineage_folder.h"
#include "broker/service/audit_service.h"
#include "broker/service/catalog_service.h"
#include "broker/service/governance_service.h"
#include "broker/service/intake_service.h"
#include "broker/service/override_service.h"
#include "broker/service/registry_service.h"
#include "broker/service/rule_trials_service.h"
#include "core/base/token_seal.h"
#include "core/model/proto_time.h"
#include "tests/fakes/map_catalog.h"
#include "tests/unit/pipeline/node_fixture.h"

namespace huiliu::service {

class ServicesFixture {
 public:
  static constexpr char kKunming[] = "530100";
  static constexpr char kDali[] = "532900";
  static constexpr char kPurpose[] = "就业服务";

  ServicesFixture() {
    LineageStoreOptions options;
    options.path =
        absl::StrCat(testing::TempDir(), "/services_lineage_", getpid(), "_", ++counter_);
    std::filesystem::remove_all(options.path);
    options.origin = "test/lineage/0";
    folder_path_ = options.path;
    key_ = *SigningKey::Generate();
    lineage = *LineageStore::Open(options, *key_, node.clock());
    const auto ignore = [](absl::string_view, const absl::Status&) {};
    folder = std::make_unique<pipeline::LineageFolder>(node.backbone(), *lineage, ignore);
    folder->Start();
    commands = std::make_unique<pipeline::GovernanceCommands>(
        node.state, control, node.writer(), node.clock(), fence,
        [](const huiliu::v1::Grant&) { return absl::OkStatus(); });
    recorder = std::make_unique<pipeline::ReadRecorder>(node.writer());
    for (const char* receiver : {kKunming, kDali, "530300"}) {
      auto catalog = NewMapCatalog();
      appliers[receiver] = std::make_unique<pipeline::Applier>(
          receiver, *catalog, node.backbone(), &node.writer(), node.clock(),
          pipeline::TopicSettings{.partitions = 2}, ignore);
      EXPECT_TRUE(appliers[receiver]->AddDataset(node.state.FindContract("person")).ok());
      catalogs.Add(receiver, std::move(catalog));
    }
    gate = std::make_unique<pipeline::Gate>(node.state, authoriser, catalogs, *recorder,
                                            node.clock(), "node key");
    reads = std::make_unique<pipeline::Reads>(*gate, cel::Environment{}, seal);
    cursors = std::make_unique<pipeline::Cursors>(node.backbone(), node.writer(), seal);
    delivered = std::make_unique<pipeline::DeliveredKeys>(node.backbone(), *lineage, *gate);
    MakeServices();
    AddOrganisation("km-data", kKunming);
    AddOrganisation("dl-data", kDali);
    AddOrganisation("yn-data", "");
  }
  ~ServicesFixture() {
    recorder.reset();
    folder->Stop();
    lineage.reset();
    std::filesystem::remove_all(folder_path_);
  }

  // Everything that was sent is judged, applied and folded.
  void Settle() {
    EXPECT_TRUE(node.Judge().ok());
    for (auto& [receiver, applier] : appliers) EXPECT_TRUE(applier->CatchUp().ok());
    const absl::Status folded = folder->CatchUp(absl::Seconds(10));
    EXPECT_TRUE(folded.ok()) << folded;
  }

  void AddOrganisation(const std::string& id, const std::string& receiver) {
    huiliu::v1::Organisation organisation;
    organisation.set_id(id);
    organisation.set_title(id);
    organisation.set_receiver(receiver);
    EXPECT_TRUE(node.Put(organisation).ok());
  }
  huiliu::v1::Grant GrantOf(const std::string& id, const std::string& organisation,
                            const std::string& receiver) {
    huiliu::v1::Grant grant;
    grant.set_id(id);
    grant.set_organisation(organisation);
    grant.set_receiver(receiver);
    grant.set_dataset("person");
    grant.set_purpose(kPurpose);
    grant.set_legal_basis("依据");
    *grant.mutable_valid_to() = ToProto(node.clock().Now() + absl::Hours(24));
    return grant;
  }
  void AddGrant(const std::string& id, const std::string& organisation,
                const std::string& receiver) {
    const absl::Status put = node.Put(GrantOf(id, organisation, receiver));
    EXPECT_TRUE(put.ok()) << put;
  }

  static CallContext As(const std::string& organisation, huiliu::v1::Role role,
                        const std::string& method = "huiliu.v1.Test/Method") {
    CallContext context;
    context.caller = governance::Principal{organisation + "-someone", organisation, {role}};
    context.method = method;
    context.json = true;
    return context;
  }
  static huiliu::v1::ReadContext Of(const std::string& receiver) {
    huiliu::v1::ReadContext context;
    context.set_receiver(receiver);
    context.set_dataset("person");
    context.set_purpose(kPurpose);
    return context;
  }

  pipeline::NodeFixture node;
  std::unique_ptr<LineageStore> lineage;
  std::unique_ptr<pipeline::LineageFolder> folder;
  std::unique_ptr<pipeline::GovernanceCommands> commands;
  access::Authoriser authoriser{access::Authoriser::Options{}};
  pipeline::NoFence fence;
  pipeline::ControlLog control{node.state, node.backbone()};
  pipeline::Catalogs catalogs;
  std::map<std::string, std::unique_ptr<pipeline::Applier>> appliers;
  std::unique_ptr<pipeline::ReadRecorder> recorder;
  std::unique_ptr<pipeline::Gate> gate;
  const TokenSeal seal{"a secret of these tests"};
  std::unique_ptr<pipeline::Reads> reads;
  std::unique_ptr<pipeline::Cursors> cursors;
  std::unique_ptr<pipeline::DeliveredKeys> delivered;
  std::unique_ptr<IntakeService> intake;
  std::unique_ptr<RegistryService> registry;
  std::unique_ptr<RulesService> rules;
  std::unique_ptr<pipeline::DryRuns> dry_runs;
  std::unique_ptr<pipeline::Explanations> explanations;
  std::unique_ptr<RuleTrialsService> trials;
  std::unique_ptr<OverrideService> overrides;
  std::unique_ptr<GovernanceService> governance;
  std::unique_ptr<CatalogService> catalog;
  std::unique_ptr<DeliveryService> delivery;
  std::unique_ptr<AuditService> audit;

  // `at_once`: keys told apart, and records searched, at once.
  void MakeTrials(int64_t at_once) {
    const auto key = [](absl::string_view) { return std::string(32, 'k'); };
    dry_runs = std::make_unique<pipeline::DryRuns>(
        pipeline::DryRuns::Parts{node.state, node.backbone(), huiliu::rules::YunnanDivisions(), key,
                                 *gate, *recorder, node.clock(), static_cast<uint64_t>(at_once)});
    explanations = std::make_unique<pipeline::Explanations>(
        pipeline::Explanations::Parts{node.state, node.backbone(), huiliu::rules::YunnanDivisions(),
                                      key, *gate, node.clock(), at_once});
    trials = std::make_unique<RuleTrialsService>(node.state, *commands, *dry_runs, *explanations);
  }

 private:
  void MakeServices() {
    MakeTrials(1000);
    intake = std::make_unique<IntakeService>(node.state, *node.intake, [this](const std::string&) {
      return std::shared_ptr<pipeline::ReturnWorker>(std::shared_ptr<void>(), node.worker.get());
    });
    registry = std::make_unique<RegistryService>(node.state, *commands, *node.intake, node.clock(),
                                                 OfficeHours{});
    rules = std::make_unique<RulesService>(
        node.state, *commands, node.clock(),
        pipeline::ReevaluationReport(node.state, node.backbone(), 2));
    overrides = std::make_unique<OverrideService>(
        node.state, *commands, huiliu::rules::YunnanDivisions(),
        pipeline::OverrideReach(
            {node.state, node.backbone(), huiliu::rules::YunnanDivisions(), node.clock()}));
    governance = std::make_unique<GovernanceService>(node.state, *commands);
    catalog = std::make_unique<CatalogService>(node.state, *reads, catalogs);
    delivery = std::make_unique<DeliveryService>(
        pipeline::Subscription::Parts{*gate, node.backbone(), *cursors, *delivered, node.clock(),
                                      pipeline::TopicSettings{}.tombstone_retention});
    audit = std::make_unique<AuditService>(node.state, *lineage, *gate, catalogs, node.backbone());
  }

  static inline int counter_ = 0;
  std::string folder_path_;
  std::unique_ptr<SigningKey> key_;
};

}  // namespace huiliu::service

#endif  // HUILIU_TESTS_UNIT_SERVICE_SERVICES_FIXTURE_H_
