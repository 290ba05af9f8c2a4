#include "tests/fakes/open_backbone.h"

#include "absl/strings/str_cat.h"
#include "core/base/status.h"

namespace huiliu {
namespace {

class Writer : public BackboneWriter {
 public:
  Writer(OpenBackbone& open, std::unique_ptr<BackboneWriter> inner)
      : open_(open), inner_(std::move(inner)) {}
  absl::StatusOr<CommitResult> Commit(Transaction transaction) override {
    for (Append& append : transaction.appends) {
      ASSIGN_OR_RETURN(append.to, open_.Inner(append.to));
    }
    for (ConsumedOffset& offset : transaction.consumed) {
      ASSIGN_OR_RETURN(offset.from, open_.Inner(offset.from));
    }
    return inner_->Commit(std::move(transaction));
  }

 private:
  OpenBackbone& open_;
  const std::unique_ptr<BackboneWriter> inner_;
};

class Reader : public BackboneReader {
 public:
  Reader(OpenBackbone& open, std::unique_ptr<BackboneReader> inner,
         std::vector<TopicPartition> assigned)
      : open_(open), inner_(std::move(inner)), assigned_(std::move(assigned)) {}
  absl::StatusOr<std::vector<StoredBatch>> Poll(absl::Duration timeout) override {
    for (const TopicPartition& tp : assigned_) {
      const absl::Status there = open_.Inner(tp).status();
      if (!there.ok() && open_.quiet()) return std::vector<StoredBatch>();
      RETURN_IF_ERROR(there);
    }
    ASSIGN_OR_RETURN(std::vector<StoredBatch> batches, inner_->Poll(timeout));
    for (StoredBatch& batch : batches) {
      batch.from.topic = OpenBackbone::Outer(batch.from.topic);
      batch.append_known = !open_.Intruded(batch.from, batch.first_offset);
    }
    return batches;
  }
  absl::Status Seek(const TopicPartition& tp, Offset next) override {
    ASSIGN_OR_RETURN(const TopicPartition inner, open_.Inner(tp));
    return inner_->Seek(inner, next);
  }
  std::vector<TopicPartition> Assignment() const override { return assigned_; }

 private:
  OpenBackbone& open_;
  const std::unique_ptr<BackboneReader> inner_;
  const std::vector<TopicPartition> assigned_;
};

}  // namespace

std::string OpenBackbone::InnerName(const std::string& topic) const {
  const auto it = deaths_.find(topic);
  return it == deaths_.end() ? topic : absl::StrCat(topic, "--", it->second);
}

absl::StatusOr<TopicPartition> OpenBackbone::Inner(const TopicPartition& tp) const {
  absl::MutexLock lock(&mutex_);
  if (gone_.contains(tp.topic))
    return absl::NotFoundError(absl::StrCat("topic ", tp.topic, " does not exist"));
  return TopicPartition{InnerName(tp.topic), tp.partition};
}

bool OpenBackbone::Intruded(const TopicPartition& tp, Offset offset) const {
  absl::MutexLock lock(&mutex_);
  return intruded_.contains({{InnerName(tp.topic), tp.partition}, offset});
}

void OpenBackbone::Delete(const std::string& topic) {
  absl::MutexLock lock(&mutex_);
  ++deaths_[topic];
  gone_.insert(topic);
}

absl::Status OpenBackbone::Intrude(const TopicPartition& to, absl::string_view key,
                                   absl::string_view value, absl::string_view header) {
  ASSIGN_OR_RETURN(const TopicPartition inner, Inner(to));
  RecordBatchBuilder batch;
  batch.Add(key, header, value);
  Transaction transaction;
  transaction.appends.push_back({inner, batch.Finish(), 1});
  ASSIGN_OR_RETURN(const auto writer, inner_.OpenWriter("an intruder"));
  ASSIGN_OR_RETURN(const CommitResult result, writer->Commit(std::move(transaction)));
  absl::MutexLock lock(&mutex_);
  intruded_.insert({inner, result.first_offsets[0]});
  return absl::OkStatus();
}

absl::Status OpenBackbone::EnsureTopic(const TopicSpec& spec) {
  absl::MutexLock lock(&mutex_);
  TopicSpec inner = spec;
  inner.name = InnerName(spec.name);
  RETURN_IF_ERROR(inner_.EnsureTopic(inner));
  gone_.erase(spec.name);
  return absl::OkStatus();
}

absl::StatusOr<std::unique_ptr<BackboneWriter>> OpenBackbone::OpenWriter(absl::string_view id) {
  ASSIGN_OR_RETURN(auto inner, inner_.OpenWriter(id));
  return std::unique_ptr<BackboneWriter>(std::make_unique<Writer>(*this, std::move(inner)));
}

absl::StatusOr<std::unique_ptr<BackboneReader>> OpenBackbone::OpenReader(ReaderOptions options) {
  const std::vector<TopicPartition> assigned = options.assigned;
  for (TopicPartition& tp : options.assigned) {
    ASSIGN_OR_RETURN(tp, Inner(tp));
  }
  ASSIGN_OR_RETURN(auto inner, inner_.OpenReader(std::move(options)));
  return std::unique_ptr<BackboneReader>(
      std::make_unique<Reader>(*this, std::move(inner), assigned));
}

absl::StatusOr<PartitionBounds> OpenBackbone::Bounds(const TopicPartition& tp) {
  ASSIGN_OR_RETURN(const TopicPartition inner, Inner(tp));
  return inner_.Bounds(inner);
}

absl::StatusOr<std::optional<Offset>> OpenBackbone::CommittedOffset(absl::string_view group,
                                                                    const TopicPartition& tp) {
  ASSIGN_OR_RETURN(const TopicPartition inner, Inner(tp));
  return inner_.CommittedOffset(group, inner);
}

}  // namespace huiliu
