// Nested messages of damaged records: every predicate ends, and says the same twice.
#include <gtest/gtest.h>

#include <random>

#include "tests/unit/cel/rows.h"

namespace huiliu::cel {
namespace {

constexpr char kSource[] = R"(syntax = "proto3";
package t;
import "huiliu/v1/dataset.proto";
import "google/protobuf/struct.proto";
import "google/protobuf/timestamp.proto";
import "google/protobuf/wrappers.proto";
message Place { string street = 1; int32 number = 2; Place inside = 3; double height = 4;
  oneof way { string road = 5; int64 rail = 6; } repeated sint32 marks = 7;
  google.protobuf.Timestamp at = 8; }
message Case {
  option (huiliu.v1.dataset) = {id: "case" title: "件"};
  string id = 1 [(huiliu.v1.data) = {title: "编号" key: true}];
  Place place = 2 [(huiliu.v1.data) = {title: "地"}];
  repeated Place stops = 3 [(huiliu.v1.data) = {title: "站"}];
  google.protobuf.Int64Value fee = 4 [(huiliu.v1.data) = {title: "费"}];
  google.protobuf.Struct more = 5 [(huiliu.v1.data) = {title: "其他"}];
  google.protobuf.Value any = 6 [(huiliu.v1.data) = {title: "任意"}];
})";

constexpr const char* kPredicates[] = {
    "place == place",
    "stops == stops && !(stops != stops)",
    "stops.exists(s, s.inside.street == 'b' || s.inside in stops)",
    "more == more || size(more) > 3",
    "'a' in more && more.a == any",
    "any == any && type(any) != int",
    "fee == null || fee > 1 || fee + 1 < 2",
    "has(place.inside) ? place.inside.marks.all(m, m > 0) : place.rail == 0",
    "place.at > timestamp('2026-01-01T00:00:00Z') || has(place.road)",
    "Place{inside: place, street: place.street}.inside == place",
    "Case{stops: stops, more: more, any: any, fee: fee}.stops == stops",
    "string(any) == 'x' || dyn(any).a == 1 || dyn(any)[0] == 2"};

TEST(MessageRandomTest, DamagedRecordsAreJudgedTheSameTwice) {
  const auto seed = std::random_device()();
  std::printf("seed %u\n", seed);
  std::mt19937 random(seed);
  Rows rows{kSource};
  std::vector<std::unique_ptr<const Predicate>> predicates;
  for (const char* text : kPredicates) predicates.push_back(rows.Compile(text));
  const std::string whole = rows.Wire(
      "id: '1' place { street: 'a' number: 7 inside { street: 'b' marks: [1, 2] inside {} }"
      " rail: 3 at { seconds: 1767225601 } } stops { number: 1 inside { street: 'b' } }"
      " stops { height: 1.5 road: 'r' } fee { value: 5 } any { list_value { values {"
      " number_value: 1 } values { struct_value { fields { key: 'a' value { bool_value: true } } }"
      " } } } more { fields { key: 'a' value { string_value: 'x' } } fields { key: 'b' value {"
      " null_value: NULL_VALUE } } }");
  for (const auto& predicate : predicates) rows.Evaluate(*predicate, whole);
  std::vector<schema::FieldSlot> slots(rows.contract().fields().size());
  for (int round = 0; round < 3000; ++round) {
    std::string record = whole;
    for (int i = 0; i < 1 + static_cast<int>(random() % 4); ++i) {
      const size_t at = random() % record.size();
      if (random() % 4 == 0)
        record.insert(at, record.substr(random() % record.size(), random() % 40));
      else
        record[at] =
            static_cast<char>(random() % 3 == 0 ? random() : record[at] ^ (1 << random() % 8));
    }
    if (!rows.plan().Scan(record, absl::MakeSpan(slots)).ok()) continue;
    for (const auto& predicate : predicates) {
      const Truth truth = predicate->Evaluate({slots, "530102", record});
      ASSERT_EQ(predicate->Evaluate({slots, "530102", record}), truth);
      ASSERT_EQ(predicate->ExplainError({slots, "530102", record}).empty(), truth != Truth::kError);
    }
  }
}

}  // namespace
}  // namespace huiliu::cel
