// What the embedded backbone does when the disk fails.
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <random>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "broker/backbone/embedded/embedded_backbone.h"
#include "tests/fakes/fault_file_system.h"

namespace huiliu {
namespace {

namespace fs = std::filesystem;

const TopicPartition kTopic{"t", Partition(0)};

class EmbeddedFaultsTest : public testing::Test {
 protected:
  void SetUp() override {
    path_ = absl::StrCat(testing::TempDir(), "/faults-", getpid());
    fs::remove_all(path_);
    disk_ = std::make_shared<FaultFileSystem>();
    env_ = rocksdb::NewCompositeEnv(disk_);
  }
  void TearDown() override {
    backbone_.reset();
    fs::remove_all(path_);
  }

  absl::Status Open() {
    EmbeddedOptions options;
    options.path = path_;
    options.clean_every = absl::InfiniteDuration();
    options.reserve_bytes = 1 << 20;
    options.write_buffer_bytes = write_buffer_bytes_;
    options.env = env_.get();
    options.warn = [this](const std::string& text) { warnings_.push_back(text); };
    auto backbone = EmbeddedBackbone::Open(options);
    if (!backbone.ok()) return backbone.status();
    backbone_ = *std::move(backbone);
    TopicSpec spec;
    spec.name = "t";
    if (const absl::Status status = backbone_->EnsureTopic(spec); !status.ok()) return status;
    auto writer = backbone_->OpenWriter("w");
    if (!writer.ok()) return writer.status();
    writer_ = *std::move(writer);
    return absl::OkStatus();
  }

  void Close() {
    writer_.reset();
    backbone_.reset();
  }

  // One commit of one record and a position.
  absl::Status Put(const std::string& value) {
    RecordBatchBuilder builder;
    builder.Add("k", "", value);
    Transaction t;
    t.appends = {{kTopic, builder.Finish(), 1}};
    t.positions = {{"source/s", value.substr(0, 20)}};
    return writer_->Commit(std::move(t)).status();
  }

  // The first 20 characters of each value.
  std::vector<std::string> ReadAll() {
    ReaderOptions options;
    options.assigned = {kTopic};
    options.start = StartAt::kEarliest;
    auto reader = *backbone_->OpenReader(options);
    std::vector<std::string> out;
    while (true) {
      const auto batches = reader->Poll(absl::ZeroDuration());
      EXPECT_TRUE(batches.ok()) << batches.status();
      if (!batches.ok() || batches->empty()) return out;
      for (const StoredBatch& batch : *batches) {
        RecordBatchView::Parse(batch.bytes)->ForEach([&](int, const RecordView& r) {
          out.emplace_back(r.value.substr(0, 20));
        });
      }
    }
  }

  std::string NewestFile(const std::string& extension) {
    std::string newest;
    for (const auto& entry : fs::directory_iterator(path_)) {
      const std::string name = entry.path().string();
      if (absl::EndsWith(name, extension) && name > newest) newest = name;
    }
    return newest;
  }

  static void Flip(const std::string& path, uint64_t at) {
    std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
    file.seekg(static_cast<std::streamoff>(at));
    const char byte = static_cast<char>(file.get() ^ 0x10);
    file.seekp(static_cast<std::streamoff>(at));
    file.put(byte);
  }

  std::string path_;
  size_t write_buffer_bytes_ = 64 << 20;
  std::shared_ptr<FaultFileSystem> disk_;
  std::unique_ptr<rocksdb::Env> env_;
  std::vector<std::string> warnings_;
  std::unique_ptr<EmbeddedBackbone> backbone_;
  std::unique_ptr<BackboneWriter> writer_;
};

TEST_F(EmbeddedFaultsTest, WhatWasAcknowledgedSurvivesPowerLoss) {
  const unsigned seed = std::random_device()();
  std::cout << "seed " << seed << "\n";
  std::mt19937 random(seed);
  write_buffer_bytes_ = 256 << 10;  // flushes come into it
  std::vector<std::string> acknowledged;
  for (int round = 0; round < 8; ++round) {
    ASSERT_EQ(Open(), absl::OkStatus());
    ASSERT_EQ(ReadAll(), acknowledged) << "round " << round;
    for (int i = 0; i < 20; ++i) {
      const std::string value = absl::StrCat(round, "/", i, std::string(random() % 60'000, 'x'));
      ASSERT_TRUE(Put(value).ok());
      acknowledged.push_back(value.substr(0, 20));
    }
    // One more commit is under way when the power goes.
    disk_->fail_syncs = true;
    EXPECT_EQ(Put(std::string(50'000, 'u')).code(), absl::StatusCode::kUnavailable);
    Close();
    disk_->fail_syncs = false;
    disk_->LosePower(random() % 40'000);
  }
}

TEST_F(EmbeddedFaultsTest, AFailedSyncStopsWritingUntilReopened) {
  ASSERT_EQ(Open(), absl::OkStatus());
  ASSERT_TRUE(Put("1").ok());
  disk_->fail_syncs = true;
  EXPECT_EQ(Put("2").code(), absl::StatusCode::kUnavailable);
  disk_->fail_syncs = false;
  const absl::Status refused = Put("3");
  EXPECT_EQ(refused.code(), absl::StatusCode::kFailedPrecondition) << refused;
  TopicSpec other;
  other.name = "other";
  EXPECT_EQ(backbone_->EnsureTopic(other).code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(backbone_->OpenWriter("v").status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(ReadAll(), (std::vector<std::string>{"1"}));  // readers go on
  EXPECT_EQ(backbone_->Bounds(kTopic)->end, Offset(1));
  Close();
  ASSERT_EQ(Open(), absl::OkStatus());
  // "2" may have come to the disk or not; the position says which, and agrees with the log.
  const auto seen = ReadAll();
  EXPECT_EQ(**backbone_->Position("source/s"), seen.back());
  ASSERT_TRUE(Put("4").ok());
  EXPECT_EQ(ReadAll().back(), "4");
}

TEST_F(EmbeddedFaultsTest, ATornTailIsCutAndReported) {
  ASSERT_EQ(Open(), absl::OkStatus());
  ASSERT_TRUE(Put("1").ok());
  disk_->fail_syncs = true;
  EXPECT_FALSE(Put(std::string(100'000, 'x')).ok());
  Close();
  disk_->fail_syncs = false;
  disk_->LosePower(50'000);
  ASSERT_EQ(Open(), absl::OkStatus());
  EXPECT_EQ(ReadAll(), (std::vector<std::string>{"1"}));
  ASSERT_EQ(warnings_.size(), 1U);
  EXPECT_TRUE(absl::StrContains(warnings_[0], "an unfinished commit at its end was cut, 50"))
      << warnings_[0];
}

// The file has its full length, the last commit's bytes are not those that were written.
TEST_F(EmbeddedFaultsTest, ATailOfWrongBytesIsCutAndReported) {
  ASSERT_EQ(Open(), absl::OkStatus());
  ASSERT_TRUE(Put("1").ok());
  disk_->fail_syncs = true;
  EXPECT_FALSE(Put(std::string(100'000, 'x')).ok());
  Close();
  disk_->fail_syncs = false;
  const std::string log = NewestFile(".log");
  Flip(log, fs::file_size(log) - 60'000);
  ASSERT_EQ(Open(), absl::OkStatus());
  EXPECT_EQ(ReadAll(), (std::vector<std::string>{"1"}));
  EXPECT_EQ(warnings_.size(), 1U);
}

TEST_F(EmbeddedFaultsTest, DamageAtTheEndOfALogThatWasClosedWholeIsNotCut) {
  ASSERT_EQ(Open(), absl::OkStatus());
  ASSERT_TRUE(Put("1").ok());
  ASSERT_TRUE(Put(std::string(1000, 'x')).ok());
  Close();
  const std::string log = NewestFile(".log");
  Flip(log, fs::file_size(log) - 20);
  for (int again = 0; again < 2; ++again) {
    const absl::Status status = Open();
    EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss) << status;
    EXPECT_TRUE(absl::StrContains(status.message(), "the log had been closed whole")) << status;
  }
  Flip(log, fs::file_size(log) - 20);
  ASSERT_EQ(Open(), absl::OkStatus());
  EXPECT_EQ(ReadAll().size(), 2U);
}

TEST_F(EmbeddedFaultsTest, DamageInTheMiddleOfTheLogFileIsNotCut) {
  ASSERT_EQ(Open(), absl::OkStatus());
  for (int i = 0; i < 10; ++i) ASSERT_TRUE(Put(absl::StrCat(i, std::string(1000, 'x'))).ok());
  disk_->fail_syncs = true;
  EXPECT_FALSE(Put("last").ok());
  Close();
  disk_->fail_syncs = false;
  const std::string log = NewestFile(".log");
  Flip(log, fs::file_size(log) / 2);
  const absl::Status status = Open();
  EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss) << status;
  EXPECT_TRUE(absl::StrContains(status.message(), log)) << status;
}

TEST_F(EmbeddedFaultsTest, ACorruptBatchNamesItsPlaceAndTheOthersAreRead) {
  ASSERT_EQ(Open(), absl::OkStatus());
  std::mt19937 random(1);
  std::vector<std::string> values;
  for (int i = 0; i < 5; ++i) {
    std::string value = absl::StrCat(i, " ");
    while (value.size() < 20'000) value.push_back(static_cast<char>(random()));
    values.push_back(value.substr(0, 20));
    ASSERT_TRUE(Put(value).ok());
  }
  Close();
  ASSERT_EQ(Open(), absl::OkStatus());  // the log file becomes a blob file
  Close();
  const std::string blobs = NewestFile(".blob");
  ASSERT_FALSE(blobs.empty());
  Flip(blobs, 50'000);
  ASSERT_EQ(Open(), absl::OkStatus());
  ReaderOptions options;
  options.assigned = {kTopic};
  options.start = StartAt::kEarliest;
  auto reader = *backbone_->OpenReader(options);
  const auto before = reader->Poll(absl::ZeroDuration());
  ASSERT_TRUE(before.ok()) << before.status();
  EXPECT_EQ(before->size(), 2U);
  const absl::Status corrupt = reader->Poll(absl::ZeroDuration()).status();
  EXPECT_EQ(corrupt.code(), absl::StatusCode::kDataLoss) << corrupt;
  EXPECT_TRUE(absl::StrContains(corrupt.message(), "topic t/0, offset 2 to 2")) << corrupt;
  EXPECT_TRUE(absl::StrContains(corrupt.message(), "offset 2 to 2")) << corrupt;
  EXPECT_TRUE(absl::StrContains(corrupt.message(), "backup")) << corrupt;
  ASSERT_TRUE(reader->Seek(kTopic, Offset(3)).ok());
  EXPECT_EQ(reader->Poll(absl::ZeroDuration())->size(), 2U);
  EXPECT_TRUE(Put("more").ok());
}

TEST_F(EmbeddedFaultsTest, LittleSpaceRefusesCommitsUntilThereIsMore) {
  ASSERT_EQ(Open(), absl::OkStatus());
  ASSERT_TRUE(Put("1").ok());
  disk_->free_space = 1000;
  const absl::Status full = Put("2");
  EXPECT_EQ(full.code(), absl::StatusCode::kResourceExhausted) << full;
  EXPECT_EQ(ReadAll(), (std::vector<std::string>{"1"}));
  disk_->free_space = -1;
  EXPECT_TRUE(Put("3").ok());
  EXPECT_EQ(ReadAll(), (std::vector<std::string>{"1", "3"}));
}

// The disk fills up in the middle of a commit, at any byte of it.
TEST_F(EmbeddedFaultsTest, AFullDiskRefusesCommitsAndRecovers) {
  for (const int64_t left : {0, 1, 5'000, 39'000}) {
    for (const bool fresh : {true, false}) {
      SCOPED_TRACE(absl::StrCat(left, fresh ? " bytes left, fresh" : " bytes left"));
      fs::remove_all(path_);
      ASSERT_EQ(Open(), absl::OkStatus());
      std::vector<std::string> good;
      if (!fresh) {
        ASSERT_TRUE(Put("1").ok());
        good.push_back("1");
      }
      disk_->space_left = left;
      for (int i = 0; i < 3; ++i) {
        const absl::Status full = Put(std::string(40'000, 'x'));
        ASSERT_EQ(full.code(), absl::StatusCode::kResourceExhausted) << full;
        EXPECT_EQ(ReadAll(), good);
      }
      disk_->space_left = -1;
      const absl::Status status = Put("3");
      ASSERT_TRUE(status.ok()) << status;
      good.push_back("3");
      EXPECT_EQ(ReadAll(), good);
      Close();
      disk_->LosePower();
      ASSERT_EQ(Open(), absl::OkStatus());
      EXPECT_EQ(ReadAll(), good);
      EXPECT_EQ(**backbone_->Position("source/s"), "3");
      Close();
    }
  }
}

}  // namespace
}  // namespace huiliu
