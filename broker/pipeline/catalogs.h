// The catalogs of this node, one a receiver, strictly apart.
#ifndef HUILIU_BROKER_PIPELINE_CATALOGS_H_
#define HUILIU_BROKER_PIPELINE_CATALOGS_H_

#include <map>
#include <memory>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "broker/catalog/catalog.h"

namespace huiliu::pipeline {

// Thread-safe. A catalog lives as long as the node.
class Catalogs {
 public:
  void Add(const std::string& receiver, std::unique_ptr<Catalog> catalog) {
    absl::MutexLock lock(&mutex_);
    catalogs_[receiver] = std::move(catalog);
  }
  // nullptr: this node holds no catalog of the receiver.
  Catalog* Find(const std::string& receiver) const {
    absl::ReaderMutexLock lock(&mutex_);
    const auto it = catalogs_.find(receiver);
    return it == catalogs_.end() ? nullptr : it->second.get();
  }

 private:
  mutable absl::Mutex mutex_;
  std::map<std::string, std::unique_ptr<Catalog>> catalogs_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace huiliu::pipeline

#endif  // HUILIU_BROKER_PIPELINE_CATALOGS_H_
