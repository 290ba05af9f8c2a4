// Where background workers report what they cannot do: the node logs it, counts it and shows it in
// its health.
#ifndef HUILIU_BROKER_PIPELINE_WORKER_ERRORS_H_
#define HUILIU_BROKER_PIPELINE_WORKER_ERRORS_H_

#include <functional>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace huiliu::pipeline {

// Called from any thread with the worker's name, e.g. "catalog/530100"; OK when it has recovered.
using WorkerErrors = std::function<void(absl::string_view worker, const absl::Status& status)>;

}  // namespace huiliu::pipeline

#endif  // HUILIU_BROKER_PIPELINE_WORKER_ERRORS_H_
