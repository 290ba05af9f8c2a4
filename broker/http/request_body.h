// A request's body, read within bounds: httplib bounds only what Content-Length declares, neither a
// chunked body nor what a compressed one becomes.
#ifndef HUILIU_BROKER_HTTP_REQUEST_BODY_H_
#define HUILIU_BROKER_HTTP_REQUEST_BODY_H_

#include <httplib.h>

#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace huiliu::http {

struct BodyBounds {
  size_t max_bytes = 0;
  absl::Duration patience;  // from the first byte to the last
};

// RESOURCE_EXHAUSTED: it is larger; UNIMPLEMENTED: it is compressed or otherwise encoded;
// DEADLINE_EXCEEDED: it did not come in time; INVALID_ARGUMENT: no body of HTTP/1.1. After all but
// the last the rest of it may still be on its way.
absl::StatusOr<std::string> ReadBody(const httplib::Request& request,
                                     const httplib::ContentReader& reader,
                                     const BodyBounds& bounds);

// Takes away a body that nobody wants, so that the answer finds a client that listens. Whether all
// of it came within the bounds; if not the connection can serve no further request.
bool DiscardBody(const httplib::Request& request, const httplib::ContentReader& reader,
                 const BodyBounds& bounds);

// Ends the connection behind this answer.
void CloseBehind(const std::string& content, const char* type, httplib::Response& response);

}  // namespace huiliu::http

#endif  // HUILIU_BROKER_HTTP_REQUEST_BODY_H_
