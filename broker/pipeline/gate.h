// The gate before every read: who, through which grant, what of a row, and the lineage entry that
// goes before the data.
#ifndef HUILIU_BROKER_PIPELINE_GATE_H_
#define HUILIU_BROKER_PIPELINE_GATE_H_

#include <memory>
#include <string>
#include <tuple>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "broker/access/authorise.h"
#include "broker/access/quotas.h"
#include "broker/governance/state.h"
#include "broker/lineage/entry.h"
#include "broker/pipeline/catalogs.h"
#include "broker/pipeline/lease.h"
#include "broker/pipeline/read_recorder.h"
#include "core/base/clock.h"
#include "huiliu/v1/catalog.pb.h"

namespace huiliu::pipeline {

// What was decided for a reader, and knowing what.
struct Admitted {
  std::shared_ptr<const access::AccessPlan> plan;
  std::shared_ptr<Catalog> catalog;
  uint64_t version = 0;  // of governance
  uint64_t term = 0;     // of this node's lease
};

// An authorised reader of one dataset of one receiver, for one call or one stream.
struct Admission : Admitted {
  lineage::Reader reader;
  huiliu::v1::Quota quota;  // of the receiver
};

// Thread-safe.
class Gate {
 public:
  Gate(const governance::State& state, access::Authoriser& authoriser, const Catalogs& catalogs,
       ReadRecorder& recorder, Clock& clock, std::string node_key, const Lease* lease = nullptr)
      : state_(state),
        authoriser_(authoriser),
        catalogs_(catalogs),
        recorder_(recorder),
        clock_(clock),
        node_key_(std::move(node_key)),
        lease_(lease) {}

  // RESOURCE_EXHAUSTED where the receiver's quota is used up. PERMISSION_DENIED, after the refusal
  // stands in lineage, saying what is wrong and what to do next, in Chinese and English. A grant is
  // for those of its organisation who have `role`.
  absl::StatusOr<Admission> Admit(const governance::Principal& caller,
                                  const huiliu::v1::ReadContext& context, absl::string_view method,
                                  huiliu::v1::Role role = huiliu::v1::ROLE_CONSUMER);
  // Before data leaves, and before each message of a stream: the grant may have been revoked
  // meanwhile (PERMISSION_DENIED), this node may have slept, or the catalog be another's now
  // (UNAVAILABLE).
  absl::Status MayLeave(const Admitted& admitted) const;

  // Records that rows with these keys leave; `done` runs when that is durable (or failed: then they
  // must not leave).
  void Record(const Admission& admission, huiliu::v1::Step step,
              const std::vector<std::string>& keys, ReadRecorder::Done done);
  absl::Status RecordAndWait(const Admission& admission, huiliu::v1::Step step,
                             const std::vector<std::string>& keys);
  // A question of an auditor, who has no grant and sees no contents: that it was asked, by whom and
  // of which receiver's dataset, is durable before the answer leaves. Its key is not recorded.
  absl::Status RecordQuestion(const governance::Principal& caller, absl::string_view receiver,
                              const schema::Contract& contract, absl::string_view method);
  // Of all readers of a receiver together.
  access::Quotas& quotas() { return quotas_; }
  std::string KeyDigest(absl::string_view receiver, absl::string_view dataset,
                        absl::string_view key) const {
    return lineage::KeyDigest(node_key_, receiver, dataset, key);
  }

  // The row's catalog key from the values of the contract's key fields; the system may be left out
  // where one only provides it.
  absl::StatusOr<std::string> KeyOf(const huiliu::v1::ReadContext& context,
                                    const schema::Contract& contract,
                                    const huiliu::v1::RowKey& key) const;

 private:
  // A positive decision, kept until governance changes, and for kDecisionAge at most: a newer grant
  // may begin. That it still holds is asked of the plan at every use.
  struct Decision {
    uint64_t version = 0;
    absl::Time until;
    std::shared_ptr<const access::AccessPlan> plan;
    huiliu::v1::Quota quota;
  };
  // organisation, receiver, dataset, purpose
  using DecisionKey = std::tuple<std::string, std::string, std::string, std::string>;
  static constexpr absl::Duration kDecisionAge = absl::Seconds(1);
  static constexpr size_t kMaxDecisions = 10'000;

  // Of what a caller typed only what is registered: his words may hold anything, and the log keeps
  // them for good.
  lineage::Reader Registered(lineage::Reader reader) const;
  bool StillValid(const access::AccessPlan& plan) const;
  access::Authorised Ask(const governance::Principal& caller,
                         const huiliu::v1::ReadContext& context,
                         const std::shared_ptr<const schema::Contract>& contract) const;
  // The same, from the kept decisions where one holds.
  // `version`: governance's before the contract was looked up.
  access::Authorised AskOnce(const governance::Principal& caller,
                             const huiliu::v1::ReadContext& context,
                             const std::shared_ptr<const schema::Contract>& contract,
                             uint64_t version, huiliu::v1::Quota* quota);

  const governance::State& state_;
  access::Authoriser& authoriser_;
  const Catalogs& catalogs_;
  ReadRecorder& recorder_;
  Clock& clock_;
  const std::string node_key_;
  const Lease* const lease_;  // null: the only node
  access::Quotas quotas_{clock_};
  absl::Mutex mutex_;
  absl::flat_hash_map<DecisionKey, Decision> decisions_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace huiliu::pipeline

#endif  // HUILIU_BROKER_PIPELINE_GATE_H_
