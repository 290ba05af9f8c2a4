// Quotas (配额): what reads of one receiver's data may take of this node, so that others' go on.
#ifndef HUILIU_BROKER_ACCESS_QUOTAS_H_
#define HUILIU_BROKER_ACCESS_QUOTAS_H_

#include <cstdint>
#include <map>
#include <string>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "core/base/clock.h"
#include "huiliu/v1/registry.pb.h"

namespace huiliu::access {

// Thread-safe. A second's worth may be taken at once; an answer is never cut, what it takes beyond
// is paid by those after it.
class Quotas {
 public:
  explicit Quotas(Clock& clock) : clock_(clock) {}

  // A stream's place; given back when it goes. The Quotas must outlive it.
  class Place {
   public:
    Place(Quotas* quotas, std::string receiver) : quotas_(quotas), receiver_(std::move(receiver)) {}
    Place(Place&& other) noexcept
        : quotas_(std::exchange(other.quotas_, nullptr)), receiver_(std::move(other.receiver_)) {}
    Place& operator=(Place&&) = delete;
    ~Place();

   private:
    Quotas* quotas_;
    std::string receiver_;
  };

  // RESOURCE_EXHAUSTED, naming the receiver, the quota and when to ask again.
  absl::Status TakeCall(const std::string& receiver, const huiliu::v1::Quota& quota);
  absl::StatusOr<Place> OpenStream(const std::string& receiver, const huiliu::v1::Quota& quota);
  // Rows that leave.
  void TakeRows(const std::string& receiver, const huiliu::v1::Quota& quota, int64_t rows);
  // How long a stream waits before it reads on; zero: not at all.
  absl::Duration WaitForRows(const std::string& receiver, const huiliu::v1::Quota& quota);

  // Calls and streams refused since the start, by receiver: for metrics.
  std::map<std::string, int64_t> Refused() const;

 private:
  // What is left of a bound a second; below zero: owed.
  struct Bucket {
    double left = 0;
    absl::Time filled = absl::InfinitePast();
  };
  struct Use {
    Bucket calls, rows;
    int streams = 0;
    int64_t refused = 0;
  };
  void Fill(double a_second, Bucket* bucket) const;
  absl::Status Refuse(const std::string& receiver, Use* use, absl::string_view chinese,
                      absl::string_view english) const;

  Clock& clock_;
  mutable absl::Mutex mutex_;
  std::map<std::string, Use> uses_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace huiliu::access

#endif  // HUILIU_BROKER_ACCESS_QUOTAS_H_
