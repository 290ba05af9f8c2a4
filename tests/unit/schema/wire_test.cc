#include <gtest/gtest.h>

#include <random>

#include "core/schema/projector.h"
#include "core/schema/record_writer.h"
#include "core/schema/text_value.h"
#include "core/schema/wire_reader.h"

namespace huiliu::schema {
namespace {

constexpr char kSource[] = R"(syntax = "proto3";
package t;
import "huiliu/v1/dataset.proto";
message Row {
  option (huiliu.v1.dataset) = {id: "row" title: "行"};
  string id = 1 [(huiliu.v1.data) = {title: "编号" key: true}];
  int64 n = 2 [(huiliu.v1.data) = {title: "数"}];
  string name = 3 [(huiliu.v1.data) = {title: "名"}];
  sint64 z = 4 [(huiliu.v1.data) = {title: "有符号"}];
  fixed32 f = 5 [(huiliu.v1.data) = {title: "定长"}];
  double d = 150 [(huiliu.v1.data) = {title: "额"}];
  bool b = 7 [(huiliu.v1.data) = {title: "是否"}];
}
)";

std::shared_ptr<const Contract> Rows() { return *Contract::Parse("row.proto", kSource); }

std::string Sample(const Contract& contract) {
  RecordWriter writer(contract);
  const char* values[][2] = {{"id", "甲"},        {"n", "-5"},  {"name", "王小明"}, {"z", "-70000"},
                             {"f", "4000000000"}, {"d", "0.1"}, {"b", "是"}};
  for (const auto& [name, text] : values)
    EXPECT_TRUE(writer.SetText(*contract.FindField(name), text).ok()) << name;
  return writer.Finish();
}

TEST(TextValueTest, EveryTypeReadsBackAsWritten) {
  const auto contract = Rows();
  const std::string record = Sample(*contract);
  EXPECT_EQ(*FieldToText(*contract, *contract->FindField("n"), record), "-5");
  EXPECT_EQ(*FieldToText(*contract, *contract->FindField("z"), record), "-70000");
  EXPECT_EQ(*FieldToText(*contract, *contract->FindField("f"), record), "4000000000");
  EXPECT_EQ(*FieldToText(*contract, *contract->FindField("d"), record), "0.1");
  EXPECT_EQ(*FieldToText(*contract, *contract->FindField("b"), record), "true");
}

TEST(TextValueTest, WrongTextsAreRefusedWithoutSayingThem) {
  const auto contract = Rows();
  std::string out;
  const absl::Status status = AppendWire(*contract->FindField("n"), "530102199001011234x", &out);
  EXPECT_FALSE(status.ok());
  EXPECT_EQ(status.message().find("530102"), absl::string_view::npos);
  EXPECT_FALSE(AppendWire(*contract->FindField("name"), "\xff", &out).ok());
  EXPECT_EQ(out, "");
}

TEST(ProjectorTest, KeepsRewritesAndDrops) {
  const auto contract = Rows();
  Projector projector(contract);
  projector.Keep(*contract->FindField("id"));
  projector.Rewrite(*contract->FindField("name"), [](absl::string_view, std::string* shown) {
    *shown = "王**";
    return absl::OkStatus();
  });
  std::string out;
  ASSERT_TRUE(projector.Apply(Sample(*contract), &out).ok());
  EXPECT_EQ(*RecordToJson(*contract, out), "{\"id\":\"甲\",\"name\":\"王**\"}");
}

TEST(ProjectorTest, AFailingRewriteFailsTheRecord) {
  const auto contract = Rows();
  Projector projector(contract);
  projector.Rewrite(*contract->FindField("n"), [](absl::string_view, std::string* shown) {
    *shown = "**";  // not a number: cannot be written as the field's type
    return absl::OkStatus();
  });
  std::string out;
  EXPECT_FALSE(projector.Apply(Sample(*contract), &out).ok());
}

TEST(WireTest, TornAndFlippedBytesNeverCrash) {
  const auto contract = Rows();
  const std::string good = Sample(*contract);
  const unsigned seed = std::random_device{}();
  std::printf("seed %u\n", seed);
  std::mt19937 random(seed);
  Projector projector(contract);
  for (const Field& field : contract->fields()) projector.Keep(field);
  std::string out;
  for (int round = 0; round < 20000; ++round) {
    std::string bad = good.substr(0, random() % (good.size() + 1));
    for (unsigned k = random() % 3; k > 0 && !bad.empty(); --k) {
      bad[random() % bad.size()] = static_cast<char>(random());
    }
    projector.Apply(bad, &out).IgnoreError();
    contract->KeyOf(bad).status().IgnoreError();
    for (const Field& field : contract->fields())
      FieldToText(*contract, field, bad).status().IgnoreError();
  }
}

TEST(FieldPlanTest, LastOccurrenceWinsAndTornBytesAreFound) {
  const uint32_t numbers[] = {1, 150};
  const FieldPlan plan(numbers);
  FieldSlot slots[2];
  ASSERT_TRUE(plan.Scan(std::string("\x0a\x01"
                                    "a"
                                    "\x0a\x01"
                                    "b",
                                    6),
                        absl::MakeSpan(slots))
                  .ok());
  EXPECT_EQ(slots[0].bytes, "b");
  EXPECT_FALSE(slots[1].present);
  EXPECT_FALSE(plan.Scan("\x0a\x05"
                         "a",
                         absl::MakeSpan(slots))
                   .ok());
}

}  // namespace
}  // namespace huiliu::schema
