#include "core/text/terminal_table.h"

#include <gtest/gtest.h>

#include "core/text/printable_lines.h"

namespace huiliu::text {
namespace {

TEST(DisplayWidthTest, ChineseTakesTwoPlacesAndCombiningMarksNone) {
  EXPECT_EQ(DisplayWidth("abc"), 3u);
  EXPECT_EQ(DisplayWidth("昆明"), 4u);
  EXPECT_EQ(DisplayWidth("（一）"), 6u);
  EXPECT_EQ(DisplayWidth("𠮷"), 2u);
  EXPECT_EQ(DisplayWidth("e\xCC\x81"), 1u);
}

TEST(DisplayWidthTest, BytesThatAreNoUtf8CountOneEach) {
  EXPECT_EQ(DisplayWidth("\xFF\xFE"), 2u);
  EXPECT_EQ(DisplayWidth(absl::string_view("a\0b", 3)), 3u);
}

TEST(PrintableTest, LinesStayWhereTheyAreWanted) {
  EXPECT_EQ(PrintableLines("a\x1B\n\nb\u2066\r\n"), "a \n\nb    \n");
  EXPECT_EQ(PrintableLines(""), "");
}

TEST(PrintableTest, ControlsCannotDrawOnTheTerminal) {
  EXPECT_EQ(Printable("a\x1B[31mb\n"), "a [31mb ");
  EXPECT_EQ(Printable("a\xC2\x9B"
                      "31m"),
            "a  31m");
  EXPECT_EQ(Printable("张\xC2\xB7三"), "张\xC2\xB7三");
  // Right to left, and back; a line separator.
  EXPECT_EQ(Printable("a\u202Ecb\u202C张\u2028"), "a   cb   张   ");
}

TEST(TableTest, ColumnsAlignByDisplayWidthAndNumbersToTheRight) {
  Table table({"名称", "rows"});
  table.Add({"五华区", "7"});
  table.Add({"ab", "1200"});
  EXPECT_EQ(table.Render(),
            "名称    rows\n"
            "五华区     7\n"
            "ab      1200\n");
}

TEST(TableTest, WhatDoesNotFitIsCountedNotCutSilently) {
  Table table({"aaaa", "bbbb", "cccc"});
  table.Add({"1a", "2b", "3c"});
  size_t hidden = 0;
  EXPECT_EQ(table.Render(10, &hidden), "aaaa  bbbb\n1a    2b\n");
  EXPECT_EQ(hidden, 1u);
  EXPECT_EQ(table.Render(3, &hidden), "aaaa\n1a\n") << "one column always stays";
  EXPECT_EQ(hidden, 2u);
}

}  // namespace
}  // namespace huiliu::text
