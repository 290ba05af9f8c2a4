// Intake's unary methods: positions, and the rows kept at the node for repair. Publish is a stream
// of its own.
#ifndef HUILIU_BROKER_SERVICE_INTAKE_SERVICE_H_
#define HUILIU_BROKER_SERVICE_INTAKE_SERVICE_H_

#include <functional>
#include <memory>

#include "broker/pipeline/intake.h"
#include "broker/pipeline/return_worker.h"
#include "broker/service/call_context.h"

namespace huiliu::service {

// Thread-safe.
class IntakeService {
 public:
  // Who judges a dataset at this node; null: nobody at this moment.
  using FindWorker =
      std::function<std::shared_ptr<pipeline::ReturnWorker>(const std::string& dataset)>;

  IntakeService(const governance::State& state, pipeline::Intake& intake, FindWorker find_worker)
      : state_(state), intake_(intake), find_worker_(std::move(find_worker)) {}

  absl::Status GetPosition(const CallContext& context,
                           const huiliu::v1::GetPositionRequest& request,
                           huiliu::v1::GetPositionResponse* response);
  absl::Status ListQuarantine(const CallContext& context,
                              const huiliu::v1::ListQuarantineRequest& request,
                              huiliu::v1::ListQuarantineResponse* response);
  absl::Status Redrive(const CallContext& context, const huiliu::v1::RedriveRequest& request,
                       huiliu::v1::RedriveResponse* response);

 private:
  // PERMISSION_DENIED where it is not there or another organisation's.
  absl::StatusOr<huiliu::v1::Source> OwnSource(const governance::Principal& caller,
                                               const std::string& source) const;
  // The caller, who is the department that the source belongs to.
  absl::StatusOr<governance::Principal> RequireDepartment(const CallContext& context,
                                                          const std::string& source) const;

  absl::StatusOr<std::shared_ptr<pipeline::ReturnWorker>> WorkerOf(const std::string& source) const;

  const governance::State& state_;
  pipeline::Intake& intake_;
  const FindWorker find_worker_;
};

}  // namespace huiliu::service

#endif  // HUILIU_BROKER_SERVICE_INTAKE_SERVICE_H_
