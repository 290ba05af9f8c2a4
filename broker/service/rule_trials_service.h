// Rules, tried and explained on the records that this node holds.
#ifndef HUILIU_BROKER_SERVICE_RULE_TRIALS_SERVICE_H_
#define HUILIU_BROKER_SERVICE_RULE_TRIALS_SERVICE_H_

#include <atomic>

#include "broker/pipeline/dry_runs.h"
#include "broker/pipeline/explanations.h"
#include "broker/pipeline/governance_commands.h"
#include "broker/service/call_context.h"
#include "broker/service/stream_sink.h"
#include "huiliu/v1/rules.pb.h"

namespace huiliu::service {

// Thread-safe.
class RuleTrialsService {
 public:
  static constexpr int kExplainingAtOnce = 8;  // each may search the log for seconds

  RuleTrialsService(const governance::State& state, pipeline::GovernanceCommands& commands,
                    pipeline::DryRuns& dry_runs, pipeline::Explanations& explanations)
      : state_(state), commands_(commands), dry_runs_(dry_runs), explanations_(explanations) {}

  // Blocks for as long as it runs; ends early where the caller is gone.
  absl::Status DryRun(const CallContext& context, const huiliu::v1::DryRunRequest& request,
                      const StreamSink& sink);
  absl::Status RecordDryRun(const CallContext& context,
                            const huiliu::v1::RecordDryRunRequest& request,
                            huiliu::v1::RecordDryRunResponse* response);
  absl::Status Explain(const CallContext& context, const huiliu::v1::ExplainRequest& request,
                       huiliu::v1::ExplainResponse* response);

 private:
  const governance::State& state_;
  pipeline::GovernanceCommands& commands_;
  pipeline::DryRuns& dry_runs_;
  pipeline::Explanations& explanations_;
  std::atomic<int> explaining_ = 0;
};

}  // namespace huiliu::service

#endif  // HUILIU_BROKER_SERVICE_RULE_TRIALS_SERVICE_H_
