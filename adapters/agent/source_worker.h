// Runs one source: plugin → mapping → return engine → node. Exactly once across crashes of either
// side.
#ifndef HUILIU_ADAPTERS_AGENT_SOURCE_WORKER_H_
#define HUILIU_ADAPTERS_AGENT_SOURCE_WORKER_H_

#include <atomic>
#include <deque>
#include <memory>
#include <optional>
#include <set>

#include "adapters/agent/batch_maker.h"
#include "adapters/agent/config.h"
#include "adapters/agent/edge_rules.h"
#include "adapters/agent/node_client.h"
#include "adapters/agent/redrive_spool.h"
#include "adapters/agent/reevaluation.h"
#include "adapters/agent/shown_columns.h"
#include "adapters/agent/turn_to_follow.h"
#include "adapters/agent/worker_status.h"
#include "adapters/sdk/loader.h"
#include "core/territory/territory.h"
#include "storage/quarantine/quarantine_store.h"

namespace huiliu::agent {

// One thread. Run returns when `stopping` is set (OK), or with what the operator must mend.
class SourceWorker {
 public:
  static constexpr size_t kMaxInFlight = 8;  // batches sent and not yet acknowledged

  SourceWorker(Config config, SourceConfig source, const std::atomic<bool>& stopping);
  absl::Status Run();
  // Where no worker runs: connects, answers the redrive requests that wait, and returns.
  absl::Status AnswerRequests();

  // Whose files the verbs and the worker share, under config.state_dir.
  static std::string FolderOf(const Config& config, const std::string& source);
  static std::string KeptFolderOf(const Config& config, const std::string& source);
  static std::string DecisionFolderOf(const Config& config, const std::string& source);
  static std::string SpoolFolderOf(const Config& config, const std::string& source);
  static std::string ColumnsFileOf(const Config& config, const std::string& source);

 private:
  absl::Status OpenStores();
  // One connection: from Hello until the stream ends.
  absl::Status RunConnected();
  absl::Status Prepare();
  // Edge: the engine that judges here, and its rules.
  absl::Status PrepareEngine();
  absl::StatusOr<MadeBatch> MakeBatch(const huiliu_rows& rows);
  // What is registered of the source, its contract, receiver and rules, and their versions.
  absl::StatusOr<std::string> LookUp();
  // Whether something that the connection was prepared with has changed since; new rules once they
  // are prepared.
  absl::StatusOr<bool> IsOutdated();
  absl::Status Recover(const huiliu::v1::Welcome& welcome);
  // FAILED_PRECONDITION, with the way out, unless somebody has accepted it: then once.
  absl::Status MayForget(const absl::Status& lost) const;
  absl::StatusOr<std::unique_ptr<PublishStream>> Connect();
  // Decides kept rows again where somebody has asked for it.
  absl::Status TakeRequests(PublishStream& stream);
  absl::Status Redrive(PublishStream& stream, const std::vector<RedriveItem>& items, Again why,
                       std::vector<RedriveResult>* results);
  // The territory overrides that run here.
  absl::Status LookUpOverrides();
  // Decides kept rows again where those are others than before.
  absl::Status ReplayOverrides(PublishStream& stream);
  // What overrides had decided; `run`: ids of those in force.
  absl::Status RecheckKept(PublishStream& stream, const std::set<std::string>& run);
  absl::Status Settle(absl::Span<const RedriveResult> results,
                      std::vector<huiliu::v1::QuarantinedRow> rows);
  absl::Status ReplayWaiting(PublishStream& stream);
  // A page of those that wait, when it is their turn: what was decided since they came they count
  // as.
  absl::Status FollowDecided(PublishStream& stream);
  absl::Status StageReleased(const MadeBatch& made);
  // Whether a row that came later under the same id of the source waits, too.
  absl::StatusOr<bool> IsLaterKept(const huiliu::v1::QuarantinedRow& row);
  // Rows whose counts a re-read has moved.
  absl::Status AddReleased(const MadeBatch& made, KeptKind kind, std::vector<KeptRowRef>* refs);
  // Rows that could not be mapped, of earlier batches, that another version has replaced.
  absl::Status AddSuperseded(const MadeBatch& made, std::vector<KeptRowRef>* refs);
  // Binds the header of rows, one at least, to the mapping.
  absl::Status BindHeader(const huiliu_rows& rows, bool one_header);
  // History is decided again where the rules say so: reevaluation.cc.
  absl::Status BeginReevaluation(const huiliu_source& table);
  absl::Status Reevaluate(PublishStream& stream);
  absl::Status EndReevaluation(PublishStream& stream);
  absl::Status PumpOnce(PublishStream& stream, sdk::OpenSource& plugin);
  absl::Status Send(PublishStream& stream, MadeBatch made);
  absl::Status TakeAcks(PublishStream& stream, bool wait_for_room);
  absl::Status TakeAck(const huiliu::v1::Ack& ack);

  const Config config_;
  const SourceConfig source_config_;
  const std::atomic<bool>& stopping_;
  WorkerStatus status_;
  huiliu_host host_;
  std::unique_ptr<NodeClient> node_;
  std::unique_ptr<SigningKey> key_;
  std::unique_ptr<DecisionStore> decisions_;
  std::unique_ptr<QuarantineStore> kept_;
  std::optional<ShownColumns> shown_columns_;
  std::shared_ptr<const territory::Divisions> divisions_;
  std::unique_ptr<EdgeRules> rules_;

  // of the present connection
  std::string prepared_with_;  // versions of what follows
  absl::Time looked_up_ = absl::InfinitePast();
  bool outdated_ = false;  // what LookUp says is not what it was prepared with
  huiliu::v1::Source source_;
  huiliu::v1::Dataset dataset_;
  huiliu::v1::Receiver receiver_;                         // edge
  huiliu::v1::RuleSet rule_set_;                          // edge
  huiliu::v1::GetOverridesInForceResponse in_force_;      // edge: what the node said last
  std::vector<huiliu::v1::TerritoryOverride> overrides_;  // edge: of those, what runs here
  std::optional<std::string> replayed_with_;  // digest of the overrides that kept rows were decided
                                              // again with, across connections
  std::shared_ptr<const schema::Contract> contract_;
  std::unique_ptr<mapping::Mapping> mapping_;
  std::unique_ptr<rules::ReturnEngine> engine_;
  std::unique_ptr<BatchMaker> maker_;     // nullptr: the node judges
  std::optional<UnmappedRows> unmapped_;  // where the node judges
  uint64_t epoch_ = 0;
  uint64_t sequence_ = 0;  // last one sent
  std::string position_;   // of the last batch
  std::deque<uint64_t> in_flight_;
  std::deque<uint64_t> moving_;  // batches in flight that move kept rows' counts
  absl::Time spool_looked_ = absl::InfinitePast();
  std::vector<std::string> bound_header_;
  std::optional<Reevaluation> reevaluation_;  // that is under way
  TurnToFollow follow_;
};

}  // namespace huiliu::agent

#endif  // HUILIU_ADAPTERS_AGENT_SOURCE_WORKER_H_
