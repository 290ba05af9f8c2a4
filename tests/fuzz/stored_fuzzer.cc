// What is read back from disk or the log, over any bytes: refused, or the same after it was written
// again.
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "broker/backbone/embedded/batch_value.h"
#include "broker/backbone/embedded/state_keys.h"
#include "core/model/record_batch.h"
#include "core/rules/return_engine.h"
#include "tests/fuzz/fuzz.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace huiliu {
namespace {

void CheckRecordBatch(absl::string_view bytes) {
  const auto view = RecordBatchView::Parse(bytes);
  if (!view.ok()) {
    FUZZ_CHECK(view.status().code() == absl::StatusCode::kDataLoss);
    return;
  }
  RecordBatchBuilder builder;
  int count = 0;
  view->ForEach([&](int i, const RecordView& record) {
    FUZZ_CHECK(i == count++);
    for (absl::string_view part : {record.key, record.header, record.value}) {
      FUZZ_CHECK(part.empty() || (part.data() >= bytes.data() &&
                                  part.data() + part.size() <= bytes.data() + bytes.size()));
    }
    if (record.tombstone) return builder.AddTombstone(record.key, record.header);
    builder.Add(record.key, record.header, record.value);
  });
  FUZZ_CHECK(count == view->count());
  const std::string written = builder.Finish();
  const auto again = RecordBatchView::Parse(written);
  FUZZ_CHECK(again.ok() && again->count() == count);
}

// With the checksum that the bytes would have: else nothing gets behind it.
void CheckRecordBatchBody(absl::string_view body) {
  std::string bytes = absl::StrCat("\xB7\x01", "1234", body);
  const auto sum = static_cast<uint32_t>(XXH3_64bits(body.data(), body.size()));
  for (size_t i = 0; i < 4; ++i) bytes[2 + i] = static_cast<char>(sum >> (8 * i));
  CheckRecordBatch(bytes);
}

void CheckHead(absl::string_view bytes) {
  using namespace huiliu::embedded;  // NOLINT
  for (int64_t first : {int64_t{0}, int64_t{7}, int64_t{1} << 60}) {
    const auto head = ParseHead(bytes, Offset(first));
    if (!head.ok()) continue;
    FUZZ_CHECK(head->records > 0 && head->next.value() > first);
    int64_t last = first - 1;
    for (Offset offset : head->offsets) {
      FUZZ_CHECK(offset.value() > last && offset < head->next);
      last = offset.value();
    }
    std::string written;
    AppendHead(*head, Offset(first), &written);
    const auto again = ParseHead(written, Offset(first));
    FUZZ_CHECK(again.ok() && again->next == head->next && again->offsets == head->offsets);
    FUZZ_CHECK(again->records == head->records && again->bytes == head->bytes);
    FUZZ_CHECK(again->appended == head->appended);
  }
}

void CheckState(absl::string_view text) {
  using namespace huiliu::embedded;  // NOLINT
  const auto kept = DecodeKept(text);
  if (kept.ok()) {
    const auto again = DecodeKept(EncodeKept(*kept));
    FUZZ_CHECK(again.ok() && again->earliest == kept->earliest && again->cleaned == kept->cleaned);
  }
  uint32_t id = 0, id_again = 0;
  TopicSpec spec, spec_again;
  if (!DecodeSpec(text, &id, &spec).ok()) return;
  const std::string written = EncodeSpec(id, spec);
  FUZZ_CHECK(DecodeSpec(written, &id_again, &spec_again).ok() && id == id_again);
  FUZZ_CHECK_SAY(EncodeSpec(id_again, spec_again) == written, written);
  FUZZ_CHECK(spec.partitions == spec_again.partitions && spec.retention == spec_again.retention);
  FUZZ_CHECK(spec.keep_unread_of == spec_again.keep_unread_of);
}

void CheckDecision(absl::string_view bytes) {
  const auto decision = rules::DecodeDecision(bytes);
  if (!decision.ok()) return;
  const std::string written = rules::EncodeDecision(*decision);
  const auto again = rules::DecodeDecision(written);
  FUZZ_CHECK(again.ok() && rules::EncodeDecision(*again) == written);
  FUZZ_CHECK(again->row_id == decision->row_id && again->holders == decision->holders);
  FUZZ_CHECK(again->outcomes == decision->outcomes && again->seen == decision->seen);
  FUZZ_CHECK(again->source_time_us == decision->source_time_us);
  FUZZ_CHECK(again->counted_day == decision->counted_day && again->deleted == decision->deleted);
  FUZZ_CHECK(again->division == decision->division);
}

}  // namespace
}  // namespace huiliu

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const absl::string_view bytes = huiliu::fuzz::AsText(data, size);
  huiliu::CheckRecordBatch(bytes);
  huiliu::CheckRecordBatchBody(bytes);
  huiliu::CheckHead(bytes);
  huiliu::CheckState(bytes);
  huiliu::CheckDecision(bytes);
  return 0;
}
