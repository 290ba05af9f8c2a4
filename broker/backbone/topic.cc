#include "broker/backbone/topic.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"

namespace huiliu {

absl::Status CheckTopicSpec(const TopicSpec& spec) {
  const bool good_name = !spec.name.empty() && spec.name.size() <= 249 && spec.name != "." &&
                         spec.name != ".." &&
                         std::all_of(spec.name.begin(), spec.name.end(), [](char c) {
                           return absl::ascii_isalnum(c) || c == '.' || c == '_' || c == '-';
                         });
  if (!good_name) {
    return absl::InvalidArgumentError(
        absl::StrCat("主题名须为 1 至 249 个字母、数字及 . _ - / topic \"", spec.name,
                     "\": 1 to 249 of a-z A-Z 0-9 . _ -"));
  }
  if (spec.partitions < 1 || spec.partitions > 100000) {
    return absl::InvalidArgumentError(absl::StrCat("主题 ", spec.name,
                                                   " 的分区数须在 1 至 100000 之间 / topic ",
                                                   spec.name, ": partitions must be 1 to 100000"));
  }
  if (spec.retention <= absl::ZeroDuration()) {
    return absl::InvalidArgumentError(absl::StrCat("主题 ", spec.name, " 的保留时间须为正 / topic ",
                                                   spec.name, ": retention must be positive"));
  }
  return absl::OkStatus();
}

absl::Status CheckSameSettings(const TopicSpec& existing, const TopicSpec& wanted) {
  std::string differences;
  const auto differ = [&](absl::string_view name, const std::string& is,
                          const std::string& should) {
    if (is != should) {
      absl::StrAppend(&differences, differences.empty() ? "" : ", ", name, " is ", is,
                      " and should be ", should);
    }
  };
  differ("partitions", absl::StrCat(existing.partitions), absl::StrCat(wanted.partitions));
  const auto cleanup = [](Cleanup c) {
    return std::string(c == Cleanup::kCompact ? "compact" : "retention");
  };
  differ("cleanup", cleanup(existing.cleanup), cleanup(wanted.cleanup));
  differ("retention", absl::FormatDuration(existing.retention),
         absl::FormatDuration(wanted.retention));
  differ("retention_bytes", absl::StrCat(existing.retention_bytes),
         absl::StrCat(wanted.retention_bytes));
  differ("tombstone_retention", absl::FormatDuration(existing.tombstone_retention),
         absl::FormatDuration(wanted.tombstone_retention));
  if (differences.empty()) return absl::OkStatus();
  return absl::FailedPreconditionError(
      absl::StrCat("主题 ", wanted.name, " 已存在，但设置与配置不符，请修改其一 / topic ",
                   wanted.name, " exists with other settings: ", differences));
}

absl::Status CheckAppend(const Append& append) {
  const auto refuse = [&](absl::string_view why) {
    return absl::InvalidArgumentError(absl::StrCat("append to ", append.to.topic, ": ", why));
  };
  if (append.records <= 0 || append.batch.empty()) return refuse("a batch has at least one record");
  const auto view = RecordBatchView::Parse(append.batch);
  if (!view.ok()) return refuse(view.status().message());
  if (view->count() != append.records) {
    return refuse(absl::StrCat("the batch has ", view->count(), " records, not ", append.records));
  }
  return absl::OkStatus();
}

}  // namespace huiliu
