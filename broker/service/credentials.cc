#include "broker/service/credentials.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "core/base/digest.h"

namespace huiliu::service {

std::optional<governance::Principal> FindByAuthorization(const governance::State& state,
                                                         absl::string_view authorization) {
  constexpr absl::string_view kBearer = "bearer ", kBasic = "basic ";
  std::string basic;
  absl::string_view token;
  if (absl::StartsWithIgnoreCase(authorization, kBearer)) {
    token = absl::StripAsciiWhitespace(authorization.substr(kBearer.size()));
  } else if (absl::StartsWithIgnoreCase(authorization, kBasic) &&
             absl::Base64Unescape(absl::StripAsciiWhitespace(authorization.substr(kBasic.size())),
                                  &basic)) {
    const size_t colon = basic.find(':');
    if (colon != std::string::npos) token = absl::string_view(basic).substr(colon + 1);
  }
  if (token.empty()) return std::nullopt;
  return state.FindByToken(AsBytes(Sha256(token)));
}

std::optional<governance::Principal> FindByCertificatePem(const governance::State& state,
                                                          absl::string_view pem) {
  constexpr absl::string_view kBegin = "-----BEGIN CERTIFICATE-----";
  constexpr absl::string_view kEnd = "-----END CERTIFICATE-----";
  const size_t begin = pem.find(kBegin);
  const size_t end = pem.find(kEnd);
  if (begin == absl::string_view::npos || end == absl::string_view::npos || end < begin)
    return std::nullopt;
  std::string base64(pem.substr(begin + kBegin.size(), end - begin - kBegin.size()));
  base64.erase(std::remove_if(base64.begin(), base64.end(), absl::ascii_isspace), base64.end());
  std::string der;
  if (!absl::Base64Unescape(base64, &der)) return std::nullopt;
  return state.FindByCertificate(AsBytes(Sha256(der)));
}

}  // namespace huiliu::service
