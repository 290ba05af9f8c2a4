#include "broker/backbone/kafka/lane.h"

#include "absl/strings/numbers.h"

namespace huiliu::kafka {
namespace {

// Records whose append is not known are cut into batches of this many.
constexpr int kLooseBatch = 1000;

// Of an append as we write it: a header that says more is none of ours. A batch that grows beyond
// the bytes, because what the header promised does not come, goes out as it is.
constexpr int32_t kMaxAppendRecords = 1 << 20;
constexpr size_t kMaxBatchBytes = size_t{64} << 20;

absl::string_view HeaderOf(rd_kafka_headers_t* headers, const char* name) {
  const void* value = nullptr;
  size_t size = 0;
  if (headers == nullptr || rd_kafka_header_get_last(headers, name, &value, &size) != 0) return "";
  return {static_cast<const char*>(value), size};
}

absl::string_view Bytes(const void* data, size_t size) {
  return data == nullptr ? absl::string_view("", 0)
                         : absl::string_view(static_cast<const char*>(data), size);
}

}  // namespace

void Lane::Restart(int64_t from) {
  next_ = from;
  read_ = end_ = -1;
  at_end_ = heard_ = false;
  partial_.reset();
  ready_.clear();
  ready_bytes_ = 0;
}

void Lane::Add(const rd_kafka_message_t& message) {
  heard_ = true;
  at_end_ = false;
  if (message.offset < next_ || message.offset < read_) return;  // before a seek
  rd_kafka_headers_t* headers = nullptr;
  rd_kafka_message_headers(&message, &headers);
  const absl::string_view begins = HeaderOf(headers, kBatchHeader);
  if (partial_.has_value()) {
    const bool loose = partial_->expected_last < 0;
    const bool ended =
        loose ? partial_->records.count() >= kLooseBatch : message.offset > partial_->expected_last;
    const bool full = ended || partial_->bytes >= kMaxBatchBytes;
    if (!begins.empty() || full) Finish();
  }
  if (!partial_.has_value()) {
    partial_.emplace();
    partial_->batch.from = tp_;
    partial_->batch.first_offset = Offset(message.offset);
    rd_kafka_timestamp_type_t type;
    partial_->batch.appended = absl::FromUnixMillis(rd_kafka_message_timestamp(&message, &type));
    int32_t count = 0;
    partial_->batch.append_known =
        absl::SimpleAtoi(begins, &count) && count > 0 && count <= kMaxAppendRecords;
    if (partial_->batch.append_known) partial_->expected_last = message.offset + count - 1;
  }
  OpenBatch& partial = *partial_;
  partial.gaps = partial.gaps ||
                 (!partial.offsets.empty() && partial.offsets.back().value() + 1 != message.offset);
  partial.offsets.push_back(Offset(message.offset));
  partial.bytes += message.len + message.key_len;
  const absl::string_view key = Bytes(message.key, message.key_len);
  const absl::string_view header = HeaderOf(headers, kEnvelopeHeader);
  if (message.payload == nullptr) {
    partial.records.AddTombstone(key, header);
  } else {
    const absl::string_view value = Bytes(message.payload, message.len);
    partial.records.Add(key, header, unframe_ == nullptr ? value : unframe_(value));
  }
  read_ = message.offset + 1;
  if (message.offset == partial.expected_last) Finish();
}

void Lane::ReachedEnd(int64_t offset) {
  heard_ = at_end_ = true;
  end_ = std::max(end_, offset);
  if (partial_.has_value()) Finish();
}

int64_t Lane::reached() const { return ready_.empty() ? std::max(next_, end_) : next_; }

void Lane::Finish() {
  OpenBatch& partial = *partial_;
  StoredBatch batch = std::move(partial.batch);
  batch.records = partial.records.count();
  batch.next = Offset(partial.offsets.back().value() + 1);
  batch.bytes = partial.records.Finish();
  if (partial.gaps) batch.offsets = std::move(partial.offsets);
  partial_.reset();
  ready_bytes_ += batch.bytes.size();
  ready_.push_back(std::move(batch));
}

StoredBatch Lane::Take() {
  StoredBatch batch = std::move(ready_.front());
  ready_.pop_front();
  ready_bytes_ -= batch.bytes.size();
  next_ = batch.next.value();
  return batch;
}

}  // namespace huiliu::kafka
