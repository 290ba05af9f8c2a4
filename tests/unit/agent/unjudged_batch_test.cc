#include "adapters/agent/unjudged_batch.h"

#include <gtest/gtest.h>

#include "core/model/batch_digest.h"
#include "core/schema/record_writer.h"
#include "huiliu/v1/common.pb.h"
#include "tests/unit/mapping/rows.h"

namespace huiliu::agent {
namespace {

constexpr char kContract[] = R"(syntax = "proto3";
package t;
import "huiliu/v1/dataset.proto";
message Row {
  option (huiliu.v1.dataset) = {id: "row" title: "行"};
  string id = 1 [(huiliu.v1.data) = {title: "编号" key: true}];
  string name = 2 [(huiliu.v1.data) = {title: "姓名"}];
}
)";

class UnjudgedBatchTest : public testing::Test {
 protected:
  UnjudgedBatchTest() : key_(*SigningKey::Generate()), clock_(absl::FromUnixSeconds(1767225600)) {
    source_.set_id("src");
    source_.set_system("sys");
    source_.set_dataset("row");
    source_.set_department("dept");
    mapping_ = *mapping::Mapping::Parse(
        "m.yaml", "dataset: row\nfields: {id: 编号, name: 姓名}\noperation: 操作\n",
        *schema::Contract::Parse("row.proto", kContract, 3));
  }
  huiliu::v1::Batch Make(mapping::Rows& rows) {
    EXPECT_TRUE(mapping_->BindHeader(rows.columns()).ok());
    UnmappedRows unmapped(*decisions_);  // as after a restart
    auto made =
        MakeUnjudgedBatch({source_, *mapping_, *key_, clock_, unmapped}, rows.view(), 7, 42);
    EXPECT_TRUE(made.ok()) << made.status();
    EXPECT_TRUE(decisions_->Stage(++staged_, made->decisions).ok());
    EXPECT_TRUE(decisions_->Commit(staged_).ok());
    return std::move(made->batch);
  }

  huiliu::v1::Source source_;
  std::unique_ptr<SigningKey> key_;
  ManualClock clock_;
  std::unique_ptr<mapping::Mapping> mapping_;
  std::unique_ptr<DecisionStore> decisions_ = NewMemoryDecisionStore();
  uint64_t staged_ = 0;
};

TEST_F(UnjudgedBatchTest, EveryRowTravelsAndNothingIsJudged) {
  mapping::Rows rows({"编号", "姓名", "操作"},
                     {{"1", "张三", "U"}, {std::nullopt, "无编号", "U"}, {"2", "李四", "D"}});
  rows.row(1).raw = mapping::Bytes(",无编号,U");
  const huiliu::v1::Batch batch = Make(rows);
  ASSERT_EQ(batch.keys_size(), 2);
  EXPECT_EQ(batch.counts_size() + batch.quarantine_notes_size(), 0);
  EXPECT_EQ(batch.rule_set(), "");
  EXPECT_EQ(batch.rest_rows(), 0);
  EXPECT_EQ(batch.dataset_version(), 3U);
  huiliu::v1::Envelope first, second;
  ASSERT_TRUE(first.ParseFromString(batch.envelopes(0)));
  ASSERT_TRUE(second.ParseFromString(batch.envelopes(1)));
  EXPECT_EQ(first.source(), "src");
  EXPECT_EQ(first.system(), "sys");
  EXPECT_EQ(first.operation(), huiliu::v1::OPERATION_UPSERT);
  EXPECT_EQ(first.division() + first.rule() + first.city(), "") << "no one has judged it";
  EXPECT_EQ(first.source_epoch(), 7U);
  EXPECT_EQ(first.source_sequence(), 42U);
  EXPECT_EQ(second.operation(), huiliu::v1::OPERATION_DELETE);
  EXPECT_EQ(second.index_in_batch(), 1U);
  EXPECT_EQ(batch.payloads(1), "") << "a delete has no payload";
  EXPECT_EQ(*schema::RecordToJson(mapping_->contract(), batch.payloads(0)),
            R"({"id":"1","name":"张三"})");
  EXPECT_EQ(batch.keys(0), absl::StrCat("sys", absl::string_view("\0", 1),
                                        *mapping_->contract().KeyOf(batch.payloads(0))));
  ASSERT_EQ(batch.quarantined_size(), 1);
  EXPECT_EQ(batch.quarantined(0).raw(), ",无编号,U") << "with the bytes as they came";
  EXPECT_FALSE(batch.quarantined(0).reason().empty());
}

TEST_F(UnjudgedBatchTest, ARowThatCouldNotBeMappedTravelsOnce) {
  mapping::Rows rows({"编号", "姓名", "操作"}, {{std::nullopt, "无编号", "U"}});
  rows.row(0).raw = mapping::Bytes(",无编号,U");
  EXPECT_EQ(Make(rows).quarantined_size(), 1);
  EXPECT_EQ(Make(rows).quarantined_size(), 0) << "a re-read";
  rows.row(0).raw = mapping::Bytes(",仍无编号,U");
  EXPECT_EQ(Make(rows).quarantined_size(), 1) << "another version";
  mapping::Rows mended({"编号", "姓名", "操作"}, {{"1", "有编号", "U"}});
  EXPECT_EQ(Make(mended).keys_size(), 1);
  EXPECT_EQ(Make(rows).quarantined_size(), 1) << "worse again: a change of its own";
}

TEST_F(UnjudgedBatchTest, ItsDigestsAndSignatureHold) {
  mapping::Rows rows({"编号", "姓名", "操作"}, {{"1", "张三", "U"}});
  huiliu::v1::Batch batch = Make(rows);
  EXPECT_TRUE(CheckBatchDigests(batch).ok());
  EXPECT_TRUE(VerifySignature(key_->public_key(), batch.digest(), batch.signature()));
  *batch.mutable_payloads(0) += "x";
  EXPECT_FALSE(CheckBatchDigests(batch).ok());
}

}  // namespace
}  // namespace huiliu::agent
