// Of a call that was refused before anything was done: whatever it is, it may be made again. The
// mark travels as google.rpc.RetryInfo in the status's details (google/rpc/error_details.proto),
// which clients of gRPC know, and as Retry-After over HTTP.
#ifndef HUILIU_CORE_BASE_RETRY_INFO_H_
#define HUILIU_CORE_BASE_RETRY_INFO_H_

#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/cord.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

namespace huiliu {

inline constexpr absl::string_view kRetryInfo = "type.googleapis.com/google.rpc.RetryInfo";

// `status` is UNAVAILABLE, and nothing was done.
inline absl::Status MayBeAskedAgain(absl::Status status) {
  // RetryInfo{retry_delay: Duration{seconds: 1}}
  if (absl::IsUnavailable(status)) status.SetPayload(kRetryInfo, absl::Cord("\x0a\x02\x08\x01"));
  return status;
}

inline bool IsToBeAskedAgain(const absl::Status& status) {
  return status.GetPayload(kRetryInfo).has_value();
}

// google.rpc.Status with the mark, for grpc-status-details-bin; empty: there is none.
inline std::string RetryDetails(const absl::Status& status) {
  const auto info = status.GetPayload(kRetryInfo);
  if (!info.has_value()) return "";
  const auto field = [](char tag, absl::string_view bytes) {
    return absl::StrCat(std::string(1, tag), std::string(1, static_cast<char>(bytes.size())),
                        bytes);
  };
  const std::string any = field('\x0a', kRetryInfo) + field('\x12', std::string(*info));
  const char code[] = {'\x08', static_cast<char>(status.code())};
  return std::string(code, sizeof(code)) + field('\x1a', any);
}

// A status that came with these details. Only our own nodes are asked, so the type's name tells.
inline absl::Status WithRetryDetails(absl::Status status, absl::string_view details) {
  return absl::StrContains(details, kRetryInfo) ? MayBeAskedAgain(std::move(status)) : status;
}

}  // namespace huiliu

#endif  // HUILIU_CORE_BASE_RETRY_INFO_H_
