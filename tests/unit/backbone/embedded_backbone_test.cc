#include "broker/backbone/embedded/embedded_backbone.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "absl/strings/str_cat.h"

namespace huiliu {
namespace {

namespace fs = std::filesystem;

const TopicPartition kTopic{"t", Partition(0)};

class EmbeddedBackboneTest : public testing::Test {
 protected:
  void SetUp() override {
    path_ = absl::StrCat(testing::TempDir(), "/embedded-", getpid());
    fs::remove_all(path_);
  }
  void TearDown() override { fs::remove_all(path_); }

  std::unique_ptr<EmbeddedBackbone> Open(Clock& clock = SystemClock()) {
    EmbeddedOptions options;
    options.path = path_;
    options.clean_every = absl::InfiniteDuration();
    options.compact_after_records = 10;
    auto backbone = EmbeddedBackbone::Open(options, clock);
    EXPECT_TRUE(backbone.ok()) << backbone.status();
    return *std::move(backbone);
  }

  static void Put(BackboneWriter& writer, const std::string& key, const std::string& value) {
    RecordBatchBuilder builder;
    if (value.empty()) {
      builder.AddTombstone(key, "");
    } else {
      builder.Add(key, "", value);
    }
    Transaction t;
    t.appends = {{kTopic, builder.Finish(), 1}};
    ASSERT_TRUE(writer.Commit(std::move(t)).ok());
  }

  static std::vector<std::string> ReadAll(Backbone& backbone,
                                          std::vector<int64_t>* offsets = nullptr) {
    ReaderOptions options;
    options.assigned = {kTopic};
    options.start = StartAt::kEarliest;
    auto reader = *backbone.OpenReader(options);
    std::vector<std::string> out;
    for (auto batches = reader->Poll(absl::ZeroDuration()); !batches->empty();
         batches = reader->Poll(absl::ZeroDuration())) {
      for (const StoredBatch& batch : *batches) {
        RecordBatchView::Parse(batch.bytes)->ForEach([&](int i, const RecordView& r) {
          out.push_back(absl::StrCat(r.key, "=", r.value));
          if (offsets != nullptr) {
            offsets->push_back(batch.offsets.empty()
                                   ? batch.first_offset.value() + i
                                   : batch.offsets[static_cast<size_t>(i)].value());
          }
        });
      }
    }
    return out;
  }

  std::string path_;
};

TEST_F(EmbeddedBackboneTest, SecondProcessIsToldWhoHoldsTheFolder) {
  auto backbone = Open();
  EmbeddedOptions options;
  options.path = path_;
  const absl::Status status = EmbeddedBackbone::Open(options).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable) << status;
}

// A child commits until it is killed; what it had acknowledged on the pipe must be there
// afterwards.
TEST_F(EmbeddedBackboneTest, WhatWasAcknowledgedSurvivesSigkill) {
  for (int round = 0; round < 5; ++round) {
    int fds[2];
    ASSERT_EQ(pipe(fds), 0);
    const pid_t child = fork();
    if (child == 0) {
      auto backbone = Open();
      TopicSpec spec;
      spec.name = "t";
      if (!backbone->EnsureTopic(spec).ok()) _exit(1);
      auto writer = *backbone->OpenWriter("w");
      for (uint64_t i = 0;; ++i) {
        RecordBatchBuilder builder;
        builder.Add(absl::StrCat(i), "", std::string(100, 'x'));
        Transaction t;
        t.appends = {{kTopic, builder.Finish(), 1}};
        auto result = writer->Commit(std::move(t));
        if (!result.ok()) _exit(1);
        const int64_t offset = result->first_offsets[0].value();
        if (write(fds[1], &offset, sizeof offset) != sizeof offset) _exit(1);
      }
    }
    absl::SleepFor(absl::Milliseconds(150 + 37 * round));
    kill(child, SIGKILL);
    waitpid(child, nullptr, 0);
    close(fds[1]);
    int64_t acknowledged = -1, offset = 0;
    while (read(fds[0], &offset, sizeof offset) == sizeof offset) acknowledged = offset;
    close(fds[0]);
    ASSERT_GE(acknowledged, 0);
    auto backbone = Open();
    EXPECT_GE(backbone->Bounds(kTopic)->end.value(), acknowledged + 1);
    EXPECT_EQ(static_cast<int64_t>(ReadAll(*backbone).size()),
              backbone->Bounds(kTopic)->end.value());
  }
}

}  // namespace
}  // namespace huiliu
