// Positions of others in Kafka's topic of them.
#include "broker/pipeline/position_checks.h"

#include <gtest/gtest.h>

#include "broker/pipeline/node_decisions.h"
#include "broker/pipeline/returned_standing.h"
#include "huiliu/v1/control.pb.h"

namespace huiliu::pipeline {
namespace {

TEST(WhyNotPositionTest, WhatWeWriteIsOurs) {
  huiliu::v1::SourcePosition position;
  position.set_epoch(1);
  EXPECT_EQ(WhyNotPosition("source/si", position.SerializeAsString()), "");
  EXPECT_EQ(WhyNotPosition("return", Encode(EngineMark{7, ""})), "");
  EXPECT_EQ(WhyNotPosition("return/3", Encode(EngineMark{7, "n0"})), "");
  ReturnedStanding standing;
  standing.applied[3] = Offset(9);
  EXPECT_EQ(WhyNotPosition("applied/530100/person", Encode(standing)), "");
  huiliu::v1::ReevaluationMark mark;
  mark.set_next(5);
  EXPECT_EQ(WhyNotPosition("reevaluation/d/r/1/node/0", mark.SerializeAsString()), "");
  EXPECT_EQ(WhyNotPosition("governance", "17"), "");
  EXPECT_EQ(WhyNotPosition("cluster/keys", std::string(32, 'k')), "");
  EXPECT_EQ(WhyNotPosition("cursor/km-hrss/land", "sealed"), "");
}

TEST(WhyNotPositionTest, WhatNobodyOfOursWritesIsNot) {
  for (const char* key : {"source/si", "return", "return/3", "applied/530100/person",
                          "reevaluation/d/r/1/node/0", "governance", "cluster/keys"}) {
    EXPECT_EQ(WhyNotPosition(key, "hello world"), "its value is none of that position") << key;
    EXPECT_EQ(WhyNotPosition(key, ""), "positions are never removed") << key;
  }
  EXPECT_EQ(WhyNotPosition("zz", "7"), "its key is no position's");
  EXPECT_EQ(WhyNotPosition("", "7"), "its key is no position's");
}

}  // namespace
}  // namespace huiliu::pipeline
