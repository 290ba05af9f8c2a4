#include "core/codes/phone_numbers.h"

#include <gtest/gtest.h>

namespace huiliu::codes {
namespace {

TEST(PhoneNumbersTest, AMobileNumberIsFoundHoweverItIsWritten) {
  for (const char* text :
       {"13887654321", "联系人13887654321。", "电话：138-8765-4321", "138 8765 4321 核实",
        "+86 13887654321", "+8613887654321", "008613887654321", "86 138-8765-4321",
        "１３８８７６５４３２１", "见13887654321/13987654321"}) {
    EXPECT_TRUE(HoldsMobileNumber(text)) << text;
  }
}

TEST(PhoneNumbersTest, WhatIsNoMobileNumberIsNone) {
  for (const char* text : {"", "1388765432", "138876543210", "12887654321", "0871-63112345",
                           "91530100MA6K1XYZ01", "530102199003071234", "2026-11-30",
                           "138，8765，4321", "13887654321987", "530102 2026 0001", "138\\d{8}"}) {
    EXPECT_FALSE(HoldsMobileNumber(text)) << text;
  }
}

}  // namespace
}  // namespace huiliu::codes
