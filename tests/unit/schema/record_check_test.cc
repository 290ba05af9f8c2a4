#include "core/schema/record_check.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/schema/record_writer.h"

namespace huiliu::schema {
namespace {

using testing::HasSubstr;

constexpr char kSource[] = R"(syntax = "proto3";
package t;
import "google/protobuf/timestamp.proto";
import "huiliu/v1/dataset.proto";
message Row {
  option (huiliu.v1.dataset) = {id: "row" title: "行"};
  message Part { string text = 1; Part part = 2; }
  string id = 1 [(huiliu.v1.data) = {title: "编号" key: true}];
  int64 n = 2 [(huiliu.v1.data) = {title: "数"}];
  google.protobuf.Timestamp at = 3 [(huiliu.v1.data) = {title: "时间"}];
  repeated int64 list = 4 [(huiliu.v1.data) = {title: "列"}];
  Part part = 5 [(huiliu.v1.data) = {title: "部分"}];
  double d = 6 [(huiliu.v1.data) = {title: "额"}];
})";

class RecordCheckTest : public testing::Test {
 protected:
  std::string ErrorOf(absl::string_view bytes) {
    const absl::Status status = CheckRecord(*contract_, bytes);
    // Who passes the check can be read by everyone.
    if (status.ok()) {
      EXPECT_TRUE(RecordToJson(*contract_, bytes).ok());
    } else {
      EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss);
    }
    return std::string(status.message());
  }
  const std::shared_ptr<const Contract> contract_ = *Contract::Parse("row.proto", kSource);
};

TEST_F(RecordCheckTest, ARecordAsItIsWrittenPasses) {
  const auto record = RecordFromJson(
      *contract_, R"({"id":"甲","n":"-5","at":"2026-01-02T03:04:05.5Z","list":["1","300"],
                      "part":{"text":"乙","part":{"text":"丙"}},"d":0.1})");
  ASSERT_TRUE(record.ok()) << record.status();
  EXPECT_EQ(ErrorOf(*record), "");
  EXPECT_EQ(ErrorOf(""), "");
  EXPECT_EQ(ErrorOf(*record + "\x20\x07"), "") << "a list's value that stands alone";
  EXPECT_EQ(ErrorOf("\x7A\x02\xFF\xFE"), "") << "a field that the contract does not know";
}

TEST_F(RecordCheckTest, WhatOneReaderWouldStumbleOverIsNamed) {
  EXPECT_THAT(ErrorOf("\x0A\x05x"), HasSubstr("torn"));
  EXPECT_THAT(ErrorOf("\x0A\x02\xD5\xC5"), HasSubstr("field id: its text is not UTF-8"));
  EXPECT_THAT(ErrorOf("\x08\x05"), HasSubstr("field id: its bytes"));
  EXPECT_THAT(ErrorOf("\x12\x01\x05"), HasSubstr("field n: its bytes"));
  EXPECT_THAT(ErrorOf("\x30\x01"), HasSubstr("field d: its bytes"));
  EXPECT_THAT(ErrorOf("\x1A\x01\x08"), HasSubstr("field at: it is no time"));
  EXPECT_THAT(ErrorOf("\x1A\x02\x10\x81"), HasSubstr("field at: it is no time"));
  EXPECT_THAT(ErrorOf("\x22\x01\x80"), HasSubstr("field list: its bytes"));
  EXPECT_THAT(ErrorOf("\x2A\x02\x0A\x05"), HasSubstr("torn"));
  EXPECT_THAT(ErrorOf("\x2A\x03\x0A\x01\xFF"), HasSubstr("field text: its text is not UTF-8"));
}

TEST_F(RecordCheckTest, MessagesInOneAnotherEnd) {
  std::string part = "\x0A\x01x";
  for (int i = 0; i < 40; ++i)
    part = "\x12" + std::string(1, static_cast<char>(part.size())) + part;
  EXPECT_EQ(ErrorOf("\x2A" + std::string(1, static_cast<char>(part.size())) + part), "");
  std::string deep;
  for (int i = 0; i < 60; ++i)
    deep = "\x12" + std::string(1, static_cast<char>(deep.size())) + deep;
  EXPECT_THAT(ErrorOf("\x2A" + std::string(1, static_cast<char>(deep.size())) + deep),
              HasSubstr("too deep"));
}

}  // namespace
}  // namespace huiliu::schema
