// Reads and completes encoded envelopes without parsing them into messages.
#ifndef HUILIU_BROKER_PIPELINE_ENVELOPE_BYTES_H_
#define HUILIU_BROKER_PIPELINE_ENVELOPE_BYTES_H_

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace huiliu::pipeline {

// What intake checks of an envelope, and what a dry run asks of it. Views into it.
struct EnvelopeGlance {
  absl::string_view system;
  absl::string_view division;
  absl::string_view source;
  absl::string_view row_id;
  uint64_t operation = 0;
  int64_t source_time_us = 0;
  int64_t arrival_time_us = 0;
  uint64_t epoch = 0;
  uint64_t sequence = 0;
  uint64_t index = 0;
};

// DATA_LOSS where the bytes are no Envelope.
absl::StatusOr<EnvelopeGlance> GlanceAt(absl::string_view envelope);

// Appends counted_receivers, before AppendArrival.
void AppendCountedReceivers(uint32_t receivers, std::string* envelope);

// Appends arrival_time_us as the last field; protobuf's last-one-wins makes it the value.
void AppendArrival(int64_t arrival_time_us, std::string* envelope);

// The envelope as the agent sent it: without the field that AppendArrival added.
absl::string_view WithoutArrival(absl::string_view envelope);

// Whether a resolved six-digit division lies in one of a receiver's areas: province 53…, city
// 5301…, or the county itself.
bool InArea(absl::string_view area, absl::string_view division);

}  // namespace huiliu::pipeline

#endif  // HUILIU_BROKER_PIPELINE_ENVELOPE_BYTES_H_
