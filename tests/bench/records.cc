#include "tests/bench/records.h"

#include <random>

#include "absl/strings/str_cat.h"
#include "core/schema/contract.h"
#include "core/schema/record_writer.h"

namespace huiliu::bench {

std::string ContractText() {
  std::string text =
      "syntax = \"proto3\";\npackage bench;\nimport \"huiliu/v1/dataset.proto\";\nmessage Row {\n"
      "  option (huiliu.v1.dataset) = {id: \"bench_rows\" title: \"基准测试\" territory: {title: "
      "\"登记地\" evidence: {field: \"f20\" kind: EVIDENCE_KIND_CODE}}};\n"
      "  string id = 1 [(huiliu.v1.data) = {title: \"编号\" key: true}];\n";
  for (int i = 2; i <= 20; ++i) {
    absl::StrAppend(&text, "  string f", i, " = ", i, " [(huiliu.v1.data) = {title: \"列", i,
                    "\"}];\n");
  }
  return text + "}\n";
}

huiliu::v1::Batch MakeBatch(uint64_t n, uint64_t epoch) {
  static const auto* const contract = new std::shared_ptr<const schema::Contract>(
      *schema::Contract::Parse("bench.proto", ContractText()));
  std::mt19937_64 random(n);
  huiliu::v1::Batch batch;
  batch.set_source(kSource);
  batch.set_epoch(epoch);
  batch.set_sequence(n);
  batch.set_position(absl::StrCat(n));
  batch.set_dataset(kDataset);
  batch.set_dataset_version(1);
  schema::RecordWriter writer(**contract);
  const absl::Span<const schema::Field> fields = (*contract)->fields();
  for (int i = 0; i < kBatchRows; ++i) {
    const std::string id = absl::StrCat(absl::Hex(random(), absl::kZeroPad16));
    writer.SetString(fields[0], id);
    for (size_t f = 1; f + 1 < fields.size(); ++f)
      writer.SetString(fields[f], absl::StrCat("值", random() % 100000000000));
    writer.SetString(fields.back(), "530102");
    const std::string payload = writer.Finish();
    huiliu::v1::Envelope envelope;
    envelope.set_system(kSystem);
    envelope.set_operation(huiliu::v1::OPERATION_UPSERT);
    envelope.set_division("530102");
    envelope.set_source_epoch(epoch);
    envelope.set_source_sequence(n);
    envelope.set_index_in_batch(static_cast<uint32_t>(i));
    batch.add_keys(absl::StrCat(kSystem, absl::string_view("\0", 1), *(*contract)->KeyOf(payload)));
    batch.add_envelopes(envelope.SerializeAsString());
    batch.add_payloads(payload);
  }
  huiliu::v1::CountDelta* count = batch.add_counts();
  count->set_receiver(kReceiver);
  count->set_outcome(huiliu::v1::OUTCOME_RETURNED);
  count->set_division("530102");
  count->set_rows(kBatchRows);
  return batch;
}

}  // namespace huiliu::bench
