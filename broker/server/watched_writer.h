// A log that refuses writes is the node's trouble, whoever wrote: health names it until a write
// succeeds again.
#ifndef HUILIU_BROKER_SERVER_WATCHED_WRITER_H_
#define HUILIU_BROKER_SERVER_WATCHED_WRITER_H_

#include <atomic>
#include <memory>
#include <utility>

#include "broker/backbone/backbone.h"
#include "broker/server/health.h"

namespace huiliu::server {

class WatchedWriter : public BackboneWriter {
 public:
  static constexpr char kName[] = "log";

  // `health` outlives the writer.
  WatchedWriter(std::unique_ptr<BackboneWriter> writer, Health& health)
      : writer_(std::move(writer)), health_(health) {}

  absl::StatusOr<CommitResult> Commit(Transaction transaction) override {
    absl::StatusOr<CommitResult> result = writer_->Commit(std::move(transaction));
    if (!result.ok()) {
      failing_ = true;
      health_.Report(kName, result.status());
    } else if (failing_.exchange(false)) {
      health_.Report(kName, absl::OkStatus());
    }
    return result;
  }

 private:
  const std::unique_ptr<BackboneWriter> writer_;
  Health& health_;
  std::atomic<bool> failing_ = false;
};

}  // namespace huiliu::server

#endif  // HUILIU_BROKER_SERVER_WATCHED_WRITER_H_
