// Batches of any content at the intake: refused whole with nothing stored, or taken over once, with
// a lineage entry and envelopes that everybody can read, nothing outside the receiver's area, and
// nothing in the batch that its digest does not cover. The input is an encoded Batch; it is offered
// as it is and, sealed and signed, to a source that is decided at the edge and to one that is
// decided at the node.
#include <google/protobuf/stubs/logging.h>

#include <memory>
#include <vector>

#include "absl/strings/str_cat.h"
#include "broker/backbone/memory/memory_backbone.h"
#include "broker/governance/state.h"
#include "broker/lineage/entry.h"
#include "broker/pipeline/envelope_bytes.h"
#include "broker/pipeline/intake.h"
#include "core/base/signing.h"
#include "core/model/batch_digest.h"
#include "core/schema/record_writer.h"
#include "core/schema/text_value.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/world.h"

namespace huiliu::pipeline {
namespace {

using huiliu::v1::Batch;

constexpr char kReceiver[] = "530100";
constexpr char kEdge[] = "edge", kNode[] = "node";

void Must(const absl::Status& status) {
  if (!status.ok()) fuzz::Broken(__FILE__, __LINE__, "fixture", status.ToString());
}

// What is registered; the same for all inputs.
struct World {
  governance::State state;
  std::unique_ptr<SigningKey> key = fuzz::Must(SigningKey::Generate());
  ManualClock clock{absl::FromUnixSeconds(1767225600)};
  TopicSettings topics;
  const governance::Principal caller{"agent", "dept", {huiliu::v1::ROLE_AGENT}};

  World() {
    huiliu::v1::Organisation organisation;
    organisation.set_id("dept");
    organisation.set_title("部门");
    Put(organisation);
    huiliu::v1::Receiver receiver;
    receiver.set_id(kReceiver);
    receiver.set_title("昆明市");
    receiver.add_divisions(kReceiver);
    Put(receiver);
    huiliu::v1::System system;
    system.set_id("sys");
    system.set_title("系统");
    system.set_tier(huiliu::v1::TIER_PROVINCIAL);
    system.set_owner("部门");
    system.set_status(huiliu::v1::SYSTEM_STATUS_CONFIRMED);
    Put(system);
    Must(state.Apply(*fuzz::Must(state.ProposeDataset("person.proto", fuzz::kPersonContract))));
    PutRules();
    for (const char* id : {kEdge, kNode}) {
      huiliu::v1::Source source;
      source.set_id(id);
      source.set_system("sys");
      source.set_dataset("person");
      source.set_organisation("dept");
      source.set_placement(id == kEdge ? huiliu::v1::PLACEMENT_EDGE : huiliu::v1::PLACEMENT_NODE);
      source.add_receivers(kReceiver);
      source.set_batch_public_key(key->public_key());
      Put(source);
    }
  }
  template <typename T>
  void Put(const T& entity) {
    Must(state.Apply(fuzz::Must(state.Propose(entity, 0))));
  }
  void PutRules() {
    Must(state.Apply(*fuzz::Must(state.ProposeRuleSet(
        "r.yaml", "dataset: person\nreceiver: \"530100\"\nlegal_basis: x\nrules:\n  - {id: own}\n",
        "officer"))));
    huiliu::v1::DecideRuleSetRequest decision;
    decision.set_dataset("person");
    decision.set_receiver(kReceiver);
    decision.set_version(1);
    decision.set_approve(true);
    decision.set_untried_reason("nothing to try it on");
    Must(state.Apply(fuzz::Must(state.ProposeDecision(decision, "another", clock.Now()))));
  }
};

// An empty log with an open session.
struct Log {
  std::unique_ptr<MemoryBackbone> backbone;
  std::unique_ptr<BackboneWriter> writer;
  std::unique_ptr<Intake> intake;
  std::unique_ptr<Intake::Session> session;
  huiliu::v1::Welcome welcome;
  std::string topic;

  Log(World& world, const std::string& source) : backbone(NewMemoryBackbone(world.clock)) {
    topic = source == kEdge ? ReturnedTopic(kReceiver, "person") : SourceTopic("person");
    Must(backbone->EnsureTopic(source == kEdge
                                   ? ReturnedTopicSpec(kReceiver, "person", world.topics)
                                   : SourceTopicSpec("person", world.topics)));
    for (const TopicSpec& spec : {LineageTopicSpec(), QuarantineTopicSpec()})
      Must(backbone->EnsureTopic(spec));
    writer = fuzz::Must(backbone->OpenWriter("fuzz"));
    intake = std::make_unique<Intake>(world.state, *backbone, *writer, world.clock, world.topics);
    huiliu::v1::Hello hello;
    hello.set_source(source);
    hello.set_dataset("person");
    hello.set_dataset_version(1);
    session = fuzz::Must(intake->Open(world.caller, hello, &welcome));
  }
  int64_t End(const std::string& name) {
    return fuzz::Must(backbone->Bounds({name, Partition(0)})).end.value();
  }
  std::vector<int64_t> Ends() { return {End(topic), End(kLineageTopic), End(kQuarantineTopic)}; }
  std::vector<StoredBatch> Read(const std::string& name) {
    ReaderOptions options;
    options.start = StartAt::kEarliest;
    options.assigned = {{name, Partition(0)}};
    return fuzz::Must(fuzz::Must(backbone->OpenReader(options))->Poll(absl::ZeroDuration()));
  }
};

void Seal(const World& world, Batch* batch) {
  batch->set_records_root(ToString(MerkleRootOf(RecordLeafHashes(*batch))));
  batch->set_digest(ToString(BatchDigest(*batch)));
  batch->set_signature(fuzz::Must(world.key->Sign(batch->digest())));
}

// Whatever a sealed batch says, it cannot be taken out unseen.
void CheckSeal(const Batch& sealed) {
  FUZZ_CHECK(CheckBatchDigests(sealed).ok());
  std::vector<const google::protobuf::FieldDescriptor*> set;
  sealed.GetReflection()->ListFields(sealed, &set);
  for (const auto* field : set) {
    if (field->number() == Batch::kSignatureFieldNumber) continue;
    Batch without = sealed;
    without.GetReflection()->ClearField(&without, field);
    FUZZ_CHECK_SAY(!CheckBatchDigests(without).ok(), field->name());
  }
  if (sealed.keys_size() < 2) return;
  Batch moved = sealed;
  moved.mutable_keys()->SwapElements(0, 1);
  FUZZ_CHECK(CheckBatchDigests(moved).ok() == (sealed.keys(0) == sealed.keys(1)));
}

// So that sums of wild numbers stay in range.
int64_t Wrapping(int64_t rows) { return rows % 1'000'003; }

void CheckRecords(Log& log, const std::string& source, const Batch& batch) {
  int index = 0;
  for (const StoredBatch& stored : log.Read(log.topic)) {
    fuzz::Must(RecordBatchView::Parse(stored.bytes)).ForEach([&](int, const RecordView& record) {
      FUZZ_CHECK(record.key == batch.keys(index));
      FUZZ_CHECK(record.tombstone == batch.payloads(index).empty());
      if (!record.tombstone) FUZZ_CHECK(record.value == batch.payloads(index));
      huiliu::v1::Envelope envelope;
      FUZZ_CHECK(
          envelope.ParseFromArray(record.header.data(), static_cast<int>(record.header.size())));
      FUZZ_CHECK(envelope.system() == "sys" && envelope.arrival_time_us() > 0);
      FUZZ_CHECK(envelope.source_epoch() == batch.epoch());
      FUZZ_CHECK(envelope.source_sequence() == batch.sequence());
      FUZZ_CHECK(envelope.index_in_batch() == static_cast<uint32_t>(index));
      FUZZ_CHECK((envelope.operation() == huiliu::v1::OPERATION_UPSERT) == !record.tombstone);
      if (source == kEdge) {
        FUZZ_CHECK(envelope.counted_receivers() == 0);
        if (!record.tombstone) FUZZ_CHECK(InArea(kReceiver, envelope.division()));
        FUZZ_CHECK(schema::RecordToJson(*fuzz::PersonContract(), record.value).ok());
      }
      ++index;
    });
  }
  FUZZ_CHECK(index == batch.keys_size());
}

void CheckLineage(Log& log, const std::string& source, const Batch& batch) {
  int64_t records = 0, rows = 0;
  for (const StoredBatch& stored : log.Read(kLineageTopic)) {
    fuzz::Must(RecordBatchView::Parse(stored.bytes)).ForEach([&](int, const RecordView& record) {
      // Else it would stand in the log for ever and count nothing.
      FUZZ_CHECK(record.value.size() <= lineage::kMaxEntryBytes);
      huiliu::v1::LineageEntry entry;
      FUZZ_CHECK(entry.ParseFromArray(record.value.data(), static_cast<int>(record.value.size())));
      FUZZ_CHECK(entry.batch_digest() == batch.digest() && entry.source() == source);
      records += entry.records();
      for (const auto& delta : entry.counts()) rows += Wrapping(delta.rows());
    });
  }
  int64_t expected = 0;
  if (source == kNode) expected = batch.keys_size() + batch.quarantined_size();
  for (const auto& delta : batch.counts()) expected += Wrapping(delta.rows());
  FUZZ_CHECK(records == batch.keys_size() && rows == expected);
}

void Offer(World& world, const std::string& source, const Batch& batch) {
  Log log(world, source);
  const std::vector<int64_t> before = log.Ends();
  const absl::Status status = log.session->Take(batch);
  if (!status.ok()) {
    FUZZ_CHECK(log.Ends() == before);
    FUZZ_CHECK(fuzz::Must(log.intake->Position(source)).sequence() == 0);
    FUZZ_CHECK(schema::IsUtf8(status.message()));
    return;
  }
  const std::vector<int64_t> after = log.Ends();
  FUZZ_CHECK(after[0] == batch.keys_size() && after[1] >= 1);
  FUZZ_CHECK(after[2] == batch.quarantined_size());
  CheckRecords(log, source, batch);
  CheckLineage(log, source, batch);
  FUZZ_CHECK(log.session->Take(batch).ok() && log.Ends() == after);  // sent twice, taken once
  Batch other = batch;
  other.set_created_us(batch.created_us() + 1);
  Seal(world, &other);
  FUZZ_CHECK(!log.session->Take(other).ok() && log.Ends() == after);
}

void Check(absl::string_view input) {
  google::protobuf::SetLogHandler(nullptr);
  static World& world = *new World;
  Batch batch;
  if (!batch.ParseFromArray(input.data(), static_cast<int>(input.size()))) return;
  for (const char* source : {kEdge, kNode}) {
    Offer(world, source, batch);
    batch.set_source(source);
    batch.set_epoch(1);
    batch.set_sequence(1);
    batch.set_dataset("person");
    batch.set_dataset_version(1);
    if (batch.keys_size() == batch.envelopes_size() && batch.keys_size() == batch.payloads_size()) {
      Seal(world, &batch);
      CheckSeal(batch);
    }
    Offer(world, source, batch);
  }
}

}  // namespace
}  // namespace huiliu::pipeline

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  huiliu::pipeline::Check(huiliu::fuzz::AsText(data, size));
  return 0;
}
