// Parts of texts, by code point.
#include <gtest/gtest.h>

#include "core/cel/functions.h"

namespace huiliu::cel {
namespace {

class TextPartTest : public testing::Test {
 protected:
  Value Call(absl::string_view name, std::vector<Value> args) {
    return FindFunction(name)(frame_, args.data(), args.size());
  }
  std::string Text(absl::string_view name, std::vector<Value> args) {
    const Value value = Call(name, std::move(args));
    return value.kind == ValueKind::kString ? std::string(value.text()) : "no text";
  }
  int64_t Number(absl::string_view name, std::vector<Value> args) {
    const Value value = Call(name, std::move(args));
    return value.kind == ValueKind::kInt ? value.integer : -99;
  }
  std::string List(absl::string_view name, std::vector<Value> args) {
    const Value value = Call(name, std::move(args));
    if (value.kind != ValueKind::kList) return "no list";
    std::string text;
    for (size_t i = 0; i < value.size; ++i) text += "[" + std::string(value.items[i].text()) + "]";
    return text;
  }
  Frame frame_;
};

TEST_F(TextPartTest, PlacesAreCodePoints) {
  EXPECT_EQ(Text("charAt", {String("昆明市"), Int(1)}), "明");
  EXPECT_EQ(Text("charAt", {String("昆明市"), Int(3)}), "");
  EXPECT_TRUE(Call("charAt", {String("昆明市"), Int(4)}).is_error());
  EXPECT_TRUE(Call("charAt", {String("昆明市"), Int(-1)}).is_error());
  EXPECT_EQ(Text("substring", {String("昆明市五华区"), Int(3)}), "五华区");
  EXPECT_EQ(Text("substring", {String("昆明市五华区"), Int(0), Int(2)}), "昆明");
  EXPECT_TRUE(Call("substring", {String("昆明"), Int(2), Int(1)}).is_error());
  EXPECT_TRUE(Call("substring", {String("\xff"), Int(1)}).is_error());
}

TEST_F(TextPartTest, TextsAreFoundFromBothEnds) {
  EXPECT_EQ(Number("indexOf", {String("ta©o©αT"), String("©")}), 2);
  EXPECT_EQ(Number("indexOf", {String("ta©o©αT"), String("©"), Int(3)}), 4);
  EXPECT_EQ(Number("indexOf", {String("abc"), String("")}), 0);
  EXPECT_EQ(Number("indexOf", {String("abc"), String("d")}), -1);
  EXPECT_EQ(Number("lastIndexOf", {String("bananananana"), String("nana"), Int(7)}), 6);
  EXPECT_EQ(Number("lastIndexOf", {String("abc"), String("")}), 3);
  EXPECT_TRUE(Call("indexOf", {String("abc"), String("a"), Int(4)}).is_error());
}

TEST_F(TextPartTest, TextsAreDividedAndJoined) {
  EXPECT_EQ(List("split", {String("a,b,,c"), String(",")}), "[a][b][][c]");
  EXPECT_EQ(List("split", {String("a,b,c"), String(","), Int(2)}), "[a][b,c]");
  EXPECT_EQ(List("split", {String("昆明"), String("")}), "[昆][明]");
  EXPECT_EQ(List("split", {String("a,b"), String(","), Int(0)}), "");
  EXPECT_EQ(List("split", {String(""), String(",")}), "[]");
  const Value parts = Call("split", {String("a,b"), String(",")});
  EXPECT_EQ(Text("join", {parts, String("、")}), "a、b");
  EXPECT_EQ(Text("join", {parts}), "ab");
}

TEST_F(TextPartTest, TextsAreReplaced) {
  EXPECT_EQ(Text("replace", {String("{0} 天 {0}"), String("{0}"), String("2")}), "2 天 2");
  EXPECT_EQ(Text("replace", {String("aaa"), String("a"), String("b"), Int(2)}), "bba");
  EXPECT_EQ(Text("replace", {String("aaa"), String("a"), String("b"), Int(0)}), "aaa");
  EXPECT_EQ(Text("replace", {String("aaa"), String("a"), String(""), Int(99)}), "");
  EXPECT_EQ(Text("replace", {String("abc"), String(""), String("x")}), "xaxbxcx");
  EXPECT_EQ(Text("replace", {String("abc"), String(""), String("x"), Int(2)}), "xaxbc");
  EXPECT_EQ(Text("replace", {String(""), String(""), String("x")}), "x");
}

// Too many parts are too much memory, whatever the text is.
TEST_F(TextPartTest, ResultsThatAreTooLargeSaySo) {
  const std::string many(300000, 'a');
  for (const char* by : {"", "a"}) {
    const Value split = Call("split", {String(many), String(by)});
    ASSERT_TRUE(split.is_error());
    EXPECT_EQ(split.text(), "the evaluation needs too much memory (计算占用内存过多)") << by;
    const Value replaced = Call("replace", {String(many), String(by), String("bb")});
    ASSERT_TRUE(replaced.is_error());
    EXPECT_EQ(replaced.text(), "the evaluation needs too much memory (计算占用内存过多)") << by;
  }
  EXPECT_EQ(Call("split", {String("\xff"), String("")}).text(),
            "the text is not UTF-8 (文本不是 UTF-8)");
}

TEST_F(TextPartTest, SpaceAndCase) {
  EXPECT_EQ(Text("trim", {String(" \t昆明\u3000\n")}), "昆明");
  EXPECT_EQ(Text("trim", {String("\u200b x")}), "\u200b x");
  EXPECT_EQ(Text("trim", {String("  ")}), "");
  EXPECT_EQ(Text("upperAscii", {String("aÆé昆")}), "AÆé昆");
  EXPECT_EQ(Text("lowerAscii", {String("ABÆ")}), "abÆ");
}

TEST_F(TextPartTest, OtherKindsAndNumbersOfArgumentsAreErrors) {
  EXPECT_TRUE(Call("charAt", {Int(42), Int(2)}).is_error());
  EXPECT_TRUE(Call("split", {String("a"), String("b"), Int(1), Int(1)}).is_error());
  EXPECT_TRUE(Call("join", {String("a")}).is_error());
  EXPECT_TRUE(Call("trim", {Null()}).is_error());
}

}  // namespace
}  // namespace huiliu::cel
