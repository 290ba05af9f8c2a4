// The return engine (回流引擎): decides, for each source change and receiver, exactly one outcome,
// and transforms what returns. A pure function of its inputs: no storage, no network, no clock of
// its own. The same code runs at the edge and at the node.
#ifndef HUILIU_CORE_RULES_RETURN_ENGINE_H_
#define HUILIU_CORE_RULES_RETURN_ENGINE_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "core/model/ids.h"
#include "core/rules/rule_set.h"
#include "core/schema/contract.h"
#include "core/territory/territory.h"
#include "huiliu/v1/common.pb.h"
#include "huiliu/v1/overrides.pb.h"

namespace huiliu::rules {

class CompiledRules;

// What a kept row told of its record (IsToldLast, history.h).
enum class Kept : uint8_t {
  kApart,  // nothing: it had another key, or could not be mapped. Only its place says how old it is
  kReplaced,  // what the source does not say any more: it has told something else since
  kLast,      // what the source told last, in this row or, too, in others
};

// One mapped source change. Views; they must outlive the call.
struct SourceChange {
  huiliu::v1::Operation operation = huiliu::v1::OPERATION_UPSERT;
  absl::string_view key;       // Contract::KeyOf
  absl::string_view payload;   // encoded message; empty with a delete
  int64_t source_time_us = 0;  // 0 where the source has none
  absl::string_view row_id;
  // Where one memory serves several sources of a system and dataset (at the node): which of them
  // tells it. Their row ids are apart. Empty: the memory is one source's.
  absl::string_view source;
  // When it is taken over, UTC: rules are in force by it, and its Asia/Shanghai day is the one its
  // count stands in. 0: rules' dates are not looked at.
  int64_t now_us = 0;
  // A row that waited, decided again (redrive): by hand, corrected or not, or since territory
  // overrides changed. Never taken for a re-read: kRedecided; kRepeat where what stands is decided
  // and says the same; kSuperseded where a newer version has come since; kNew where nothing is
  // remembered or it is the newest itself. The caller moves the count.
  bool redrive = false;
  // With redrive: what was kept, before it was corrected.
  Kept kept = Kept::kApart;
  // With redrive: it is decided as it was kept. Where it is still undecided and something newer is
  // decided, it counts as that.
  bool uncorrected = false;
  // With redrive: what decided this version was taken back (a withdrawn override). Where it is
  // undecided now, who holds it loses it.
  bool recall = false;
  // A record of a source's history that is read once more because rules have changed, beside the
  // changes. Only the newest version itself is decided again (kRedecided, where other rules decided
  // it); else it is kUnchanged, nothing is stored and nothing counted. `prior` must not be null.
  bool replay = false;
};

// What the engine remembers per (system, dataset, key), changed in the same commit as its output.
// Encoded by EncodeDecision / DecodeDecision; docs/formats/decision.md. Digests are kept in part:
// see there.
struct PriorDecision {
  int64_t source_time_us = 0;
  std::string row_id;
  std::string source;       // that told the newest version, where SourceChange::source says
  Digest payload_digest{};  // of the payload as it came (SHA-256, first 16 bytes), zeros after a
                            // delete
  bool deleted = false;
  std::vector<std::string> holders;  // receivers that hold the record now
  // Ids of the territory overrides that decided it, joined by commas; while it is undecided: that
  // decided what holders have. Empty: evidence did.
  std::string by_hand;
  Digest rule_digest{};     // of what decided: rule sets in force, receivers, basis (first 8 bytes)
  std::string division;     // as attributed; a delete by key counts under it
  bool conflict = false;    // evidence of where it belongs disagreed
  int32_t counted_day = 0;  // days since 1970-01-01 in Asia/Shanghai of the count; 0: not known
  // As counted, in receivers() order; UNSPECIFIED for a receiver that another source's engine did
  // not know of.
  std::vector<huiliu::v1::Outcome> outcomes;
  std::vector<uint64_t>
      seen;  // fingerprints of other source rows counted under this key, newest last, at most 16
  bool corrected = false;  // by hand: what was decided is not what the source told
  Digest told{};           // with corrected: of the payload that the source told, as payload_digest
};

// What is to be sent to a receiver.
struct Output {
  int receiver = 0;  // index into ReturnEngine::receivers()
  bool tombstone = false;
  std::string payload;  // transformed; empty with a tombstone
  std::string rule;     // id@version
};

enum class Novelty {
  kNew,         // a source change: counted
  kUnchanged,   // a re-read of what was decided, same content and rules (or another source's, which
                // does not decide again): neither published nor counted
  kSuperseded,  // older than what was decided: counted under its own outcome, leaves the catalog
                // alone
  kRepeat,      // the same content from another source row: counted, leaves the catalog alone
  kRedecided,   // a re-read of what was decided, other rules: published; not read again, but its
                // count moves from prior->outcomes of day prior->counted_day to `outcomes` of that
                // same day
};

struct Decision {
  Novelty novelty = Novelty::kNew;
  // One per receiver, in receivers() order: what the change counts as.
  std::vector<huiliu::v1::Outcome> outcomes;
  std::vector<Output> outputs;
  territory::Attribution attribution;  // division, link that decided, what disagreed
  std::vector<std::string> findings;   // quality findings "field:code"
  bool masked_at_source = false;
  std::string reason;  // why pending, withheld or quarantined: stable code
  PriorDecision next;  // to be stored
  bool store = true;   // false: `next` equals the prior decision, storing it can be left out
  // One per receiver: the same stable code for this receiver, empty where returned or outside; and
  // the rule that decided, an index into its rule set's rules, -1 where none did.
  std::vector<std::string> reasons;
  std::vector<int> rules;
  // One per receiver: id of the territory override that decided for it, empty where evidence did.
  // Empty as a whole where no override decided anything.
  std::vector<std::string> overrides;
};

// What an envelope says decided a record for a receiver: the evidence's field, override:<id>, or
// nothing.
std::string DecidedBy(const Decision& decision, int receiver, const schema::Contract& contract);

// Thread-compatible: one engine a lane. (SetOverrides | Decide)*
class ReturnEngine {
 public:
  struct Options {
    std::vector<Receiver> receivers;  // edge: exactly one
    // Each change is decided by itself (dry runs): `prior` is never given, Decision::next is not
    // filled, nothing is hashed.
    bool memoryless = false;
  };
  // `rules`: at most one a receiver, compiled with this contract and the receiver's key.
  // INVALID_ARGUMENT where they are others.
  static absl::StatusOr<std::unique_ptr<ReturnEngine>> Assemble(
      Options options, std::shared_ptr<const schema::Contract> contract,
      const std::vector<std::shared_ptr<const CompiledRules>>& rules,
      std::shared_ptr<const territory::Divisions> divisions);
  // Compiles and assembles. INVALID_ARGUMENT with file, line and column where a rule does not fit
  // the contract.
  static absl::StatusOr<std::unique_ptr<ReturnEngine>> Create(
      Options options, std::shared_ptr<const schema::Contract> contract,
      const std::vector<std::shared_ptr<const RuleSet>>& rule_sets,
      std::shared_ptr<const territory::Divisions> divisions);
  virtual ~ReturnEngine() = default;

  virtual absl::Span<const Receiver> receivers() const = 0;
  // From now on these territory overrides hold (认领决定): approved ones of the engine's receivers.
  // `system`: of the source, as their record digests have it. Only records that evidence leaves
  // pending are decided by them; what evidence decided is no re-read's business.
  virtual void SetOverrides(absl::string_view system,
                            absl::Span<const huiliu::v1::TerritoryOverride> overrides) = 0;
  // Digest of everything that decides beside the record, as of the last Decide: what
  // PriorDecision::rule_digest keeps; of a record that evidence leaves pending the overrides belong
  // to it, too.
  virtual const Digest& rule_digest() const = 0;
  // What Decide with this `now_us` compares prior.rule_digest with.
  virtual const Digest& RuleDigestFor(const PriorDecision& prior, int64_t now_us) = 0;
  // Never fails: what cannot be decided is an outcome with its reason.
  virtual void Decide(const SourceChange& change, const PriorDecision* prior,
                      Decision* decision) = 0;
  // Takes what the lane's engine before this one remembers of divisions; that one decides no more.
  virtual void TakeOver(ReturnEngine* previous) = 0;
};

std::string EncodeDecision(const PriorDecision& decision);
void AppendDecision(const PriorDecision& decision, std::string* out);
// DATA_LOSS where the bytes are no decision.
absl::StatusOr<PriorDecision> DecodeDecision(absl::string_view bytes);
// The same into a reused object.
absl::Status DecodeDecision(absl::string_view bytes, PriorDecision* decision);

}  // namespace huiliu::rules

#endif  // HUILIU_CORE_RULES_RETURN_ENGINE_H_
