// What an open stream may say: the next batch of its own source and epoch, to the byte as signed.
#include "broker/pipeline/intake.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "absl/synchronization/notification.h"
#include "tests/unit/pipeline/node_fixture.h"

namespace huiliu::pipeline {
namespace {

using absl::StatusCode;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

const SourceRow kRow = {R"({"id":"1","name":"张三","division":"530102"})", "r1", 1};
const SourceRow kOther = {R"({"id":"2","name":"李四","division":"530102"})", "r2", 1};

class IntakeTest : public testing::Test {
 protected:
  absl::StatusOr<std::unique_ptr<Intake::Session>> Open(const governance::Principal& caller) {
    huiliu::v1::Hello hello;
    hello.set_source("src");
    hello.set_dataset(dataset_);
    hello.set_dataset_version(version_);
    return node_.intake->Open(caller, hello, &welcome_);
  }
  std::unique_ptr<Intake::Session> OpenNew() {
    auto session = Open(node_.caller);
    EXPECT_TRUE(session.ok()) << session.status();
    return session.ok() ? *std::move(session) : nullptr;
  }
  huiliu::v1::Batch BatchOf(const std::vector<SourceRow>& rows) {
    huiliu::v1::Batch batch = node_.MakeBatch(rows);
    SetEpoch(welcome_.epoch(), &batch);
    return batch;
  }
  void SetEpoch(uint64_t epoch, huiliu::v1::Batch* batch) {
    batch->set_epoch(epoch);
    for (std::string& bytes : *batch->mutable_envelopes()) {
      huiliu::v1::Envelope envelope;
      EXPECT_TRUE(envelope.ParseFromString(bytes));
      envelope.set_source_epoch(epoch);
      envelope.set_source_sequence(batch->sequence());
      bytes = envelope.SerializeAsString();
    }
    node_.Sign(batch);
  }
  uint64_t Sequence() { return node_.intake->Position("src")->sequence(); }

  NodeFixture node_;
  std::string dataset_ = "person";
  uint32_t version_ = 1;
  huiliu::v1::Welcome welcome_;
};

TEST_F(IntakeTest, AStreamIsOpenedByItsDepartmentsAgentForItsDataset) {
  EXPECT_EQ(Open({"x", "other", {huiliu::v1::ROLE_AGENT}}).status().code(),
            StatusCode::kPermissionDenied);
  EXPECT_EQ(Open({"x", "dept", {huiliu::v1::ROLE_CONSUMER}}).status().code(),
            StatusCode::kPermissionDenied);
  version_ = 9;
  EXPECT_THAT(std::string(Open(node_.caller).status().message()), HasSubstr("version 9"));
  dataset_ = "other";
  EXPECT_EQ(Open(node_.caller).status().code(), StatusCode::kFailedPrecondition);
  // None of them has fenced the stream that is open.
  EXPECT_TRUE(node_.Send({kRow}).ok());
}

TEST_F(IntakeTest, ASequenceIsTheNextOne) {
  const auto session = OpenNew();
  huiliu::v1::Batch batch = BatchOf({kRow});
  for (const uint64_t wrong : {0ULL, 2ULL, 3ULL, ~0ULL}) {
    batch.set_sequence(wrong);
    SetEpoch(welcome_.epoch(), &batch);
    const absl::Status refused = session->Take(batch);
    EXPECT_EQ(refused.code(), StatusCode::kFailedPrecondition) << wrong << refused;
    EXPECT_THAT(std::string(refused.message()), HasSubstr("the next sequence is 1"));
  }
  EXPECT_EQ(Sequence(), 0u);
  batch.set_sequence(1);
  SetEpoch(welcome_.epoch(), &batch);
  EXPECT_TRUE(session->Take(batch).ok());
  EXPECT_TRUE(session->Take(batch).ok());  // the same again is no second
  EXPECT_EQ(node_.ReadAll(SourceTopic("person")).size(), 1u);
  // Another batch under a number that is taken.
  huiliu::v1::Batch other = BatchOf({kOther});
  other.set_sequence(1);
  SetEpoch(welcome_.epoch(), &other);
  EXPECT_EQ(session->Take(other).code(), StatusCode::kFailedPrecondition);
  EXPECT_EQ(node_.ReadAll(SourceTopic("person")).size(), 1u);
}

TEST_F(IntakeTest, AnotherEpochIsRefused) {
  const auto session = OpenNew();
  huiliu::v1::Batch batch = BatchOf({kRow});
  for (const uint64_t wrong : {welcome_.epoch() - 1, welcome_.epoch() + 1}) {
    SetEpoch(wrong, &batch);
    EXPECT_EQ(session->Take(batch).code(), StatusCode::kInvalidArgument);
  }
  EXPECT_EQ(Sequence(), 0u);
}

TEST_F(IntakeTest, TheSecondStreamOfASourceFencesTheFirst) {
  const auto first = OpenNew();
  const huiliu::v1::Batch late = BatchOf({kRow});
  const auto second = OpenNew();
  const absl::Status fenced = first->Take(late);
  EXPECT_EQ(fenced.code(), StatusCode::kAborted);
  EXPECT_THAT(std::string(fenced.message()), HasSubstr("another agent took over"));
  EXPECT_EQ(Sequence(), 0u);
  EXPECT_TRUE(second->Take(BatchOf({kRow})).ok());
  EXPECT_EQ(first->Take(late).code(), StatusCode::kAborted);
  EXPECT_EQ(Sequence(), 1u);
}

TEST_F(IntakeTest, WhatIsNotAsSignedIsRefusedWhole) {
  const auto session = OpenNew();
  const huiliu::v1::Batch good = BatchOf({kRow, kOther});
  const std::vector<std::pair<const char*, std::function<void(huiliu::v1::Batch&)>>> cases = {
      {"another payload", [](auto& b) { b.mutable_payloads(0)->append("x"); }},
      {"a payload less", [](auto& b) { b.mutable_payloads()->RemoveLast(); }},
      {"an envelope less", [](auto& b) { b.mutable_envelopes()->RemoveLast(); }},
      {"another position", [](auto& b) { b.set_position("elsewhere"); }},
      {"no signature", [](auto& b) { b.clear_signature(); }},
      {"another source", [](auto& b) { b.set_source("other"); }},
      {"another dataset", [](auto& b) { b.set_dataset("other"); }},
      {"another version", [](auto& b) { b.set_dataset_version(7); }}};
  for (const auto& [name, change] : cases) {
    huiliu::v1::Batch bad = good;
    change(bad);
    const absl::Status refused = session->Take(bad);
    EXPECT_EQ(refused.code(), StatusCode::kInvalidArgument) << name << ": " << refused;
    EXPECT_THAT(std::string(refused.message()), AllOf(HasSubstr("batch "), Not(HasSubstr("张三"))))
        << name;
  }
  EXPECT_EQ(Sequence(), 0u);
  EXPECT_TRUE(node_.ReadAll(SourceTopic("person")).empty());
  EXPECT_TRUE(session->Take(good).ok());
}

TEST_F(IntakeTest, ARecordOfAnotherSystemIsRefused) {
  const auto session = OpenNew();
  huiliu::v1::Batch batch = BatchOf({kRow});
  batch.mutable_keys(0)->replace(0, 3, "sxs");
  SetEpoch(welcome_.epoch(), &batch);
  const absl::Status refused = session->Take(batch);
  EXPECT_EQ(refused.code(), StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(refused.message()), HasSubstr("record 0"));
}

TEST_F(IntakeTest, ACommitWhoseAnswerIsLostIsFoundOut) {
  const auto session = OpenNew();
  const huiliu::v1::Batch batch = BatchOf({kRow});
  node_.writer().Fail(Fault::kNotWritten);
  EXPECT_EQ(session->Take(batch).code(), StatusCode::kUnavailable);
  EXPECT_EQ(Sequence(), 0u);
  node_.writer().Fail(Fault::kAnswerLost);
  EXPECT_EQ(session->Take(batch).code(), StatusCode::kUnavailable);
  EXPECT_EQ(Sequence(), 1u);
  EXPECT_TRUE(session->Take(batch).ok());
  EXPECT_EQ(node_.ReadAll(SourceTopic("person")).size(), 1u);
}

// Holds every commit until it is let go.
class SlowWriter : public BackboneWriter {
 public:
  explicit SlowWriter(BackboneWriter& writer) : writer_(writer) {}
  absl::StatusOr<CommitResult> Commit(Transaction transaction) override {
    if (hold) {
      begun.Notify();
      go_on.WaitForNotification();
    }
    return writer_.Commit(std::move(transaction));
  }
  absl::Notification begun, go_on;
  bool hold = false;

 private:
  BackboneWriter& writer_;
};

TEST_F(IntakeTest, WhoAsksForThePositionWaitsForNoCommit) {
  SlowWriter slow(node_.writer());
  Intake intake(node_.state, node_.backbone(), slow, node_.clock(), {.partitions = 2});
  huiliu::v1::Hello hello;
  hello.set_source("src");
  hello.set_dataset("person");
  hello.set_dataset_version(1);
  auto session = intake.Open(node_.caller, hello, &welcome_);
  ASSERT_TRUE(session.ok()) << session.status();
  slow.hold = true;
  const huiliu::v1::Batch batch = BatchOf({kRow});
  std::thread taking([&] { EXPECT_TRUE((*session)->Take(batch).ok()); });
  slow.begun.WaitForNotification();
  absl::Notification asked;
  std::thread asking([&] {
    EXPECT_EQ(intake.Position("src")->sequence(), 0u);
    asked.Notify();
  });
  EXPECT_TRUE(asked.WaitForNotificationWithTimeout(absl::Seconds(20)));
  slow.go_on.Notify();
  taking.join();
  asking.join();
  EXPECT_EQ(intake.Position("src")->sequence(), 1u);
}

}  // namespace
}  // namespace huiliu::pipeline
