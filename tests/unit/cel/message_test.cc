// Messages as values: nested fields of records, message literals, well-known types, hostile bytes.
#include "core/cel/message.h"

#include <gtest/gtest.h>

#include "core/cel/expression.h"
#include "core/model/varint.h"
#include "tests/unit/cel/rows.h"

namespace huiliu::cel {
namespace {

constexpr char kSource[] = R"(syntax = "proto3";
package t;
import "huiliu/v1/dataset.proto";
import "google/protobuf/struct.proto";
import "google/protobuf/timestamp.proto";
import "google/protobuf/wrappers.proto";
enum Kind { KIND_UNSPECIFIED = 0; KIND_A = 1; }
message Place { string street = 1; int32 number = 2; Place inside = 3; double height = 4;
  oneof way { string road = 5; int64 rail = 6; } }
message Case {
  option (huiliu.v1.dataset) = {id: "case" title: "件"};
  string id = 1 [(huiliu.v1.data) = {title: "编号" key: true}];
  Place place = 2 [(huiliu.v1.data) = {title: "地"}];
  repeated Place stops = 3 [(huiliu.v1.data) = {title: "站"}];
  google.protobuf.Int64Value fee = 4 [(huiliu.v1.data) = {title: "费"}];
  google.protobuf.Struct more = 5 [(huiliu.v1.data) = {title: "其他"}];
  Kind kind = 6 [(huiliu.v1.data) = {title: "类"}];
})";

class MessageTest : public testing::Test {
 protected:
  void IsTrue(const std::string& text, const std::string& row = {}) {
    EXPECT_EQ(rows_.Ask(text, row), Truth::kTrue) << text;
  }
  void IsError(const std::string& text, const std::string& row = {}) {
    EXPECT_EQ(rows_.Ask(text, row), Truth::kError) << text;
  }
  Rows rows_{kSource};
};

TEST_F(MessageTest, NestedFieldsAreReadFromTheRecord) {
  const std::string row =
      "place { street: '北京路' number: 7 inside { street: '楼' } rail: 0 }"
      "stops { number: 1 } stops { number: 2 }";
  IsTrue("place.street == '北京路' && place.number == 7 && place.inside.street == '楼'", row);
  IsTrue("has(place.inside) && !has(place.inside.inside) && has(place.rail) && !has(place.road)",
         row);
  IsTrue("stops.exists(s, s.number == 2) && stops.map(s, s.number) == [1, 2]", row);
  IsTrue("place.inside.inside.inside.number == 0 && !has(place)");
  IsTrue("size(stops) == 0 && place == Place{}");
}

TEST_F(MessageTest, OneofKeepsItsLastMember) {
  const auto predicate = rows_.Compile("has(place.rail) && !has(place.road) && place.road == ''");
  EXPECT_EQ(rows_.Evaluate(*predicate, std::string("\x12\x05\x2a\x01x\x30\x05", 7)), Truth::kTrue);
}

TEST_F(MessageTest, OccurrencesOfOneMessageAreMerged) {
  const auto predicate = rows_.Compile("place.street == 'a' && place.number == 7");
  EXPECT_EQ(rows_.Evaluate(*predicate, std::string("\x12\x03\x0a\x01"
                                                   "a\x12\x02\x10\x07",
                                                   9)),
            Truth::kTrue);
}

TEST_F(MessageTest, WrappersAreTheirContentOrNull) {
  IsTrue("fee == null && !has(fee)");
  IsTrue("fee == 3 && fee + 1 == 4 && fee > 2", "fee { value: 3 }");
  IsTrue("fee == 0 && fee != null", "fee {}");
  IsError("fee + 1 == 4");
  IsTrue("google.protobuf.Int64Value{value: 5} == 5 && google.protobuf.StringValue{} == ''");
}

TEST_F(MessageTest, StructsAreMaps) {
  const std::string row =
      "more { fields { key: 'a' value { number_value: 1.5 } }"
      "fields { key: 'l' value { list_value { values { bool_value: true } } } }"
      "fields { key: 'n' value { null_value: NULL_VALUE } } }";
  IsTrue("more.a == 1.5 && more.l == [true] && more.n == null && has(more.a) && !has(more.z)", row);
  IsTrue("'a' in more && size(more) == 3", row);
  IsError("more.z == 1", row);
  IsTrue("google.protobuf.Value{string_value: 'x'} == 'x' && google.protobuf.Value{} == null");
}

TEST_F(MessageTest, LiteralsAreBuiltAndCompared) {
  IsTrue("Place{street: 'a', number: 1} == Place{number: 1, street: 'a'}");
  IsTrue("Place{street: 'a'} != Place{} && Place{number: 0} == Place{}");
  IsTrue("Place{inside: Place{number: 2}}.inside.number == 2 && Place{inside: null} == Place{}");
  IsTrue("Place{height: double('NaN')} != Place{height: double('NaN')}");
  IsTrue("Case{stops: [Place{number: 3}], kind: Kind.KIND_A}.stops[0].number == 3");
  IsTrue("Case{more: {'a': [1, 'x']}}.more.a == [1.0, 'x'] && Case{fee: 9}.fee == 9");
  IsTrue("type(Place{}) == Place && type(place) == t.Place");
  IsTrue("place == Place{street: 'a'}", "place { street: 'a' }");
  IsTrue("Place{street: 'a'} in [Place{}, Place{street: 'a'}]");
  IsError("Place{number: 3000000000} == Place{}");
}

TEST_F(MessageTest, WrongLiteralsAreFindings) {
  for (const char* text :
       {"Place{nothing: 1} == Place{}", "Place{number: 'a'} == Place{}", "Nothing{} == Place{}",
        "place.nothing == 1", "Place{number: null} == Place{}", "place.street == 1",
        "place + place == place"}) {
    const std::vector<Issue> issues = rows_.Issues(text);
    ASSERT_FALSE(issues.empty()) << text;
    EXPECT_FALSE(issues[0].unsupported) << text;
  }
}

TEST_F(MessageTest, TornAndBottomlessBytesAreErrors) {
  const auto torn = rows_.Compile("place.street == 'a'");
  EXPECT_EQ(rows_.Evaluate(*torn, std::string("\x12\x02\x0a\x05", 4)), Truth::kError);
  std::string deep;
  for (int i = 0; i < 300; ++i) {
    std::string outer = "\x1a";
    AppendVarint(&outer, deep.size());
    deep = outer + deep;
  }
  std::string record = "\x12";
  AppendVarint(&record, deep.size());
  record += deep;
  const auto equal = rows_.Compile("place == place");
  EXPECT_EQ(rows_.Evaluate(*equal, record), Truth::kError);
  const auto unequal = rows_.Compile("place != place");
  EXPECT_EQ(rows_.Evaluate(*unequal, record), Truth::kError);
}

TEST_F(MessageTest, DeepAndLargeMessagesAreComparedInTime) {
  const auto nested = [](size_t levels, size_t bytes) {
    std::string inner;
    for (size_t i = 0; i < levels; ++i) {
      std::string outer = "\x0a";
      AppendVarint(&outer, bytes);
      outer += std::string(bytes, 'x') + "\x1a";
      AppendVarint(&outer, inner.size());
      inner = outer + inner;
    }
    std::string record = "\x12";
    AppendVarint(&record, inner.size());
    return record + inner;
  };
  const auto predicate = rows_.Compile("place == place && !(place != place)");
  EXPECT_EQ(rows_.Evaluate(*predicate, nested(90, 500)), Truth::kTrue);
  EXPECT_EQ(rows_.Evaluate(*predicate, nested(90, 20000)), Truth::kError);  // costs too much
  EXPECT_EQ(rows_.Evaluate(*predicate, nested(105, 500)), Truth::kError);   // too deep
}

TEST_F(MessageTest, ALongListOfMessagesEndsWithinItsLimits) {
  std::string record;
  for (int i = 0; i < 300000; ++i) record += std::string("\x1a\x00", 2);
  const auto predicate = rows_.Compile("stops.all(s, stops.all(t, s == t))");
  EXPECT_EQ(rows_.Evaluate(*predicate, record), Truth::kError);
}

}  // namespace
}  // namespace huiliu::cel
