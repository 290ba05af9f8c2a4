#include "storage/decisions/update_table.h"

#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "storage/decisions/key_filter.h"

namespace huiliu {
namespace {

TEST(KeyHashTest, AgreesWithTheReferenceVectors) {
  // github.com/veorq/SipHash, vectors.h: key 00 01 … 0f, input 00 01 … of the given length.
  const KeyHashSeed seed{0x0706050403020100u, 0x0f0e0d0c0b0a0908u};
  EXPECT_EQ(HashKey(seed, ""), (KeyHash{0xe6a825ba047f81a3u, 0x930255c71472f66du}));
  EXPECT_EQ(HashKey(seed, absl::string_view("\0", 1)),
            (KeyHash{0x44af996bd8c187dau, 0x45fc229b11597634u}));
}

TEST(UpdateTableTest, FindsWhatWasAddedAndTheNewestOfIt) {
  UpdateTable table;
  const KeyHashSeed seed{1, 2};
  for (int round = 0; round < 3; ++round) {
    std::vector<DecisionUpdate> updates;
    for (int i = 0; i < 1000; ++i)
      updates.push_back({absl::StrCat("k", i), absl::StrCat(round, "/", i)});
    UpdateTable next;
    ASSERT_TRUE(next.Add(seed, EncodeUpdates(updates)).ok());
    table.Add(std::move(next));
    EXPECT_EQ(next.size(), 0u);
  }
  EXPECT_EQ(table.size(), 1000u);
  absl::string_view value;
  ASSERT_TRUE(table.Find(HashKey(seed, "k7"), "k7", &value));
  EXPECT_EQ(value, "2/7");
  EXPECT_FALSE(table.Find(HashKey(seed, "k1000"), "k1000", &value));
}

TEST(UpdateTableTest, TornBlobIsRefused) {
  const std::string blob = EncodeUpdates({{"key", "value"}, {"other", std::string(300, 'x')}});
  for (size_t cut = 1; cut < blob.size(); ++cut) {
    UpdateTable table;
    const bool whole = cut == 1 + 3 + 1 + 5;
    EXPECT_EQ(table.Add({1, 2}, blob.substr(0, cut)).ok(), whole) << cut;
  }
}

TEST(KeyFilterTest, NeverDeniesAKeyAndSeldomAdmitsAStranger) {
  KeyFilter filter(1 << 16);
  const KeyHashSeed seed{3, 4};
  const int keys = static_cast<int>(filter.capacity());
  for (int i = 0; i < keys; ++i) filter.Add(HashKey(seed, absl::StrCat("k", i)));
  EXPECT_TRUE(filter.MayHold(HashKey(seed, "stranger")));
  filter.SetComplete(true);
  int strangers = 0;
  for (int i = 0; i < keys; ++i) {
    ASSERT_TRUE(filter.MayHold(HashKey(seed, absl::StrCat("k", i))));
    strangers += filter.MayHold(HashKey(seed, absl::StrCat("s", i)));
  }
  EXPECT_LT(strangers, keys / 3);
}

}  // namespace
}  // namespace huiliu
