#include "broker/lineage/entry.h"

#include <gtest/gtest.h>

#include <set>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "core/model/batch_digest.h"

namespace huiliu::lineage {
namespace {

const absl::Time kNow = absl::FromUnixSeconds(1'760'000'000);

Reader Bureau() {
  return {.account = "hrss-reader",
          .organisation = "km-hrss",
          .receiver = "530100",
          .dataset = "employment",
          .dataset_version = 2,
          .purpose = "就业服务",
          .grant = "hrss-employment",
          .method = "Catalog.MultiGet"};
}

TEST(EntryTest, IntakeCarriesWhatTheBatchSigned) {
  huiliu::v1::Batch batch;
  batch.set_source("si");
  batch.set_epoch(3);
  batch.set_sequence(17);
  batch.set_dataset("employment");
  batch.set_dataset_version(2);
  batch.set_rule_set("aa");
  batch.add_keys("k");
  batch.add_envelopes("e");
  batch.add_payloads("p");
  batch.set_records_root(ToString(MerkleRootOf(RecordLeafHashes(batch))));
  batch.set_rest_rows(5);
  batch.set_rest_digest("r");
  batch.add_counts()->set_rows(6);
  batch.set_digest("d");
  batch.set_signature("s");
  auto* note = batch.add_quarantine_notes();
  note->set_row_id("a.csv:9");
  note->set_reason("charset.invalid");
  note->set_place("a.csv:9:4");
  batch.add_quarantined()->set_raw("张三,530102…");
  const auto entry =
      IntakeEntry(batch, "si-system", "mohrss", "530100", "agent-1", {"returned.x", 1, 7, 7}, kNow);
  EXPECT_EQ(entry.step(), huiliu::v1::STEP_INTAKE);
  EXPECT_EQ(entry.sequence(), 17u);
  EXPECT_EQ(entry.records(), 1);
  EXPECT_EQ(entry.records_root(), batch.records_root());
  EXPECT_EQ(entry.batch_signature(), "s");
  EXPECT_EQ(entry.counts_size(), 1);
  EXPECT_EQ(entry.last_offset(), 7);
  ASSERT_EQ(entry.quarantined_size(), 2);
  EXPECT_FALSE(absl::StrContains(Encode(entry), "张三")) << "raw rows must not stand in the log";
  batch.set_redrive(true);
  EXPECT_EQ(IntakeEntry(batch, "", "", "", "", {}, kNow).step(), huiliu::v1::STEP_REDRIVE);
}

TEST(EntryTest, ReadsSplitAtAThousandKeysAndLoseNone) {
  std::vector<std::string> digests;
  for (int i = 0; i < 2501; ++i) {
    digests.push_back(KeyDigest("node key", "530100", "employment", absl::StrCat("key ", i)));
  }
  auto entries = ReadEntries(huiliu::v1::STEP_READ, Bureau(), digests, kNow);
  ASSERT_EQ(entries.size(), 3u);
  std::set<std::string> seen;
  int64_t records = 0;
  for (auto& entry : entries) {
    EXPECT_TRUE(Bound(&entry).ok());
    EXPECT_LE(Encode(entry).size(), kMaxEntryBytes);
    EXPECT_EQ(entry.purpose(), "就业服务");
    seen.insert(entry.key_digests().begin(), entry.key_digests().end());
    records += entry.records();
  }
  EXPECT_EQ(seen.size(), 2501u);
  EXPECT_EQ(records, 2501);
}

TEST(EntryTest, ALookThatFoundNothingIsRecorded) {
  const auto entries = ReadEntries(huiliu::v1::STEP_READ, Bureau(), {}, kNow);
  ASSERT_EQ(entries.size(), 1u);
  EXPECT_EQ(entries[0].records(), 0);
}

TEST(EntryTest, KeyDigestDependsOnKeyReceiverAndDataset) {
  const std::string digest = KeyDigest("node key", "530100", "employment", "k");
  EXPECT_EQ(digest.size(), 32u);
  EXPECT_EQ(digest, KeyDigest("node key", "530100", "employment", "k"));
  EXPECT_NE(digest, KeyDigest("other key", "530100", "employment", "k"));
  EXPECT_NE(digest, KeyDigest("node key", "530102", "employment", "k"));
  EXPECT_NE(digest, KeyDigest("node key", "53010", "0employment", "k"));
}

TEST(EntryTest, BoundCutsTextsAtACodePoint) {
  std::string reason;
  for (int i = 0; i < 1000; ++i) reason += "据";
  auto entry = RefusedEntry(Bureau(), reason, kNow);
  ASSERT_TRUE(Bound(&entry).ok());
  EXPECT_EQ(entry.reason().size(), kMaxTextBytes - kMaxTextBytes % 3);
}

TEST(EntryTest, BoundDropsTracesThatDoNotFitAndSaysHowMany) {
  huiliu::v1::Batch batch;
  for (int i = 0; i < 5000; ++i) {
    auto* note = batch.add_quarantine_notes();
    note->set_row_id(absl::StrCat("big.csv:", i));
    note->set_reason("charset.invalid");
    note->set_raw_sha256(std::string(32, 'x'));
  }
  auto entry = IntakeEntry(batch, "s", "o", "530100", "a", {}, kNow);
  ASSERT_TRUE(Bound(&entry).ok());
  EXPECT_LE(Encode(entry).size(), kMaxEntryBytes);
  EXPECT_GT(entry.quarantined_size(), 500);
  EXPECT_EQ(entry.detail(),
            absl::StrCat(5000 - entry.quarantined_size(), " more quarantined rows"));
}

TEST(EntryTest, BoundRefusesWhatCannotFit) {
  huiliu::v1::LineageEntry entry;
  EXPECT_EQ(Bound(&entry).code(), absl::StatusCode::kInvalidArgument);
  entry.set_step(huiliu::v1::STEP_INTAKE);
  EXPECT_TRUE(Bound(&entry).ok());
  entry.set_source(std::string(70'000, 's'));
  EXPECT_EQ(Bound(&entry).code(), absl::StatusCode::kInvalidArgument);
  huiliu::v1::LineageEntry keys;
  keys.set_step(huiliu::v1::STEP_READ);
  for (int i = 0; i <= kMaxKeyDigests; ++i) keys.add_key_digests("x");
  EXPECT_EQ(Bound(&keys).code(), absl::StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace huiliu::lineage
