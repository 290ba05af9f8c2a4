#include "broker/pipeline/governance_commands.h"

#include <gtest/gtest.h>

#include "tests/unit/pipeline/node_fixture.h"

namespace huiliu::pipeline {
namespace {

class GovernanceCommandsTest : public testing::Test {
 protected:
  GovernanceCommandsTest()
      : clock_(absl::FromUnixSeconds(1767225600)),
        backbone_(NewMemoryBackbone(clock_)),
        log_(state_, *backbone_) {
    for (const TopicSpec& spec : {ControlTopicSpec(), LineageTopicSpec()})
      EXPECT_TRUE(backbone_->EnsureTopic(spec).ok());
    writer_ = std::make_unique<FaultyWriter>(*backbone_->OpenWriter("node"));
    EXPECT_TRUE(log_.CatchUp().ok());
    commands_ = std::make_unique<GovernanceCommands>(
        state_, log_, *writer_, clock_, fence_,
        [](const huiliu::v1::Grant&) { return absl::OkStatus(); });
  }
  absl::Status Put(const std::string& id) {
    huiliu::v1::PutOrganisationRequest request;
    request.mutable_organisation()->set_id(id);
    request.mutable_organisation()->set_title(id);
    return commands_->Put({"admin", "org", {huiliu::v1::ROLE_SYSTEM_ADMINISTRATOR}}, request)
        .status();
  }
  // As a node that starts now reads it.
  std::vector<std::string> Replayed() {
    governance::State state;
    EXPECT_TRUE(ControlLog(state, *backbone_).CatchUp().ok());
    std::vector<std::string> ids;
    for (const auto& organisation : state.Organisations()) ids.push_back(organisation.id());
    return ids;
  }

  ManualClock clock_;
  std::unique_ptr<MemoryBackbone> backbone_;
  governance::State state_;
  ControlLog log_;
  std::unique_ptr<FaultyWriter> writer_;
  const NoFence fence_;
  std::unique_ptr<GovernanceCommands> commands_;
};

// The command behind it must not get its number: whoever replays the topic would leave it out.
TEST_F(GovernanceCommandsTest, ACommandWhoseAnswerIsLostTakesTheNextOneNothing) {
  ASSERT_TRUE(Put("a").ok());
  writer_->Fail(Fault::kAnswerLost);
  EXPECT_TRUE(absl::IsUnavailable(Put("b")));
  ASSERT_TRUE(Put("c").ok());
  EXPECT_EQ(Replayed(), (std::vector<std::string>{"a", "b", "c"}));
  EXPECT_TRUE(state_.FindOrganisation("b").has_value());
  // It was carried out: to be told so again is a conflict, no second one.
  EXPECT_FALSE(Put("b").ok());
  EXPECT_EQ(Replayed().size(), 3U);
}

TEST_F(GovernanceCommandsTest, OneThatWasNotWrittenLeavesNothing) {
  writer_->Fail(Fault::kNotWritten);
  EXPECT_TRUE(absl::IsUnavailable(Put("a")));
  writer_->Fail(Fault::kNotWritten);  // nor can it be settled yet
  EXPECT_TRUE(absl::IsUnavailable(Put("b")));
  ASSERT_TRUE(Put("c").ok());
  EXPECT_EQ(Replayed(), std::vector<std::string>{"c"});
}

}  // namespace
}  // namespace huiliu::pipeline
