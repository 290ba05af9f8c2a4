#include <gtest/gtest.h>

#include "broker/backbone/kafka/framing.h"

namespace huiliu {
namespace {

std::string Bytes(std::initializer_list<int> bytes) {
  std::string out;
  for (int byte : bytes) out.push_back(static_cast<char>(byte));
  return out;
}

TEST(KafkaFramingTest, IsConfluents) {
  EXPECT_EQ(ConfluentFraming(0x01020304, 0), Bytes({0, 1, 2, 3, 4, 0}));
  EXPECT_EQ(ConfluentFraming(7, 3), Bytes({0, 0, 0, 0, 7, 2, 6}));
}

TEST(KafkaFramingTest, IsTakenOffAgain) {
  for (const int index : {0, 1, 63, 64, 300}) {
    for (const std::string& message : {std::string(), std::string("\x0a\x01x"), Bytes({0, 0, 0})})
      EXPECT_EQ(WithoutFraming(ConfluentFraming(1'000'000, index) + message), message) << index;
  }
  // As other producers may write it: nested messages, an explicit first one.
  EXPECT_EQ(WithoutFraming(Bytes({0, 0, 0, 0, 1, 4, 2, 0, 'x'})), "x");
  EXPECT_EQ(WithoutFraming(Bytes({0, 0, 0, 0, 1, 2, 0, 'x'})), "x");
}

TEST(KafkaFramingTest, TellsWhichSchemaAFrameHas) {
  uint32_t id = 9;
  EXPECT_EQ(WithoutFraming(ConfluentFraming(0xFEDCBA98, 2) + "x", &id), "x");
  EXPECT_EQ(id, 0xFEDCBA98);
  EXPECT_EQ(WithoutFraming("\x0a\x01x", &id), "\x0a\x01x");
  EXPECT_EQ(id, 0U);
}

TEST(KafkaFramingTest, WhatHasNoFrameStaysAsItIs) {
  for (const std::string& value :
       {std::string(), Bytes({0}), Bytes({0, 1, 2, 3, 4}), std::string("\x0a\x01x"),
        Bytes({0, 0, 0, 0, 1, 255}), Bytes({0, 0, 0, 0, 1, 254, 255, 255, 255, 255, 255, 255, 1})})
    EXPECT_EQ(WithoutFraming(value), value);
}

}  // namespace
}  // namespace huiliu
