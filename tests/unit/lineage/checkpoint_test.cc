#include "broker/lineage/checkpoint.h"

#include <gtest/gtest.h>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "core/merkle/merkle.h"

namespace huiliu::lineage {
namespace {

const absl::Time kNow = absl::FromUnixSeconds(1'760'000'000);
constexpr absl::string_view kOrigin = "km.example/lineage/0";

class CheckpointTest : public ::testing::Test {
 protected:
  std::unique_ptr<SigningKey> key_ = *SigningKey::Generate();
  Digest root_ = Sha256("root");
  huiliu::v1::Checkpoint checkpoint_ = *Sign(kOrigin, 42, root_, *key_, kNow);
};

TEST_F(CheckpointTest, NoteHasTheC2spForm) {
  const std::string text =
      absl::StrCat("km.example/lineage/0\n42\n", absl::Base64Escape(AsBytes(root_)), "\n");
  ASSERT_TRUE(absl::StartsWith(checkpoint_.note(), text + "\n\xE2\x80\x94 km.example/lineage/0 "));
  EXPECT_EQ(checkpoint_.note().back(), '\n');
  EXPECT_TRUE(VerifySignature(key_->public_key(), text, checkpoint_.signature()));
  auto head = VerifyNote(checkpoint_.note(), key_->public_key());
  ASSERT_TRUE(head.ok()) << head.status();
  EXPECT_EQ(head->origin, kOrigin);
  EXPECT_EQ(head->tree_size, 42);
  EXPECT_EQ(head->root, root_);
  EXPECT_TRUE(Verify(checkpoint_, key_->public_key()).ok());
  EXPECT_TRUE(Verify(checkpoint_, "").ok());
}

// A note of golang.org/x/mod/sumdb/note's documentation, signed by another program.
TEST_F(CheckpointTest, KeyHashIsThatOfSignedNotes) {
  // PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW
  const std::string key_line = "ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
  std::string key;
  ASSERT_TRUE(absl::Base64Unescape(key_line, &key));
  const Digest digest = Sha256(absl::StrCat("PeterNeumann\n", key));
  EXPECT_EQ(absl::BytesToHexString(AsBytes(digest).substr(0, 4)), "c74f20a3");
}

TEST_F(CheckpointTest, AnotherKeyIsRefused) {
  auto other = *SigningKey::Generate();
  EXPECT_EQ(VerifyNote(checkpoint_.note(), other->public_key()).status().code(),
            absl::StatusCode::kDataLoss);
  EXPECT_EQ(Verify(checkpoint_, other->public_key()).status().code(), absl::StatusCode::kDataLoss);
}

TEST_F(CheckpointTest, EveryChangedByteIsRefused) {
  for (size_t i = 0; i < checkpoint_.note().size(); ++i) {
    std::string note = checkpoint_.note();
    note[i] = static_cast<char>(note[i] ^ 1);
    EXPECT_FALSE(VerifyNote(note, key_->public_key()).ok()) << i;
    EXPECT_FALSE(VerifyNote(checkpoint_.note().substr(0, i), key_->public_key()).ok()) << i;
  }
}

TEST_F(CheckpointTest, FieldsMustAgreeWithTheNote) {
  auto changed = checkpoint_;
  changed.set_tree_size(41);
  EXPECT_EQ(Verify(changed, key_->public_key()).status().code(), absl::StatusCode::kDataLoss);
  changed = checkpoint_;
  changed.mutable_root()->at(0) ^= 1;
  EXPECT_EQ(Verify(changed, key_->public_key()).status().code(), absl::StatusCode::kDataLoss);
}

TEST_F(CheckpointTest, WitnessLinesAndExtensionsAreBorne) {
  const std::string witness = absl::StrCat(checkpoint_.note(), "\xE2\x80\x94 witness.example ",
                                           absl::Base64Escape(std::string(68, 'w')), "\n");
  EXPECT_TRUE(VerifyNote(witness, key_->public_key()).ok());
  EXPECT_FALSE(VerifyNote(checkpoint_.note() + "garbage\n", key_->public_key()).ok());
}

TEST_F(CheckpointTest, OriginsThatBreakTheFormAreRefused) {
  for (const char* origin : {"", "a b", "a+b", "a\nb", "昆明\xE3\x80\x80"}) {
    EXPECT_EQ(Sign(origin, 1, root_, *key_, kNow).status().code(),
              absl::StatusCode::kInvalidArgument)
        << origin;
  }
  EXPECT_TRUE(Sign("昆明/lineage/0", 1, root_, *key_, kNow).ok());
}

TEST_F(CheckpointTest, ProgressNeedsOneLogOneKeyAndAProof) {
  std::vector<Digest> leaves;
  for (int i = 0; i < 9; ++i) leaves.push_back(merkle::HashLeaf(absl::StrCat(i)));
  const auto at = [&](size_t size, absl::string_view origin, const SigningKey& key) {
    return *Sign(origin, static_cast<int64_t>(size),
                 merkle::RootOf(absl::MakeConstSpan(leaves).subspan(0, size)), key, kNow);
  };
  const auto reader = [&](const merkle::NodeId& id) -> absl::StatusOr<Digest> {
    return merkle::RootOf(
        absl::MakeConstSpan(leaves).subspan(id.index << id.level, size_t{1} << id.level));
  };
  const auto proof = merkle::ToStrings(*merkle::ConsistencyProof(5, 9, reader));
  const auto older = at(5, kOrigin, *key_);
  EXPECT_TRUE(VerifyProgress(older, at(9, kOrigin, *key_), proof, key_->public_key()).ok());
  EXPECT_TRUE(VerifyProgress(older, older, {}, key_->public_key()).ok());
  EXPECT_FALSE(VerifyProgress(older, at(9, kOrigin, *key_), {}, key_->public_key()).ok());
  EXPECT_FALSE(VerifyProgress(older, at(9, "other/0", *key_), proof, key_->public_key()).ok());
  auto other = *SigningKey::Generate();
  EXPECT_FALSE(VerifyProgress(older, at(9, kOrigin, *other), proof, "").ok());
  leaves[1] = merkle::HashLeaf("rewritten");
  EXPECT_FALSE(VerifyProgress(older, at(9, kOrigin, *key_), proof, key_->public_key()).ok());
}

}  // namespace
}  // namespace huiliu::lineage
