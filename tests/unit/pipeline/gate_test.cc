#include "broker/pipeline/gate.h"

#include <gtest/gtest.h>

#include "broker/backbone/memory/memory_backbone.h"
#include "broker/pipeline/topics.h"
#include "core/model/proto_time.h"
#include "tests/fakes/map_catalog.h"

namespace huiliu::pipeline {
namespace {

constexpr char kContract[] = R"(
syntax = "proto3";
package huiliu.dataset.test.v1;
import "huiliu/v1/dataset.proto";
message Person {
  option (huiliu.v1.dataset) = {id: "person" title: "人员"};
  string number = 1 [(huiliu.v1.data) = {title: "编号" key: true}];
  string name = 2 [(huiliu.v1.data) = {title: "姓名"}];
}
)";

class GateTest : public ::testing::Test {
 protected:
  GateTest() : clock_(absl::FromUnixSeconds(1'750'000'000)), backbone_(NewMemoryBackbone(clock_)) {
    EXPECT_TRUE(backbone_->EnsureTopic(LineageTopicSpec()).ok());
    writer_ = *backbone_->OpenWriter("test");
    recorder_ = std::make_unique<ReadRecorder>(*writer_);
    catalogs_.Add("530100", NewMapCatalog());
    auto dataset = state_.ProposeDataset("person.proto", kContract);
    EXPECT_TRUE(dataset.ok() && dataset->has_value()) << dataset.status();
    Take(**dataset);
    gate_ = std::make_unique<Gate>(state_, authoriser_, catalogs_, *recorder_, clock_, "key");
    context_.set_receiver("530100");
    context_.set_dataset("person");
    context_.set_purpose("就业服务");
  }

  void Take(governance::State::Record record) {
    record.set_version(state_.version() + 1);
    const absl::Status taken = state_.Apply(record);
    EXPECT_TRUE(taken.ok()) << taken;
  }

  // Versions of grants are those of the records that state them.
  void Put(const std::string& id, absl::Time from, absl::Time to, bool revoked = false) {
    governance::State::Record record;
    huiliu::v1::Grant& grant = *record.mutable_grant();
    grant.set_id(id);
    grant.set_organisation("km-hrss");
    grant.set_receiver("530100");
    grant.set_dataset("person");
    grant.set_purpose("就业服务");
    grant.set_legal_basis("依据");
    *grant.mutable_valid_from() = ToProto(from);
    *grant.mutable_valid_to() = ToProto(to);
    grant.set_revoked(revoked);
    grant.set_version(state_.version() + 1);
    Take(record);
  }

  // The admitting grant; the refusal's code where there is none.
  std::string Ask() {
    const auto admission = gate_->Admit(caller_, context_, "Catalog.Get");
    if (admission.ok()) return admission->plan->grant().id();
    return std::string(
        admission.status().message().substr(0, admission.status().message().find(':')));
  }

  ManualClock clock_;
  std::unique_ptr<MemoryBackbone> backbone_;
  std::unique_ptr<BackboneWriter> writer_;
  std::unique_ptr<ReadRecorder> recorder_;
  governance::State state_;
  access::Authoriser authoriser_{access::Authoriser::Options{}};
  Catalogs catalogs_;
  std::unique_ptr<Gate> gate_;
  huiliu::v1::ReadContext context_;
  const governance::Principal caller_{"clerk", "km-hrss", {huiliu::v1::ROLE_CONSUMER}};
};

TEST_F(GateTest, ARevocationHoldsFromTheNextReadOn) {
  Put("g", clock_.Now(), clock_.Now() + absl::Hours(1));
  EXPECT_EQ(Ask(), "g");
  EXPECT_EQ(Ask(), "g");
  Put("g", clock_.Now(), clock_.Now() + absl::Hours(1), true);
  EXPECT_EQ(Ask(), "revoked");
}

TEST_F(GateTest, AKeptDecisionEndsWithItsGrant) {
  Put("g", clock_.Now(), clock_.Now() + absl::Milliseconds(100));
  EXPECT_EQ(Ask(), "g");
  clock_.Advance(absl::Milliseconds(99));
  EXPECT_EQ(Ask(), "g");
  clock_.Advance(absl::Milliseconds(1));
  EXPECT_EQ(Ask(), "expired");
}

TEST_F(GateTest, AnotherGrantThatBeginsIsUsedWithinASecond) {
  Put("old", clock_.Now(), clock_.Now() + absl::Hours(1));
  Put("new", clock_.Now() + absl::Milliseconds(10), clock_.Now() + absl::Hours(1));
  EXPECT_EQ(Ask(), "old");
  clock_.Advance(absl::Seconds(1));
  EXPECT_EQ(Ask(), "new");
}

TEST_F(GateTest, DecisionsAreOfOneOrganisationAndPurpose) {
  Put("g", clock_.Now(), clock_.Now() + absl::Hours(1));
  EXPECT_EQ(Ask(), "g");
  context_.set_purpose("其他");
  EXPECT_EQ(Ask(), "wrong_purpose");
  context_.set_purpose("就业服务");
  const governance::Principal other{"clerk", "km-tax", {huiliu::v1::ROLE_CONSUMER}};
  EXPECT_EQ(gate_->Admit(other, context_, "Catalog.Get").status().code(),
            absl::StatusCode::kPermissionDenied);
  const governance::Principal no_role{"clerk", "km-hrss", {}};
  EXPECT_EQ(gate_->Admit(no_role, context_, "Catalog.Get").status().code(),
            absl::StatusCode::kPermissionDenied);
}

TEST_F(GateTest, WhatACallerTypesStaysOutOfTheLogUnlessItIsRegistered) {
  Put("g", clock_.Now(), clock_.Now() + absl::Hours(1));
  context_.set_purpose("查 530102199001011234");
  EXPECT_EQ(Ask(), "wrong_purpose");
  context_.set_receiver("530102199001011234");
  EXPECT_EQ(Ask(), "no_grant");
  context_.set_dataset("530102199001011234");
  EXPECT_EQ(Ask(), "no_grant");
  context_.set_dataset("person");
  context_.set_receiver("530100");
  context_.set_purpose("就业服务");
  Put("g", clock_.Now(), clock_.Now() + absl::Hours(1), true);
  EXPECT_EQ(Ask(), "revoked");

  ReaderOptions options;
  options.assigned = {{kLineageTopic, Partition(0)}};
  options.start = StartAt::kEarliest;
  const auto reader = *backbone_->OpenReader(options);
  std::vector<huiliu::v1::LineageEntry> entries;
  const auto batches = reader->Poll(absl::ZeroDuration());
  ASSERT_TRUE(batches.ok()) << batches.status();
  for (const StoredBatch& batch : *batches) {
    EXPECT_EQ(batch.bytes.find("530102199001011234"), std::string::npos);
    const auto view = RecordBatchView::Parse(batch.bytes);
    view->ForEach([&](int, const RecordView& record) {
      ASSERT_TRUE(entries.emplace_back().ParseFromArray(record.value.data(),
                                                        static_cast<int>(record.value.size())));
    });
  }
  ASSERT_EQ(entries.size(), 4u);
  EXPECT_EQ(entries[0].dataset(), "person");
  EXPECT_EQ(entries[0].purpose(), "");
  EXPECT_EQ(entries[3].purpose(), "就业服务") << "what is registered is recorded";
}

}  // namespace
}  // namespace huiliu::pipeline
