// The unit in which records cross the backbone: opaque keys, headers and values in one blob.
// docs/formats/record-batch.md.
#ifndef HUILIU_CORE_MODEL_RECORD_BATCH_H_
#define HUILIU_CORE_MODEL_RECORD_BATCH_H_

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace huiliu {

// One record. Views into the batch that holds it.
struct RecordView {
  absl::string_view key;
  absl::string_view
      header;  // encoded huiliu.v1.Envelope, or what the topic keeps beside its values
  absl::string_view value;
  bool tombstone = false;  // no value: the key's latest state is "gone"
};

// (Add)* Finish. Reusable after Finish.
class RecordBatchBuilder {
 public:
  void Add(absl::string_view key, absl::string_view header, absl::string_view value);
  void AddTombstone(absl::string_view key, absl::string_view header);
  int count() const { return count_; }
  size_t bytes() const { return body_.size(); }
  // The encoded batch.
  std::string Finish();

 private:
  void Append(absl::string_view key, absl::string_view header, absl::string_view value,
              bool tombstone);
  std::string body_;
  int count_ = 0;
};

// Reads a batch in place. The bytes must outlive the view and every RecordView from it.
class RecordBatchView {
 public:
  // DATA_LOSS where lengths, count or checksum do not fit: no length is trusted.
  static absl::StatusOr<RecordBatchView> Parse(absl::string_view bytes);

  int count() const { return count_; }

  // Calls f(index, const RecordView&) for each record, in order.
  template <typename F>
  void ForEach(F&& f) const {
    absl::string_view rest = body_;
    for (int i = 0; i < count_; ++i) f(i, Next(rest));
  }

 private:
  RecordBatchView(absl::string_view body, int count) : body_(body), count_(count) {}
  static RecordView Next(absl::string_view& rest);
  absl::string_view body_;
  int count_;
};

}  // namespace huiliu

#endif  // HUILIU_CORE_MODEL_RECORD_BATCH_H_
