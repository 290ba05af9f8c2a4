// Intake's unary methods: positions, and the rows kept at the node for repair. Publish is a stream
// of its own.
#ifndef HUILIU_BROKER_SERVICE_INTAKE_SERVICE_H_
#define HUILIU_BROKER_SERVICE_INTAKE_SERVICE_H_

#include "broker/pipeline/intake.h"
#include "broker/pipeline/return_worker.h"
#include "broker/service/call_context.h"

namespace huiliu::service {

// Thread-safe.
class IntakeService {
 public:
  IntakeService(const governance::State& state, pipeline::Intake& intake,
                pipeline::ReturnWorker& returns)
      : state_(state), intake_(intake), returns_(returns) {}

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

  const governance::State& state_;
  pipeline::Intake& intake_;
  pipeline::ReturnWorker& returns_;
};

}  // namespace huiliu::service

#endif  // HUILIU_BROKER_SERVICE_INTAKE_SERVICE_H_
