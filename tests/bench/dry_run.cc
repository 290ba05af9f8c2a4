// A dry run over a log as a node has it: read, told apart by key, decided by both rule sets.
#include "core/rules/dry_run.h"

#include <algorithm>
#include <filesystem>
#include <iostream>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_replace.h"
#include "absl/time/clock.h"
#include "broker/backbone/embedded/embedded_backbone.h"
#include "broker/pipeline/envelope_bytes.h"
#include "broker/pipeline/logged_changes.h"
#include "broker/pipeline/topics.h"
#include "core/base/files.h"
#include "core/base/status.h"
#include "core/schema/record_writer.h"
#include "core/text/csv.h"
#include "huiliu/v1/common.pb.h"
#include "tests/bench/bench.h"

namespace huiliu::bench {
namespace {

constexpr int64_t kRecords = 1'000'000;
constexpr int kBatch = 1000;
constexpr int kGenerated = 20'000;
constexpr size_t kMaxReal = 200'000;
constexpr double kTenMillion = 600;  // seconds, at most
constexpr double kShare = 0.25;      // of one engine's pace: two rule sets, the log and the keys
constexpr char kDataset[] = "enterprise_registration";

std::vector<std::string> Generated(const schema::Contract& contract) {
  std::vector<std::string> records;
  for (int i = 0; i < kGenerated; ++i) {
    schema::RecordWriter writer(contract);
    const auto set = [&](const char* field, const std::string& value) {
      writer.SetString(*contract.FindField(field), value);
    };
    set("uscc", absl::StrFormat("9153010%d%011d", i % 9, i));
    set("name", absl::StrCat("昆明某某商贸", i, "号有限公司"));
    set("kind", i % 3 == 0 ? "个体工商户" : "有限责任公司");
    set("region", i % 4 == 0 ? "大理市" : "五华区");
    set("address", absl::StrCat("云南省昆明市五华区人民中路", i % 900, "号"));
    records.push_back(writer.Finish());
  }
  return records;
}

absl::StatusOr<std::vector<std::string>> Real(const schema::Contract& contract,
                                              const std::string& folder) {
  std::vector<std::string> records, files;
  for (const auto& entry : std::filesystem::directory_iterator(folder))
    if (entry.path().extension() == ".csv") files.push_back(entry.path());
  std::sort(files.begin(), files.end());
  for (const std::string& file : files) {
    ASSIGN_OR_RETURN(const std::string content, ReadFile(file));
    text::CsvSplitter splitter(content, {}, 1, true);
    text::CsvRecord record;
    splitter.Next(&record);
    std::vector<const schema::Field*> columns;
    for (const absl::string_view title : record.fields) {
      const schema::Field* found = nullptr;
      for (const schema::Field& field : contract.fields())
        if (field.options.title() == title) found = &field;
      columns.push_back(found);
    }
    while (records.size() < kMaxReal &&
           splitter.Next(&record) == text::CsvSplitter::Result::kRecord) {
      if (record.error != nullptr) continue;
      schema::RecordWriter writer(contract);
      for (size_t i = 0; i < record.fields.size() && i < columns.size(); ++i) {
        if (columns[i] != nullptr && columns[i]->type == schema::FieldType::kString)
          writer.SetString(*columns[i], record.fields[i]);
      }
      records.push_back(writer.Finish());
    }
  }
  return records;
}

// kRecords changes of as many keys, as intake appends them.
absl::Status FillLog(const std::vector<std::string>& records, Backbone& backbone) {
  pipeline::TopicSettings topics;
  RETURN_IF_ERROR(backbone.EnsureTopic(pipeline::SourceTopicSpec(kDataset, topics)));
  ASSIGN_OR_RETURN(const std::unique_ptr<BackboneWriter> writer, backbone.OpenWriter("bench"));
  for (int64_t at = 0; at < kRecords;) {
    RecordBatchBuilder builder;
    for (int i = 0; i < kBatch; ++i, ++at) {
      huiliu::v1::Envelope envelope;
      envelope.set_system("registry");
      envelope.set_source("bench");
      envelope.set_row_id(absl::StrCat("a.csv:", at));
      envelope.set_operation(huiliu::v1::OPERATION_UPSERT);
      envelope.set_source_time_us(1'700'000'000'000'000 + at);
      std::string header = envelope.SerializeAsString();
      pipeline::AppendArrival(1'767'225'600'000'000 + at, &header);
      builder.Add(absl::StrCat("registry", absl::string_view("\0", 1), "K", at), header,
                  records[static_cast<size_t>(at) % records.size()]);
    }
    Transaction transaction;
    transaction.appends.push_back(
        {{pipeline::SourceTopic(kDataset), Partition(0)}, builder.Finish(), kBatch});
    RETURN_IF_ERROR(writer->Commit(std::move(transaction)).status());
  }
  return absl::OkStatus();
}

absl::StatusOr<Line> Measure(const char* of, const std::vector<std::string>& records,
                             const std::string& folder,
                             const std::shared_ptr<const schema::Contract>& contract,
                             const std::shared_ptr<const territory::Divisions>& divisions) {
  const std::string file =
      absl::StrCat(HUILIU_SOURCE_DIR, "/schemas/rules/enterprise_registration.530100.yaml");
  ASSIGN_OR_RETURN(const std::string yaml, ReadFile(file));
  ASSIGN_OR_RETURN(const auto active, rules::ParseRuleSet("active.yaml", yaml, *contract, nullptr));
  const std::string draft_yaml = absl::StrReplaceAll(
      yaml,
      {{"rules:\n",
        "rules:\n  - {id: small, title: 个体, when: 'kind == \"个体工商户\"', withhold: 试}\n"}});
  ASSIGN_OR_RETURN(const auto draft,
                   rules::ParseRuleSet("draft.yaml", draft_yaml, *contract, nullptr));
  EmbeddedOptions embedded;
  embedded.path = absl::StrCat(folder, "/log-", of);
  ASSIGN_OR_RETURN(const std::unique_ptr<EmbeddedBackbone> backbone,
                   EmbeddedBackbone::Open(embedded));
  RETURN_IF_ERROR(FillLog(records, *backbone));

  rules::DryRun::Options options;
  options.active = {{"530100"}, active};
  options.draft = {{"530100"}, draft};
  options.as_of_us = absl::ToUnixMicros(absl::Now());
  ASSIGN_OR_RETURN(const auto run, rules::DryRun::Create(options, contract, divisions));
  pipeline::LogReading reading;
  reading.from = {pipeline::SourceTopic(kDataset), Partition(0)};
  ASSIGN_OR_RETURN(const PartitionBounds bounds, backbone->Bounds(reading.from));
  reading.end = bounds.end;
  reading.take = [&](const pipeline::LoggedChange& logged) {
    rules::SourceChange change;
    change.key = logged.record.key;
    change.payload = logged.record.value;
    change.source_time_us = logged.envelope.source_time_us;
    return run->Add(logged.envelope.system, change, pipeline::PlaceOf(logged));
  };
  absl::Time start = absl::Now();
  RETURN_IF_ERROR(pipeline::ReadLog(*backbone, reading));
  const double seconds = absl::ToDoubleSeconds(absl::Now() - start);
  const huiliu::v1::DryRunReport report = run->Report();
  if (report.records() != kRecords) return absl::InternalError("the dry run lost records");

  rules::ReturnEngine::Options one;
  one.receivers = {{active->receiver, "", {"530100"}, ""}};
  ASSIGN_OR_RETURN(const auto engine,
                   rules::ReturnEngine::Create(std::move(one), contract, {active}, divisions));
  rules::Decision decision;
  start = absl::Now();
  int64_t returned = 0;
  for (int64_t i = 0; i < kRecords; ++i) {
    rules::SourceChange change;
    change.key = "k";
    change.row_id = "row";
    change.payload = records[static_cast<size_t>(i) % records.size()];
    change.now_us = options.as_of_us;
    engine->Decide(change, nullptr, &decision);
    returned += decision.outcomes[0] == huiliu::v1::OUTCOME_RETURNED ? 1 : 0;
  }
  const double alone = absl::ToDoubleSeconds(absl::Now() - start);
  for (const auto& outcome : report.outcomes()) {
    if (outcome.outcome() == huiliu::v1::OUTCOME_RETURNED && outcome.active() != returned)
      return absl::InternalError("the dry run decides otherwise than the engine");
  }
  const double pace = kRecords / seconds, yardstick = kRecords / alone;
  std::cerr << absl::StrFormat(
      "%s: %.0f records/s, ten million in %.1f minutes; one engine alone %.0f records/s\n", of,
      pace, 10'000'000 / pace / 60, yardstick);
  return Line{absl::StrCat("dry_run_", of),
              pace,
              "records/s",
              "one engine deciding the same records from memory",
              pace / yardstick,
              kShare,
              pace / yardstick >= kShare && 10'000'000 / pace <= kTenMillion};
}

}  // namespace

absl::StatusOr<std::vector<Line>> DryRun(const std::string& folder) {
  const std::string root = HUILIU_SOURCE_DIR;
  const std::string file = root + "/schemas/datasets/legal_persons/enterprise_registration.proto";
  ASSIGN_OR_RETURN(const std::string source, ReadFile(file));
  ASSIGN_OR_RETURN(const auto contract, schema::Contract::Parse(file, source));
  ASSIGN_OR_RETURN(const auto divisions, territory::Divisions::Load(root + "/schemas/divisions"));
  std::vector<Line> lines;
  ASSIGN_OR_RETURN(const Line generated,
                   Measure("generated", Generated(*contract), folder, contract, divisions));
  lines.push_back(generated);
  const char* shared = std::getenv("HUILIU_SHARED");
  const std::string data =
      absl::StrCat(shared == nullptr ? root + "/../shared" : std::string(shared),
                   "/data/enterprise-registry-yunnan");
  if (!std::filesystem::exists(data)) {
    std::cerr << "NOT RUN: dry_run on real registrations (no " << data << ")\n";
    return lines;
  }
  ASSIGN_OR_RETURN(const std::vector<std::string> records, Real(*contract, data));
  ASSIGN_OR_RETURN(const Line real, Measure("real", records, folder, contract, divisions));
  lines.push_back(real);
  return lines;
}

}  // namespace huiliu::bench
