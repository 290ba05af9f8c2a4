#include "broker/service/audit_service.h"

#include <algorithm>
#include <limits>

#include "absl/strings/str_cat.h"
#include "broker/lineage/words.h"
#include "broker/pipeline/batch_leaves.h"
#include "broker/pipeline/row_versions.h"
#include "broker/pipeline/topics.h"
#include "broker/service/tenancy.h"
#include "core/base/status.h"
#include "core/merkle/merkle.h"
#include "core/model/batch_digest.h"

namespace huiliu::service {
namespace {

constexpr size_t kMaxReads = 100;  // an answer
constexpr absl::Duration kSearchLimit = absl::Seconds(10);
constexpr size_t kExportBytes = 1 << 20;

std::string Bytes(const Digest& digest) { return ToString(digest); }

absl::Status CheckPartition(int32_t partition) {
  if (partition == 0) return absl::OkStatus();
  return absl::NotFoundError(absl::StrCat("没有这个留痕分区 / there is no lineage partition ",
                                          partition, "; this node has partition 0"));
}

absl::string_view NotSearched(bool english) {
  return english ? "; the log was not searched to its end, ask again at a quieter time"
                 : "；回流日志未能在时限内查完，请在空闲时重试";
}

// A batch that the node decided for several receivers states the counts of each. Without the
// others' its leaf cannot be computed by who asked, so the proof goes too.
void LeaveOutOtherReceivers(const std::string& receiver, bool english,
                            huiliu::v1::TraceRecordResponse* response) {
  bool left_out = false;
  for (auto& hop : *response->mutable_hops()) {
    auto& counts = *hop.mutable_entry()->mutable_counts();
    const auto others = std::stable_partition(counts.begin(), counts.end(), [&](const auto& count) {
      return count.receiver() == receiver;
    });
    if (others == counts.end()) continue;
    counts.erase(others, counts.end());
    hop.clear_inclusion();
    left_out = true;
  }
  if (!left_out) return;
  absl::StrAppend(response->mutable_unseen(),
                  english ? "; counts of other receivers are left out of entries of shared batches"
                          : "；共用批次的条目中，其他接收方的计数已略去");
}

}  // namespace

absl::StatusOr<governance::Principal> AuditService::RequireAuditor(
    const CallContext& context) const {
  ASSIGN_OR_RETURN(governance::Principal caller, RequireCaller(context));
  RETURN_IF_ERROR(RequireAnyRole(caller, {huiliu::v1::ROLE_AUDIT_ADMINISTRATOR}, context.method));
  return caller;
}

absl::Status AuditService::AddHop(int64_t index, bool english,
                                  const huiliu::v1::Checkpoint& checkpoint,
                                  huiliu::v1::TraceRecordResponse::Hop* hop) const {
  ASSIGN_OR_RETURN(*hop->mutable_entry(), lineage_.Entry(index));
  hop->set_index(index);
  hop->set_summary(lineage::InWords(hop->entry(), english));
  if (index >= checkpoint.tree_size()) return absl::OkStatus();
  ASSIGN_OR_RETURN(const LineageStore::Inclusion inclusion,
                   lineage_.InclusionProof(index, checkpoint.tree_size()));
  for (const Digest& node : inclusion.path) hop->add_inclusion(Bytes(node));
  return absl::OkStatus();
}

absl::Status AuditService::AddHops(const huiliu::v1::TraceRecordRequest& request,
                                   const huiliu::v1::Envelope& envelope, const TopicPartition& from,
                                   Offset offset, bool english,
                                   huiliu::v1::TraceRecordResponse* response) const {
  std::vector<int64_t> indexes;
  for (const huiliu::v1::Source& source : state_.Sources()) {
    if (source.system() != envelope.system() || source.dataset() != request.dataset()) continue;
    // Other sources of the system have batches of the same numbers.
    if (!envelope.source().empty() && source.id() != envelope.source()) continue;
    ASSIGN_OR_RETURN(const auto entries, lineage_.FindBatch(source.id(), envelope.source_epoch(),
                                                            envelope.source_sequence()));
    for (const LineageStore::BatchEntry& entry : entries) indexes.push_back(entry.index);
  }
  ASSIGN_OR_RETURN(const std::optional<int64_t> applied, lineage_.FindApplied(from, offset));
  if (applied.has_value()) indexes.push_back(*applied);
  for (const int64_t index : indexes) {
    // Versions of one batch share their entries.
    if (std::any_of(response->hops().begin(), response->hops().end(),
                    [&](const auto& hop) { return hop.index() == index; })) {
      continue;
    }
    RETURN_IF_ERROR(AddHop(index, english, response->checkpoint(), response->add_hops()));
    // A batch that the node decided has an entry for each of its receivers.
    const std::string& of = response->hops().rbegin()->entry().receiver();
    if (!of.empty() && of != request.receiver()) response->mutable_hops()->RemoveLast();
  }
  return absl::OkStatus();
}

absl::Status AuditService::AddGoneRow(const huiliu::v1::TraceRecordRequest& request,
                                      const std::string& key, bool english,
                                      huiliu::v1::TraceRecordResponse* response) const {
  ASSIGN_OR_RETURN(const pipeline::RowVersions row,
                   pipeline::FindRowVersions(
                       backbone_, pipeline::ReturnedTopic(request.receiver(), request.dataset()),
                       key, kSearchLimit));
  for (const pipeline::RowVersion& version : row.versions) {
    huiliu::v1::Envelope& envelope = *response->mutable_envelope();
    if (!envelope.ParseFromString(version.envelope))
      return absl::DataLossError(
          "日志中的一条记录无法读出 / an envelope in the log cannot be read");
    RETURN_IF_ERROR(AddHops(request, envelope, version.from, version.offset, english, response));
  }
  if (row.complete) return absl::OkStatus();
  absl::StrAppend(response->mutable_unseen(), NotSearched(english));
  return absl::OkStatus();
}

absl::Status AuditService::AddReads(const huiliu::v1::TraceRecordRequest& request,
                                    const std::string& key, bool english,
                                    huiliu::v1::TraceRecordResponse* response) const {
  const int64_t before =
      request.reads_before() > 0 ? request.reads_before() : std::numeric_limits<int64_t>::max();
  ASSIGN_OR_RETURN(std::vector<int64_t> reads,
                   lineage_.FindReads(request.receiver(), request.dataset(),
                                      gate_.KeyDigest(request.receiver(), request.dataset(), key),
                                      static_cast<int>(kMaxReads) + 1, before));
  if (reads.size() > kMaxReads) {
    reads.pop_back();
    response->set_more_reads_before(reads.back());
  }
  for (int64_t index : reads) {
    RETURN_IF_ERROR(AddHop(index, english, response->checkpoint(), response->add_reads()));
    // Digests of other rows' keys are not the auditor's question.
    response->mutable_reads()->rbegin()->mutable_entry()->clear_key_digests();
  }
  return absl::OkStatus();
}

absl::Status AuditService::AddRecordProof(const CatalogRow& row,
                                          const huiliu::v1::Envelope& envelope,
                                          const std::string& topic, bool english,
                                          huiliu::v1::TraceRecordResponse* response) const {
  merkle::TreeBuilder tree;
  std::map<std::pair<uint32_t, uint64_t>, Digest> nodes;
  // Whether these are all the leaves under the root that one of the batch's entries states.
  const auto rooted = [&](const std::map<uint32_t, Digest>& leaves) {
    if (leaves.empty() || leaves.rbegin()->first + 1 != leaves.size()) return false;
    tree = {};
    nodes.clear();
    for (const auto& [index, leaf] : leaves) {
      tree.Append(leaf, [&](const merkle::NodeId& id, const Digest& digest) {
        nodes[{id.level, id.index}] = digest;
      });
    }
    return std::any_of(response->hops().begin(), response->hops().end(), [&](const auto& hop) {
      return hop.entry().records_root() == Bytes(tree.Root());
    });
  };
  huiliu::v1::RecordLeaf leaf;
  pipeline::BatchSearch search{{topic, row.from.partition}, row.offset, row.envelope};
  search.limit = kSearchLimit;
  search.complete = rooted;
  search.found = [&](const pipeline::LeafParts& parts) {
    leaf.set_key(parts.key.data(), parts.key.size());
    leaf.set_envelope(parts.envelope.data(), parts.envelope.size());
    leaf.set_payload_digest(Bytes(parts.payload));
  };
  ASSIGN_OR_RETURN(const pipeline::BatchLeaves leaves,
                   pipeline::FindBatchLeaves(backbone_, search));
  if (!leaves.searched) absl::StrAppend(response->mutable_unseen(), NotSearched(english));
  if (leaf.key().empty() || !rooted(leaves.by_index)) return absl::OkStatus();
  ASSIGN_OR_RETURN(const std::vector<Digest> path,
                   merkle::InclusionProof(envelope.index_in_batch(), tree.size(),
                                          [&](const merkle::NodeId& id) -> absl::StatusOr<Digest> {
                                            return nodes[{id.level, id.index}];
                                          }));
  response->set_record_index(envelope.index_in_batch());
  *response->mutable_record_leaf() = std::move(leaf);
  for (const Digest& node : path) response->add_record_inclusion(Bytes(node));
  return absl::OkStatus();
}

absl::Status AuditService::Trace(const CallContext& context, const governance::Principal& caller,
                                 const huiliu::v1::TraceRecordRequest& request,
                                 huiliu::v1::TraceRecordResponse* response) const {
  const auto contract = state_.FindContract(request.dataset());
  const std::shared_ptr<Catalog> catalog = catalogs_.Find(request.receiver());
  if (contract == nullptr || catalog == nullptr) {
    return absl::NotFoundError(absl::StrCat("该接收方没有这个数据集 / receiver ",
                                            request.receiver(), " holds no dataset ",
                                            request.dataset()));
  }
  huiliu::v1::ReadContext read;
  read.set_receiver(request.receiver());
  read.set_dataset(request.dataset());
  ASSIGN_OR_RETURN(const std::string key, gate_.KeyOf(read, *contract, request.key()));
  // A key could be tried by asking: who asks is in the log that he reads from.
  RETURN_IF_ERROR(gate_.RecordQuestion(caller, request.receiver(), *contract, "Audit.TraceRecord"));
  ASSIGN_OR_RETURN(*response->mutable_checkpoint(), lineage_.SignCheckpoint());
  response->set_unseen(
      context.english ? "what bureaus do with the row inside their own databases is not seen here"
                      : "数据落入各部门自有数据库后的使用情况，本节点无法看到");
  RETURN_IF_ERROR(AddReads(request, key, context.english, response));
  if (request.reads_before() > 0) return absl::OkStatus();
  ASSIGN_OR_RETURN(const std::optional<CatalogRow> row, catalog->Get(contract->id(), key));
  response->set_found(row.has_value());
  if (!row.has_value()) return AddGoneRow(request, key, context.english, response);
  huiliu::v1::Envelope& envelope = *response->mutable_envelope();
  if (!envelope.ParseFromString(row->envelope))
    return absl::DataLossError("所存的一条记录无法读出 / a stored envelope cannot be read");
  RETURN_IF_ERROR(AddHops(request, envelope, row->from, row->offset, context.english, response));
  return AddRecordProof(*row, envelope,
                        pipeline::ReturnedTopic(request.receiver(), request.dataset()),
                        context.english, response);
}

absl::Status AuditService::TraceRecord(const CallContext& context,
                                       const huiliu::v1::TraceRecordRequest& request,
                                       huiliu::v1::TraceRecordResponse* response) {
  ASSIGN_OR_RETURN(const governance::Principal caller, RequireAuditor(context));
  RETURN_IF_ERROR(RequireReceiver(state_, caller, request.receiver()));
  RETURN_IF_ERROR(Trace(context, caller, request, response));
  if (BoundTo(state_, caller).has_value())
    LeaveOutOtherReceivers(request.receiver(), context.english, response);
  return absl::OkStatus();
}

absl::Status AuditService::GetCheckpoint(const CallContext& context,
                                         const huiliu::v1::GetCheckpointRequest& request,
                                         huiliu::v1::GetCheckpointResponse* response) {
  RETURN_IF_ERROR(RequireAuditor(context).status());
  RETURN_IF_ERROR(CheckPartition(request.partition()));
  ASSIGN_OR_RETURN(*response->mutable_checkpoint(), lineage_.SignCheckpoint());
  return absl::OkStatus();
}

absl::Status AuditService::GetInclusionProof(const CallContext& context,
                                             const huiliu::v1::GetInclusionProofRequest& request,
                                             huiliu::v1::GetInclusionProofResponse* response) {
  RETURN_IF_ERROR(RequireAuditor(context).status());
  RETURN_IF_ERROR(CheckPartition(request.partition()));
  int64_t size = request.tree_size();
  if (size == 0) {
    ASSIGN_OR_RETURN(const huiliu::v1::Checkpoint checkpoint, lineage_.SignCheckpoint());
    size = checkpoint.tree_size();
  }
  ASSIGN_OR_RETURN(const LineageStore::Inclusion inclusion,
                   lineage_.InclusionProof(request.index(), size));
  response->set_tree_size(size);
  response->set_leaf_hash(Bytes(inclusion.leaf_hash));
  for (const Digest& node : inclusion.path) response->add_path(Bytes(node));
  return absl::OkStatus();
}

absl::Status AuditService::GetConsistencyProof(
    const CallContext& context, const huiliu::v1::GetConsistencyProofRequest& request,
    huiliu::v1::GetConsistencyProofResponse* response) {
  RETURN_IF_ERROR(RequireAuditor(context).status());
  RETURN_IF_ERROR(CheckPartition(request.partition()));
  int64_t to = request.to_size();
  if (to == 0) {
    ASSIGN_OR_RETURN(const huiliu::v1::Checkpoint checkpoint, lineage_.SignCheckpoint());
    to = checkpoint.tree_size();
  }
  ASSIGN_OR_RETURN(const std::vector<Digest> proof,
                   lineage_.ConsistencyProof(request.from_size(), to));
  response->set_to_size(to);
  for (const Digest& node : proof) response->add_path(Bytes(node));
  return absl::OkStatus();
}

absl::Status AuditService::ExportEntries(const CallContext& context,
                                         const huiliu::v1::ExportEntriesRequest& request,
                                         const StreamSink& sink) {
  ASSIGN_OR_RETURN(const governance::Principal caller, RequireAuditor(context));
  // The log is one, and its leaves are whole: they tell of every receiver.
  RETURN_IF_ERROR(RequireUnbound(state_, caller, context.method));
  RETURN_IF_ERROR(CheckPartition(request.partition()));
  ASSIGN_OR_RETURN(const huiliu::v1::Checkpoint checkpoint, lineage_.SignCheckpoint());
  const int64_t end = request.to_index() == 0 ? checkpoint.tree_size() : request.to_index();
  if (request.from_index() < 0 || end > checkpoint.tree_size() || request.from_index() > end) {
    return absl::OutOfRangeError(
        absl::StrCat("超出留痕日志的范围 / the log has entries 0 to ", checkpoint.tree_size() - 1));
  }
  huiliu::v1::ExportEntriesResponse response;
  if (request.from_index() > 0) {
    ASSIGN_OR_RETURN(const std::vector<Digest> peaks, lineage_.Peaks(request.from_index()));
    response.set_first_index(request.from_index());
    for (const Digest& peak : peaks) response.add_peaks(Bytes(peak));
    if (!sink(response)) return absl::OkStatus();
  }
  for (int64_t at = request.from_index(); at < end;) {
    ASSIGN_OR_RETURN(std::vector<std::string> leaves, lineage_.Leaves(at, end, kExportBytes));
    response.Clear();
    response.set_first_index(at);
    at += static_cast<int64_t>(leaves.size());
    for (std::string& leaf : leaves) response.add_entries(std::move(leaf));
    if (!sink(response)) return absl::OkStatus();
  }
  response.Clear();
  response.set_first_index(end);
  *response.mutable_checkpoint() = checkpoint;
  sink(response);
  return absl::OkStatus();
}

absl::Status AuditService::GetBalance(const CallContext& context,
                                      const huiliu::v1::GetBalanceRequest& request,
                                      huiliu::v1::GetBalanceResponse* response) {
  ASSIGN_OR_RETURN(const governance::Principal caller, RequireCaller(context));
  RETURN_IF_ERROR(
      RequireAnyRole(caller,
                     {huiliu::v1::ROLE_AUDIT_ADMINISTRATOR, huiliu::v1::ROLE_DATA_OFFICER,
                      huiliu::v1::ROLE_SYSTEM_ADMINISTRATOR, huiliu::v1::ROLE_AGENT},
                     context.method));
  const auto bound = BoundTo(state_, caller);
  const std::string& receiver =
      request.receiver().empty() && bound.has_value() ? *bound : request.receiver();
  if (!receiver.empty()) RETURN_IF_ERROR(RequireReceiver(state_, caller, receiver));
  // An agent is of a providing department: the balance of its own sources is its business.
  const bool department = !caller.Has(huiliu::v1::ROLE_AUDIT_ADMINISTRATOR) &&
                          !caller.Has(huiliu::v1::ROLE_DATA_OFFICER) &&
                          !caller.Has(huiliu::v1::ROLE_SYSTEM_ADMINISTRATOR);
  ASSIGN_OR_RETURN(const auto lines, lineage_.Balance(receiver, request.day()));
  for (const auto& line : lines) {
    if (department) {
      const auto source = state_.FindSource(line.source());
      if (!source.has_value() || source->organisation() != caller.organisation) continue;
    }
    *response->add_lines() = line;
  }
  response->set_last_refused_index(-1);
  if (department) return absl::OkStatus();
  return AddHeld(context, receiver, response);
}

absl::Status AuditService::AddHeld(const CallContext& context, const std::string& asked,
                                   huiliu::v1::GetBalanceResponse* response) const {
  const LineageStore::Refusals refusals = lineage_.RefusedReads(asked);
  response->set_refused_reads(refusals.count);
  response->set_last_refused_index(refusals.last_index);
  // Intake refuses a record outside its receiver's area, so the count is of what got past it; the
  // catalog's rows are looked at.
  for (const huiliu::v1::Receiver& receiver : state_.Receivers()) {
    if (!asked.empty() && receiver.id() != asked) continue;
    const std::shared_ptr<Catalog> catalog = catalogs_.Find(receiver.id());
    if (catalog == nullptr) {
      // A count that leaves out what another node holds would be a false comfort.
      if (outside_elsewhere_ == nullptr) continue;
      ASSIGN_OR_RETURN(const int64_t there, outside_elsewhere_(context, receiver.id()));
      response->set_outside_rows_held(response->outside_rows_held() + there);
      continue;
    }
    ASSIGN_OR_RETURN(const int64_t outside, catalog->RowsOutside({receiver.divisions().begin(),
                                                                  receiver.divisions().end()}));
    response->set_outside_rows_held(response->outside_rows_held() + outside);
  }
  return absl::OkStatus();
}

}  // namespace huiliu::service
