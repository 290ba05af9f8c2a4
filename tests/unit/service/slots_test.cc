#include "broker/service/slots.h"

#include <gtest/gtest.h>

namespace huiliu::service {
namespace {

TEST(SlotsTest, NobodyTakesThemAll) {
  Slots slots(4, 2);
  EXPECT_TRUE(slots.Take("a").ok());
  EXPECT_TRUE(slots.Take("a").ok());
  EXPECT_EQ(slots.Take("a").code(), absl::StatusCode::kResourceExhausted);
  EXPECT_TRUE(slots.Take("b").ok()) << "another organisation is not kept waiting";
  EXPECT_TRUE(slots.Take("c").ok());
  EXPECT_EQ(slots.Take("d").code(), absl::StatusCode::kResourceExhausted) << "all are taken";
  slots.Release("a");
  EXPECT_TRUE(slots.Take("d").ok());
  EXPECT_EQ(slots.Take("a").code(), absl::StatusCode::kResourceExhausted);
  slots.Release("b");
  EXPECT_TRUE(slots.Take("a").ok());
}

}  // namespace
}  // namespace huiliu::service
