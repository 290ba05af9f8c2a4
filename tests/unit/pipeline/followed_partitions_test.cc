#include "broker/pipeline/followed_partitions.h"

#include <gtest/gtest.h>

namespace huiliu::pipeline {
namespace {

TEST(MayHaveMissedTombstonesTest, IsSaidTooEarlyRatherThanTooLate) {
  const absl::Time now = absl::FromUnixSeconds(1'700'000'000);
  const absl::Duration week = absl::Hours(24 * 7);
  EXPECT_FALSE(MayHaveMissedTombstones(now, now, week));
  EXPECT_FALSE(MayHaveMissedTombstones(now - absl::Hours(24 * 6), now, week));
  EXPECT_TRUE(MayHaveMissedTombstones(now - absl::Hours(24 * 6 + 4), now, week));
  // The clock was put back since: by a little, by much.
  EXPECT_FALSE(MayHaveMissedTombstones(now + absl::Minutes(5), now, week));
  EXPECT_TRUE(MayHaveMissedTombstones(now + absl::Hours(24), now, week));
  EXPECT_FALSE(MayHaveMissedTombstones(now - absl::Hours(24 * 365), now, absl::InfiniteDuration()));
}

// Kafka's log ends behind the markers of transactions, which no reader is given.
TEST(FollowedPartitionsTest, MarkersBehindTheLastRecordAreNothingThatWasWrittenSince) {
  ManualClock clock(absl::FromUnixSeconds(1'700'000'000));
  const absl::Time long_ago = clock.Now() - absl::Hours(24 * 365);
  FollowedPartitions::Standing standing{
      {"returned.530100.person", Partition(0)}, Offset(10), {Offset(0), Offset(10), Offset(12)}};
  for (const int64_t seen : {11, 12}) {
    FollowedPartitions partitions(clock, absl::Hours(24 * 7));
    partitions.GoOn(standing.from, {long_ago, Offset(seen)});
    EXPECT_EQ(partitions.CanGoOn(standing, clock.Now()), seen == 12);
  }
  FollowedPartitions unknown(clock, absl::Hours(24 * 7));
  EXPECT_FALSE(unknown.CanGoOn(standing, clock.Now()));
  // One that came to the end says where that was.
  FollowedPartitions partitions(clock, absl::Hours(24 * 7));
  partitions.Begin(standing.from);
  partitions.SawEnd(standing, clock.Now());
  clock.Advance(absl::Hours(24 * 365));
  EXPECT_TRUE(partitions.CanGoOn(standing, clock.Now()));
}

}  // namespace
}  // namespace huiliu::pipeline
