#include "core/text/csv.h"

#include <gtest/gtest.h>

#include <random>

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

// Else the rows behind it would hang on how a file was cut into blocks.
TEST(CsvTest, ARecordThatIsTooLongCostsOneLineHoweverTheInputIsCut) {
  CsvOptions options;
  options.max_record_bytes = 8;
  const auto first = [&](absl::string_view input, bool at_end) {
    CsvSplitter splitter(input, options, 1, at_end);
    CsvRecord record;
    EXPECT_EQ(splitter.Next(&record), Result::kRecord);
    return std::string(record.error == nullptr ? "" : record.error) + "@" +
           std::to_string(record.error_line) + ":" + std::to_string(record.error_column) + " " +
           std::to_string(record.size);
  };
  const std::pair<const char*, const char*> cases[] = {
      {"\"1\n2\n3\",\"4\",5\n6\n7\n", "csv.too_long@3:4 3"},
      {"\"1\n2\n3\n4\n5\",6\n7\n8\n9\n", "csv.too_long@1:1 3"},
      {"1,\"2\n3\n45\"6\n7\n8\n9\n", "csv.too_long@1:3 5"},
      {"1,\"2\n34\",\"5\"6\n7\n8\n9\n", "csv.too_long@1:1 5"}};
  for (const auto& [input, expected] : cases) {
    EXPECT_EQ(first(input, true), expected) << input;
    for (size_t block = 9; block <= 12; ++block)
      EXPECT_EQ(first(absl::string_view(input).substr(0, block), false), expected)
          << input << block;
  }
}

TEST(CsvTest, TornInputAsksForMore) {
  for (absl::string_view torn : {"a,b", "a,\"b", "a,\"b\"", "a,b\r", ""}) {
    CsvSplitter splitter(torn, {}, 1, false);
    CsvRecord record;
    EXPECT_EQ(splitter.Next(&record), Result::kMore) << torn;
    EXPECT_EQ(splitter.offset(), 0U);
  }
}

TEST(CsvTest, EveryLineEndCountsOnce) {
  CsvSplitter splitter("a\rb\r\n\"x\ry\r\nz\"\nc\"\rd", {}, 1, true);
  CsvRecord record;
  std::vector<int64_t> lines;
  while (splitter.Next(&record) == Result::kRecord) lines.push_back(record.line);
  EXPECT_EQ(lines, (std::vector<int64_t>{1, 2, 3, 6, 7}));
}

TEST(CsvTest, ABadRecordOfACarriageReturnFileCostsOneLine) {
  std::vector<std::string> errors;
  EXPECT_EQ(All("a,b\r\"x\"y,1\rc,d\r", false, &errors), (Rows{{"a", "b"}, {"c", "d"}}));
  EXPECT_EQ(errors, (std::vector<std::string>{"csv.quote@2:4"}));
}

TEST(CsvTest, AQuoteThatNeverClosesCostsItsLine) {
  std::vector<std::string> errors;
  EXPECT_EQ(All("a\n\"b\nc\nd", false, &errors), (Rows{{"a"}, {"c"}, {"d"}}));
  EXPECT_EQ(All("a\n\"b\n" + std::string(200, 'x') + "\nd", false, &errors), (Rows{{"a"}, {"d"}}));
  EXPECT_EQ(errors, (std::vector<std::string>{"csv.unterminated@2:1", "csv.too_long@2:1",
                                              "csv.too_long@3:1"}));
}

TEST(CsvTest, ManyFieldsWithDoubledQuotesStayApart) {
  std::string line;
  std::vector<std::string> expected;
  for (int i = 0; i < 200; ++i) {
    line += (i == 0 ? "" : ",") + std::string("\"\"\"") + std::to_string(i) + "\"\"\"";
    expected.push_back("\"" + std::to_string(i) + "\"");
  }
  CsvSplitter splitter(line, {}, 1, true);
  CsvRecord record;
  ASSERT_EQ(splitter.Next(&record), Result::kRecord);
  EXPECT_EQ(std::vector<std::string>(record.fields.begin(), record.fields.end()), expected);
}

TEST(CsvTest, ADelimiterInsideACharacterIsNone) {
  CsvOptions options;
  options.delimiter = '|';
  options.multibyte = true;
  // 0x8B7C is one character, 0x8130 0x8131 too; a torn one does not swallow the line end.
  CsvSplitter splitter("\x8b\x7c|b\n\x81\x30\x81\x31|\x81\n", options, 1, true);
  CsvRecord record;
  ASSERT_EQ(splitter.Next(&record), Result::kRecord);
  EXPECT_EQ(record.fields, (std::vector<absl::string_view>{"\x8b\x7c", "b"}));
  ASSERT_EQ(splitter.Next(&record), Result::kRecord);
  EXPECT_EQ(record.fields, (std::vector<absl::string_view>{"\x81\x30\x81\x31", "\x81"}));
}

// Every record as text, errors with their place; `cut` splits the input into two buffers.
std::vector<std::string> Records(absl::string_view input, size_t cut, const CsvOptions& options) {
  std::vector<std::string> out;
  CsvRecord record;
  size_t offset = 0;
  int64_t line = 1;
  for (const bool last : {false, true}) {
    CsvSplitter splitter(input.substr(offset, last ? input.size() : cut - offset), options, line,
                         last);
    while (splitter.Next(&record) == Result::kRecord) {
      std::string& text = out.emplace_back(std::to_string(record.line));
      if (record.error != nullptr) {
        text += std::string("!") + record.error + "@" + std::to_string(record.error_line) + ":" +
                std::to_string(record.error_column);
        continue;
      }
      for (absl::string_view field : record.fields) text += "|" + std::string(field);
    }
    offset += splitter.offset();
    line = splitter.line();
  }
  EXPECT_EQ(offset, input.size());
  return out;
}

// A buffer that is cut anywhere gives the same records, errors and lines as one that is whole.
TEST(CsvTest, AnyCutGivesTheSameRecords) {
  std::vector<std::string> inputs = {
      "a,\"b\"\"c\",\r\n\"x\r\ny\",,z\n\nq\"r,5\n\"bad\"x,1\nlast,\"1\""};
  const unsigned seed = std::random_device()();
  std::printf("seed %u\n", seed);
  std::mt19937 random(seed);
  for (int i = 0; i < 400; ++i) {
    std::string& input = inputs.emplace_back();
    for (unsigned n = random() % 40; n > 0; --n) input += "a,\"\n\r|\x81\x30"[random() % 8];
  }
  for (const std::string& input : inputs) {
    for (const bool strict : {false, true}) {
      CsvOptions options;
      options.strict = strict;
      options.delimiter = strict ? ',' : '|';
      options.multibyte = !strict;
      const auto whole = Records(input, 0, options);
      for (size_t cut = 1; cut <= input.size(); ++cut)
        EXPECT_EQ(Records(input, cut, options), whole) << input << " cut at " << cut;
    }
  }
}

}  // namespace
}  // namespace huiliu::text
