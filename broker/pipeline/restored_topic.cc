#include "broker/pipeline/restored_topic.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "broker/pipeline/republish.h"
#include "core/base/status.h"

namespace huiliu::pipeline {
namespace {

using absl::StrCat;

constexpr char kWayOutChinese[] =
    "：核对回流对账单与目录行数；缺少的行，使该数据集规则集的新版本生效并让数源重读，即重新判定并回"
    "流";
constexpr char kWayOut[] =
    ": compare the balance with the catalog's rows; where rows are missing, put a new version of "
    "the "
    "dataset's rule set in force and have its sources read again, which decides and returns anew";

absl::Status Restoring(const std::string& topic, int64_t rows) {
  return absl::DataLossError(
      StrCat("主题 ", topic, " 被删除或被他人重建，目录仍保有 ", rows,
             " 行，正在据此重新发布；请查明是谁删除了主题 / topic ", topic,
             " was deleted or made anew by others; the catalog keeps its ", rows,
             " rows and they are being published again: find out who deleted it"));
}

}  // namespace

void RestoredTopic::NoteLost(const std::string& topic, int64_t lost) {
  if (lost == 0) return;
  parts_.notes.Note(
      topic,
      StrCat("主题 ", topic, " 曾被删除，至多 ", lost, " 条已回流记录既不在主题中也不在目录中",
             kWayOutChinese, " / topic ", topic, " was deleted, and at most ", lost,
             " records that had been returned are neither in it nor in the catalog", kWayOut));
}

absl::StatusOr<PartitionBounds> RestoredTopic::BoundsOf(const TopicSpec& spec,
                                                        const TopicPartition& tp) {
  absl::StatusOr<PartitionBounds> bounds = parts_.backbone.Bounds(tp);
  if (!absl::IsNotFound(bounds.status()) || parts_.writer == nullptr) return bounds;
  RETURN_IF_ERROR(parts_.backbone.EnsureTopic(spec));
  return parts_.backbone.Bounds(tp);
}

absl::StatusOr<RestoredTopic::Look> RestoredTopic::LookAt(const schema::Contract& contract,
                                                          uint64_t generation) {
  const TopicSpec spec = ReturnedTopicSpec(parts_.receiver, contract.id().value(), parts_.topics);
  Look look;
  ASSIGN_OR_RETURN(
      look.standing,
      LoadStanding(parts_.backbone, ReturnedStandingKey(parts_.receiver, contract.id().value())));
  look.gone = look.standing.restoring;
  // A catalog of another generation says nothing of this one's offsets.
  const bool same = generation == look.standing.generation;
  for (int32_t p = 0; p < spec.partitions; ++p) {
    const TopicPartition tp{spec.name, Partition(p)};
    ASSIGN_OR_RETURN(const PartitionBounds bounds, BoundsOf(spec, tp));
    Offset in_catalog(0);
    if (same) {
      ASSIGN_OR_RETURN(in_catalog, parts_.catalog.AppliedOffset(contract.id(), tp));
    }
    const auto once = look.standing.applied.find(p);
    const Offset applied = once == look.standing.applied.end() ? Offset(0) : once->second;
    look.gone = look.gone || bounds.log_end < std::max(applied, in_catalog);
    look.lost += std::max<int64_t>(0, applied.value() - in_catalog.value());
  }
  return look;
}

absl::StatusOr<ReturnedStanding> RestoredTopic::Restore(const schema::Contract& contract,
                                                        Look look) {
  const std::string topic = ReturnedTopic(parts_.receiver, contract.id().value());
  const std::string key = ReturnedStandingKey(parts_.receiver, contract.id().value());
  ASSIGN_OR_RETURN(const int64_t rows, parts_.catalog.Rows(contract.id()));
  parts_.report(Restoring(topic, rows));
  ReturnedStanding& standing = look.standing;
  if (!standing.restoring) {
    standing.restoring = true;
    ++standing.generation;
    standing.lost += look.lost;
    Transaction begin;
    begin.positions.push_back({key, Encode(standing)});
    RETURN_IF_ERROR(parts_.writer->Commit(std::move(begin)).status());
  }
  RETURN_IF_ERROR(Republish(contract, topic, parts_.topics.partitions, parts_.catalog,
                            parts_.backbone, *parts_.writer)
                      .status());
  RETURN_IF_ERROR(parts_.catalog.Rewind(contract.id(), standing.generation));
  standing.restoring = false;
  standing.applied.clear();
  Transaction end;
  end.positions.push_back({key, Encode(standing)});
  for (int32_t p = 0; p < parts_.topics.partitions; ++p) {
    end.consumed.push_back({CatalogGroup(parts_.receiver), {topic, Partition(p)}, Offset(0)});
  }
  RETURN_IF_ERROR(parts_.writer->Commit(std::move(end)).status());
  parts_.notes.Note(
      topic, StrCat("主题 ", topic, " 曾被删除，已据目录重新发布 ", rows,
                    " 行；删除时尚未进入目录的记录不在其中", kWayOutChinese, " / topic ", topic,
                    " was deleted and made again from the catalog's ", rows,
                    " rows; what was in it and had not reached the catalog is not", kWayOut));
  NoteLost(topic, standing.lost);
  parts_.report(absl::OkStatus());
  return standing;
}

absl::Status RestoredTopic::CheckStill(const TopicPartition& tp, const PartitionBounds& bounds,
                                       Offset applied) {
  if (bounds.log_end >= applied) return absl::OkStatus();
  return absl::DataLossError(StrCat("主题 ", tp.topic, " 被删除后重建 / topic ", tp.topic,
                                    " was deleted and made anew: it ends at ",
                                    bounds.log_end.value(), ", below ", applied.value()));
}

absl::StatusOr<ReturnedStanding> RestoredTopic::Check(const schema::Contract& contract) {
  ASSIGN_OR_RETURN(const uint64_t generation, parts_.catalog.Generation(contract.id()));
  ASSIGN_OR_RETURN(Look look, LookAt(contract, generation));
  const std::string topic = ReturnedTopic(parts_.receiver, contract.id().value());
  if (look.gone && parts_.writer == nullptr) {
    return absl::UnavailableError(
        StrCat("topic ", topic, " was deleted; the catalog's owner is restoring it"));
  }
  if (look.gone) return Restore(contract, std::move(look));
  NoteLost(topic, look.standing.lost);
  ASSIGN_OR_RETURN(const int64_t rows, parts_.catalog.Rows(contract.id()));
  if (generation != look.standing.generation && rows == 0)
    RETURN_IF_ERROR(parts_.catalog.Rewind(contract.id(), look.standing.generation));
  return look.standing;
}

}  // namespace huiliu::pipeline
