#include "core/text/csv.h"

#include <gtest/gtest.h>

namespace huiliu::text {
namespace {

using Result = CsvSplitter::Result;

std::vector<std::vector<std::string>> All(absl::string_view input, bool strict,
                                          std::vector<std::string>* errors) {
  CsvOptions options;
  options.strict = strict;
  options.max_record_bytes = 100;
  CsvSplitter splitter(input, options, 1, true);
  CsvRecord record;
  std::vector<std::vector<std::string>> rows;
  while (splitter.Next(&record) == Result::kRecord) {
    if (record.error != nullptr) {
      errors->push_back(std::string(record.error) + "@" + std::to_string(record.error_line) + ":" +
                        std::to_string(record.error_column));
      continue;
    }
    rows.emplace_back();
    for (absl::string_view f : record.fields) rows.back().emplace_back(f);
  }
  return rows;
}

using Rows = std::vector<std::vector<std::string>>;

TEST(CsvTest, QuotesNewlinesAndEmptyFields) {
  std::vector<std::string> errors;
  EXPECT_EQ(All("a,\"b,\"\"c\"\"\",\r\n\"x\ny\",,z\n\n", true, &errors),
            (Rows{{"a", "b,\"c\"", ""}, {"x\ny", "", "z"}, {""}}));
  EXPECT_TRUE(errors.empty());
}

TEST(CsvTest, LastLineNeedsNoEnd) {
  std::vector<std::string> errors;
  EXPECT_EQ(All("a,b", true, &errors), (Rows{{"a", "b"}}));
  EXPECT_EQ(All("a,", true, &errors), (Rows{{"a", ""}}));
}

TEST(CsvTest, StrictRefusesWhatRfc4180DoesNotHave) {
  std::vector<std::string> errors;
  All("a\"b,c\n", true, &errors);
  All("\"a\"b,c\n", true, &errors);
  All("x\n\"a,c\n", true, &errors);
  EXPECT_EQ(errors,
            (std::vector<std::string>{"csv.quote@1:2", "csv.quote@1:4", "csv.unterminated@2:1"}));
}

TEST(CsvTest, TolerantLosesOnlyTheBadLine) {
  std::vector<std::string> errors;
  EXPECT_EQ(All("a,b\n\"x\"y,1\nc,d\n5\" pipe,e\n", false, &errors),
            (Rows{{"a", "b"}, {"c", "d"}, {"5\" pipe", "e"}}));
  EXPECT_EQ(errors, (std::vector<std::string>{"csv.quote@2:4"}));
}

TEST(CsvTest, AHugeRecordIsAnErrorAndTheRestGoesOn) {
  std::vector<std::string> errors;
  EXPECT_EQ(All("a,b\n" + std::string(500, 'x') + ",1\nc,d\n", false, &errors),
            (Rows{{"a", "b"}, {"c", "d"}}));
  EXPECT_EQ(errors, (std::vector<std::string>{"csv.too_long@2:1"}));
}

TEST(CsvTest, TornInputAsksForMore) {
  for (absl::string_view torn : {"a,b", "a,\"b", "a,\"b\"", "a,b\r", ""}) {
    CsvSplitter splitter(torn, {}, 1, false);
    CsvRecord record;
    EXPECT_EQ(splitter.Next(&record), Result::kMore) << torn;
    EXPECT_EQ(splitter.offset(), 0U);
  }
}

}  // namespace
}  // namespace huiliu::text
