#include "broker/http/connect_codec.h"

#include <google/protobuf/util/json_util.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "absl/strings/str_cat.h"

namespace huiliu::http {
namespace {

struct CodeRow {
  absl::StatusCode code;
  const char* name;
  int http;
};

// connectrpc.com/docs/protocol, "Error codes".
constexpr CodeRow kCodes[] = {
    {absl::StatusCode::kCancelled, "canceled", 499},
    {absl::StatusCode::kUnknown, "unknown", 500},
    {absl::StatusCode::kInvalidArgument, "invalid_argument", 400},
    {absl::StatusCode::kDeadlineExceeded, "deadline_exceeded", 504},
    {absl::StatusCode::kNotFound, "not_found", 404},
    {absl::StatusCode::kAlreadyExists, "already_exists", 409},
    {absl::StatusCode::kPermissionDenied, "permission_denied", 403},
    {absl::StatusCode::kResourceExhausted, "resource_exhausted", 429},
    {absl::StatusCode::kFailedPrecondition, "failed_precondition", 400},
    {absl::StatusCode::kAborted, "aborted", 409},
    {absl::StatusCode::kOutOfRange, "out_of_range", 400},
    {absl::StatusCode::kUnimplemented, "unimplemented", 501},
    {absl::StatusCode::kInternal, "internal", 500},
    {absl::StatusCode::kUnavailable, "unavailable", 503},
    {absl::StatusCode::kDataLoss, "data_loss", 500},
    {absl::StatusCode::kUnauthenticated, "unauthenticated", 401},
};

const CodeRow& RowOf(absl::StatusCode code) {
  for (const CodeRow& row : kCodes) {
    if (row.code == code) return row;
  }
  return kCodes[1];
}

nlohmann::json ErrorObject(const absl::Status& status) {
  return {{"code", RowOf(status.code()).name}, {"message", std::string(status.message())}};
}

std::string Dump(const nlohmann::json& json) {
  return json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

std::string Envelope(char flags, absl::string_view json) {
  std::string out(1, flags);
  for (int shift = 24; shift >= 0; shift -= 8)
    out.push_back(static_cast<char>(json.size() >> shift));
  absl::StrAppend(&out, json);
  return out;
}

// Where a text that is no JSON goes wrong; "" where it is JSON.
std::string SyntaxError(absl::string_view json) {
  const nlohmann::json::parser_callback_t no_values = [](int, nlohmann::json::parse_event_t,
                                                         nlohmann::json&) { return false; };
  try {
    [[maybe_unused]] const auto parsed = nlohmann::json::parse(json.begin(), json.end(), no_values);
    return "";
  } catch (const nlohmann::json::parse_error& e) {
    const absl::string_view before = json.substr(0, e.byte == 0 ? 0 : e.byte - 1);
    const size_t line_begin = before.rfind('\n') + 1;  // npos + 1 is 0
    const auto line = std::count(before.begin(), before.end(), '\n') + 1;
    return absl::StrCat(e.byte > json.size() ? "it ends too early, at line " : "no JSON at line ",
                        line, ", column ", before.size() - line_begin + 1);
  } catch (const nlohmann::json::out_of_range&) {
    return "a number is too large";
  }
}

// protobuf's own words repeat what stands in the body, which may be a person's number.
std::string WhatIsWrong(absl::string_view json, absl::string_view protobuf) {
  std::string syntax = SyntaxError(json);
  if (!syntax.empty()) return syntax;
  std::string first_line(protobuf.substr(0, protobuf.find('\n')));
  constexpr absl::string_view kValue = "invalid value ";
  const size_t value = first_line.find(kValue.data());
  const size_t type = first_line.rfind(" for type");
  if (value != std::string::npos && type != std::string::npos && type > value) {
    const size_t begin = value + kValue.size();
    first_line.replace(begin - 1, type - begin + 1, "");
  }
  std::string out;
  bool quoted = false;
  for (const char c : first_line) {
    if (c == '"') {
      out += quoted ? "…\"" : "\"";
      quoted = !quoted;
    } else if (!quoted) {
      out += c;
    }
  }
  return out;
}

}  // namespace

absl::string_view ConnectCode(absl::StatusCode code) { return RowOf(code).name; }
int HttpStatusOf(absl::StatusCode code) { return RowOf(code).http; }
std::string ErrorJson(const absl::Status& status) { return Dump(ErrorObject(status)); }

absl::StatusOr<std::string> ToJson(const google::protobuf::Message& message) {
  google::protobuf::util::JsonPrintOptions options;
  options.preserve_proto_field_names = true;
  std::string json;
  const auto status = google::protobuf::util::MessageToJsonString(message, &json, options);
  if (!status.ok()) return absl::InternalError("the answer cannot be written as JSON");
  return json;
}

absl::Status FromJson(absl::string_view json, google::protobuf::Message* message) {
  google::protobuf::util::JsonParseOptions options;
  const auto status = google::protobuf::util::JsonStringToMessage(
      google::protobuf::StringPiece(json.data(), json.size()), message, options);
  if (status.ok()) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("请求的 JSON 有误 / the JSON body is no ", message->GetDescriptor()->full_name(),
                   ": ", WhatIsWrong(json, {status.message().data(), status.message().size()})));
}

std::string StreamMessage(absl::string_view json) { return Envelope(0, json); }

std::string StreamEnd(const absl::Status& status) {
  nlohmann::json end = nlohmann::json::object();
  if (!status.ok()) end["error"] = ErrorObject(status);
  return Envelope(2, Dump(end));
}

absl::StatusOr<std::string> StreamRequestJson(absl::string_view body, bool enveloped) {
  if (!enveloped) return std::string(body);
  if (body.size() < 5)
    return absl::InvalidArgumentError(
        "connect+json 的请求以五字节信封开头 / a connect+json body begins with a five-byte "
        "envelope");
  if (body[0] != 0)
    return absl::UnimplementedError("不接受压缩的请求 / compressed request messages are not taken");
  size_t size = 0;
  for (int i = 1; i < 5; ++i)
    size = (size << 8) | static_cast<uint8_t>(body[static_cast<size_t>(i)]);
  if (size != body.size() - 5)
    return absl::InvalidArgumentError(
        "信封写明的长度与请求不符 / the envelope's length does not fit the body");
  return std::string(body.substr(5));
}

}  // namespace huiliu::http
