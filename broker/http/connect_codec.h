// Connect's words: error codes, their HTTP statuses, JSON bodies and stream envelopes.
#ifndef HUILIU_BROKER_HTTP_CONNECT_CODEC_H_
#define HUILIU_BROKER_HTTP_CONNECT_CODEC_H_

#include <google/protobuf/message.h>

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace huiliu::http {

// "not_found" …
absl::string_view ConnectCode(absl::StatusCode code);
int HttpStatusOf(absl::StatusCode code);
// {"code":"not_found","message":"…"}
std::string ErrorJson(const absl::Status& status);

// protobuf's JSON mapping, field names as in the .proto file, default values left out.
absl::StatusOr<std::string> ToJson(const google::protobuf::Message& message);
// INVALID_ARGUMENT names the field, or line and column, and repeats no value; both lowerCamelCase
// and proto names are taken.
absl::Status FromJson(absl::string_view json, google::protobuf::Message* message);

// A stream message: flags (1), length (4, big endian), JSON. The last one has flag 2 and {} or
// {"error":…}.
std::string StreamMessage(absl::string_view json);
std::string StreamEnd(const absl::Status& status);
// Takes the one request message of a server stream; also a bare JSON body.
absl::StatusOr<std::string> StreamRequestJson(absl::string_view body, bool enveloped);

}  // namespace huiliu::http

#endif  // HUILIU_BROKER_HTTP_CONNECT_CODEC_H_
