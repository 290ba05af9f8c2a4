// Audit: where a row came from and who has seen it; checkpoints, proofs, export; the balance.
#ifndef HUILIU_BROKER_SERVICE_AUDIT_SERVICE_H_
#define HUILIU_BROKER_SERVICE_AUDIT_SERVICE_H_

#include "broker/lineage/store/lineage_store.h"
#include "broker/pipeline/gate.h"
#include "broker/service/call_context.h"
#include "broker/service/method_table.h"
#include "huiliu/v1/audit.pb.h"

namespace huiliu::service {

// Thread-safe.
class AuditService {
 public:
  AuditService(const governance::State& state, LineageStore& lineage, pipeline::Gate& gate,
               const pipeline::Catalogs& catalogs, Backbone& backbone)
      : state_(state), lineage_(lineage), gate_(gate), catalogs_(catalogs), backbone_(backbone) {}

  absl::Status TraceRecord(const CallContext& context,
                           const huiliu::v1::TraceRecordRequest& request,
                           huiliu::v1::TraceRecordResponse* response);
  absl::Status GetCheckpoint(const CallContext& context,
                             const huiliu::v1::GetCheckpointRequest& request,
                             huiliu::v1::GetCheckpointResponse* response);
  absl::Status GetInclusionProof(const CallContext& context,
                                 const huiliu::v1::GetInclusionProofRequest& request,
                                 huiliu::v1::GetInclusionProofResponse* response);
  absl::Status GetConsistencyProof(const CallContext& context,
                                   const huiliu::v1::GetConsistencyProofRequest& request,
                                   huiliu::v1::GetConsistencyProofResponse* response);
  absl::Status ExportEntries(const CallContext& context,
                             const huiliu::v1::ExportEntriesRequest& request,
                             const StreamSink& sink);
  absl::Status GetBalance(const CallContext& context, const huiliu::v1::GetBalanceRequest& request,
                          huiliu::v1::GetBalanceResponse* response);

  // Of several nodes: rows of other areas in a catalog that another node has.
  using OutsideElsewhere = std::function<absl::StatusOr<int64_t>(const CallContext& context,
                                                                 const std::string& receiver)>;
  void AskElsewhere(OutsideElsewhere ask) { outside_elsewhere_ = std::move(ask); }

 private:
  absl::StatusOr<governance::Principal> RequireAuditor(const CallContext& context) const;
  absl::Status Trace(const CallContext& context, const governance::Principal& caller,
                     const huiliu::v1::TraceRecordRequest& request,
                     huiliu::v1::TraceRecordResponse* response) const;
  // Refused reads and rows of other areas; `receiver` empty: of all.
  absl::Status AddHeld(const CallContext& context, const std::string& receiver,
                       huiliu::v1::GetBalanceResponse* response) const;
  // Every entry of the batch that brought the version standing at `offset` of the log, and of its
  // writing into the catalog; with proofs into `checkpoint`.
  absl::Status AddHops(const huiliu::v1::TraceRecordRequest& request,
                       const huiliu::v1::Envelope& envelope, const TopicPartition& from,
                       Offset offset, bool english,
                       huiliu::v1::TraceRecordResponse* response) const;
  // The versions of a row that the catalog holds no more, as far as the log still has them.
  absl::Status AddGoneRow(const huiliu::v1::TraceRecordRequest& request, const std::string& key,
                          bool english, huiliu::v1::TraceRecordResponse* response) const;
  absl::Status AddReads(const huiliu::v1::TraceRecordRequest& request, const std::string& key,
                        bool english, huiliu::v1::TraceRecordResponse* response) const;
  absl::Status AddHop(int64_t index, bool english, const huiliu::v1::Checkpoint& checkpoint,
                      huiliu::v1::TraceRecordResponse::Hop* hop) const;
  // The record's place under its batch's records_root, where the log still holds the whole batch.
  absl::Status AddRecordProof(const CatalogRow& row, const huiliu::v1::Envelope& envelope,
                              const std::string& topic, bool english,
                              huiliu::v1::TraceRecordResponse* response) const;

  const governance::State& state_;
  LineageStore& lineage_;
  pipeline::Gate& gate_;
  const pipeline::Catalogs& catalogs_;
  OutsideElsewhere outside_elsewhere_;
  Backbone& backbone_;
};

}  // namespace huiliu::service

#endif  // HUILIU_BROKER_SERVICE_AUDIT_SERVICE_H_
