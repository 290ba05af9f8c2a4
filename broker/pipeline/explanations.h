// Why a record that this node holds (placement NODE) is decided as it is, as far as the viewer's
// grant lets him know. docs/formats/rules.md, "Explain".
#ifndef HUILIU_BROKER_PIPELINE_EXPLANATIONS_H_
#define HUILIU_BROKER_PIPELINE_EXPLANATIONS_H_

#include <memory>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "broker/backbone/backbone.h"
#include "broker/governance/state.h"
#include "broker/pipeline/gate.h"
#include "broker/pipeline/node_engines.h"
#include "core/base/clock.h"
#include "core/rules/rule_set.h"
#include "huiliu/v1/rules.pb.h"

namespace huiliu::pipeline {

// Thread-safe. Reads only.
class Explanations {
 public:
  static constexpr absl::Duration kSearch = absl::Seconds(10);  // for a key, at most
  static constexpr int64_t kBlock = 65'536;                     // records searched at once

  struct Parts {
    const governance::State& state;
    Backbone& backbone;
    std::shared_ptr<const territory::Divisions> divisions;
    NodeEngines::PseudonymKey pseudonym_key;
    Gate& gate;
    Clock& clock;
    int64_t block = kBlock;
  };
  explicit Explanations(Parts parts) : parts_(std::move(parts)) {}

  // `caller` may try rules for the receiver; `sees_outside`: he is of an upper level. The gate's
  // PERMISSION_DENIED without a grant; NOT_FOUND where the log has no such record, or none that he
  // may know of; DEADLINE_EXCEEDED where the search took too long, with the way out. That he looked
  // is in lineage when it returns.
  absl::StatusOr<huiliu::v1::Explanation> Explain(const governance::Principal& caller,
                                                  const huiliu::v1::ExplainRequest& request,
                                                  bool sees_outside);

 private:
  // A change with bytes of its own.
  struct Found {
    std::string key;  // with its system
    std::string payload;
    std::string envelope;
    std::string source;
    std::string place;
    bool deleted = false;
    int64_t source_time_us = 0;
    int64_t arrival_time_us = 0;
  };
  absl::StatusOr<std::shared_ptr<const rules::RuleSet>> RulesOf(
      const governance::Principal& caller, const huiliu::v1::ExplainRequest& request,
      const schema::Contract& contract) const;
  absl::StatusOr<std::optional<Found>> FindAt(const std::string& place,
                                              const std::string& dataset) const;
  absl::StatusOr<std::optional<Found>> FindKey(const std::string& key,
                                               const std::string& dataset) const;
  absl::StatusOr<std::string> KeyOf(const huiliu::v1::ExplainRequest& request,
                                    const schema::Contract& contract) const;
  absl::StatusOr<huiliu::v1::Explanation> ExplainFound(
      const Found& found, const Admission& admission,
      const std::shared_ptr<const schema::Contract>& contract,
      const std::shared_ptr<const rules::RuleSet>& rule_set, int64_t as_of_us) const;

  const Parts parts_;
};

}  // namespace huiliu::pipeline

#endif  // HUILIU_BROKER_PIPELINE_EXPLANATIONS_H_
