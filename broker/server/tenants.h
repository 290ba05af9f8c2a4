// The receivers whose catalogs this node holds: opened, fed, handed on and put away as the map
// says.
#ifndef HUILIU_BROKER_SERVER_TENANTS_H_
#define HUILIU_BROKER_SERVER_TENANTS_H_

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "broker/governance/state.h"
#include "broker/pipeline/applier.h"
#include "broker/pipeline/catalogs.h"
#include "broker/pipeline/overlapping_records.h"
#include "broker/server/config.h"
#include "broker/server/health.h"

namespace huiliu::server {

// Thread-safe. A receiver's catalog is fed by an applier of its own: one tenant's load does not
// wait for another's.
class Tenants {
 public:
  struct Parts {
    const Config& config;
    const governance::State& state;
    Backbone& backbone;
    BackboneWriter& writer;  // of this node
    Clock& clock;
    pipeline::Catalogs& catalogs;  // those that this node answers from
    Health& health;
    pipeline::SetAside& notes;  // what people should know
    pipeline::OverlappingRecords& overlaps;
    pipeline::SetAside* set_aside = nullptr;  // null: nobody else writes to the topics
  };
  explicit Tenants(Parts parts) : parts_(std::move(parts)) {}
  ~Tenants() { Stop(); }

  // Brings what is held to what should be held, and gives a catalog up that is outdated; call again
  // when governance has changed, until what was opened has caught up, and now and then. Whether
  // anything changed. On the only node every receiver's catalog is there, caught up, when it
  // returns.
  absl::StatusOr<bool> Reconcile();
  std::vector<huiliu::v1::MemberRecord::Catalog> Held() const;
  void Stop();

 private:
  struct Tenant {
    std::shared_ptr<Catalog> catalog;
    std::unique_ptr<BackboneWriter> writer;  // fences the owner before; null of a standby
    std::unique_ptr<pipeline::Applier> applier;
    bool owner = false;
    bool answers = false;
    bool anew = false;                         // it was given up and is read from the log again
    std::map<std::string, uint32_t> datasets;  // newest version that the applier knows
  };
  // A catalog that went to another node, or is given up: its folder goes when the last reader is
  // done.
  struct Leaving {
    std::weak_ptr<Catalog> catalog;
    std::string path;
  };

  bool clustered() const { return parts_.config.cluster.enabled(); }
  std::string PathOf(const std::string& receiver) const;
  std::map<std::string, bool> Wanted() const;  // receiver → whether as owner
  absl::Status Open(const std::string& receiver, bool owner, Tenant* tenant);
  absl::Status OpenCatalog(const std::string& receiver, Tenant* tenant);
  absl::Status AddDatasets(Tenant& tenant);
  absl::Status Begin(const std::string& receiver, Tenant& tenant);
  void Close(const std::string& receiver, Tenant& tenant) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void SayAnew(const std::string& receiver);
  void RemoveFolders() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::StatusOr<bool> Keep(const std::string& receiver, bool owner)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  void Tell() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const Parts parts_;
  absl::Mutex mutex_;
  std::map<std::string, Tenant> tenants_ ABSL_GUARDED_BY(mutex_);
  std::vector<Leaving> leaving_ ABSL_GUARDED_BY(mutex_);
  std::set<std::string> anew_ ABSL_GUARDED_BY(mutex_);  // receivers whose catalog was given up
  // What a node says of itself must not wait until a catalog is open.
  mutable absl::Mutex telling_ ABSL_ACQUIRED_AFTER(mutex_);
  std::vector<huiliu::v1::MemberRecord::Catalog> held_ ABSL_GUARDED_BY(telling_);
};

}  // namespace huiliu::server

#endif  // HUILIU_BROKER_SERVER_TENANTS_H_
