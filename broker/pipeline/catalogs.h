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

// Thread-safe. A catalog may go to another node; who reads from it keeps it open until then.
class Catalogs {
 public:
  void Add(const std::string& receiver, std::shared_ptr<Catalog> catalog) {
    absl::MutexLock lock(&mutex_);
    catalogs_[receiver] = std::move(catalog);
  }
  void Remove(const std::string& receiver) {
    absl::MutexLock lock(&mutex_);
    catalogs_.erase(receiver);
  }
  // nullptr: this node does not answer for the receiver.
  std::shared_ptr<Catalog> Find(const std::string& receiver) const {
    absl::ReaderMutexLock lock(&mutex_);
    const auto it = catalogs_.find(receiver);
    return it == catalogs_.end() ? nullptr : it->second;
  }

 private:
  mutable absl::Mutex mutex_;
  std::map<std::string, std::shared_ptr<Catalog>> catalogs_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace huiliu::pipeline

#endif  // HUILIU_BROKER_PIPELINE_CATALOGS_H_
