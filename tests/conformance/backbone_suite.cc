#include "tests/conformance/backbone_suite.h"

#include <algorithm>
#include <atomic>
#include <iostream>
#include <map>
#include <set>
#include <thread>

#include "absl/strings/str_cat.h"

namespace huiliu {

TopicSpec BackboneSuite::Topic(const std::string& name, int partitions) {
  TopicSpec spec;
  spec.name = name;
  spec.partitions = partitions;
  return spec;
}

Append BackboneSuite::Records(const std::string& topic, const std::vector<std::string>& values,
                              int partition) {
  RecordBatchBuilder builder;
  for (const std::string& value : values) builder.Add("k" + value, "", value);
  const int count = builder.count();
  return {{topic, Partition(partition)}, builder.Finish(), count};
}

std::vector<std::string> BackboneSuite::Values(const std::vector<StoredBatch>& batches) {
  std::vector<std::string> out;
  for (const StoredBatch& batch : batches) {
    auto view = RecordBatchView::Parse(batch.bytes);
    EXPECT_TRUE(view.ok()) << view.status();
    view->ForEach([&](int, const RecordView& r) { out.emplace_back(r.value); });
  }
  return out;
}

std::vector<std::string> BackboneSuite::ReadAll(Backbone& backbone, const TopicPartition& tp) {
  ReaderOptions options;
  options.assigned = {tp};
  options.start = StartAt::kEarliest;
  auto reader = backbone.OpenReader(options);
  EXPECT_TRUE(reader.ok()) << reader.status();
  std::vector<std::string> out;
  while (true) {
    auto batches = (*reader)->Poll(absl::ZeroDuration());
    EXPECT_TRUE(batches.ok()) << batches.status();
    if (!batches.ok() || batches->empty()) return out;
    for (const std::string& v : Values(*batches)) out.push_back(v);
  }
}

namespace {

const TopicPartition kA{"a", Partition(0)};
const TopicPartition kB{"b", Partition(0)};

TEST_P(BackboneSuite, TopicsKeepTheirSettings) {
  auto backbone = Open();
  ASSERT_TRUE(backbone->EnsureTopic(Topic("a", 2)).ok());
  EXPECT_TRUE(backbone->EnsureTopic(Topic("a", 2)).ok());
  const absl::Status other = backbone->EnsureTopic(Topic("a", 3));
  EXPECT_EQ(other.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_NE(other.message().find("partitions is 2 and should be 3"), absl::string_view::npos)
      << other;
  EXPECT_FALSE(backbone->EnsureTopic(Topic("a b")).ok());
  EXPECT_EQ(backbone->ListTopics()->size(), 1U);
}

TEST_P(BackboneSuite, OneCommitIsAllOrNothing) {
  auto backbone = Open();
  ASSERT_TRUE(backbone->EnsureTopic(Topic("a")).ok());
  ASSERT_TRUE(backbone->EnsureTopic(Topic("b")).ok());
  auto writer = *backbone->OpenWriter("w");
  Transaction good;
  good.appends = {Records("a", {"1", "2"}), Records("b", {"3"}), Records("a", {"4"})};
  good.consumed = {{"g", kB, Offset(7)}};
  good.positions = {{"source/s", "p1"}};
  auto result = writer->Commit(good);
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(result->first_offsets, (std::vector<Offset>{Offset(0), Offset(0), Offset(2)}));
  Transaction bad;
  bad.appends = {Records("a", {"5"}), Records("nowhere", {"6"})};
  bad.positions = {{"source/s", "p2"}};
  EXPECT_EQ(writer->Commit(bad).status().code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(ReadAll(*backbone, kA), (std::vector<std::string>{"1", "2", "4"}));
  EXPECT_EQ(ReadAll(*backbone, kB), (std::vector<std::string>{"3"}));
  EXPECT_EQ(**backbone->Position("source/s"), "p1");
  EXPECT_EQ(**backbone->CommittedOffset("g", kB), Offset(7));
  EXPECT_FALSE(backbone->CommittedOffset("other", kB)->has_value());
  Transaction removal;
  removal.positions = {{"source/s", ""}};
  ASSERT_TRUE(writer->Commit(removal).ok());
  EXPECT_FALSE(backbone->Position("source/s")->has_value());
}

TEST_P(BackboneSuite, AnAppendThatIsNoBatchIsRefused) {
  auto backbone = Open();
  ASSERT_TRUE(backbone->EnsureTopic(Topic("a")).ok());
  auto writer = *backbone->OpenWriter("w");
  Transaction t;
  t.appends = {{kA, RecordBatchBuilder().Finish(), 0}};
  EXPECT_EQ(writer->Commit(t).status().code(), absl::StatusCode::kInvalidArgument);
  t.appends = {Records("a", {"1", "2"})};
  t.appends[0].records = 3;
  EXPECT_EQ(writer->Commit(t).status().code(), absl::StatusCode::kInvalidArgument);
  t.appends = {{kA, "no batch", 1}};
  EXPECT_EQ(writer->Commit(t).status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(backbone->Bounds(kA)->end, Offset(0));
}

TEST_P(BackboneSuite, ANewerWriterFencesTheOlder) {
  auto backbone = Open();
  ASSERT_TRUE(backbone->EnsureTopic(Topic("a")).ok());
  auto old_writer = *backbone->OpenWriter("w");
  auto other = *backbone->OpenWriter("another");
  auto new_writer = *backbone->OpenWriter("w");
  Transaction t;
  t.appends = {Records("a", {"1"})};
  EXPECT_EQ(old_writer->Commit(t).status().code(), absl::StatusCode::kAborted);
  EXPECT_TRUE(new_writer->Commit(t).ok());
  EXPECT_TRUE(other->Commit(t).ok());
  EXPECT_EQ(old_writer->Commit(t).status().code(), absl::StatusCode::kAborted);
  EXPECT_EQ(ReadAll(*backbone, kA).size(), 2U);
}

TEST_P(BackboneSuite, ReadersGoOnFromSeekAndFromTheGroupsOffset) {
  auto backbone = Open();
  ASSERT_TRUE(backbone->EnsureTopic(Topic("a")).ok());
  auto writer = *backbone->OpenWriter("w");
  std::vector<Offset> firsts;
  for (int i = 0; i < 5; ++i) {
    Transaction t;
    t.appends = {Records("a", {absl::StrCat(2 * i), absl::StrCat(2 * i + 1)})};
    // A group begins where its offset says, here behind the second commit.
    if (i == 2) t.consumed = {{"g", kA, Offset(firsts[1].value() + 2)}};
    const auto result = writer->Commit(t);
    ASSERT_TRUE(result.ok()) << result.status();
    firsts.push_back(result->first_offsets[0]);
    EXPECT_GE(firsts.back(), Offset(2 * i));
    EXPECT_TRUE(!GetParam().gapless || firsts.back() == Offset(2 * i));
  }
  ReaderOptions options;
  options.group = "g";
  options.assigned = {kA};
  auto reader = *backbone->OpenReader(options);
  EXPECT_EQ(Values(*reader->Poll(absl::ZeroDuration())).front(), "4");
  ASSERT_TRUE(reader->Seek(kA, firsts[4]).ok());
  EXPECT_EQ(Values(*reader->Poll(absl::ZeroDuration())), (std::vector<std::string>{"8", "9"}));
  EXPECT_TRUE(reader->Poll(absl::ZeroDuration())->empty());
  EXPECT_FALSE(reader->Seek(kB, Offset(0)).ok());
  EXPECT_EQ(backbone->Bounds(kA)->end, Offset(firsts[4].value() + 2));
}

TEST_P(BackboneSuite, PollWakesUpForAnAppend) {
  auto backbone = Open();
  ASSERT_TRUE(backbone->EnsureTopic(Topic("a")).ok());
  auto writer = *backbone->OpenWriter("w");
  ReaderOptions options;
  options.assigned = {kA};
  auto reader = *backbone->OpenReader(options);
  std::thread later([&] {
    absl::SleepFor(absl::Milliseconds(50));
    Transaction t;
    t.appends = {Records("a", {"x"})};
    EXPECT_TRUE(writer->Commit(t).ok());
  });
  EXPECT_EQ(Values(*reader->Poll(absl::Seconds(30))), (std::vector<std::string>{"x"}));
  later.join();
}

TEST_P(BackboneSuite, AGroupSharesPartitionsOut) {
  auto backbone = Open();
  ASSERT_TRUE(backbone->EnsureTopic(Topic("a", 4)).ok());
  int assigned = 0, revoked = 0;
  ReaderOptions options;
  options.group = "g";
  options.subscribed_topics = {"a"};
  options.on_assigned = [&](absl::Span<const TopicPartition> tps) {
    assigned += static_cast<int>(tps.size());
  };
  options.on_revoked = [&](absl::Span<const TopicPartition> tps) {
    revoked += static_cast<int>(tps.size());
  };
  auto first = *backbone->OpenReader(options);
  // A group may need a moment to agree. A partition has one reader at any time.
  const auto settle = [&](BackboneReader* second, size_t first_has, size_t second_has) {
    const absl::Time deadline = absl::Now() + absl::Seconds(60);
    while (absl::Now() < deadline) {
      EXPECT_TRUE(first->Poll(absl::ZeroDuration()).ok());
      EXPECT_TRUE(second == nullptr || second->Poll(absl::ZeroDuration()).ok());
      std::set<TopicPartition> held;
      const auto a = first->Assignment();
      held.insert(a.begin(), a.end());
      const auto b = second == nullptr ? std::vector<TopicPartition>() : second->Assignment();
      held.insert(b.begin(), b.end());
      ASSERT_EQ(held.size(), a.size() + b.size()) << "a partition is held twice";
      if (a.size() == first_has && b.size() == second_has) return;
      absl::SleepFor(absl::Milliseconds(1));
    }
    FAIL() << "the group does not agree";
  };
  settle(nullptr, 4, 0);
  options.on_assigned = options.on_revoked = nullptr;
  auto second = *backbone->OpenReader(options);
  settle(second.get(), 2, 2);
  EXPECT_EQ(assigned, 4);
  EXPECT_EQ(revoked, 2);
  second.reset();
  settle(nullptr, 4, 0);
  EXPECT_EQ(assigned, 6);
}

// Readers never see half a transaction: each writes the same number to two topics; b is read first,
// so a must have it.
TEST_P(BackboneSuite, ConcurrentCommitsAreWholeAndOrdered) {
  auto backbone = Open();
  ASSERT_TRUE(backbone->EnsureTopic(Topic("a")).ok());
  ASSERT_TRUE(backbone->EnsureTopic(Topic("b")).ok());
  auto writer = *backbone->OpenWriter("w");
  std::vector<std::thread> threads;
  constexpr int kThreads = 4, kEach = 50;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < kEach; ++i) {
        Transaction transaction;
        const std::string value = absl::StrCat(t, "/", i);
        transaction.appends = {Records("a", {value}), Records("b", {value})};
        transaction.positions = {{absl::StrCat("source/", t), absl::StrCat(i)}};
        EXPECT_TRUE(writer->Commit(std::move(transaction)).ok());
      }
    });
  }
  for (int round = 0; round < 20; ++round) {
    const auto b = ReadAll(*backbone, kB);
    const auto a = ReadAll(*backbone, kA);
    const std::set<std::string> seen(a.begin(), a.end());
    for (const std::string& v : b) EXPECT_TRUE(seen.contains(v)) << v;
  }
  for (std::thread& thread : threads) thread.join();
  const auto a = ReadAll(*backbone, kA);
  EXPECT_EQ(a.size(), static_cast<size_t>(kThreads * kEach));
  std::map<std::string, int> next;
  for (const std::string& v : a) {
    const size_t slash = v.find('/');
    EXPECT_EQ(next[v.substr(0, slash)]++, std::stoi(v.substr(slash + 1)));
  }
}

TEST_P(BackboneSuite, ABusyPartitionDoesNotStarveOthers) {
  auto backbone = Open();
  ASSERT_TRUE(backbone->EnsureTopic(Topic("a", 2)).ok());
  auto writer = *backbone->OpenWriter("w");
  const std::string big(1000, 'x');
  for (int i = 0; i < 10; ++i) {
    Transaction t;
    t.appends = {Records("a", {big}, 0)};
    if (i == 9) t.appends.push_back(Records("a", {"small"}, 1));
    ASSERT_TRUE(writer->Commit(std::move(t)).ok());
  }
  ReaderOptions options;
  options.assigned = {{"a", Partition(0)}, {"a", Partition(1)}};
  options.start = StartAt::kEarliest;
  options.max_poll_bytes = 1;
  auto reader = *backbone->OpenReader(options);
  bool seen = false;
  for (int poll = 0; poll < 4 && !seen; ++poll) {
    const auto values = Values(*reader->Poll(absl::Seconds(1)));
    seen = std::find(values.begin(), values.end(), "small") != values.end();
  }
  EXPECT_TRUE(seen);
}

TEST_P(BackboneSuite, ReadersBeginWhereTheyAreTold) {
  auto backbone = Open();
  ASSERT_TRUE(backbone->EnsureTopic(Topic("a")).ok());
  auto writer = *backbone->OpenWriter("w");
  Transaction before;
  before.appends = {Records("a", {"1", "2"})};
  ASSERT_TRUE(writer->Commit(before).ok());
  ReaderOptions options;
  options.assigned = {kA};
  options.group = "fresh";
  auto committed = *backbone->OpenReader(options);
  options.start = StartAt::kLatest;
  auto latest = *backbone->OpenReader(options);
  EXPECT_TRUE(latest->Poll(absl::ZeroDuration())->empty());
  Transaction after;
  after.appends = {Records("a", {"3"})};
  ASSERT_TRUE(writer->Commit(after).ok());
  EXPECT_EQ(Values(*latest->Poll(absl::Seconds(5))), (std::vector<std::string>{"3"}));
  EXPECT_EQ(Values(*committed->Poll(absl::Seconds(5))).front(), "1");
  options.assigned = {{"nowhere", Partition(0)}};
  EXPECT_EQ(backbone->OpenReader(options).status().code(), absl::StatusCode::kNotFound);
}

TEST_P(BackboneSuite, EverythingIsThereAfterAReopen) {
  if (!GetParam().reopen) {
    std::cout << "not run: " << GetParam().name << " is not meant to survive its process\n";
    return;
  }
  auto backbone = Open();
  ASSERT_TRUE(backbone->EnsureTopic(Topic("a", 2)).ok());
  {
    auto writer = *backbone->OpenWriter("w");
    Transaction t;
    t.appends = {Records("a", {"1", "2"}, 1)};
    t.consumed = {{"g", {"a", Partition(1)}, Offset(1)}};
    t.positions = {{"source/s", "p"}};
    ASSERT_TRUE(writer->Commit(t).ok());
  }
  backbone = GetParam().reopen(std::move(backbone));
  EXPECT_EQ(ReadAll(*backbone, {"a", Partition(1)}), (std::vector<std::string>{"1", "2"}));
  EXPECT_EQ(**backbone->Position("source/s"), "p");
  EXPECT_EQ(**backbone->CommittedOffset("g", {"a", Partition(1)}), Offset(1));
  auto writer = *backbone->OpenWriter("w");
  Transaction t;
  t.appends = {Records("a", {"3"}, 1)};
  const Offset first = writer->Commit(t)->first_offsets[0];
  EXPECT_TRUE(GetParam().gapless ? first == Offset(2) : first >= Offset(2)) << first.value();
}

}  // namespace
}  // namespace huiliu
