#include "tests/conformance/source_suite.h"

#include <gmock/gmock.h>

#include <nlohmann/json.hpp>
#include <set>

#include "adapters/sdk/testkit/checked_source.h"

namespace huiliu {
namespace {

using sdk::Batch;
using sdk::CheckedSource;

std::unique_ptr<CheckedSource> OpenOrDie(const SourceUnderTest& param, const sdk::FakeHost& host,
                                         const std::string& options, const std::string& position) {
  auto source = CheckedSource::Open(*param.table(), host, options, position);
  EXPECT_TRUE(source.ok()) << source.status();
  return *std::move(source);
}

TEST_P(SourceSuite, GivesEveryRowThenIsCaughtUp) {
  sdk::FakeHost host;
  const auto source = OpenOrDie(GetParam(), host, GetParam().make(23, false), "");
  const auto all = source->ReadAll(1000);
  ASSERT_TRUE(all.ok()) << all.status();
  EXPECT_EQ(all->rows.size(), 23U);
  EXPECT_GE(all->columns.size(), 2U);
  std::set<std::string> ids;
  for (const sdk::Row& row : all->rows) {
    EXPECT_EQ(row.error_code, "");
    EXPECT_FALSE(row.raw.empty());
    ids.insert(row.table + "\n" + row.row_id);
  }
  EXPECT_EQ(ids.size(), 23U);
}

TEST_P(SourceSuite, BatchesAreNoLargerThanAsked) {
  sdk::FakeHost host;
  const auto source = OpenOrDie(GetParam(), host, GetParam().make(23, false), "");
  for (size_t max : {1, 2, 5}) {
    const auto batch = source->Poll(max, 0);  // the checked source refuses more
    ASSERT_TRUE(batch.ok()) << batch.status();
    EXPECT_GE(batch->rows.size(), 1U);
    EXPECT_FALSE(batch->caught_up);
  }
}

// Killed after every batch: the position brings the rest, nothing lost, nothing twice.
TEST_P(SourceSuite, ResumesAfterEveryBatch) {
  sdk::FakeHost host;
  const std::string options = GetParam().make(23, true);
  const auto whole = OpenOrDie(GetParam(), host, options, "")->ReadAll(1000);
  ASSERT_TRUE(whole.ok()) << whole.status();
  for (size_t max : {1, 3, 22}) {
    std::vector<sdk::Row> rows;
    std::string position;
    for (int opened = 0; opened < 100; ++opened) {
      const auto batch = OpenOrDie(GetParam(), host, options, position)->Poll(max, 0);
      ASSERT_TRUE(batch.ok()) << batch.status();
      rows.insert(rows.end(), batch->rows.begin(), batch->rows.end());
      position = batch->position;
      if (batch->caught_up && batch->rows.empty()) break;
    }
    EXPECT_EQ(rows, whole->rows) << max << " rows a batch";
  }
}

TEST_P(SourceSuite, ABatchThatWasNotTakenComesAgain) {
  sdk::FakeHost host;
  const std::string options = GetParam().make(23, false);
  const auto first = OpenOrDie(GetParam(), host, options, "")->Poll(5, 0);
  ASSERT_TRUE(first.ok());
  const auto once = OpenOrDie(GetParam(), host, options, first->position)->Poll(5, 0);
  const auto again = OpenOrDie(GetParam(), host, options, first->position)->Poll(5, 0);
  ASSERT_TRUE(once.ok() && again.ok());
  EXPECT_EQ(once->rows, again->rows);
}

TEST_P(SourceSuite, WhatIsAddedLaterComesAlone) {
  sdk::FakeHost host;
  const std::string options = GetParam().make(7, false);
  const auto source = OpenOrDie(GetParam(), host, options, "");
  const auto first = source->ReadAll(1000);
  ASSERT_TRUE(first.ok()) << first.status();
  GetParam().add();
  const auto second = source->Poll(1000, 20000);
  ASSERT_TRUE(second.ok()) << second.status();
  EXPECT_EQ(second->rows.size(), 1U);
  EXPECT_EQ(second->columns, first->columns);
  const auto reopened = OpenOrDie(GetParam(), host, options, first->position)->Poll(1000, 20000);
  ASSERT_TRUE(reopened.ok()) << reopened.status();
  EXPECT_EQ(reopened->rows, second->rows);
}

TEST_P(SourceSuite, ADamagedRowIsAnErrorRowAndTheRestComes) {
  sdk::FakeHost host;
  const auto all = OpenOrDie(GetParam(), host, GetParam().make(23, true), "")->ReadAll(1000);
  ASSERT_TRUE(all.ok()) << all.status();
  EXPECT_EQ(all->rows.size(), 23U);
  for (const sdk::Row& row : all->rows) {
    if (row.error_code.empty()) continue;
    EXPECT_FALSE(row.raw.empty());
    EXPECT_THAT(row.error_place, testing::HasSubstr(row.table));
  }
}

TEST_P(SourceSuite, BadOptionsAndPositionsAreRefusedWithAReason) {
  sdk::FakeHost host;
  const std::string options = GetParam().make(2, false);
  for (const std::string& bad : {std::string(), std::string("[1"), std::string("{}"),
                                 "{\"no_such_option\":1," + options.substr(1)}) {
    const auto source = CheckedSource::Open(*GetParam().table(), host, bad, "");
    EXPECT_EQ(source.status().code(), absl::StatusCode::kInvalidArgument) << bad;
    EXPECT_FALSE(source.status().message().empty());
  }
  for (const char* bad :
       {"\x01\x02", "{", "[]", "{\"files\":3}", "null", "{\"files\":{\"a\":1}}"}) {
    EXPECT_FALSE(CheckedSource::Open(*GetParam().table(), host, options, bad).ok()) << bad;
  }
}

TEST_P(SourceSuite, AStoppingHostEndsALongPoll) {
  sdk::FakeHost host;
  const auto source = OpenOrDie(GetParam(), host, GetParam().make(3, false), "");
  ASSERT_TRUE(source->ReadAll(1000).ok());
  host.Stop();
  EXPECT_TRUE(source->Poll(1000, 3600 * 1000).ok());  // or the test's own time-out ends it
}

TEST_P(SourceSuite, DescribesItselfInJson) {
  sdk::FakeHost host;
  const auto json = OpenOrDie(GetParam(), host, GetParam().make(3, false), "")->Describe();
  ASSERT_TRUE(json.ok()) << json.status();
  EXPECT_TRUE(nlohmann::json::parse(*json, nullptr, false).is_object()) << *json;
}

}  // namespace
}  // namespace huiliu
