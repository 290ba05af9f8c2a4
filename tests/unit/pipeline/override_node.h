// A node whose territory overrides are proposed, approved and withdrawn.
#ifndef HUILIU_TESTS_UNIT_PIPELINE_OVERRIDE_NODE_H_
#define HUILIU_TESTS_UNIT_PIPELINE_OVERRIDE_NODE_H_

#include <string>
#include <vector>

#include "absl/strings/escaping.h"
#include "core/base/digest.h"
#include "tests/unit/pipeline/node_fixture.h"

namespace huiliu::pipeline {

class OverrideNode : public NodeFixture {
 public:
  std::string Approve(const std::string& name, const std::string& division,
                      const std::string& receiver = kKunming) {
    huiliu::v1::TerritoryOverride given;
    given.mutable_name()->set_field("name");
    given.mutable_name()->set_text(name);
    return Approve(std::move(given), division, receiver);
  }
  std::string Approve(huiliu::v1::TerritoryOverride given, const std::string& division,
                      const std::string& receiver) {
    given.set_dataset("person");
    given.set_receiver(receiver);
    given.set_division(division);
    given.set_reason("执照");
    const auto proposed = state.ProposeOverride(given, "a");
    EXPECT_TRUE(proposed.ok()) << proposed.status();
    EXPECT_TRUE(state.Apply(*proposed).ok());
    huiliu::v1::DecideOverrideRequest decision;
    decision.set_id(proposed->territory_override().id());
    decision.set_approve(true);
    const auto approved = state.ProposeOverrideDecision(decision, "b", clock().Now());
    EXPECT_TRUE(approved.ok()) << approved.status();
    EXPECT_TRUE(state.Apply(*approved).ok());
    return decision.id();
  }
  // Of one record by its business key.
  std::string ApproveRecord(const std::string& json_id, const std::string& division) {
    const std::string key = KeyOf(absl::StrCat(R"({"id":")", json_id, R"(","name":"x"})"));
    huiliu::v1::TerritoryOverride given;
    given.set_record(absl::BytesToHexString(AsBytes(Sha256(key))));
    return Approve(std::move(given), division, kKunming);
  }
  void Withdraw(const std::string& id) {
    huiliu::v1::WithdrawOverrideRequest request;
    request.set_id(id);
    request.set_reason("有误");
    const auto withdrawn = state.ProposeOverrideWithdrawal(request, "a", clock().Now());
    ASSERT_TRUE(withdrawn.ok()) << withdrawn.status();
    ASSERT_TRUE(state.Apply(*withdrawn).ok());
  }
  std::vector<huiliu::v1::LineageEntry> Redrives() {
    std::vector<huiliu::v1::LineageEntry> found;
    for (auto& entry : Entries()) {
      if (entry.step() == huiliu::v1::STEP_REDRIVE) found.push_back(std::move(entry));
    }
    return found;
  }
  std::vector<std::string> DecidedBy(const std::string& receiver) {
    std::vector<std::string> found;
    for (const StoredBatch& batch : ReadAll(ReturnedTopic(receiver, "person"))) {
      RecordBatchView::Parse(batch.bytes)->ForEach([&](int, const RecordView& record) {
        huiliu::v1::Envelope envelope;
        EXPECT_TRUE(
            envelope.ParseFromArray(record.header.data(), static_cast<int>(record.header.size())));
        found.push_back(envelope.decided_by());
      });
    }
    return found;
  }
  // Until nothing is left; a process that fails starts anew.
  void Settle(bool lose = false) {
    while (!Judge().ok()) Restart(lose);
  }
};

}  // namespace huiliu::pipeline

#endif  // HUILIU_TESTS_UNIT_PIPELINE_OVERRIDE_NODE_H_
