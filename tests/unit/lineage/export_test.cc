#include "broker/lineage/export.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "broker/lineage/checkpoint.h"
#include "broker/lineage/entry.h"
#include "broker/lineage/export_frames.h"
#include "core/model/varint.h"

namespace huiliu::lineage {
namespace {

const absl::Time kNow = absl::FromUnixSeconds(1'760'000'000);
constexpr absl::string_view kOrigin = "km.example/lineage/0";

class ExportTest : public ::testing::Test {
 protected:
  static std::string Leaf(int i) {
    return Encode(GovernEntry("sec", "km-data", "PutGrant", absl::StrCat("grant ", i), "", kNow));
  }

  // A log of n entries with a checkpoint after every `every`, from entry `from`. `change` may alter
  // the leaf that is written (the hashes and checkpoints stay those of the true log).
  std::string Export(int n, int every, int from = 0,
                     const std::function<void(int, std::string*)>& change = nullptr) {
    std::string file;
    ExportWriter writer([&](absl::string_view bytes) {
      file.append(bytes.data(), bytes.size());
      return absl::OkStatus();
    });
    merkle::TreeBuilder tree;
    std::vector<Digest> leaves;
    checkpoints_.clear();
    for (int i = 0; i <= n; ++i) {
      if (i == from) {
        std::vector<Digest> peaks;
        for (const merkle::NodeId& id : merkle::PeakIds(static_cast<uint64_t>(from))) {
          peaks.push_back(merkle::RootOf(
              absl::MakeConstSpan(leaves).subspan(id.index << id.level, size_t{1} << id.level)));
        }
        EXPECT_TRUE(writer.Begin(kOrigin, from, peaks).ok());
      }
      if (i > from && (i % every == 0 || i == n)) {
        checkpoints_.push_back(*Sign(kOrigin, i, tree.Root(), *key_, kNow));
        EXPECT_TRUE(writer.Checkpoint(checkpoints_.back()).ok());
      }
      if (i == n) break;
      const std::string leaf = Leaf(i);
      leaves.push_back(merkle::HashLeaf(leaf));
      tree.Append(leaves.back(), [](const merkle::NodeId&, const Digest&) {});
      if (i >= from) {
        EXPECT_TRUE(writer.Entry(leaf).ok());
      }
    }
    EXPECT_TRUE(writer.Finish().ok());
    if (change == nullptr) return file;
    for (int i = from; i < n; ++i) {
      std::string leaf = Leaf(i);
      const size_t at = file.find(leaf);
      change(i, &leaf);
      file.replace(at, leaf.size(), leaf);
    }
    return file;
  }

  absl::StatusOr<VerifyReport> Check(absl::string_view file, VerifyOptions options = {}) {
    if (options.public_key.empty()) options.public_key = key_->public_key();
    return CheckAsIs(file, options);
  }
  // Hands the file over in odd pieces.
  static absl::StatusOr<VerifyReport> CheckAsIs(absl::string_view file,
                                                const VerifyOptions& options) {
    size_t piece = 1;
    return VerifyExport(
        [&](char* buffer, size_t n) -> absl::StatusOr<size_t> {
          piece = piece * 7 % 4099;
          n = std::min({n, file.size(), piece});
          std::copy_n(file.data(), n, buffer);
          file.remove_prefix(n);
          return n;
        },
        options);
  }
  static std::string Problems(const VerifyReport& report) {
    std::string all;
    for (const auto& problem : report.problems) absl::StrAppend(&all, problem.what, "\n");
    return all;
  }

  std::unique_ptr<SigningKey> key_ = *SigningKey::Generate();
  std::vector<huiliu::v1::Checkpoint> checkpoints_;
};

TEST_F(ExportTest, WholeLogVerifies) {
  for (const int n : {1, 255, 256, 257, 1000}) {
    auto report = Check(Export(n, 100));
    ASSERT_TRUE(report.ok()) << report.status();
    EXPECT_TRUE(report->ok()) << Problems(*report);
    EXPECT_EQ(report->entries, n);
    EXPECT_EQ(report->newest_checkpoint_size, n);
    EXPECT_EQ(report->uncovered_entries, 0);
    EXPECT_EQ(report->checkpoints, static_cast<int>(checkpoints_.size()));
    EXPECT_EQ(report->by_step[huiliu::v1::STEP_GOVERN], n);
    EXPECT_EQ(report->root, absl::BytesToHexString(checkpoints_.back().root()));
    EXPECT_FALSE(report->key_from_file);
  }
}

TEST_F(ExportTest, PartOfALogVerifiesFromItsPeaks) {
  auto report = Check(Export(700, 300, 333));
  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_TRUE(report->ok()) << Problems(*report);
  EXPECT_EQ(report->first_index, 333);
  EXPECT_EQ(report->entries, 367);
}

TEST_F(ExportTest, ChangedEntryIsNamed) {
  auto report = Check(Export(1000, 400, 0, [](int i, std::string* leaf) {
    if (i == 517 || i == 900) leaf->back() ^= 1;
  }));
  ASSERT_TRUE(report.ok());
  EXPECT_FALSE(report->ok());
  EXPECT_EQ(report->first_wrong_entry, 517);
  EXPECT_TRUE(absl::StrContains(Problems(*report), "entry 517 was changed")) << Problems(*report);
  EXPECT_TRUE(absl::StrContains(Problems(*report), "entry 900 was changed")) << Problems(*report);
}

TEST_F(ExportTest, LastEntryAfterTheNewestCheckpointIsUncovered) {
  std::string file;
  ExportWriter writer([&](absl::string_view bytes) {
    file.append(bytes.data(), bytes.size());
    return absl::OkStatus();
  });
  ASSERT_TRUE(writer.Begin(kOrigin, 0, {}).ok());
  ASSERT_TRUE(writer.Entry(Leaf(0)).ok());
  ASSERT_TRUE(writer.Checkpoint(*Sign(kOrigin, 1, merkle::HashLeaf(Leaf(0)), *key_, kNow)).ok());
  ASSERT_TRUE(writer.Entry(Leaf(1)).ok());
  EXPECT_EQ(writer.Checkpoint(*Sign(kOrigin, 1, merkle::HashLeaf(Leaf(0)), *key_, kNow)).code(),
            absl::StatusCode::kFailedPrecondition);
  ASSERT_TRUE(writer.Finish().ok());
  auto report = Check(file);
  ASSERT_TRUE(report.ok());
  EXPECT_TRUE(report->ok()) << Problems(*report);
  EXPECT_EQ(report->uncovered_entries, 1);
}

TEST_F(ExportTest, NoKeyGivenIsSaid) {
  auto report = CheckAsIs(Export(10, 5), {});
  ASSERT_TRUE(report.ok());
  EXPECT_TRUE(report->ok());
  EXPECT_TRUE(report->key_from_file);
}

TEST_F(ExportTest, AnotherSignerIsRefused) {
  auto other = *SigningKey::Generate();
  auto report = Check(Export(10, 5), {.public_key = other->public_key()});
  ASSERT_TRUE(report.ok());
  EXPECT_FALSE(report->ok());
  EXPECT_EQ(report->checkpoints, 0);
}

TEST_F(ExportTest, RewrittenHistoryIsFoundByAKeptCheckpoint) {
  Export(50, 25);
  const auto kept = checkpoints_[0];
  // The node signs another history of the same length.
  std::string file;
  ExportWriter writer([&](absl::string_view bytes) {
    file.append(bytes.data(), bytes.size());
    return absl::OkStatus();
  });
  merkle::TreeBuilder tree;
  ASSERT_TRUE(writer.Begin(kOrigin, 0, {}).ok());
  for (int i = 0; i < 50; ++i) {
    const std::string leaf = Leaf(i == 3 ? 1000 : i);
    tree.Append(merkle::HashLeaf(leaf), [](const merkle::NodeId&, const Digest&) {});
    ASSERT_TRUE(writer.Entry(leaf).ok());
  }
  ASSERT_TRUE(writer.Checkpoint(*Sign(kOrigin, 50, tree.Root(), *key_, kNow)).ok());
  ASSERT_TRUE(writer.Finish().ok());
  EXPECT_TRUE(Check(file)->ok());
  auto report = Check(file, {.known = {kept}});
  ASSERT_TRUE(report.ok());
  EXPECT_TRUE(absl::StrContains(Problems(*report), "history was rewritten")) << Problems(*report);
  EXPECT_TRUE(Check(Export(60, 60), {.known = {kept}})->ok());
  EXPECT_FALSE(Check(Export(20, 20), {.known = {kept}})->ok()) << "cut before the kept checkpoint";
}

TEST_F(ExportTest, BatchSignaturesAreCheckedWhereTheKeyIsKnown) {
  auto source = *SigningKey::Generate();
  for (const bool good : {true, false}) {
    huiliu::v1::LineageEntry entry;
    entry.set_step(huiliu::v1::STEP_INTAKE);
    entry.set_source("si");
    entry.set_batch_digest(std::string(32, 'd'));
    entry.set_batch_signature(*source->Sign(std::string(32, good ? 'd' : 'e')));
    std::string file;
    ExportWriter writer([&](absl::string_view bytes) {
      file.append(bytes.data(), bytes.size());
      return absl::OkStatus();
    });
    ASSERT_TRUE(writer.Begin(kOrigin, 0, {}).ok());
    ASSERT_TRUE(writer.Entry(Encode(entry)).ok());
    ASSERT_TRUE(
        writer.Checkpoint(*Sign(kOrigin, 1, merkle::HashLeaf(Encode(entry)), *key_, kNow)).ok());
    ASSERT_TRUE(writer.Finish().ok());
    auto report = Check(file, {.source_keys = {{"si", source->public_key()}}});
    ASSERT_TRUE(report.ok());
    EXPECT_EQ(report->ok(), good) << Problems(*report);
    EXPECT_EQ(report->batch_signatures, good ? 1 : 0);
  }
}

TEST_F(ExportTest, ABeginningThatCannotBeReadCountsNothing) {
  for (const uint64_t first : {uint64_t{1} << 20, uint64_t{INT64_MAX}}) {
    std::string begin;
    AppendVarint(&begin, first);
    AppendVarint(&begin, 1);
    begin += "o";
    if (first == INT64_MAX) begin += std::string(63 * sizeof(Digest), 'p');  // of every peak
    std::string file = absl::StrCat(kExportMagic, "B");
    AppendVarint(&file, begin.size());
    file += begin;
    const auto report = Check(file);
    ASSERT_TRUE(report.ok()) << report.status();
    EXPECT_FALSE(report->ok());
    EXPECT_EQ(report->first_index, 0);
    EXPECT_EQ(report->entries, 0);
    EXPECT_EQ(report->uncovered_entries, 0);
  }
}

TEST_F(ExportTest, EveryCutAndRandomDamageIsFoundAndNeverCrashes) {
  const uint32_t seed = std::random_device{}();
  SCOPED_TRACE(absl::StrCat("seed ", seed));
  std::mt19937 random(seed);
  const std::string whole = Export(300, 100);
  for (int i = 0; i < 300; ++i) {
    auto cut = Check(absl::string_view(whole).substr(0, random() % whole.size()));
    EXPECT_FALSE(cut.ok() && cut->ok());
    std::string damaged = whole;
    damaged[random() % damaged.size()] ^= static_cast<char>(1 + random() % 255);
    auto report = Check(damaged);
    // Unsigned time and the like of a Checkpoint message may change unseen; entries may not.
    if (report.ok() && report->ok()) {
      EXPECT_EQ(report->entries, 300);
      EXPECT_EQ(report->root, absl::BytesToHexString(checkpoints_.back().root()));
    }
  }
  EXPECT_EQ(Check("").status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(Check("PK\x03\x04 something else").status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(VerifyExportFile("/nowhere/at/all", {}).status().code(), absl::StatusCode::kNotFound);
}

}  // namespace
}  // namespace huiliu::lineage
