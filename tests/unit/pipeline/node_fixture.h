// A node with a source that it decides itself (and more, where a test adds them): intake, engine
// and log in memory, decisions and kept rows on disk, and a writer that fails when told to.
#ifndef HUILIU_TESTS_UNIT_PIPELINE_NODE_FIXTURE_H_
#define HUILIU_TESTS_UNIT_PIPELINE_NODE_FIXTURE_H_

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "broker/backbone/memory/memory_backbone.h"
#include "broker/pipeline/intake.h"
#include "broker/pipeline/return_worker.h"
#include "core/base/signing.h"
#include "core/model/batch_digest.h"
#include "core/schema/record_writer.h"
#include "huiliu/v1/audit.pb.h"
#include "storage/decisions/rocksdb_decision_store.h"
#include "tests/unit/rules/engine_fixture.h"

namespace huiliu::pipeline {

enum class Fault {
  kNone,
  kNotWritten,  // the commit fails
  kAnswerLost,  // the commit holds, its answer does not come
};

class FaultyWriter : public BackboneWriter {
 public:
  explicit FaultyWriter(std::unique_ptr<BackboneWriter> writer) : writer_(std::move(writer)) {}
  absl::StatusOr<CommitResult> Commit(Transaction transaction) override {
    const Fault fault = after-- == 0 ? std::exchange(next, Fault::kNone) : Fault::kNone;
    if (fault == Fault::kNotWritten) return absl::UnavailableError("not written");
    auto result = writer_->Commit(std::move(transaction));
    if (fault == Fault::kAnswerLost) return absl::UnavailableError("answer lost");
    return result;
  }
  // The commit after `after` others fails so.
  void Fail(Fault fault, int after_others = 0) {
    next = fault;
    after = after_others;
  }
  Fault next = Fault::kNone;
  int after = 0;

 private:
  const std::unique_ptr<BackboneWriter> writer_;
};

struct SourceRow {
  std::string json;  // the record
  std::string row_id;
  int64_t time_us = 0;
  bool is_delete = false;
};

class NodeFixture {
 public:
  static constexpr char kKunming[] = "530100";
  static constexpr char kDali[] = "532900";

  explicit NodeFixture(int32_t partitions = 2)
      : clock_(absl::FromUnixSeconds(1767225600)),  // 2026-01-01 08:00 in Shanghai
        backbone_(NewMemoryBackbone(clock_)) {
    topics_.partitions = partitions;
    folder_ = absl::StrCat(testing::TempDir(), "/node_", getpid(), "_", ++counter_);
    std::filesystem::remove_all(folder_);
    std::filesystem::create_directories(folder_);
    key_ = *SigningKey::Generate();
    for (const TopicSpec& spec : {ControlTopicSpec(), LineageTopicSpec(), QuarantineTopicSpec()})
      EXPECT_TRUE(backbone_->EnsureTopic(spec).ok());
    writer_ = std::make_unique<FaultyWriter>(*backbone_->OpenWriter("test"));
    Register();
    Start();
  }
  ~NodeFixture() {
    Stop();
    std::filesystem::remove_all(folder_);
  }

  template <typename T>
  absl::Status Put(const T& entity, uint64_t seen = 0) {
    auto record = state.Propose(entity, seen);
    if (!record.ok()) return record.status();
    return state.Apply(*record);
  }
  absl::Status Put(const huiliu::v1::Grant& grant, uint64_t seen = 0) {
    huiliu::v1::PutGrantRequest request;
    *request.mutable_grant() = grant;
    request.set_seen_version(seen);
    auto record = state.Propose(request);
    if (!record.ok()) return record.status();
    return state.Apply(*record);
  }
  void PutRules(const std::string& receiver, const std::string& body, bool reevaluate = false) {
    auto record = state.ProposeRuleSet(
        receiver + ".yaml", absl::StrCat("dataset: person\nreceiver: \"", receiver, "\"\n", body),
        "officer");
    ASSERT_TRUE(record.ok() && record->has_value()) << record.status();
    ASSERT_TRUE(state.Apply(**record).ok());
    huiliu::v1::DecideRuleSetRequest decision;
    decision.set_untried_reason("test");
    decision.set_dataset("person");
    decision.set_receiver(receiver);
    decision.set_version((*record)->rule_set().version());
    decision.set_approve(true);
    decision.set_reevaluate_history(reevaluate);
    auto approved = state.ProposeDecision(decision, "another officer", clock_.Now());
    ASSERT_TRUE(approved.ok()) << approved.status();
    ASSERT_TRUE(state.Apply(*approved).ok());
  }

  // A new process over the same log; `lose`: without its local stores.
  void Restart(bool lose = false) {
    Stop();
    if (lose) {
      std::filesystem::remove_all(folder_ + "/decisions");
      std::filesystem::remove_all(folder_ + "/kept");
    }
    Start();
  }

  // Another source of the same system and dataset, whose agent sends, too.
  void AddSource(const std::string& id,
                 const std::vector<std::string>& receivers = {kKunming, kDali}) {
    PutSource(id, receivers);
    OpenSession(id);
  }

  // From now on it is a node of a cluster, on folders of its own: `lane` numbers its transactions.
  void BecomeLane(const std::string& lane, const std::string& node) {
    Stop();
    lane_ = lane;
    node_ = node;
    Start();
  }

  // One batch as an agent makes it; `bad`: rows that it could not map.
  absl::Status Send(const std::vector<SourceRow>& rows, const std::vector<std::string>& bad = {}) {
    return SendBy("src", rows, bad);
  }
  absl::Status SendBy(const std::string& source, const std::vector<SourceRow>& rows,
                      const std::vector<std::string>& bad = {}) {
    last_batch = MakeBatch(rows, bad, source);
    return Resend();
  }
  absl::Status Resend() { return sessions_.at(last_batch.source())->Take(last_batch); }
  huiliu::v1::Batch MakeBatch(const std::vector<SourceRow>& rows,
                              const std::vector<std::string>& bad = {},
                              const std::string& source = "src") {
    huiliu::v1::Batch batch;
    batch.set_source(source);
    batch.set_epoch(welcomes_.at(source).epoch());
    batch.set_sequence(intake->Position(source)->sequence() + 1);
    batch.set_dataset("person");
    batch.set_dataset_version(1);
    for (const SourceRow& row : rows) {
      const std::string record = Record(row.json);
      huiliu::v1::Envelope envelope;
      envelope.set_system("sys");
      envelope.set_source(source);
      envelope.set_row_id(row.row_id);
      envelope.set_source_time_us(row.time_us);
      envelope.set_operation(row.is_delete ? huiliu::v1::OPERATION_DELETE
                                           : huiliu::v1::OPERATION_UPSERT);
      envelope.set_source_epoch(batch.epoch());
      envelope.set_source_sequence(batch.sequence());
      envelope.set_index_in_batch(static_cast<uint32_t>(batch.keys_size()));
      batch.add_keys(KeyOf(row.json));
      batch.add_envelopes(envelope.SerializeAsString());
      batch.add_payloads(row.is_delete ? "" : record);
    }
    for (const std::string& raw : bad) {
      huiliu::v1::QuarantinedRow* row = batch.add_quarantined();
      row->set_row_id("bad:" + raw);
      row->set_reason("date.invalid");
      row->set_raw(raw);
    }
    Sign(&batch);
    return batch;
  }
  void Sign(huiliu::v1::Batch* batch) const {
    batch->set_records_root(ToString(MerkleRootOf(RecordLeafHashes(*batch))));
    batch->set_digest(ToString(BatchDigest(*batch)));
    batch->set_signature(*key_->Sign(batch->digest()));
  }

  // Judges all that is there.
  absl::Status Judge() {
    while (true) {
      const absl::StatusOr<bool> more = worker->Step(absl::ZeroDuration());
      if (!more.ok()) return more.status();
      if (!*more) return absl::OkStatus();
    }
  }

  std::string Record(const std::string& json) const {
    const auto record = schema::RecordFromJson(*state.FindContract("person"), json);
    EXPECT_TRUE(record.ok()) << record.status();
    return record.ok() ? *record : "";
  }
  std::string KeyOf(const std::string& json) const {
    return absl::StrCat("sys", absl::string_view("\0", 1),
                        *state.FindContract("person")->KeyOf(Record(json)));
  }

  // How far a version's re-evaluation has come, at one place; nothing where it has not begun.
  huiliu::v1::ReevaluationMark Mark(const std::string& receiver, uint32_t version,
                                    const std::string& place) {
    huiliu::v1::ReevaluationMark mark;
    const auto stored =
        backbone_->Position(ReevaluationPosition("person", receiver, version, place));
    EXPECT_TRUE(stored.ok()) << stored.status();
    if (stored.ok() && stored->has_value()) {
      EXPECT_TRUE(mark.ParseFromString(**stored));
    }
    return mark;
  }

  std::vector<StoredBatch> ReadAll(const std::string& topic) {
    ReaderOptions options;
    options.start = StartAt::kEarliest;
    const bool one = topic == kLineageTopic || topic == kQuarantineTopic;
    for (int32_t p = 0; p < (one ? 1 : topics_.partitions); ++p)
      options.assigned.push_back({topic, Partition(p)});
    std::vector<StoredBatch> all;
    auto reader = backbone_->OpenReader(options);
    EXPECT_TRUE(reader.ok()) << reader.status();
    while (true) {
      auto batches = (*reader)->Poll(absl::ZeroDuration());
      EXPECT_TRUE(batches.ok()) << batches.status();
      if (!batches.ok() || batches->empty()) return all;
      for (StoredBatch& batch : *batches) all.push_back(std::move(batch));
    }
  }
  // What a receiver holds, by business id; every record that was appended for it is counted.
  std::map<std::string, std::string> Held(const std::string& receiver) {
    std::map<std::string, std::string> rows;
    appended = tombstones = 0;
    const auto contract = state.FindContract("person");
    for (const StoredBatch& batch : ReadAll(ReturnedTopic(receiver, "person"))) {
      RecordBatchView::Parse(batch.bytes)->ForEach([&](int, const RecordView& record) {
        ++appended;
        const std::string key(record.key.substr(5));  // "sys", 0x00, the id's length
        if (record.tombstone) {
          ++tombstones;
          EXPECT_TRUE(last_tombstone.ParseFromArray(record.header.data(),
                                                    static_cast<int>(record.header.size())));
          rows.erase(key);
        } else {
          rows[key] = *schema::RecordToJson(*contract, record.value);
        }
        EXPECT_TRUE(last_envelope[key].ParseFromArray(record.header.data(),
                                                      static_cast<int>(record.header.size())));
      });
    }
    return rows;
  }
  std::vector<huiliu::v1::LineageEntry> Entries() {
    std::vector<huiliu::v1::LineageEntry> entries;
    for (const StoredBatch& batch : ReadAll(kLineageTopic)) {
      RecordBatchView::Parse(batch.bytes)->ForEach([&](int, const RecordView& record) {
        EXPECT_TRUE(entries.emplace_back().ParseFromArray(record.value.data(),
                                                          static_cast<int>(record.value.size())));
      });
    }
    return entries;
  }
  // "returned 2 pending 1" of a receiver and day; outcomes of zero rows are left out.
  std::string Balance(const std::string& receiver, const std::string& day = "2026-01-01",
                      const std::string& source = "") {
    std::map<int, int64_t> sums;
    for (const auto& entry : Entries()) {
      if (!source.empty() && entry.source() != source) continue;
      for (const auto& delta : entry.counts()) {
        if (delta.receiver() == receiver && (day.empty() || delta.day() == day))
          sums[delta.outcome()] += delta.rows();
      }
    }
    static const char* const kNames[] = {"?",        "returned",    "outside",
                                         "withheld", "quarantined", "pending"};
    std::string text;
    for (const auto& [outcome, rows] : sums) {
      if (rows != 0) absl::StrAppend(&text, text.empty() ? "" : " ", kNames[outcome], " ", rows);
    }
    return text;
  }
  std::string BalanceOfAllDays(const std::string& receiver) { return Balance(receiver, ""); }
  std::string BalanceOf(const std::string& source, const std::string& receiver,
                        const std::string& day = "2026-01-01") {
    return Balance(receiver, day, source);
  }
  std::vector<huiliu::v1::QuarantinedRow> Kept(bool redriven = false,
                                               const std::string& source = "src") {
    huiliu::v1::ListQuarantineRequest request;
    request.set_source(source);
    request.set_include_redriven(redriven);
    huiliu::v1::ListQuarantineResponse response;
    const absl::Status status = worker->ListKept(caller, request, &response);
    EXPECT_TRUE(status.ok()) << status;
    return {response.rows().begin(), response.rows().end()};
  }
  absl::StatusOr<huiliu::v1::RedriveResponse::Result> Redrive(const std::string& id,
                                                              const std::string& json) {
    huiliu::v1::RedriveRequest request;
    request.set_source(id.substr(0, std::max<size_t>(id.find('/'), 1)));
    request.add_corrections()->set_id(id);
    request.mutable_corrections(0)->set_json(json);
    huiliu::v1::RedriveResponse response;
    const absl::Status status = worker->Redrive(caller, request, &response);
    if (!status.ok()) return status;
    return response.results(0);
  }

  FaultyWriter& writer() { return *writer_; }
  ManualClock& clock() { return clock_; }
  MemoryBackbone& backbone() { return *backbone_; }

  governance::State state;
  std::unique_ptr<Intake> intake;
  std::unique_ptr<ReturnWorker> worker;
  huiliu::v1::Batch last_batch;
  bool knows_dataset = true;  // whether the worker is told of it when it starts
  int appended = 0, tombstones = 0;
  huiliu::v1::Envelope last_tombstone;                        // that Held met
  std::map<std::string, huiliu::v1::Envelope> last_envelope;  // by business id, of the last Held
  const governance::Principal caller{"dept-agent", "dept", {huiliu::v1::ROLE_AGENT}};

 private:
  void Register() {
    huiliu::v1::Organisation organisation;
    organisation.set_id("dept");
    organisation.set_title("部门");
    EXPECT_TRUE(Put(organisation).ok());
    for (const char* id : {kKunming, kDali, "530300"}) {
      huiliu::v1::Receiver receiver;
      receiver.set_id(id);
      receiver.set_title(id);
      receiver.add_divisions(id);
      EXPECT_TRUE(Put(receiver).ok());
      EXPECT_TRUE(backbone_->EnsureTopic(ReturnedTopicSpec(id, "person", topics_)).ok());
    }
    huiliu::v1::System system;
    system.set_id("sys");
    system.set_title("系统");
    system.set_tier(huiliu::v1::TIER_PROVINCIAL);
    system.set_owner("部门");
    system.set_status(huiliu::v1::SYSTEM_STATUS_CONFIRMED);
    EXPECT_TRUE(Put(system).ok());
    std::string contract = rules::kPersonContract;
    contract.replace(contract.find("%s"), 2, "");
    auto dataset = state.ProposeDataset("person.proto", contract);
    EXPECT_TRUE(dataset.ok()) << dataset.status();
    EXPECT_TRUE(state.Apply(**dataset).ok());
    for (const char* id : {kKunming, kDali}) PutRules(id, rules::kOpenRules);
    PutSource("src", {kKunming, kDali});
  }
  void PutSource(const std::string& id, const std::vector<std::string>& receivers) {
    huiliu::v1::Source source;
    source.set_id(id);
    source.set_system("sys");
    source.set_dataset("person");
    source.set_organisation("dept");
    source.set_placement(huiliu::v1::PLACEMENT_NODE);
    for (const std::string& receiver : receivers) source.add_receivers(receiver);
    source.set_batch_public_key(key_->public_key());
    const absl::Status put = Put(source);
    EXPECT_TRUE(put.ok()) << put;
    sources_.push_back(id);
  }
  void OpenSession(const std::string& source) {
    huiliu::v1::Hello hello;
    hello.set_source(source);
    hello.set_dataset("person");
    hello.set_dataset_version(1);
    auto session = intake->Open(caller, hello, &welcomes_[source]);
    EXPECT_TRUE(session.ok()) << session.status();
    sessions_[source] = *std::move(session);
  }

  void Start() {
    const std::string folder = node_.empty() ? folder_ : absl::StrCat(folder_, "/", node_);
    std::filesystem::create_directories(folder);
    decisions_ = *RocksDbDecisionStore::Open(folder + "/decisions", {});
    kept_ = *QuarantineStore::Open(folder + "/kept", {});
    intake = std::make_unique<Intake>(state, *backbone_, *writer_, clock_, topics_);
    worker = std::make_unique<ReturnWorker>(
        ReturnWorker::Parts{state, *backbone_, *writer_, clock_, topics_, rules::YunnanDivisions(),
                            [](absl::string_view) { return std::string(32, 'k'); }, *decisions_,
                            *kept_, [](absl::string_view, const absl::Status&) {}, nullptr, lane_,
                            node_, node_.empty() ? KeptGroup() : "kept/" + node_});
    if (knows_dataset) {
      EXPECT_TRUE(worker->AddDataset("person").ok());
    }
    for (const std::string& source : sources_) OpenSession(source);
  }
  void Stop() {
    sessions_.clear();
    worker.reset();
    intake.reset();
    decisions_.reset();
    kept_.reset();
  }

  static inline int counter_ = 0;
  ManualClock clock_;
  TopicSettings topics_;
  std::string folder_, lane_, node_;
  std::unique_ptr<SigningKey> key_;
  std::unique_ptr<MemoryBackbone> backbone_;
  std::unique_ptr<FaultyWriter> writer_;
  std::unique_ptr<DecisionStore> decisions_;
  std::unique_ptr<QuarantineStore> kept_;
  std::vector<std::string> sources_;
  std::map<std::string, huiliu::v1::Welcome> welcomes_;
  std::map<std::string, std::unique_ptr<Intake::Session>> sessions_;
};

}  // namespace huiliu::pipeline

#endif  // HUILIU_TESTS_UNIT_PIPELINE_NODE_FIXTURE_H_
