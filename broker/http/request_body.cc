#include "broker/http/request_body.h"

#include <optional>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"

namespace huiliu::http {
namespace {

bool Chunked(const httplib::Request& request) {
  return absl::EqualsIgnoreCase(request.get_header_value("Transfer-Encoding"), "chunked");
}

// The declared length; nullopt: chunked. Neither header means that there is no body.
absl::StatusOr<std::optional<uint64_t>> Declared(const httplib::Request& request) {
  if (request.has_header("Transfer-Encoding")) {
    if (Chunked(request)) return std::optional<uint64_t>();
    return absl::InvalidArgumentError(
        "Transfer-Encoding 只能是 chunked 或不写 / the Transfer-Encoding is chunked, or there is "
        "none");
  }
  if (!request.has_header("Content-Length")) return std::optional<uint64_t>(0);
  uint64_t length = 0;
  if (!absl::SimpleAtoi(request.get_header_value("Content-Length"), &length))
    return absl::InvalidArgumentError("Content-Length 不是数字 / the Content-Length is no number");
  return std::optional<uint64_t>(length);
}

absl::Status PlainBytes(const httplib::Request& request) {
  const size_t times = request.get_header_value_count("Content-Encoding");
  for (size_t i = 0; i < times; ++i) {
    const std::string encoding = request.get_header_value("Content-Encoding", i);
    if (absl::EqualsIgnoreCase(absl::StripAsciiWhitespace(encoding), "identity")) continue;
    return absl::UnimplementedError(
        "请求体不得压缩，请去掉 Content-Encoding / a compressed body is not taken; send it as it "
        "is, without Content-Encoding");
  }
  return absl::OkStatus();
}

absl::Status TooLarge(size_t max_bytes) {
  return absl::ResourceExhaustedError(
      absl::StrCat("请求体超过 ", max_bytes, " 字节，请分多次调用 / the body is larger than the ",
                   max_bytes, " bytes that this node takes; ask for less in one call"));
}

}  // namespace

absl::StatusOr<std::string> ReadBody(const httplib::Request& request,
                                     const httplib::ContentReader& reader,
                                     const BodyBounds& bounds) {
  const absl::Status plain = PlainBytes(request);
  if (!plain.ok()) return plain;
  const auto declared = Declared(request);
  if (!declared.ok()) return declared.status();
  std::string body;
  if (*declared == 0) return body;
  if (declared->value_or(0) > bounds.max_bytes) return TooLarge(bounds.max_bytes);
  const absl::Time deadline = absl::Now() + bounds.patience;
  absl::Status bad;
  const bool whole = reader([&](const char* data, size_t size) {
    if (size > bounds.max_bytes - body.size()) {
      bad = TooLarge(bounds.max_bytes);
    } else if (absl::Now() > deadline) {
      bad = absl::DeadlineExceededError(
          "请求体传输过慢 / the body comes too slowly; send it again on a faster line, or in "
          "parts");
    } else {
      body.append(data, size);
    }
    return bad.ok();
  });
  if (!bad.ok()) return bad;
  if (!whole) return absl::InvalidArgumentError("请求体不完整 / the body ends before its end");
  return body;
}

bool DiscardBody(const httplib::Request& request, const httplib::ContentReader& reader,
                 const BodyBounds& bounds) {
  const auto declared = Declared(request);
  // httplib takes a multipart body apart, for which there must be receivers of the parts.
  if (!declared.ok() || request.is_multipart_form_data()) return false;
  if (*declared == 0) return true;
  if (declared->value_or(0) > bounds.max_bytes) return false;
  const absl::Time deadline = absl::Now() + bounds.patience;
  size_t discarded = 0;
  return reader([&](const char*, size_t size) {
    discarded += size;
    return discarded <= bounds.max_bytes && absl::Now() <= deadline;
  });
}

void CloseBehind(const std::string& content, const char* type, httplib::Response& response) {
  response.body.clear();
  response.set_header("Connection", "close");
  // A provider that fails is what makes httplib give the connection up.
  response.set_content_provider(content.size(), type,
                                [content](size_t offset, size_t length, httplib::DataSink& sink) {
                                  sink.write(content.data() + offset, length);
                                  return false;
                                });
}

}  // namespace huiliu::http
