#include "broker/server/return_lanes.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "core/base/status.h"
#include "storage/decisions/rocksdb_decision_store.h"

namespace huiliu::server {

using absl::StrCat;

absl::Status ReturnLanes::Open(int32_t number, Lane* lane) {
  const std::string suffix = number == kOnly ? "" : StrCat("/lane-", number);
  const std::string& folder = parts_.config.data_dir;
  ASSIGN_OR_RETURN(lane->decisions,
                   RocksDbDecisionStore::Open(StrCat(folder, "/decisions", suffix), {}));
  ASSIGN_OR_RETURN(lane->kept, QuarantineStore::Open(StrCat(folder, "/kept", suffix), {}));
  pipeline::ReturnWorker::Parts parts{
      parts_.state,     parts_.backbone,      parts_.writer,    parts_.clock, parts_.config.topics,
      parts_.divisions, parts_.pseudonym_key, *lane->decisions, *lane->kept,  parts_.errors};
  parts.rules = &rules_;
  parts.set_aside = parts_.set_aside;
  parts.control = parts_.control;
  if (number != kOnly) {
    parts.fence = &cluster_->fence();
    parts.lane = StrCat(number);
    parts.node = parts_.config.node;
    // Each node follows the kept rows for itself.
    parts.kept_group = StrCat("kept/", parts_.config.node, "/", number);
  }
  lane->worker = std::make_shared<pipeline::ReturnWorker>(std::move(parts));
  return absl::OkStatus();
}

// On several nodes only what a source has placed at the node needs an engine.
bool ReturnLanes::JudgedHere(const std::string& dataset) const {
  if (cluster_ == nullptr) return true;
  const std::vector<huiliu::v1::Source> sources = parts_.state.Sources();
  return std::any_of(sources.begin(), sources.end(), [&](const huiliu::v1::Source& source) {
    return source.dataset() == dataset && source.placement() == huiliu::v1::PLACEMENT_NODE;
  });
}

absl::Status ReturnLanes::Reconcile() {
  absl::MutexLock lock(&mutex_);
  if (stopped_) return absl::OkStatus();
  std::map<int32_t, std::vector<std::string>> wanted;
  if (cluster_ == nullptr) wanted[kOnly];
  for (const huiliu::v1::Dataset& dataset : parts_.state.Datasets()) {
    if (!JudgedHere(dataset.id())) continue;
    const int32_t number = cluster_ == nullptr ? kOnly : cluster_->LaneOf(dataset.id());
    if (cluster_ == nullptr || cluster_->fence().Of(dataset.id()).ok())
      wanted[number].push_back(dataset.id());
  }
  for (const auto& [number, datasets] : wanted) {
    auto found = lanes_.find(number);
    const bool opened = found == lanes_.end();
    if (opened) {
      Lane lane;
      RETURN_IF_ERROR(Open(number, &lane));
      found = lanes_.emplace(number, std::move(lane)).first;
    }
    for (const std::string& dataset : datasets) {
      if (found->second.datasets.contains(dataset)) continue;
      RETURN_IF_ERROR(found->second.worker->AddDataset(dataset));
      found->second.datasets.insert(dataset);
    }
    if (opened) found->second.worker->Start();
  }
  return absl::OkStatus();
}

void ReturnLanes::Release(const std::set<int32_t>& lanes) {
  absl::MutexLock lock(&mutex_);
  for (const int32_t number : lanes) {
    const auto found = lanes_.find(number);
    if (found == lanes_.end()) continue;
    found->second.worker->Stop();
    // A redrive that is under way holds the worker, and the worker these stores.
    while (found->second.worker.use_count() > 1) absl::SleepFor(absl::Milliseconds(5));
    lanes_.erase(found);
  }
}

std::shared_ptr<pipeline::ReturnWorker> ReturnLanes::For(const std::string& dataset) const {
  absl::MutexLock lock(&mutex_);
  const auto found = lanes_.find(cluster_ == nullptr ? kOnly : cluster_->LaneOf(dataset));
  return found == lanes_.end() ? nullptr : found->second.worker;
}

void ReturnLanes::Stop() {
  absl::MutexLock lock(&mutex_);
  stopped_ = true;
  for (auto& [number, lane] : lanes_) lane.worker->Stop();
  rules_.Stop();
}

}  // namespace huiliu::server
