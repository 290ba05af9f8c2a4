// The one suite that every backbone passes. A test file instantiates it with a factory:
//   INSTANTIATE_TEST_SUITE_P(Memory, BackboneSuite, testing::Values(BackboneFactory{"memory", …}));
#ifndef HUILIU_TESTS_CONFORMANCE_BACKBONE_SUITE_H_
#define HUILIU_TESTS_CONFORMANCE_BACKBONE_SUITE_H_

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>

#include "broker/backbone/backbone.h"

namespace huiliu {

struct BackboneFactory {
  std::string name;
  // A backbone over fresh state; `reopen` closes it and opens it again over the same state (empty:
  // not durable).
  std::function<std::unique_ptr<Backbone>()> open;
  std::function<std::unique_ptr<Backbone>(std::unique_ptr<Backbone>)> reopen;
};

class BackboneSuite : public testing::TestWithParam<BackboneFactory> {};

}  // namespace huiliu

#endif  // HUILIU_TESTS_CONFORMANCE_BACKBONE_SUITE_H_
