#include "cli/audit_verdicts.h"

#include <gtest/gtest.h>

#include "absl/strings/escaping.h"
#include "broker/lineage/checkpoint.h"
#include "broker/lineage/entry.h"
#include "core/merkle/merkle.h"
#include "core/model/batch_digest.h"

namespace huiliu::cli {
namespace {

namespace v1 = huiliu::v1;

// An honest answer: a batch of one record, taken over (signed by its department) and applied.
class AuditVerdictsTest : public testing::Test {
 protected:
  void SetUp() override {
    asked_.set_receiver("530100");
    asked_.set_dataset("person");
    asked_.mutable_key()->add_values("P1");
    v1::Envelope envelope;
    envelope.set_system("si");
    envelope.set_source_sequence(9);
    *trace_.mutable_envelope() = envelope;
    v1::RecordLeaf& leaf = *trace_.mutable_record_leaf();
    leaf.set_key(std::string("si\0\2P1", 6));
    leaf.set_envelope(envelope.SerializeAsString());
    leaf.set_payload_digest(ToString(Sha256("内容")));
    const Digest record = RecordLeafHash(leaf.key(), leaf.envelope(), Sha256("内容"));
    trace_.set_found(true);
    v1::LineageEntry& intake = *trace_.add_hops()->mutable_entry();
    intake.set_step(v1::STEP_INTAKE);
    intake.set_source("src");
    intake.set_system("si");
    intake.set_dataset("person");
    intake.set_receiver("530100");
    intake.set_sequence(9);
    intake.set_records(1);
    intake.set_records_root(ToString(record));
    intake.set_batch_digest("the batch's digest");
    intake.set_batch_signature(*department_->Sign(intake.batch_digest()));
    trace_.add_hops()->mutable_entry()->set_step(v1::STEP_APPLY);
    v1::LineageEntry& read = *trace_.add_reads()->mutable_entry();
    read.set_step(v1::STEP_READ);
    trace_.mutable_reads(0)->set_index(2);
    Log();
  }
  // The entries of the hops, as they stand, in a log that is signed.
  void Log() {
    std::vector<Digest> leaves;
    for (const auto& hop : trace_.hops())
      leaves.push_back(merkle::HashLeaf(lineage::Encode(hop.entry())));
    for (int i = 0; i < trace_.hops_size(); ++i) {
      auto& hop = *trace_.mutable_hops(i);
      hop.set_index(i);
      hop.clear_inclusion();
      const auto path = merkle::InclusionProofOf(static_cast<uint64_t>(i), leaves);
      for (const std::string& hash : merkle::ToStrings(*path)) hop.add_inclusion(hash);
    }
    *trace_.mutable_checkpoint() =
        *lineage::Sign("n/lineage/0", static_cast<int64_t>(leaves.size()), merkle::RootOf(leaves),
                       *node_, absl::UnixEpoch());
  }
  Verdicts Of(const AuditKeys& keys = {}) { return Judge(asked_, trace_, keys); }

  std::unique_ptr<SigningKey> node_ = *SigningKey::Generate();
  std::unique_ptr<SigningKey> department_ = *SigningKey::Generate();
  v1::TraceRecordRequest asked_;
  v1::TraceRecordResponse trace_;
};

TEST_F(AuditVerdictsTest, EveryLineOfAnHonestAnswerIsProvenOrSaidNotToBe) {
  const Verdicts verdicts = Of();
  EXPECT_TRUE(verdicts.hold());
  EXPECT_EQ(verdicts.checkpoint.proof, Proof::kProven);
  ASSERT_TRUE(verdicts.record.has_value());
  EXPECT_EQ(verdicts.record->proof, Proof::kProven) << verdicts.record->why;
  ASSERT_EQ(verdicts.hops.size(), 2U);
  EXPECT_EQ(verdicts.hops[0].proof, Proof::kProven) << verdicts.hops[0].why;
  EXPECT_EQ(verdicts.hops[1].proof, Proof::kProven) << verdicts.hops[1].why;
  ASSERT_EQ(verdicts.reads.size(), 1U);
  EXPECT_EQ(verdicts.reads[0].proof, Proof::kNone);
}

TEST_F(AuditVerdictsTest, NothingIsProvenByACheckpointThatDoesNotHold) {
  std::string& signature = *trace_.mutable_checkpoint()->mutable_note();
  signature[signature.size() - 3] ^= 1;
  for (const AuditKeys& keys : {AuditKeys(), AuditKeys{std::string(64, '0'), {}}}) {
    const Verdicts verdicts = Of(keys);
    EXPECT_FALSE(verdicts.hold());
    EXPECT_EQ(verdicts.checkpoint.proof, Proof::kFailed);
    EXPECT_EQ(verdicts.record->proof, Proof::kNone);
    for (const Verdict& hop : verdicts.hops) {
      EXPECT_EQ(hop.proof, Proof::kNone);
      EXPECT_NE(hop.why.find("检查点不成立"), std::string::npos);
    }
  }
}

TEST_F(AuditVerdictsTest, AReadAmongTheHopsIsMadeUpEvenWhereItStandsInTheLog) {
  trace_.add_hops()->mutable_entry()->set_step(v1::STEP_READ);
  Log();
  const Verdicts verdicts = Of();
  EXPECT_EQ(verdicts.hops[2].proof, Proof::kFailed);
  EXPECT_FALSE(verdicts.hold());
}

TEST_F(AuditVerdictsTest, OneLeafIsOneEntry) {
  *trace_.add_hops() = trace_.hops(0);
  EXPECT_EQ(Of().hops[2].proof, Proof::kFailed);
}

TEST_F(AuditVerdictsTest, ABatchSignatureIsCheckedWhereTheSourcesKeyIsKnown) {
  ASSERT_EQ(Of().signatures.size(), 1U);
  EXPECT_EQ(Of().signatures[0].source, "src");
  EXPECT_EQ(Of().signatures[0].verdict.proof, Proof::kNoKey);
  EXPECT_EQ(Of({"", {{"another", department_->public_key()}}}).signatures[0].verdict.proof,
            Proof::kNoKey);
  const AuditKeys right{"", {{"src", department_->public_key()}}};
  EXPECT_EQ(Of(right).signatures[0].verdict.proof, Proof::kProven);
  const Verdicts wrong = Of({"", {{"src", node_->public_key()}}});
  EXPECT_EQ(wrong.signatures[0].verdict.proof, Proof::kFailed);
  EXPECT_FALSE(wrong.hold());
  // What the department decided again is signed as well.
  trace_.mutable_hops(0)->mutable_entry()->set_step(v1::STEP_REDRIVE);
  Log();
  EXPECT_EQ(Of(right).signatures.at(0).verdict.proof, Proof::kProven);
  EXPECT_FALSE(Of({"", {{"src", node_->public_key()}}}).hold());
  // What was signed is only what the entry says: it must be proven, too.
  trace_.mutable_hops(0)->clear_inclusion();
  EXPECT_EQ(Of(right).signatures[0].verdict.proof, Proof::kFailed);
}

}  // namespace
}  // namespace huiliu::cli
