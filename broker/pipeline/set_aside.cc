#include "broker/pipeline/set_aside.h"

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "broker/pipeline/envelope_bytes.h"
#include "core/base/status.h"
#include "core/schema/record_check.h"

namespace huiliu::pipeline {
namespace {

using absl::StrCat;

constexpr absl::Duration kWarnEvery = absl::Seconds(1);

Offset OffsetOf(const StoredBatch& batch, int i) {
  return batch.offsets.empty() ? Offset(batch.first_offset.value() + i)
                               : batch.offsets[static_cast<size_t>(i)];
}

// The key behind the system's id; empty where it does not begin with that.
absl::string_view KeyWithin(absl::string_view system, absl::string_view key) {
  if (system.empty() || key.size() <= system.size() + 1 || !absl::StartsWith(key, system) ||
      key[system.size()] != '\0')
    return "";
  return key.substr(system.size() + 1);
}

// What remains of a batch of which some records are not ours.
StoredBatch Without(const StoredBatch& batch, const RecordBatchView& view,
                    const std::vector<bool>& ours) {
  StoredBatch out;
  out.from = batch.from;
  out.first_offset = batch.first_offset;
  out.next = batch.next;
  out.appended = batch.appended;
  out.append_known = batch.append_known;
  RecordBatchBuilder kept;
  view.ForEach([&](int i, const RecordView& record) {
    if (!ours[static_cast<size_t>(i)]) return;
    out.offsets.push_back(OffsetOf(batch, i));
    if (record.tombstone) {
      kept.AddTombstone(record.key, record.header);
    } else {
      kept.Add(record.key, record.header, record.value);
    }
  });
  out.records = kept.count();
  out.bytes = kept.Finish();
  return out;
}

}  // namespace

void SetAside::Add(const TopicPartition& from, Offset offset, absl::string_view why) {
  const std::string place =
      StrCat(from.topic, "/", from.partition.value(), " @ ", offset.value(), ": ", why);
  {
    absl::MutexLock lock(&mutex_);
    Offset& counted = counted_.try_emplace(from, Offset(0)).first->second;
    if (offset < counted) return;
    counted = Offset(offset.value() + 1);
    Seen& seen = seen_[from.topic];
    ++seen.messages;
    seen.newest = place;
    const absl::Time now = absl::Now();
    absl::Time& warned = warned_.try_emplace(from.topic, absl::InfinitePast()).first->second;
    if (now - warned < kWarnEvery) return;
    warned = now;
  }
  if (warn_) warn_(StrCat("set aside, written by none of ours: ", place));
}

std::map<std::string, SetAside::Seen> SetAside::seen() const {
  absl::MutexLock lock(&mutex_);
  return seen_;
}

void SetAside::Note(const std::string& topic, const std::string& text) {
  {
    absl::MutexLock lock(&mutex_);
    if (text.empty()) notes_.erase(topic);
    if (text.empty()) return;
    std::string& note = notes_[topic];
    if (note == text) return;
    note = text;
  }
  if (warn_) warn_(text);
}

std::string SetAside::Notice() const {
  std::string text;
  {
    absl::MutexLock lock(&mutex_);
    for (const auto& [topic, note] : notes_) absl::StrAppend(&text, note, "\n");
  }
  for (const auto& [topic, seen] : this->seen()) {
    absl::StrAppend(
        &text, "主题 ", topic, " 中有 ", seen.messages,
        " 条非本系统写入的消息，已搁置，不影响运行；查明写入者并收紧 Kafka ACL / topic ", topic,
        " holds ", seen.messages,
        " messages that none of ours wrote; they are set aside and stop nothing: find "
        "who writes them and tighten Kafka's ACLs (newest: ",
        seen.newest, ")\n");
  }
  return text;
}

std::string WhyNotReturned(const schema::Contract& contract, const RecordView& record) {
  if (record.header.empty()) return "no envelope";
  const absl::StatusOr<EnvelopeGlance> glance = GlanceAt(record.header);
  if (!glance.ok()) return "its envelope cannot be read";
  const absl::string_view key = KeyWithin(glance->system, record.key);
  if (key.empty()) return "its key does not begin with the system of its envelope";
  if (record.tombstone) return "";
  if (!schema::CheckRecord(contract, record.value).ok())
    return StrCat("its value is no message of dataset ", contract.id().value());
  const absl::StatusOr<std::string> own = contract.KeyOf(record.value);
  if (!own.ok() || absl::string_view(*own) != key) return "its key is not that of its value";
  return "";
}

absl::Status Sift(const Verdict& why_not, SetAside* set_aside, StoredBatch* batch) {
  ASSIGN_OR_RETURN(const RecordBatchView view, RecordBatchView::Parse(batch->bytes));
  std::vector<bool> ours;
  bool all = true;
  view.ForEach([&](int i, const RecordView& record) {
    const std::string why = why_not(record);
    ours.push_back(why.empty());
    if (why.empty()) return;
    all = false;
    if (set_aside != nullptr) set_aside->Add(batch->from, OffsetOf(*batch, i), why);
  });
  if (!all) *batch = Without(*batch, view, ours);
  return absl::OkStatus();
}

absl::Status Sift(const Verdict& why_not, SetAside* set_aside, std::vector<StoredBatch>* batches) {
  for (StoredBatch& batch : *batches) RETURN_IF_ERROR(Sift(why_not, set_aside, &batch));
  return absl::OkStatus();
}

}  // namespace huiliu::pipeline
