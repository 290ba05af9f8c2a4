// The rule sets that this node decides by, compiled: once for all lanes, and those that come into
// force next before they do.
#ifndef HUILIU_BROKER_PIPELINE_PREPARED_RULES_H_
#define HUILIU_BROKER_PIPELINE_PREPARED_RULES_H_

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "broker/governance/state.h"
#include "core/base/clock.h"
#include "core/rules/compiled_rules.h"
#include "core/territory/territory.h"

namespace huiliu::pipeline {

// Thread-safe. A version is compiled when it is proposed, or approved for later, on a thread of its
// own, so that it comes into force between two batches. What nobody has prepared Find compiles
// itself; of rules that follow others only those that differ.
class PreparedRules {
 public:
  // A receiver's key for pseudonyms.
  using PseudonymKey = std::function<std::string(absl::string_view receiver)>;
  PreparedRules(const governance::State& state,
                std::shared_ptr<const territory::Divisions> divisions, PseudonymKey pseudonym_key,
                Clock& clock);
  ~PreparedRules() { Stop(); }

  // INVALID_ARGUMENT with file, line and column where a rule does not fit the contract. What has
  // been asked for once is prepared from then on.
  absl::StatusOr<std::shared_ptr<const rules::CompiledRules>> Find(
      const std::shared_ptr<const schema::Contract>& contract,
      const std::shared_ptr<const rules::RuleSet>& rule_set);
  // The same of what decided before, to compare with; what is prepared stays as it is.
  absl::StatusOr<std::shared_ptr<const rules::CompiledRules>> FindFormer(
      const std::shared_ptr<const schema::Contract>& contract,
      const std::shared_ptr<const rules::RuleSet>& rule_set);

  // Compiles what comes next of what has been asked for. The thread's work, or a test's.
  void Prepare();
  void Start();
  void Stop();

  const std::shared_ptr<const territory::Divisions>& divisions() const { return divisions_; }
  std::string KeyOf(absl::string_view receiver) const { return pseudonym_key_(receiver); }

 private:
  using Compiled = std::shared_ptr<const rules::CompiledRules>;
  // The versions of one (dataset, receiver).
  struct Line {
    Compiled in_use;                 // asked for last
    Compiled former;                 // whose place that took
    std::vector<Compiled> prepared;  // what comes next
  };
  using LineKey = std::pair<std::string, std::string>;

  static LineKey KeyOf(const rules::RuleSet& rule_set);
  // nullptr: not compiled yet.
  Compiled Known(const std::shared_ptr<const schema::Contract>& contract,
                 const std::shared_ptr<const rules::RuleSet>& rule_set, const std::string& key)
      ABSL_LOCKS_EXCLUDED(mutex_);
  absl::StatusOr<Compiled> KnownOrCompiled(const std::shared_ptr<const schema::Contract>& contract,
                                           const std::shared_ptr<const rules::RuleSet>& rule_set)
      ABSL_LOCKS_EXCLUDED(compiling_, mutex_);
  void Run();

  const governance::State& state_;
  const std::shared_ptr<const territory::Divisions> divisions_;
  const std::shared_ptr<const cel::Environment> environment_;
  const PseudonymKey pseudonym_key_;
  Clock& clock_;

  absl::Mutex compiling_ ABSL_ACQUIRED_BEFORE(mutex_);  // one rule set at a time
  absl::Mutex mutex_;
  std::map<LineKey, Line> lines_ ABSL_GUARDED_BY(mutex_);
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace huiliu::pipeline

#endif  // HUILIU_BROKER_PIPELINE_PREPARED_RULES_H_
