// Places for what lasts (streams): so many in all, so many an organisation, so that nobody takes
// them all.
#ifndef HUILIU_BROKER_SERVICE_SLOTS_H_
#define HUILIU_BROKER_SERVICE_SLOTS_H_

#include <map>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"

namespace huiliu::service {

// Thread-safe. (Take Release)*
class Slots {
 public:
  Slots(int in_all, int an_organisation) : in_all_(in_all), an_organisation_(an_organisation) {}

  // RESOURCE_EXHAUSTED naming the bound; else Release must follow.
  absl::Status Take(const std::string& organisation) {
    absl::MutexLock lock(&mutex_);
    int& own = taken_by_[organisation];
    if (own >= an_organisation_) {
      return absl::ResourceExhaustedError(
          absl::StrCat("本单位同时打开的流已达上限 ", an_organisation_,
                       "，请先关闭其他流 / your "
                       "organisation has ",
                       an_organisation_, " streams open, close one first"));
    }
    if (taken_ >= in_all_) {
      if (own == 0) taken_by_.erase(organisation);
      return absl::ResourceExhaustedError(absl::StrCat(
          "本节点同时打开的流已达上限 ", in_all_, "，请稍后再试 / this node serves at most ",
          in_all_, " streams at once, try again later"));
    }
    ++own;
    ++taken_;
    return absl::OkStatus();
  }

  void Release(const std::string& organisation) {
    absl::MutexLock lock(&mutex_);
    --taken_;
    if (--taken_by_[organisation] == 0) taken_by_.erase(organisation);
  }

 private:
  const int in_all_;
  const int an_organisation_;
  absl::Mutex mutex_;
  int taken_ ABSL_GUARDED_BY(mutex_) = 0;
  std::map<std::string, int> taken_by_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace huiliu::service

#endif  // HUILIU_BROKER_SERVICE_SLOTS_H_
