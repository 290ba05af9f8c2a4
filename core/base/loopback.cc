#include "core/base/loopback.h"

#include <arpa/inet.h>

#include <string>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"

namespace huiliu {

bool IsLoopback(absl::string_view address) {
  // Of several, each.
  const size_t comma = address.find(',');
  if (comma != absl::string_view::npos)
    return IsLoopback(address.substr(0, comma)) &&
           IsLoopback(absl::StripAsciiWhitespace(address.substr(comma + 1)));
  if (absl::StartsWith(address, "unix:")) return true;
  const std::string host(address.substr(0, address.rfind(':')));
  in_addr ipv4{};
  if (inet_pton(AF_INET, host.c_str(), &ipv4) == 1) return absl::StartsWith(host, "127.");
  return host == "localhost" || host == "[::1]";
}

}  // namespace huiliu
