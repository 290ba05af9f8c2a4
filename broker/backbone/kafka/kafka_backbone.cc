#include "broker/backbone/kafka/kafka_backbone.h"

#include "absl/strings/str_cat.h"
#include "broker/backbone/kafka/kafka_writer.h"
#include "broker/backbone/kafka/tail.h"
#include "broker/backbone/kafka/topic_settings.h"
#include "core/base/status.h"

namespace huiliu {
namespace kafka {
namespace {

class OnKafka : public KafkaBackbone {
 public:
  explicit OnKafka(std::unique_ptr<Cluster> cluster)
      : cluster_(std::move(cluster)),
        positions_(
            *cluster_, kPositionsTopic, cluster_->options().position_partitions,
            Isolation::kCommitted,
            [this](const RecordView& record) { return WhyNotStored(cluster_->options(), record); }),
        writers_(*cluster_, kWritersTopic, 1, Isolation::kAll, &WhyNotClaim),
        tail_(*cluster_) {}

  absl::Status Start() {
    TopicSpec spec;
    spec.cleanup = Cleanup::kCompact;
    spec.name = kPositionsTopic;
    spec.partitions = cluster_->options().position_partitions;
    RETURN_IF_ERROR(cluster_->EnsureTopic(spec));
    spec.name = kWritersTopic;
    spec.partitions = 1;
    RETURN_IF_ERROR(cluster_->EnsureTopic(spec));
    ASSIGN_OR_RETURN(claims_, PlainProducer::Open(*cluster_));
    return absl::OkStatus();
  }

  absl::Status EnsureTopic(const TopicSpec& spec) override {
    if (IsInternal(spec.name)) {
      return absl::InvalidArgumentError(absl::StrCat(
          "topic ", spec.name,
          "：以 _ 开头的主题名留给系统自用 / names with _ first are the backbone's own"));
    }
    return cluster_->EnsureTopic(spec);
  }
  absl::StatusOr<std::vector<TopicSpec>> ListTopics() override { return cluster_->ListTopics(); }

  absl::StatusOr<std::unique_ptr<BackboneWriter>> OpenWriter(absl::string_view id) override {
    ASSIGN_OR_RETURN(
        auto writer,
        KafkaWriter::Open({*cluster_, members_, positions_, writers_, *claims_}, std::string(id)));
    return std::unique_ptr<BackboneWriter>(std::move(writer));
  }

  // Without the claim to the id that OpenWriter makes.
  absl::Status EndOpenTransaction(absl::string_view id) override {
    return Producer::Open(*cluster_, cluster_->client().Named(id)).status();
  }

  absl::StatusOr<std::unique_ptr<BackboneReader>> OpenReader(ReaderOptions options) override {
    ASSIGN_OR_RETURN(auto reader, KafkaReader::Open(*cluster_, &members_, std::move(options)));
    return std::unique_ptr<BackboneReader>(std::move(reader));
  }

  absl::StatusOr<PartitionBounds> Bounds(const TopicPartition& tp) override {
    return tail_.BoundsOf(tp);
  }

  absl::StatusOr<std::optional<Offset>> CommittedOffset(absl::string_view group,
                                                        const TopicPartition& tp) override {
    RETURN_IF_ERROR(cluster_->CheckPartition(tp));
    std::map<TopicPartition, int64_t> offsets;
    ASSIGN_OR_RETURN(offsets, cluster_->CommittedOffsets(group, {tp}));
    const auto it = offsets.find(tp);
    if (it == offsets.end()) return std::optional<Offset>();
    return std::optional<Offset>(Offset(it->second));
  }

  absl::StatusOr<std::optional<std::string>> Position(absl::string_view key) override {
    return positions_.Get(PositionKey(key));
  }

 private:
  const std::unique_ptr<Cluster> cluster_;
  GroupMembers members_;
  KeyTable positions_;
  KeyTable writers_;
  Tail tail_;
  std::unique_ptr<PlainProducer> claims_;
};

}  // namespace
}  // namespace kafka

absl::Status KafkaBackbone::Reach(KafkaOptions options) {
  return kafka::Cluster::Open(std::move(options)).status();
}

absl::StatusOr<std::unique_ptr<KafkaBackbone>> KafkaBackbone::Open(KafkaOptions options) {
  ASSIGN_OR_RETURN(auto cluster, kafka::Cluster::Open(std::move(options)));
  auto backbone = std::make_unique<kafka::OnKafka>(std::move(cluster));
  RETURN_IF_ERROR(backbone->Start());
  return std::unique_ptr<KafkaBackbone>(std::move(backbone));
}

}  // namespace huiliu
