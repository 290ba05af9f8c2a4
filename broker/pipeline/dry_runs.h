// Dry runs over the records that this node holds (placement NODE): a draft beside the rules in
// force, on what source.<dataset> still has. Reads only; the engine that works is not waited for.
#ifndef HUILIU_BROKER_PIPELINE_DRY_RUNS_H_
#define HUILIU_BROKER_PIPELINE_DRY_RUNS_H_

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "broker/backbone/backbone.h"
#include "broker/governance/state.h"
#include "broker/pipeline/gate.h"
#include "broker/pipeline/node_engines.h"
#include "core/base/clock.h"
#include "core/rules/dry_run.h"
#include "huiliu/v1/rules.pb.h"

namespace huiliu::pipeline {

// Thread-safe. Each run has a thread of its own, of low priority; the caller's waits.
class DryRuns {
 public:
  static constexpr int kAtOnce = 2;  // of this node
  static constexpr int kAtOncePerReceiver = 1;
  static constexpr uint64_t kKeysAtOnce = uint64_t{1} << 22;  // about 160 MB; then the log is read
                                                              // again for the rest
  struct Parts {
    const governance::State& state;
    Backbone& backbone;
    std::shared_ptr<const territory::Divisions> divisions;
    NodeEngines::PseudonymKey pseudonym_key;
    Gate& gate;
    ReadRecorder& recorder;
    Clock& clock;
    uint64_t keys_at_once = kKeysAtOnce;
  };
  explicit DryRuns(Parts parts) : parts_(std::move(parts)) {}

  // The draft that a request means.
  struct Draft {
    std::shared_ptr<const schema::Contract> contract;  // newest of its dataset
    std::shared_ptr<const rules::RuleSet> rules;
    std::optional<huiliu::v1::RuleSet> kept;  // the version that it is; none: a text of its own
  };
  // NOT_FOUND where there is no such dataset or version; what is wrong with a text names its place.
  absl::StatusOr<Draft> FindDraft(const huiliu::v1::DryRunRequest& request) const;

  // Records looked at, and to look at; false: stop.
  using Progress = std::function<bool(int64_t read, int64_t total)>;
  // `caller` may try rules for the draft's receiver; `sees_outside`: he is of an upper level, so
  // that other areas' counties are named to him. FAILED_PRECONDITION where this node has none
  // of the records, with the way out; RESOURCE_EXHAUSTED where too many run; CANCELLED where
  // progress said so. That the samples are read is in lineage when it returns.
  absl::StatusOr<huiliu::v1::DryRunReport> Run(const governance::Principal& caller,
                                               const Draft& draft,
                                               const huiliu::v1::DryRunRequest& request,
                                               const Progress& progress, bool sees_outside);

 private:
  class Slot;
  struct Scope;
  absl::StatusOr<Scope> ScopeOf(const Draft& draft, const huiliu::v1::DryRunRequest& request) const;
  absl::StatusOr<std::unique_ptr<rules::DryRun>> Begin(
      const Draft& draft, const huiliu::v1::DryRunRequest& request) const;
  // PERMISSION_DENIED where a text of somebody's own asks for personal values that he does not see,
  // or another area's records.
  absl::Status CheckQuestions(const Draft& draft, const huiliu::v1::DryRunRequest& request,
                              const std::optional<Admission>& admission) const;
  // *log_from_us: when the oldest change that the log has was taken over.
  absl::Status Feed(const Scope& scope, const Progress& progress, rules::DryRun* run,
                    int64_t* log_from_us);
  absl::Status RunApart(const Scope& scope, const Progress& progress, rules::DryRun* run,
                        int64_t* log_from_us);
  absl::Status AddSamples(const governance::Principal& caller, const Draft& draft,
                          const std::optional<Admission>& admission, const rules::DryRun& run,
                          huiliu::v1::DryRunReport* report);

  const Parts parts_;
  absl::Mutex mutex_;
  int running_ ABSL_GUARDED_BY(mutex_) = 0;
  std::map<std::string, int> running_of_ ABSL_GUARDED_BY(mutex_);  // by receiver
};

}  // namespace huiliu::pipeline

#endif  // HUILIU_BROKER_PIPELINE_DRY_RUNS_H_
