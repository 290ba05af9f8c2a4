#include "broker/http/connect_codec.h"

#include <gmock/gmock.h>
#include <google/protobuf/struct.pb.h>
#include <gtest/gtest.h>

#include "huiliu/v1/catalog.pb.h"

namespace huiliu::http {
namespace {

using absl::StatusCode;
using huiliu::v1::QueryRequest;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

std::string Refusal(absl::string_view json) {
  QueryRequest request;
  const absl::Status status = FromJson(json, &request);
  EXPECT_EQ(status.code(), StatusCode::kInvalidArgument) << json;
  return std::string(status.message());
}

TEST(ConnectCodecTest, EveryCodeHasItsNameAndHttpStatus) {
  // connectrpc.com/docs/protocol, "Error codes"; the message for people is kept as it is.
  EXPECT_EQ(ErrorJson(absl::NotFoundError("没有这一行")),
            R"({"code":"not_found","message":"没有这一行"})");
  EXPECT_EQ(HttpStatusOf(StatusCode::kUnauthenticated), 401);
  EXPECT_EQ(HttpStatusOf(StatusCode::kPermissionDenied), 403);
  EXPECT_EQ(HttpStatusOf(StatusCode::kFailedPrecondition), 400);
  EXPECT_EQ(HttpStatusOf(StatusCode::kUnavailable), 503);
  for (int code = 1; code <= 16; ++code) {
    const auto status = static_cast<StatusCode>(code);
    EXPECT_EQ(ConnectCode(status) == "unknown", status == StatusCode::kUnknown) << code;
    EXPECT_GE(HttpStatusOf(status), 400) << code;
  }
}

TEST(ConnectCodecTest, AMessageThatIsNoUtf8IsStillJson) {
  EXPECT_EQ(ErrorJson(absl::InvalidArgumentError("\xff")),
            "{\"code\":\"invalid_argument\",\"message\":\"\xEF\xBF\xBD\"}");
}

TEST(ConnectCodecTest, BothSpellingsOfAFieldAreTaken) {
  QueryRequest request;
  ASSERT_TRUE(FromJson(R"({"page_size": 3, "pageToken": "t"})", &request).ok());
  EXPECT_EQ(request.page_size(), 3);
  EXPECT_EQ(request.page_token(), "t");
}

TEST(ConnectCodecTest, ABadBodyIsSaidByItsPlace) {
  EXPECT_THAT(Refusal(R"({"context": {"receiver": "530100")"),
              HasSubstr("it ends too early, at line 1, column 34"));
  EXPECT_THAT(Refusal("{\n \"filter\": x}"), HasSubstr("no JSON at line 2, column 12"));
  EXPECT_THAT(Refusal(""), HasSubstr("line 1"));
  EXPECT_THAT(Refusal("{\"filter\": \"\xff\xfe\"}"), HasSubstr("no JSON at line 1, column"));
  EXPECT_THAT(Refusal(R"({"no_such_field": 1})"), HasSubstr("no_such_field"));
  EXPECT_THAT(Refusal(R"({"page_size": "many"})"), HasSubstr("page_size"));
  EXPECT_THAT(Refusal(R"({"page_size": 99999999999})"), HasSubstr("page_size"));
  EXPECT_THAT(Refusal(R"({"page_size": 5e535})"), HasSubstr("a number is too large"));
  EXPECT_THAT(Refusal("[]"), HasSubstr("huiliu.v1.QueryRequest"));
  EXPECT_THAT(Refusal(std::string(100'000, '[')), HasSubstr("QueryRequest"));
  EXPECT_THAT(Refusal(R"({"context": 5})"), HasSubstr("context"));
}

TEST(ConnectCodecTest, ARefusalRepeatsNoValue) {
  for (const char* body :
       {R"({"page_size": "530102199001011234"})", R"({"filter": "530102199001011234)",
        R"({"filter": 530102199001011234 x})", R"({"format": "530102199001011234"})",
        R"({"context": "530102199001011234"})", R"({"filter": ["530102199001011234"]})",
        R"({"page_size": 530102199001011234})"}) {
    EXPECT_THAT(Refusal(body), AllOf(Not(HasSubstr("530102")), HasSubstr("QueryRequest")));
  }
}

TEST(ConnectCodecTest, AStreamIsFramedMessagesAndAnEnd) {
  EXPECT_EQ(StreamMessage("{}"), std::string("\0\0\0\0\2{}", 7));
  const std::string long_message = StreamMessage(std::string(0x010203, ' '));
  EXPECT_EQ(long_message.substr(0, 5), std::string("\0\0\1\2\3", 5));
  EXPECT_EQ(StreamEnd(absl::OkStatus()), std::string("\2\0\0\0\2{}", 7));
  EXPECT_EQ(StreamEnd(absl::AbortedError("x")).substr(5),
            R"({"error":{"code":"aborted","message":"x"}})");
}

TEST(ConnectCodecTest, ARequestsEnvelopeIsChecked) {
  EXPECT_EQ(*StreamRequestJson("{}", false), "{}");
  EXPECT_EQ(*StreamRequestJson(StreamMessage("{}"), true), "{}");
  for (const std::string& torn :
       {std::string(), std::string("\0\0\0", 3), std::string("\0\0\0\0\3{}", 7),
        std::string("\0\xff\xff\xff\xff{}", 7), StreamMessage("{}") + StreamMessage("{}")}) {
    EXPECT_EQ(StreamRequestJson(torn, true).status().code(), StatusCode::kInvalidArgument);
  }
  EXPECT_EQ(StreamRequestJson(std::string("\1\0\0\0\2{}", 7), true).status().code(),
            StatusCode::kUnimplemented);
}

}  // namespace
}  // namespace huiliu::http
