#include <google/protobuf/empty.pb.h>
#include <google/protobuf/stubs/logging.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <random>

#include "absl/strings/str_cat.h"
#include "core/base/files.h"
#include "core/schema/projector.h"
#include "core/schema/record_writer.h"
#include "core/schema/text_value.h"
#include "core/schema/wire_reader.h"

namespace huiliu::schema {
namespace {

constexpr char kSource[] = R"(syntax = "proto3";
package t;
import "google/protobuf/timestamp.proto";
import "huiliu/v1/dataset.proto";
message Row {
  option (huiliu.v1.dataset) = {id: "row" title: "行"};
  string id = 1 [(huiliu.v1.data) = {title: "编号" key: true}];
  int64 n = 2 [(huiliu.v1.data) = {title: "数"}];
  string name = 3 [(huiliu.v1.data) = {title: "名"}];
  sint64 z = 4 [(huiliu.v1.data) = {title: "有符号"}];
  fixed32 f = 5 [(huiliu.v1.data) = {title: "定长"}];
  double d = 150 [(huiliu.v1.data) = {title: "额"}];
  int32 small = 8 [(huiliu.v1.data) = {title: "短"}];
  float half = 9 [(huiliu.v1.data) = {title: "单精度"}];
  google.protobuf.Timestamp at = 10 [(huiliu.v1.data) = {title: "时间"}];
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

TEST(TextValueTest, BytesReadAsProtobufReadsThem) {
  const auto contract = Rows();
  const Field& small = *contract->FindField("small");
  std::string text;
  // A varint of 32 ones is -1 to an int32, though its 64-bit value is not.
  ASSERT_TRUE(AppendText(small, WireType::kVarint, 0xFFFFFFFF, {}, &text).ok());
  EXPECT_EQ(text, "-1");
  EXPECT_FALSE(AppendText(small, WireType::kFixed64, 7, {}, &text).ok());
  EXPECT_FALSE(AppendText(*contract->FindField("d"), WireType::kVarint, 7, {}, &text).ok());
  std::string wire;
  ASSERT_TRUE(AppendWire(*contract->FindField("half"), "0.1", &wire).ok());
  EXPECT_EQ(*FieldToText(*contract, *contract->FindField("half"), wire), "0.1");
}

TEST(TextValueTest, TimesStayInTheirRange) {
  absl::Time time;
  for (const char* text : {"infinite-future", "infinite-past", "10001-01-01", "0000-01-01"})
    EXPECT_FALSE(ParseTime(text, &time)) << text;
  ASSERT_TRUE(ParseTime("2024/3/1 8:00", &time));
  EXPECT_EQ(time, absl::FromUnixSeconds(1709251200));  // Shanghai
  const auto contract = Rows();
  const Field& at = *contract->FindField("at");
  std::string text;
  EXPECT_FALSE(AppendText(at, WireType::kBytes, 0,
                          std::string("\x08\xff\xff\xff\xff\xff\xff\xff\x7f", 9), &text)
                   .ok());
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
  projector.Keep(*contract->FindField("id"));
  std::string out = "of the record before";
  EXPECT_FALSE(projector.Apply(Sample(*contract), &out).ok());
  EXPECT_EQ(out, "") << "not even a part of it is left to be shown by mistake";
}

TEST(ProjectorTest, FieldsThatTheContractDoesNotKnowAreDropped) {
  const auto contract = Rows();
  Projector projector(contract);
  for (const Field& field : contract->fields()) projector.Keep(field);
  const std::string unknown("\xd2\x0f\x03xyz", 6);  // field 250
  std::string out;
  ASSERT_TRUE(projector.Apply(unknown + Sample(*contract) + unknown, &out).ok());
  EXPECT_EQ(out, Sample(*contract));
}

void ReadEverything(const Contract& contract, const Projector& projector,
                    const std::string& bytes) {
  std::string out;
  projector.Apply(bytes, &out).IgnoreError();
  contract.KeyOf(bytes).status().IgnoreError();
  RecordToJson(contract, bytes).status().IgnoreError();
  for (const Field& field : contract.fields())
    FieldToText(contract, field, bytes).status().IgnoreError();
}

// The plan's own loop and TakeField are two readers of one format.
void ExpectTheSameReading(const Contract& contract, const std::string& bytes) {
  std::vector<uint32_t> numbers;
  for (const Field& field : contract.fields()) numbers.push_back(field.number);
  const FieldPlan plan(numbers);
  std::vector<FieldSlot> slots(numbers.size()), walked(numbers.size());
  const bool whole = plan.Scan(bytes, absl::MakeSpan(slots)).ok();
  absl::string_view rest = bytes;
  WireField field;
  while (TakeField(rest, &field)) {
    const int slot = plan.SlotOf(field.field_number);
    if (slot >= 0)
      walked[static_cast<size_t>(slot)] = {true, field.type, field.number, field.bytes};
  }
  ASSERT_EQ(whole, rest.empty());
  if (!whole) return;
  for (size_t i = 0; i < slots.size(); ++i) {
    ASSERT_EQ(slots[i].present, walked[i].present);
    if (!slots[i].present) continue;
    ASSERT_EQ(slots[i].type, walked[i].type);
    ASSERT_EQ(slots[i].number, walked[i].number);
    ASSERT_EQ(slots[i].bytes, walked[i].bytes);
  }
}

TEST(WireTest, TornAndFlippedBytesNeverCrash) {
  const google::protobuf::LogSilencer silence;
  const auto contract = Rows();
  const std::string good = Sample(*contract);
  const unsigned seed = std::random_device{}();
  std::printf("seed %u\n", seed);
  std::mt19937 random(seed);
  Projector projector(contract);
  for (const Field& field : contract->fields()) projector.Keep(field);
  for (int round = 0; round < 20000; ++round) {
    std::string bad = good.substr(0, random() % (good.size() + 1));
    for (unsigned k = random() % 3; k > 0 && !bad.empty(); --k) {
      bad[random() % bad.size()] = static_cast<char>(random());
    }
    if (round % 16 == 0) ReadEverything(*contract, projector, bad);
    ExpectTheSameReading(*contract, bad);
  }
}

TEST(WireTest, TheFuzzCorpusIsReadOrRefused) {
  const google::protobuf::LogSilencer silence;
  const char* shared = std::getenv("HUILIU_SHARED");
  const char* root = std::getenv("HUILIU_ROOT");
  const std::string archive =
      absl::StrCat(shared != nullptr ? std::string(shared)
                                     : absl::StrCat(root == nullptr ? "." : root, "/../shared"),
                   "/conformance/fuzz-corpora/protobuf.tgz");
  if (!std::filesystem::exists(archive)) {
    std::printf("DID NOT RUN: no protobuf fuzz corpus (%s)\n", archive.c_str());
    return;
  }
  const auto folder = std::filesystem::path(testing::TempDir()) / absl::StrCat("corpus", getpid());
  std::filesystem::create_directories(folder);
  ASSERT_EQ(std::system(absl::StrCat("tar -xzf ", archive, " -C ", folder.string()).c_str()), 0);
  const auto contract = Rows();
  Projector projector(contract);
  for (const Field& field : contract->fields()) projector.Keep(field);
  int files = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
    if (!entry.is_regular_file()) continue;
    const std::string bytes = *ReadFile(entry.path().string());
    ReadEverything(*contract, projector, bytes);
    ExpectTheSameReading(*contract, bytes);
    Contract::Parse("fuzz.proto", bytes).status().IgnoreError();
    ++files;
  }
  std::filesystem::remove_all(folder);
  std::printf("%d corpus files\n", files);
  EXPECT_GT(files, 0);
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

// libprotobuf reads none of these, so no receiver could.
TEST(WireTest, ATagOrLengthOfMoreThanFiveBytesIsTorn) {
  const std::string long_tag("\x88\x80\x80\x80\x80\x00\x05", 7);
  const std::string long_length(
      "\x0a\x81\x80\x80\x80\x80\x00"
      "a",
      8);
  const std::string five_bytes(
      "\x0a\x81\x80\x80\x80\x00"
      "a",
      7);
  const std::string long_number("\x08\x85\x80\x80\x80\x80\x80\x00", 8);
  const uint32_t numbers[] = {1};
  const FieldPlan plan(numbers);
  const auto reads = [&](const std::string& bytes) {
    FieldSlot slot;
    WireField field;
    absl::string_view rest = bytes;
    const bool taken = TakeField(rest, &field);
    EXPECT_EQ(plan.Scan(bytes, absl::MakeSpan(&slot, 1)).ok(), taken);
    EXPECT_EQ(google::protobuf::Empty().ParseFromString(bytes), taken);
    return taken;
  };
  EXPECT_FALSE(reads(long_tag));
  EXPECT_FALSE(reads(long_length));
  EXPECT_TRUE(reads(five_bytes));
  EXPECT_TRUE(reads(long_number));
}

}  // namespace
}  // namespace huiliu::schema
