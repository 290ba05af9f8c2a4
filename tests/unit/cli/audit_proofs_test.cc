#include "cli/audit_proofs.h"

#include <gtest/gtest.h>

#include "absl/strings/escaping.h"
#include "broker/lineage/checkpoint.h"
#include "broker/lineage/entry.h"
#include "core/merkle/merkle.h"

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

TEST_F(AuditProofsTest, ARecordIsProvenUnderARootThatAnEntryStates) {
  const std::vector<Digest> records = {merkle::HashLeaf("a"), merkle::HashLeaf("b"),
                                       merkle::HashLeaf("c")};
  v1::TraceRecordResponse trace;
  auto* entry = trace.add_hops()->mutable_entry();
  entry->set_records(3);
  entry->set_records_root(ToString(merkle::RootOf(records)));
  trace.set_record_index(1);
  trace.set_record_leaf_hash(ToString(records[1]));
  for (const std::string& hash : merkle::ToStrings(*merkle::InclusionProofOf(1, records)))
    trace.add_record_inclusion(hash);
  EXPECT_TRUE(VerifyRecord(trace).ok());
  trace.set_record_leaf_hash(ToString(records[0]));
  EXPECT_FALSE(VerifyRecord(trace).ok());
}

}  // namespace
}  // namespace huiliu::cli
