// From polled rows to a batch: map, decide, count, digest, sign. No network; storage only through
// what is passed in.
#ifndef HUILIU_ADAPTERS_AGENT_BATCH_MAKER_H_
#define HUILIU_ADAPTERS_AGENT_BATCH_MAKER_H_

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "adapters/agent/kept_rows.h"
#include "adapters/agent/redrive_spool.h"
#include "adapters/agent/reevaluation.h"
#include "adapters/agent/unmapped_rows.h"
#include "adapters/mapping/mapping.h"
#include "core/base/clock.h"
#include "core/base/signing.h"
#include "core/rules/return_engine.h"
#include "huiliu/v1/intake.pb.h"
#include "huiliu/v1/registry.pb.h"
#include "storage/decisions/decision_store.h"

namespace huiliu::agent {

// What one poll became.
struct MadeBatch {
  huiliu::v1::Batch batch;
  std::vector<DecisionUpdate> decisions;
  std::vector<huiliu::v1::QuarantinedRow> quarantined;  // kept here, with the department
  std::vector<huiliu::v1::QuarantinedRow> pending;
  std::vector<KeptRowRef> redriven;  // kept rows whose counts this batch moves
  std::vector<std::string>
      superseded;  // source row ids whose quarantined rows of earlier batches stand for nothing now
  // A row that waited and that a re-read has decided again: what is kept of it is settled.
  struct Released {
    KeptKind kind = KeptKind::kPending;
    std::string row_id;    // at the source
    std::string raw;       // quarantined: other rows with this id are kept for other reasons
    std::string day;       // of its count
    bool by_hand = false;  // it did not wait: what a territory override had decided, if one had
  };
  std::vector<Released> released;
  // A correction by hand is over: later rows are decided by that, so it must be remembered.
  bool ends_correction = false;
  // A record that waited is decided: other rows of it that wait can count as that.
  bool ends_waiting = false;
  // Nothing happened but re-reads: it need not travel.
  bool empty() const {
    return batch.keys_size() == 0 && batch.counts_size() == 0 && batch.quarantined_size() == 0 &&
           superseded.empty() && !ends_correction;
  }
};

// Why kept rows are decided again.
enum class Again {
  kAsked,      // a person asks for it, corrected or not
  kOverrides,  // territory overrides changed: what the source told last is decided
  kFollow,     // nobody asks: what waits although what it told has been decided counts as that
  kWithdrawn,  // an override that decided them holds no more: who holds them by it loses them
  kRecheck,    // one that decided them holds, and others have changed: where it decides no more (it
               // is contradicted) it is as though it were withdrawn
};

// One thread.
class BatchMaker {
 public:
  struct Parts {
    huiliu::v1::Source source;  // as registered
    std::string city;           // of the receiver, for envelopes
    std::string rule_set;       // digest, hexadecimal
    mapping::Mapping* mapping = nullptr;
    rules::ReturnEngine* engine = nullptr;
    DecisionStore* decisions = nullptr;
    const SigningKey* key = nullptr;
    Clock* clock = nullptr;
    std::string rule_label = {};  // "dataset/receiver@version", for envelopes
  };
  explicit BatchMaker(Parts parts) : parts_(std::move(parts)), unmapped_(*parts_.decisions) {}

  // The rows' header must be bound to the mapping.
  absl::StatusOr<MadeBatch> Make(const huiliu_rows& rows, uint64_t epoch, uint64_t sequence);
  // Decides kept rows again; each count moves within its own day. `position`: of the last batch.
  // Adds one result a row.
  absl::StatusOr<MadeBatch> MakeAgain(const KeptRows& rows, uint64_t epoch, uint64_t sequence,
                                      const std::string& position, Again why,
                                      std::vector<RedriveResult>* results);
  // Rows of the source's history: newest versions alone are decided again, by new rules; what is
  // sent is what differs. `position`: of the last batch. The batch tells how far `history` is, and
  // its impact. Where it is empty() and decides nothing it need not travel: a later one tells.
  absl::StatusOr<MadeBatch> MakeHistory(const huiliu_rows& rows, uint64_t epoch, uint64_t sequence,
                                        const std::string& position, Reevaluation* history);
  // The batch that ends it.
  absl::StatusOr<MadeBatch> MakeEndOfHistory(uint64_t epoch, uint64_t sequence,
                                             const std::string& position, Reevaluation* history);

 private:
  using CountKey = std::tuple<std::string, int, std::string>;  // day, outcome, division
  struct Count {
    int64_t rows = 0;
    int64_t conflicts = 0;
    int64_t masked = 0;
  };
  struct Work;

  absl::StatusOr<MadeBatch> Run(Work* work, const std::string& position);
  absl::Status LookUp(Work* work);
  void Decide(Work* work, size_t i);
  // A row that could not be mapped: quarantined, or a re-read of one that was.
  void DecideUnmapped(Work* work, size_t i);
  // A row that can be mapped, and perhaps could not before. False: nothing is left to decide. Sets
  // `mended` where this very version was quarantined: its count has been taken out of its day.
  bool TakeMended(Work* work, size_t i, std::optional<UnmappedVersion>* mended);
  // The same version under other rules: its count moves within the day it stands in.
  void MoveRedecided(Work* work, size_t i, const rules::PriorDecision* before, bool masked);
  void DecideHistory(Work* work, size_t i);
  void DecideAgain(Work* work, size_t i, const KeptRows::Row& kept);
  // What the row that was kept told, beside what is remembered of its record.
  rules::Kept KeptAs(const Work& work, size_t i, const KeptRows::Row& kept,
                     const rules::PriorDecision* prior);
  void MoveAgain(Work* work, size_t i, const KeptRows::Row& kept, huiliu::v1::Outcome before,
                 const std::string& division, RedriveResult* result);
  void KeepUndecided(Work* work, size_t i, const std::string& day);
  bool DecidedByHand() const;
  void NoteDecided(Work* work, const rules::PriorDecision* before) const;
  rules::SourceChange ChangeOf(const Work& work, size_t i) const;
  void AddRest(Work* work, size_t i);
  void Remember(Work* work, size_t i);
  void Publish(Work* work, size_t i, const rules::Output& output);
  void KeepRow(Work* work, size_t i, const std::string& day, const std::string& reason,
               const std::string& place, const std::string& message,
               std::vector<huiliu::v1::QuarantinedRow>* kept);
  void CountChange(Work* work, const std::string& day, huiliu::v1::Outcome outcome,
                   const rules::Decision& decision, bool masked, int sign);
  absl::Status Seal(Work* work);

  const Parts parts_;
  UnmappedRows unmapped_;
  rules::Decision decision_;
  std::vector<mapping::MappedRow> mapped_;  // reused: its texts keep their room
};

}  // namespace huiliu::agent

#endif  // HUILIU_ADAPTERS_AGENT_BATCH_MAKER_H_
