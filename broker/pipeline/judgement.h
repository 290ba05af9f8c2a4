// One transaction of the node's return engine in the making: what it decides goes out, is
// remembered, is counted and is kept for repair together, or not at all.
#ifndef HUILIU_BROKER_PIPELINE_JUDGEMENT_H_
#define HUILIU_BROKER_PIPELINE_JUDGEMENT_H_

#include <map>
#include <set>
#include <string>

#include "broker/backbone/backbone.h"
#include "broker/governance/state.h"
#include "broker/pipeline/node_decisions.h"
#include "broker/pipeline/node_engines.h"
#include "broker/pipeline/topics.h"
#include "core/rules/impact.h"
#include "huiliu/v1/intake.pb.h"
#include "storage/quarantine/quarantine_store.h"

namespace huiliu::pipeline {

struct Judgement {
  // `former`: whether the store has former decisions (former_decisions.h) in it.
  Judgement(NodeEngines& with, DecisionStore& store, bool former, QuarantineStore& rows,
            const TopicSettings& made_so, absl::Time at)
      : engines(with),
        decisions(store, SourcesOf(with, former)),
        kept_before(rows),
        topics(made_so),
        now(at) {}

  NodeEngines& engines;
  DecisionChanges decisions;
  QuarantineStore& kept_before;  // kept rows as of the last commit
  const TopicSettings topics;
  const absl::Time now;
  std::map<std::string, huiliu::v1::QuarantinedRow> kept;  // changed rows, by id
  Transaction transaction;
  std::set<std::string> entries;  // digests of the lineage entries in it
  // Datasets with a record that waited and is decided now: other rows of it can count as that.
  std::set<std::string> ended_waiting;

 private:
  static DecisionChanges::SourcesOf SourcesOf(const NodeEngines& engines, bool former) {
    if (!former) return nullptr;
    return [&engines](absl::string_view dataset, absl::string_view system) {
      return engines.SourcesOf(dataset, system);
    };
  }
};

// Judges a batch of a source topic. Its rows counted as pending since intake: that count moves.
// DATA_LOSS where the batch is none that intake wrote.
absl::Status JudgeBatch(const StoredBatch& batch, Judgement* judgement);

// Judges a batch of a source topic once more, by the rules in force now: newest versions alone are
// decided again, their counts move within their day, receivers get what differs. What it did goes
// to `impacts`, under the label of each receiver's rules ("dataset/receiver@version").
absl::Status JudgeAgain(const StoredBatch& batch, Judgement* judgement,
                        std::map<std::string, rules::Impact>* impacts);

// Decides a kept row again with what it should have been; its count moves within its day. Where it
// is still not decided nothing changes and result->error says why. `payload`: encoded message.
absl::Status RedriveRow(const huiliu::v1::QuarantinedRow& row, const std::string& payload,
                        const governance::Principal& caller, Judgement* judgement,
                        huiliu::v1::RedriveResponse::Result* result);

// Why a kept row is decided again though nobody asks.
enum class Replay : uint8_t {
  kWithdrawn,  // an override that decided it holds no more; who holds the record by it loses it
  kRecheck,  // one that decided it holds, and others have changed: where it decides no more (it is
             // contradicted) it is as though it were withdrawn
  kOverrides,  // overrides changed: it waits, and is decided where it is what was told last
  kFollow,     // it waits though its record is decided: it counts as that
};
// Its count moves within its day. Nothing changes where it stands as it should.
absl::Status ReplayRow(const huiliu::v1::QuarantinedRow& row, Replay why, Judgement* judgement);

// Adds the changed rows and decisions to the transaction.
void Seal(Judgement* judgement);

// Helpers of both.
bool IsUndecided(const rules::Decision& decision);
// Notes where a record that waited is decided.
void NoteDecided(const NodeEngine& engine, const NodeDecision* before,
                 const rules::Decision& decision, Judgement* judgement);
huiliu::v1::CountDelta DeltaOf(const NodeEngine& engine, int receiver, const std::string& day,
                               huiliu::v1::Outcome outcome, const std::string& division);
// Ids of the overrides that decided, each once, joined by commas; empty where none did.
std::string OverridesOf(const rules::Decision& decision);
std::string DayOfNumber(int32_t days_since_1970);
// Whether the row, which told what another row had told, stands for the newest version now.
bool StandsNow(const NodeDecision* before, const rules::Decision& decision);
// What is to be remembered: where the version that stands is still another source's, its outcomes
// are those of that one's receivers.
const rules::PriorDecision& ToRemember(const NodeEngine& engine, const NodeDecision* before,
                                       rules::Decision* decision);

}  // namespace huiliu::pipeline

#endif  // HUILIU_BROKER_PIPELINE_JUDGEMENT_H_
