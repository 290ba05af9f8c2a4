#include "cli/audit_proofs.h"

#include <gtest/gtest.h>

#include "absl/strings/escaping.h"
#include "broker/lineage/checkpoint.h"
#include "broker/lineage/entry.h"
#include "core/merkle/merkle.h"
#include "core/model/batch_digest.h"

namespace huiliu::cli {
namespace {

namespace v1 = huiliu::v1;

class AuditProofsTest : public testing::Test {
 protected:
  void SetUp() override {
    key_ = *SigningKey::Generate();
    std::vector<Digest> leaves;
    for (int i = 0; i < 5; ++i) {
      v1::LineageEntry entry;
      entry.set_step(v1::STEP_INTAKE);
      entry.set_sequence(static_cast<uint64_t>(i));
      leaves.push_back(merkle::HashLeaf(lineage::Encode(entry)));
      if (i == 3) *hop_.mutable_entry() = entry;
    }
    hop_.set_index(3);
    for (const std::string& hash : merkle::ToStrings(*merkle::InclusionProofOf(3, leaves)))
      hop_.add_inclusion(hash);
    checkpoint_ =
        *lineage::Sign("n/lineage/0", 5, merkle::RootOf(leaves), *key_, absl::UnixEpoch());
  }
  std::unique_ptr<SigningKey> key_;
  v1::TraceRecordResponse::Hop hop_;
  v1::Checkpoint checkpoint_;
};

TEST_F(AuditProofsTest, AHopIsProvenUntilAnythingInItChanges) {
  EXPECT_TRUE(VerifyHop(hop_, checkpoint_).ok());
  auto other = hop_;
  other.mutable_entry()->set_records(1);
  EXPECT_FALSE(VerifyHop(other, checkpoint_).ok());
  other = hop_;
  other.set_index(2);
  EXPECT_FALSE(VerifyHop(other, checkpoint_).ok());
  other = hop_;
  other.mutable_inclusion()->RemoveLast();
  EXPECT_FALSE(VerifyHop(other, checkpoint_).ok());
}

TEST_F(AuditProofsTest, AHopBehindTheCheckpointIsNotYetProvable) {
  hop_.set_index(5);
  EXPECT_EQ(VerifyHop(hop_, checkpoint_).code(), absl::StatusCode::kFailedPrecondition);
}

TEST_F(AuditProofsTest, OnlyTheKnownKeysCheckpointsCount) {
  EXPECT_TRUE(VerifyCheckpoint(checkpoint_, "").ok());
  EXPECT_TRUE(VerifyCheckpoint(checkpoint_, absl::BytesToHexString(key_->public_key())).ok());
  EXPECT_FALSE(VerifyCheckpoint(checkpoint_, std::string(64, '0')).ok());
  checkpoint_.set_tree_size(6);
  EXPECT_FALSE(VerifyCheckpoint(checkpoint_, "").ok());
}

TEST_F(AuditProofsTest, ABatchSharedWithOthersIsWithheldAndNothingElseIs) {
  hop_.clear_inclusion();
  EXPECT_EQ(VerifyHop(hop_, checkpoint_).code(), absl::StatusCode::kPermissionDenied);
  hop_.mutable_entry()->set_receiver("530100");
  EXPECT_EQ(VerifyHop(hop_, checkpoint_).code(), absl::StatusCode::kInvalidArgument);
  hop_.mutable_entry()->clear_receiver();
  hop_.mutable_entry()->set_step(v1::STEP_APPLY);
  EXPECT_EQ(VerifyHop(hop_, checkpoint_).code(), absl::StatusCode::kInvalidArgument);
}

// A batch of three records whose entry stands in a log of two.
class RecordProofTest : public testing::Test {
 protected:
  void SetUp() override {
    key_ = *SigningKey::Generate();
    asked_.set_receiver("530100");
    asked_.set_dataset("person");
    asked_.mutable_key()->add_values("P1");
    asked_.mutable_key()->add_values("养老");
    envelope_.set_system("si");
    envelope_.set_division("530102");
    envelope_.set_source_epoch(7);
    envelope_.set_source_sequence(9);
    envelope_.set_index_in_batch(1);
    v1::RecordLeaf& leaf = *trace_.mutable_record_leaf();
    leaf.set_key(std::string("si\0\2P1\6养老", 13));
    leaf.set_envelope(envelope_.SerializeAsString());
    leaf.set_payload_digest(ToString(Sha256("内容")));
    *trace_.mutable_envelope() = envelope_;
    trace_.mutable_envelope()->set_arrival_time_us(5);  // of the node
    trace_.set_record_index(1);
    Prove();
  }

  // All that an honest node would give for the leaf as it stands.
  void Prove() {
    const v1::RecordLeaf& leaf = trace_.record_leaf();
    const std::vector<Digest> records = {
        merkle::HashLeaf("a"), RecordLeafHash(leaf.key(), leaf.envelope(), Sha256("内容")),
        merkle::HashLeaf("c")};
    trace_.clear_record_inclusion();
    for (const std::string& hash : merkle::ToStrings(*merkle::InclusionProofOf(1, records)))
      trace_.add_record_inclusion(hash);
    trace_.clear_hops();
    auto& hop = *trace_.add_hops();
    v1::LineageEntry& entry = *hop.mutable_entry();
    entry.set_step(v1::STEP_RETURN);
    entry.set_system("si");
    entry.set_dataset("person");
    entry.set_receiver("530100");
    entry.set_epoch(7);
    entry.set_sequence(9);
    entry.set_records(3);
    entry.set_records_root(ToString(merkle::RootOf(records)));
    Log();
  }
  // The first hop's entry, whatever it says, in a log that is signed.
  void Log() {
    auto& hop = *trace_.mutable_hops(0);
    const std::vector<Digest> entries = {merkle::HashLeaf("before"),
                                         merkle::HashLeaf(lineage::Encode(hop.entry()))};
    hop.set_index(1);
    hop.clear_inclusion();
    for (const std::string& hash : merkle::ToStrings(*merkle::InclusionProofOf(1, entries)))
      hop.add_inclusion(hash);
    *trace_.mutable_checkpoint() =
        *lineage::Sign("n/lineage/0", 2, merkle::RootOf(entries), *key_, absl::UnixEpoch());
  }
  absl::StatusCode Verdict() const { return VerifyRecord(asked_, trace_).code(); }

  static constexpr auto kWrong = absl::StatusCode::kInvalidArgument;
  std::unique_ptr<SigningKey> key_;
  v1::TraceRecordRequest asked_;
  v1::Envelope envelope_;
  v1::TraceRecordResponse trace_;
};

TEST_F(RecordProofTest, AnHonestAnswerIsProven) {
  EXPECT_EQ(VerifyRecord(asked_, trace_), absl::OkStatus());
}

TEST_F(RecordProofTest, TheShownEnvelopeIsTheProvenOne) {
  trace_.mutable_envelope()->set_division("530103");
  EXPECT_EQ(Verdict(), kWrong);
  trace_.mutable_record_leaf()->set_envelope(trace_.envelope().SerializeAsString());
  EXPECT_EQ(Verdict(), kWrong) << "the path is of the true one";
}

TEST_F(RecordProofTest, TheProofOfAnotherKeyIsNone) {
  trace_.mutable_record_leaf()->set_key(std::string("si\0\2P2\6养老", 13));
  Prove();
  EXPECT_EQ(Verdict(), kWrong);
  asked_.mutable_key()->set_values(0, "P2");
  EXPECT_EQ(Verdict(), absl::StatusCode::kOk);
  asked_.mutable_key()->set_system("pr");
  EXPECT_EQ(Verdict(), kWrong);
}

TEST_F(RecordProofTest, OtherContentIsNotProven) {
  trace_.mutable_record_leaf()->set_payload_digest(ToString(Sha256("别的")));
  EXPECT_EQ(Verdict(), kWrong);
  trace_.mutable_record_leaf()->set_payload_digest("short");
  EXPECT_EQ(Verdict(), kWrong);
}

TEST_F(RecordProofTest, AnEntryThatStandsInNoLogProvesNothing) {
  trace_.mutable_hops(0)->mutable_entry()->set_time_us(1);
  EXPECT_EQ(Verdict(), kWrong);
  Log();
  EXPECT_EQ(Verdict(), absl::StatusCode::kOk);
  trace_.mutable_hops(0)->clear_inclusion();
  EXPECT_EQ(Verdict(), kWrong) << "an entry of one receiver comes with its path";
}

TEST_F(RecordProofTest, AnEntryOfAnotherBatchDatasetOrReceiverProvesNothing) {
  auto& entry = *trace_.mutable_hops(0)->mutable_entry();
  entry.set_sequence(10);
  Log();
  EXPECT_EQ(Verdict(), kWrong);
  entry.set_sequence(9);
  entry.set_receiver("532900");
  Log();
  EXPECT_EQ(Verdict(), kWrong);
  entry.set_receiver("530100");
  entry.set_dataset("firm");
  Log();
  EXPECT_EQ(Verdict(), kWrong);
}

TEST_F(RecordProofTest, AnEntryOfAnotherSourcesBatchOfTheSameNumberProvesNothing) {
  envelope_.set_source("ea");
  trace_.mutable_record_leaf()->set_envelope(envelope_.SerializeAsString());
  trace_.mutable_envelope()->set_source("ea");
  Prove();
  trace_.mutable_hops(0)->mutable_entry()->set_source("eb");
  Log();
  EXPECT_EQ(Verdict(), kWrong);
  trace_.mutable_hops(0)->mutable_entry()->set_source("ea");
  Log();
  EXPECT_EQ(Verdict(), absl::StatusCode::kOk);
}

TEST_F(RecordProofTest, WithoutAProofNothingIsSaidToBeProven) {
  trace_.clear_record_leaf();
  EXPECT_EQ(Verdict(), absl::StatusCode::kNotFound);
}

}  // namespace
}  // namespace huiliu::cli
