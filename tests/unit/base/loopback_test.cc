#include "core/base/loopback.h"

#include <gtest/gtest.h>

namespace huiliu {
namespace {

TEST(LoopbackTest, ThisMachineByNumberOrByItsOwnName) {
  for (const char* address :
       {"127.0.0.1:1", "127.8.9.1:7443", "localhost:1", "[::1]:1", "unix:/run/huiliu"})
    EXPECT_TRUE(IsLoopback(address)) << address;
}

TEST(LoopbackTest, NamesThatLookLikeItAreNot) {
  for (const char* address : {"127.evil.example:1", "localhost.evil:1", "127.0.0.1.evil:1",
                              "0.0.0.0:1", "[::]:1", ":1", "10.0.0.1:1", "node:1", ""})
    EXPECT_FALSE(IsLoopback(address)) << address;
}

}  // namespace
}  // namespace huiliu
