// What one batch must not bring into the log: it would stay there for everyone behind it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "broker/lineage/entry.h"
#include "tests/unit/pipeline/node_fixture.h"

namespace huiliu::pipeline {
namespace {

using huiliu::v1::Batch;
using testing::HasSubstr;

// A source that is decided at the edge, and one open session of it.
class IntakeContentTest : public testing::Test {
 protected:
  IntakeContentTest() {
    huiliu::v1::Source source = *f_.state.FindSource("src");
    source.set_id("edge");
    source.set_placement(huiliu::v1::PLACEMENT_EDGE);
    source.clear_receivers();
    source.add_receivers(NodeFixture::kKunming);
    source.clear_version();
    const absl::Status put = f_.Put(source);
    EXPECT_TRUE(put.ok()) << put;
    huiliu::v1::Hello hello;
    hello.set_source("edge");
    hello.set_dataset("person");
    hello.set_dataset_version(1);
    huiliu::v1::Welcome welcome;
    session_ = *f_.intake->Open(f_.caller, hello, &welcome);
    batch_.set_source("edge");
    batch_.set_epoch(welcome.epoch());
    batch_.set_sequence(1);
    batch_.set_dataset("person");
    batch_.set_dataset_version(1);
  }

  void AddRecord(const std::string& more_of_envelope, const std::string& more_of_payload) {
    const std::string json = R"({"id":"1","name":"张三","division":"530102"})";
    huiliu::v1::Envelope envelope;
    envelope.set_system("sys");
    envelope.set_operation(huiliu::v1::OPERATION_UPSERT);
    envelope.set_division("530102");
    envelope.set_source_epoch(batch_.epoch());
    envelope.set_source_sequence(batch_.sequence());
    batch_.add_keys(f_.KeyOf(json));
    batch_.add_envelopes(envelope.SerializeAsString() + more_of_envelope);
    batch_.add_payloads(f_.Record(json) + more_of_payload);
  }
  absl::Status Take() {
    f_.Sign(&batch_);
    return session_->Take(batch_);
  }
  // Why it was refused; nothing of it is in the log.
  std::string Refused() {
    const size_t before = f_.ReadAll(kLineageTopic).size();
    const absl::Status status = Take();
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << status;
    EXPECT_EQ(f_.ReadAll(kLineageTopic).size(), before);
    return std::string(status.message());
  }

  NodeFixture f_;
  std::unique_ptr<Intake::Session> session_;
  Batch batch_;
};

TEST_F(IntakeContentTest, AGoodBatchIsTakenOver) {
  AddRecord("", "");
  EXPECT_TRUE(Take().ok());
  EXPECT_EQ(f_.Held(NodeFixture::kKunming).size(), 1U);
}

TEST_F(IntakeContentTest, AnEnvelopeThatNobodyCouldReadIsRefused) {
  AddRecord("\x2A\x01\xFF", "");  // row_id is no UTF-8
  EXPECT_THAT(Refused(), HasSubstr("record 0: field 5 of its envelope"));
}

TEST_F(IntakeContentTest, ADivisionOfAnotherWireTypeIsRefused) {
  AddRecord("\x40\x05", "");
  EXPECT_THAT(Refused(), HasSubstr("record 0: field 8 of its envelope"));
}

TEST_F(IntakeContentTest, APayloadThatIsNoRecordIsRefused) {
  AddRecord("", "\x12\x05");
  EXPECT_THAT(Refused(), HasSubstr("record 0: the record is no protobuf message"));
}

TEST_F(IntakeContentTest, ATextThatIsNoUtf8IsRefusedWithoutSayingIt) {
  AddRecord("", "\x12\x02\xD5\xC5");
  const std::string why = Refused();
  EXPECT_THAT(why, HasSubstr("record 0: field name: its text is not UTF-8"));
  EXPECT_EQ(why.find("\xD5"), std::string::npos);
}

// Half a character would make the whole entry unreadable, and its counts with it.
TEST_F(IntakeContentTest, LongReasonsAreCutBetweenCharacters) {
  huiliu::v1::QuarantineNote* note = batch_.add_quarantine_notes();
  note->set_row_id(std::string(1, 'x') +
                   std::string("行行行行行行行行行行行行行行行行行行行行行行行行"
                               "行行行行行行行行行行行行行行行行行行行行行行行行"
                               "行行行行行行行行行行行行行行行行行行行行行行行行"));
  note->set_reason("x因因因因因因因因因因因因因因因因因因因因因因");
  ASSERT_TRUE(Take().ok());
  const auto entries = f_.Entries();
  ASSERT_EQ(entries.size(), 1U);
  EXPECT_EQ(entries[0].quarantined(0).row_id().size(), 199U);
  EXPECT_EQ(entries[0].quarantined(0).reason().size(), 58U);
}

TEST_F(IntakeContentTest, CountsThatFillMoreThanOneEntryAllStandInTheLog) {
  batch_.set_redrive(true);
  for (int i = 0; i < 3000; ++i) {
    huiliu::v1::CountDelta* delta = batch_.add_counts();
    delta->set_day(absl::StrCat("20", 10 + i / 1000, "-01-01"));
    delta->set_receiver(NodeFixture::kKunming);
    delta->set_outcome(huiliu::v1::OUTCOME_RETURNED);
    delta->set_division(absl::StrCat(530100 + i % 100));
    delta->set_rows(1);
  }
  AddRecord("", "");
  ASSERT_TRUE(Take().ok());
  const auto entries = f_.Entries();
  EXPECT_EQ(entries.size(), 6U);
  int64_t rows = 0, records = 0;
  for (const auto& entry : entries) {
    EXPECT_LE(entry.ByteSizeLong(), lineage::kMaxEntryBytes);
    EXPECT_EQ(entry.batch_digest(), batch_.digest());
    records += entry.records();
    for (const auto& delta : entry.counts()) rows += delta.rows();
  }
  EXPECT_EQ(rows, 3000);
  EXPECT_EQ(records, 1);
}

TEST_F(IntakeContentTest, CountsThatNoEntryHoldsAreRefused) {
  huiliu::v1::CountDelta* delta = batch_.add_counts();
  delta->set_receiver(NodeFixture::kKunming);
  delta->set_outcome(huiliu::v1::OUTCOME_RETURNED);
  delta->set_division(std::string(100'000, '5'));
  EXPECT_THAT(Refused(), HasSubstr("too long for the log"));
}

}  // namespace
}  // namespace huiliu::pipeline
