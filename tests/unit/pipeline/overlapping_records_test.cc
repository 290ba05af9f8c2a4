#include "broker/pipeline/overlapping_records.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/pipeline/node_fixture.h"

namespace huiliu::pipeline {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

class OverlappingRecordsTest : public testing::Test {
 protected:
  NodeFixture node_;  // its source src is decided at the node
  std::vector<std::string> warned_;
  OverlappingRecords overlaps_{node_.state, node_.clock(),
                               [this](const std::string& text) { warned_.push_back(text); }};
};

TEST_F(OverlappingRecordsTest, APairIsCountedShownAndLoggedOnceInAWhile) {
  EXPECT_EQ(overlaps_.Notice(), "");
  overlaps_.Add({"person", "db", "file"}, 3);
  overlaps_.Add({"person", "db", "file"}, 2);
  overlaps_.Add({"person", "file", "db"}, 1);
  EXPECT_EQ(overlaps_.seen().at({"person", "db", "file"}), 5);
  EXPECT_THAT(warned_, SizeIs(2));
  EXPECT_THAT(overlaps_.Notice(),
              AllOf(HasSubstr("数据源 db 覆盖了同一系统数据源 file 的 5 条记录"),
                    HasSubstr("source file wrote over 1 records of source db"),
                    HasSubstr("last 2026-01-01T00:00:00Z")));
  node_.clock().Advance(OverlappingRecords::kWarnEvery);
  overlaps_.Add({"person", "db", "file"}, 1);
  EXPECT_THAT(warned_, SizeIs(3));
}

TEST_F(OverlappingRecordsTest, WhatIsLongPastIsOnlyCounted) {
  overlaps_.Add({"person", "db", "file"}, 3);
  node_.clock().Advance(OverlappingRecords::kNoticeFor + absl::Seconds(1));
  EXPECT_EQ(overlaps_.Notice(), "");
  EXPECT_THAT(overlaps_.seen(), SizeIs(1));
}

TEST_F(OverlappingRecordsTest, SourcesThatTheNodeDecidesShareWhatIsRemembered) {
  node_.AddSource("other");
  overlaps_.Add({"person", "other", "src"}, 3);
  EXPECT_THAT(overlaps_.seen(), IsEmpty());
  EXPECT_THAT(warned_, IsEmpty());
  overlaps_.Add({"person", "edge", "src"}, 3);
  EXPECT_THAT(overlaps_.seen(), SizeIs(1)) << "an agent knows nothing of what the node decided";
}

}  // namespace
}  // namespace huiliu::pipeline
