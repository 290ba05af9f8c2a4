#include "broker/server/lone_node.h"

#include "absl/strings/str_cat.h"
#include "broker/cluster/cluster.h"
#include "core/base/status.h"

namespace huiliu::server {
namespace {

using absl::StrCat;

constexpr char kLone[] = "node";

// Says of a node that another one fenced what that means for people.
class LoneWriter : public BackboneWriter {
 public:
  LoneWriter(const Config& config, std::unique_ptr<BackboneWriter> writer)
      : config_(config), writer_(std::move(writer)) {}

  absl::StatusOr<CommitResult> Commit(Transaction transaction) override {
    absl::StatusOr<CommitResult> result = writer_->Commit(std::move(transaction));
    if (!absl::IsAborted(result.status())) return result;
    return absl::AbortedError(StrCat(
        "另一个 huiliud 已接管 Kafka ", config_.kafka.bootstrap, " 上的前缀 ", config_.kafka.prefix,
        "，本节点不再写入，也不再答复查询：停掉其中一个，或为各节点配置 "
        "cluster / another huiliud has taken the prefix ",
        config_.kafka.prefix, " at ", config_.kafka.bootstrap,
        ", this node writes no more and answers no reads: stop one "
        "of the two, or give all nodes a `cluster` (",
        result.status().message(), ")"));
  }

 private:
  const Config config_;
  const std::unique_ptr<BackboneWriter> writer_;
};

absl::Status RefuseWhereAClusterIs(const Config& config, Backbone& backbone) {
  ASSIGN_OR_RETURN(const std::optional<std::string> keys,
                   backbone.Position(cluster::Cluster::kKeysPosition));
  if (!keys.has_value()) return absl::OkStatus();
  return absl::FailedPreconditionError(
      StrCat("Kafka ", config.kafka.bootstrap, " 上前缀 ", config.kafka.prefix,
             " 已由多节点集群使用：请为本节点配置 cluster，或改用另一 kafka.prefix / the prefix ",
             config.kafka.prefix, " at ", config.kafka.bootstrap,
             " is a cluster's: give this node a `cluster`, or another kafka.prefix"));
}

}  // namespace

absl::StatusOr<std::unique_ptr<BackboneWriter>> OpenNodeWriter(const Config& config,
                                                               Backbone& backbone) {
  if (config.cluster.enabled()) {
    const absl::Status fencing = backbone.OpenWriter(kLone).status();
    // Another node of the cluster that starts just now: it fences the lone one as well.
    if (!absl::IsAborted(fencing)) RETURN_IF_ERROR(Annotate(fencing, "fencing a lone node"));
    return backbone.OpenWriter(StrCat("node/", config.node));
  }
  RETURN_IF_ERROR(RefuseWhereAClusterIs(config, backbone));
  ASSIGN_OR_RETURN(std::unique_ptr<BackboneWriter> writer, backbone.OpenWriter(kLone));
  // A cluster may have begun meanwhile: it fences what was opened before.
  RETURN_IF_ERROR(RefuseWhereAClusterIs(config, backbone));
  return std::unique_ptr<BackboneWriter>(std::make_unique<LoneWriter>(config, std::move(writer)));
}

}  // namespace huiliu::server
