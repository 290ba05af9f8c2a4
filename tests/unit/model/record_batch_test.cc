#include "core/model/record_batch.h"

#include <gtest/gtest.h>

namespace huiliu {
namespace {

std::string ThreeRecords() {
  RecordBatchBuilder builder;
  builder.Add("k1", "h1", "v1");
  builder.AddTombstone("k2", "h2");
  builder.Add("", "", "");
  return builder.Finish();
}

TEST(RecordBatchTest, RecordsComeBackInOrder) {
  const std::string bytes = ThreeRecords();
  auto view = RecordBatchView::Parse(bytes);
  ASSERT_TRUE(view.ok()) << view.status();
  ASSERT_EQ(view->count(), 3);
  view->ForEach([](int i, const RecordView& r) {
    if (i == 0) {
      EXPECT_EQ(r.key, "k1");
      EXPECT_EQ(r.header, "h1");
      EXPECT_EQ(r.value, "v1");
      EXPECT_FALSE(r.tombstone);
    } else if (i == 1) {
      EXPECT_EQ(r.key, "k2");
      EXPECT_TRUE(r.tombstone);
    } else {
      EXPECT_FALSE(r.tombstone);
      EXPECT_EQ(r.value, "");
    }
  });
}

TEST(RecordBatchTest, EveryFlippedBitIsFound) {
  const std::string good = ThreeRecords();
  for (size_t i = 0; i < good.size() * 8; ++i) {
    std::string bad = good;
    bad[i / 8] = static_cast<char>(bad[i / 8] ^ (1 << (i % 8)));
    EXPECT_EQ(RecordBatchView::Parse(bad).status().code(), absl::StatusCode::kDataLoss) << i;
  }
}

TEST(RecordBatchTest, EveryTornTailIsFound) {
  const std::string good = ThreeRecords();
  for (size_t n = 0; n < good.size(); ++n) {
    EXPECT_FALSE(RecordBatchView::Parse(absl::string_view(good).substr(0, n)).ok()) << n;
  }
}

}  // namespace
}  // namespace huiliu
