// How the operator's verbs hand rows to the worker that holds the stores: a request is a file in
// the source's state folder, its answer another beside it. Files, because the state folder is
// already the department's guarded place (0700) and a request survives whatever crashes; the worker
// looks every half second.
#ifndef HUILIU_ADAPTERS_AGENT_REDRIVE_SPOOL_H_
#define HUILIU_ADAPTERS_AGENT_REDRIVE_SPOOL_H_

#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "adapters/agent/kept_rows.h"
#include "huiliu/v1/common.pb.h"

namespace huiliu::agent {

// What became of one row.
struct RedriveResult {
  KeptRowRef row;
  huiliu::v1::Outcome outcome = huiliu::v1::OUTCOME_UNSPECIFIED;
  std::string error;  // why it is still kept
};

struct RedriveRequest {
  std::string name;  // of its file
  std::vector<RedriveItem> items;
};

// One folder a source. The asker: Ask, TakeAnswer. The worker: Next, Answer.
class RedriveSpool {
 public:
  static constexpr size_t kMaxItems = 10'000;  // of one request

  explicit RedriveSpool(std::string folder) : folder_(std::move(folder)) {}

  // Returns the request's name. RESOURCE_EXHAUSTED beyond kMaxItems.
  absl::StatusOr<std::string> Ask(const std::vector<RedriveItem>& items);
  // nullopt: not answered yet. Removes the answer. The worker's own error as it is.
  absl::StatusOr<std::optional<std::vector<RedriveResult>>> TakeAnswer(const std::string& name);
  // Takes a request back that nobody has answered.
  void Withdraw(const std::string& name);

  // The oldest request that has no answer; a file that is no request is answered with what is wrong
  // and skipped.
  absl::StatusOr<std::optional<RedriveRequest>> Next();
  // Durable before the request's file goes.
  absl::Status Answer(const std::string& name, const absl::Status& status,
                      const std::vector<RedriveResult>& results);

 private:
  std::string Path(const std::string& name, const char* extension) const;
  const std::string folder_;
};

}  // namespace huiliu::agent

#endif  // HUILIU_ADAPTERS_AGENT_REDRIVE_SPOOL_H_
