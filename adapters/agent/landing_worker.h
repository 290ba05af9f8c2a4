// Runs one landing: subscribes at the node and applies into the bureau's own database, exactly
// once: the cursor is stored in the database's own transaction.
#ifndef HUILIU_ADAPTERS_AGENT_LANDING_WORKER_H_
#define HUILIU_ADAPTERS_AGENT_LANDING_WORKER_H_

#include <atomic>
#include <memory>
#include <string>

#include "absl/time/time.h"
#include "adapters/agent/change_list.h"
#include "adapters/agent/config.h"
#include "adapters/agent/host.h"
#include "adapters/agent/node_client.h"
#include "adapters/agent/worker_status.h"
#include "adapters/sdk/loader.h"

namespace huiliu::agent {

// One thread. Run returns when `stopping` is set (OK), or with what the operator must mend.
class LandingWorker {
 public:
  LandingWorker(Config config, LandingConfig landing, const std::atomic<bool>& stopping);
  absl::Status Run();
  // Answers the operator's requests to try refused rows again, without landing anything new.
  // ABORTED where a running worker holds the table: it answers.
  absl::Status AnswerRequests();
  static std::string SpoolFolderOf(const Config& config, const std::string& landing);

 private:
  absl::StatusOr<std::unique_ptr<sdk::OpenLanding>> OpenPrepared();
  absl::Status RunConnected();
  absl::Status Subscribe(sdk::OpenLanding& landing);
  // Whether the operator has asked for something; looked at every half second.
  bool Asked();
  absl::Status Answer(sdk::OpenLanding& landing);
  absl::Status Prepare(sdk::OpenLanding& landing);
  absl::Status Apply(sdk::OpenLanding& landing, const huiliu::v1::SubscribeResponse& message,
                     bool reset);

  const Config config_;
  const LandingConfig landing_config_;
  const std::atomic<bool>& stopping_;
  WorkerStatus status_;
  bool from_beginning_ = false;  // what has landed is replaced by a new snapshot
  const NoticingHost host_;
  std::unique_ptr<NodeClient> node_;
  std::unique_ptr<ChangeList> changes_;
  std::atomic<bool> asked_ = false;  // set by the subscription's watcher
  absl::Time looked_ = absl::InfinitePast();
};

}  // namespace huiliu::agent

#endif  // HUILIU_ADAPTERS_AGENT_LANDING_WORKER_H_
