#include "core/base/addresses.h"

#include <arpa/inet.h>
#include <netdb.h>

#include <memory>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "core/base/status.h"

namespace huiliu {
namespace {

// IPv4, as text: gRPC takes a list of one family only.
absl::StatusOr<std::string> Resolve(absl::string_view address) {
  const size_t colon = address.rfind(':');
  if (colon == absl::string_view::npos || colon == 0 || colon + 1 == address.size() ||
      absl::StartsWith(address, "unix:")) {
    return absl::InvalidArgumentError(absl::StrCat(
        "\"", address, "\" is not host:port (多个地址以逗号分隔，每个均为 主机:端口)"));
  }
  const std::string host(address.substr(0, colon));
  addrinfo hints{};
  hints.ai_family = AF_INET;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  const int error = getaddrinfo(host.c_str(), nullptr, &hints, &found);
  const std::unique_ptr<addrinfo, decltype(&freeaddrinfo)> owned(found, &freeaddrinfo);
  if (error != 0 || found == nullptr) {
    return absl::UnavailableError(absl::StrCat("域名解析不了 / the name ", host,
                                               " cannot be resolved: ", gai_strerror(error)));
  }
  char text[INET_ADDRSTRLEN] = {};
  inet_ntop(AF_INET, &reinterpret_cast<const sockaddr_in*>(found->ai_addr)->sin_addr, text,
            sizeof(text));
  return absl::StrCat(text, address.substr(colon));
}

}  // namespace

bool IsList(absl::string_view addresses) { return absl::StrContains(addresses, ","); }

absl::StatusOr<std::string> GrpcTarget(absl::string_view addresses) {
  if (!IsList(addresses)) return std::string(addresses);
  std::string target = "ipv4:";
  const char* separator = "";
  for (const absl::string_view address : absl::StrSplit(addresses, ',')) {
    ASSIGN_OR_RETURN(const std::string resolved, Resolve(absl::StripAsciiWhitespace(address)));
    absl::StrAppend(&target, separator, resolved);
    separator = ",";
  }
  return target;
}

}  // namespace huiliu
