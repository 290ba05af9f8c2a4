#include "adapters/agent/change_list.h"

#include <gtest/gtest.h>

#include <map>

#include "absl/strings/str_cat.h"
#include "adapters/sdk/plugin.h"
#include "core/schema/record_writer.h"
#include "huiliu/v1/common.pb.h"

namespace huiliu::agent {
namespace {

constexpr char kContract[] = R"(
syntax = "proto3";
package huiliu.dataset.test.v1;
import "google/protobuf/timestamp.proto";
import "huiliu/v1/dataset.proto";
message Person {
  option (huiliu.v1.dataset) = {id: "person" title: "人员"};
  string number = 1 [(huiliu.v1.data) = {title: "编号" key: true}];
  string name = 2 [(huiliu.v1.data) = {title: "姓名"}];
  int64 months = 3 [(huiliu.v1.data) = {title: "月数"}];
  repeated string phones = 4 [(huiliu.v1.data) = {title: "电话"}];
  google.protobuf.Timestamp updated_at = 5 [(huiliu.v1.data) = {title: "更新时间"}];
}
)";

class ChangeListTest : public ::testing::Test {
 protected:
  ChangeListTest() {
    auto parsed = schema::Contract::Parse("person.proto", kContract, 3);
    EXPECT_TRUE(parsed.ok()) << parsed.status();
    contract_ = *parsed;
    list_ = std::make_unique<ChangeList>(contract_);
  }

  void Add(const std::string& number, const std::string& name, const std::string& months,
           bool is_delete = false) {
    std::string payload;
    if (!is_delete) {
      schema::RecordWriter writer(*contract_);
      writer.SetString(contract_->fields()[0], number);
      if (!name.empty()) writer.SetString(contract_->fields()[1], name);
      if (!months.empty()) {
        EXPECT_TRUE(writer.SetText(contract_->fields()[2], months).ok());
        EXPECT_TRUE(writer.SetText(contract_->fields()[4], "2024-05-06T07:08:09Z").ok());
      }
      payload = writer.Finish();
    }
    huiliu::v1::Envelope envelope;
    envelope.set_system("si");
    envelope.set_division("530102");
    envelope.set_source_time_us(7);
    envelope.set_arrival_time_us(9);
    envelope.set_city("530100");
    envelope.set_source_department_name("省人社厅");
    envelope.set_row_id("a.csv:17");
    envelope.set_operation(is_delete ? huiliu::v1::OPERATION_DELETE : huiliu::v1::OPERATION_UPSERT);
    envelope.set_key_hash("\x01\xff");
    envelope.set_cleaned_time_us(1760000001000000);
    envelope.set_conflict(true);
    message_.add_keys(absl::StrCat("si", absl::string_view("\0", 1),
                                   std::string(1, static_cast<char>(number.size())), number));
    message_.add_payloads(payload);
    message_.add_deletes(is_delete);
    message_.add_envelopes(envelope.SerializeAsString());
  }

  // The cells of a change: "-" is null.
  std::string Cells(const huiliu_change& change) const {
    std::string text;
    for (size_t i = 0; i < list_->target().field_count; ++i) {
      absl::StrAppend(&text, i == 0 ? "" : "|",
                      change.cells[i].kind == 0 ? "-" : sdk::ToView(change.cells[i].value));
    }
    return text;
  }

  std::shared_ptr<const schema::Contract> contract_;
  std::unique_ptr<ChangeList> list_;
  huiliu::v1::SubscribeResponse message_;
};

TEST_F(ChangeListTest, TheTargetHasTheFieldsOfASingleValue) {
  const huiliu_dataset& target = list_->target();
  EXPECT_EQ(sdk::ToView(target.dataset), "person");
  EXPECT_EQ(target.version, 3U);
  ASSERT_EQ(target.field_count, 4U);
  EXPECT_EQ(sdk::ToView(target.fields[0].name), "number");
  EXPECT_EQ(target.fields[0].key, 1);
  EXPECT_EQ(target.fields[2].type, 2);
  EXPECT_EQ(sdk::ToView(target.fields[3].name), "updated_at");
  EXPECT_EQ(target.fields[3].type, 5);
}

TEST_F(ChangeListTest, RowsAndDeletesBecomeCells) {
  for (int i = 0; i < 200; ++i) Add(absl::StrCat("n", i), absl::StrCat("张", i), absl::StrCat(i));
  Add("only", "", "");
  Add("gone", "", "", true);
  // Twice: nothing of the call before stays.
  for (int call = 0; call < 2; ++call) {
    const auto changes = list_->Of(message_);
    ASSERT_TRUE(changes.ok()) << changes.status();
    ASSERT_EQ(changes->size(), 202U);
    for (int i = 0; i < 200; ++i) {
      EXPECT_EQ(Cells((*changes)[static_cast<size_t>(i)]),
                absl::StrCat("n", i, "|张", i, "|", i, "|2024-05-06T07:08:09Z"));
    }
    EXPECT_EQ(Cells((*changes)[200]), "only|-|-|-");
    EXPECT_EQ((*changes)[200].is_delete, 0);
    EXPECT_EQ(Cells((*changes)[201]), "gone|-|-|-");
    EXPECT_EQ((*changes)[201].is_delete, 1);
    EXPECT_EQ(sdk::ToView((*changes)[201].system), "si");
    EXPECT_EQ(sdk::ToView((*changes)[201].division), "530102");
    EXPECT_EQ((*changes)[201].source_time_us, 7);
    EXPECT_EQ((*changes)[201].arrival_time_us, 9);
  }
}

// DOMAIN.md section 4: city, county, department code/name, system, table, row id, operation, source
// time, hash of the business key, cleaning time, arrival time.
TEST_F(ChangeListTest, TheEnvelopeLandsBesideTheFields) {
  Add("n", "张", "3");
  Add("gone", "", "", true);
  const auto changes = list_->Of(message_);
  ASSERT_TRUE(changes.ok()) << changes.status();
  std::map<std::string, std::string> cells;
  const huiliu_dataset& target = list_->target();
  for (size_t i = 0; i < target.envelope_field_count; ++i) {
    const huiliu_cell& cell = (*changes)[0].cells[target.field_count + i];
    EXPECT_FALSE(sdk::ToView(target.envelope_fields[i].title).empty());
    cells[std::string(sdk::ToView(target.envelope_fields[i].name))] =
        cell.kind == 0 ? "-" : std::string(sdk::ToView(cell.value));
  }
  const std::map<std::string, std::string> expected = {
      {"_city", "530100"},     {"_department", "-"},
      {"_source_table", "-"},  {"_department_name", "省人社厅"},
      {"_row_id", "a.csv:17"}, {"_operation", "U"},
      {"_key_hash", "01ff"},   {"_cleaned_time", "2025-10-09T08:53:21.000000Z"},
      {"_conflict", "true"},   {"_decided_by", "-"},
      {"_rule", "-"},          {"_reason", "-"},
      {"_rule_set", "-"}};
  EXPECT_EQ(cells, expected);
  EXPECT_EQ(sdk::ToView((*changes)[1].cells[0].value), "gone");
}

TEST_F(ChangeListTest, ADeleteNeedsItsKey) {
  Add("gone", "", "", true);
  message_.set_keys(0, std::string(32, 'p'));  // a pseudonym
  EXPECT_EQ(list_->Of(message_).status().code(), absl::StatusCode::kFailedPrecondition);
  message_.set_keys(0, std::string("si\0\7a", 5));
  EXPECT_EQ(list_->Of(message_).status().code(), absl::StatusCode::kDataLoss);
}

TEST_F(ChangeListTest, TornBytesAreRefused) {
  Add("n", "张", "1");
  message_.set_envelopes(0, "\x0a\x7f");
  EXPECT_EQ(list_->Of(message_).status().code(), absl::StatusCode::kDataLoss);
  message_.set_envelopes(0, "");
  message_.set_payloads(0, "\x0a\x7f");
  EXPECT_EQ(list_->Of(message_).status().code(), absl::StatusCode::kDataLoss);
  message_.add_keys("k");
  EXPECT_EQ(list_->Of(message_).status().code(), absl::StatusCode::kInternal);
}

}  // namespace
}  // namespace huiliu::agent
