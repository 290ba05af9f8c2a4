// Who may read what, now: a set of grants and a request give a plan, or a refusal that says what to
// do next.
#ifndef HUILIU_BROKER_ACCESS_AUTHORISE_H_
#define HUILIU_BROKER_ACCESS_AUTHORISE_H_

#include <functional>
#include <memory>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "broker/access/access_plan.h"
#include "huiliu/v1/governance.pb.h"

namespace huiliu::access {

enum class RefusalReason {
  kNoGrant,        // the organisation has no grant for the dataset at all
  kWrongReceiver,  // it has one, for another receiver's data
  kWrongPurpose,   // … for another purpose
  kNotYetValid,
  kExpired,
  kRevoked,
  kUnusable,  // the grant does not fit the dataset (any more), so nothing is shown
};

// Stable code for lineage and clients: no_grant, wrong_receiver …
absl::string_view CodeOf(RefusalReason reason);

// A denied read is a result, not an error. Its words hold no personal data.
struct Refusal {
  RefusalReason reason = RefusalReason::kNoGrant;
  std::string grant;  // the one that nearly fitted; empty without one
  std::string zh;     // what is wrong and what to do next
  std::string en;
  // Both languages: "no_grant: <zh> / <en>".
  std::string message() const;
};

struct Request {
  absl::string_view account;
  absl::string_view organisation;
  absl::string_view receiver;
  absl::string_view dataset;
  absl::string_view purpose;
  absl::Time now;
};

// Exactly one of both.
struct Decision {
  const huiliu::v1::Grant* grant = nullptr;  // of `grants`
  Refusal refusal;
};

// Picks the grant. Where several fit, the newest version counts. Pure.
Decision Decide(const Request& request, absl::Span<const huiliu::v1::Grant* const> grants);

// Exactly one of both: plan, or refusal where plan is nullptr.
struct Authorised {
  std::shared_ptr<const AccessPlan> plan;
  Refusal refusal;
};

// Decide, with compiled plans kept per grant and contract version. Thread-safe. It keeps no grants:
// the caller passes the present ones with every read, so that a revocation holds from the next
// read.
class Authoriser {
 public:
  struct Options {
    cel::Environment environment;
    // A receiver's key for hash masks; empty where it has none.
    std::function<std::string(absl::string_view receiver)> pseudonym_key;
    size_t max_plans = 4096;
  };
  explicit Authoriser(Options options) : options_(std::move(options)) {}

  Authorised Authorise(const Request& request, absl::Span<const huiliu::v1::Grant* const> grants,
                       const std::shared_ptr<const schema::Contract>& contract);
  const cel::Environment& environment() const { return options_.environment; }
  size_t cached_plans() const;

 private:
  absl::StatusOr<std::shared_ptr<const AccessPlan>> PlanFor(
      const huiliu::v1::Grant& grant, const std::shared_ptr<const schema::Contract>& contract);

  struct Key {
    std::string grant;
    uint64_t grant_version;
    std::string dataset;
    uint32_t contract_version;
    friend bool operator==(const Key&, const Key&) = default;
    template <typename H>
    friend H AbslHashValue(H h, const Key& key) {
      return H::combine(std::move(h), key.grant, key.grant_version, key.dataset,
                        key.contract_version);
    }
  };

  const Options options_;
  mutable absl::Mutex mutex_;
  absl::flat_hash_map<Key, std::shared_ptr<const AccessPlan>> plans_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace huiliu::access

#endif  // HUILIU_BROKER_ACCESS_AUTHORISE_H_
