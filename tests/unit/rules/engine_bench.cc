// engine_bench [records]: what one decision costs, with 1 and with 10 rules, beside SHA-256 over
// the same records; and with 10,000 territory overrides, of records that evidence decides and of
// records that pend.
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <random>

#include "core/base/files.h"
#include "tests/unit/rules/engine_fixture.h"

namespace {

using Seconds = std::chrono::duration<double>;
double Now() { return Seconds(std::chrono::steady_clock::now().time_since_epoch()).count(); }

// One record again and again.
double Decided(huiliu::rules::ReturnEngine& engine, const std::string& payload, int records,
               int* returned) {
  huiliu::rules::Decision decision;
  const double before = Now();
  for (int i = 0; i < records; ++i) {
    huiliu::rules::SourceChange change;
    change.key = "a key";
    change.payload = payload;
    change.row_id = "2026-01-01.csv:123456";
    change.now_us = 1767225600000000 + i;
    engine.Decide(change, nullptr, &decision);
    *returned += static_cast<int>(decision.outputs.size());
  }
  return (Now() - before) / records * 1e9;
}

int BenchOverrides(const huiliu::schema::Contract& fields,
                   std::shared_ptr<const huiliu::schema::Contract> contract, int records) {
  using namespace huiliu;         // NOLINT
  using namespace huiliu::rules;  // NOLINT
  const auto set = ParseRuleSet("bench.yaml",
                                "dataset: insurance_participation\nreceiver: \"530100\"\n"
                                "legal_basis: x\nrules:\n  - {id: own}\n",
                                fields, nullptr);
  auto engine = ReturnEngine::Create({{{ReceiverId("530100"), "昆明市", {"530100"}, ""}}}, contract,
                                     {*set}, YunnanDivisions());
  if (!engine.ok()) return 4;
  const std::string decided = *schema::RecordFromJson(
      fields, R"({"person_number":"1","insured_division":"530102","insurance_type":"养老"})");
  const std::string pends = *schema::RecordFromJson(
      fields, R"({"person_number":"1","insured_place":"新城7777","insurance_type":"养老"})");
  for (const bool hold : {false, true}) {
    std::vector<huiliu::v1::TerritoryOverride> overrides;
    for (int i = 0; hold && i < 10'000; ++i) {
      huiliu::v1::TerritoryOverride& one = overrides.emplace_back();
      one.set_id(absl::StrCat("ov", i));
      one.set_receiver("530100");
      one.set_division("530102");
      one.mutable_name()->set_field("insured_place");
      one.mutable_name()->set_text(absl::StrCat("新城", i));
    }
    const double before = Now();
    (*engine)->SetOverrides("sys", overrides);
    const double set_ms = (Now() - before) * 1e3;
    int returned = 0;
    const double by_evidence = Decided(**engine, decided, records, &returned);
    const double otherwise = Decided(**engine, pends, records, &returned);
    std::printf(
        "%zu overrides, set in %.1f ms: decided by evidence %.0f ns, otherwise %.0f ns a record "
        "(%d "
        "returned)\n",
        overrides.size(), set_ms, by_evidence, otherwise, returned);
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  using namespace huiliu;         // NOLINT
  using namespace huiliu::rules;  // NOLINT
  const int records = argc > 1 ? std::atoi(argv[1]) : 1000000;
  const std::string file =
      RepositoryRoot() + "/schemas/datasets/population/insurance_participation.proto";
  const auto contract = schema::Contract::Parse(file, *ReadFile(file));
  if (!contract.ok()) return 1;
  const char* divisions[] = {"530102", "530103", "530111", "530112",
                             "532901", "530302", "532501", "530402"};
  std::mt19937_64 random(1);
  std::vector<std::string> payloads;
  for (int i = 0; i < 1000; ++i) {
    payloads.push_back(*schema::RecordFromJson(
        **contract,
        absl::StrCat(
            R"({"person_number":")", random(), R"(","citizen_id":"53010219900101)", 1000 + i,
            R"(","name":"张三丰","insured_division":")", divisions[i % 8],
            R"(","insured_place":"云南省","employer_uscc":"91530102MA6K0000)", 10 + i % 90,
            R"(","insurance_type":"城镇职工基本养老保险","status":"参保","insured_since":"2019-05-01",)",
            R"("updated_at":"2026-01-02T03:04:05Z"})")));
  }
  size_t bytes = 0;
  for (const std::string& payload : payloads) bytes += payload.size();
  const double start = Now();
  Hasher hasher;
  uint8_t sink = 0;
  for (int i = 0; i < records; ++i) {
    hasher.Update(payloads[i % 1000]);
    sink ^= hasher.Finish()[0];
  }
  std::printf("records of %zu bytes; SHA-256 %.0f ns (%d)\n", bytes / 1000,
              (Now() - start) / records * 1e9, sink & 1);
  for (const int rules : {1, 10}) {
    std::string yaml =
        "dataset: insurance_participation\nreceiver: \"530100\"\nlegal_basis: x\nrules:\n";
    for (int i = 1; i < rules; ++i)
      absl::StrAppend(&yaml, "  - {id: r", i, ", when: status == \"状态", i, "\", withhold: x}\n");
    absl::StrAppend(&yaml, "  - {id: own, masks: {name: {partial: {keep_first: 1}}}}\n");
    const auto set = ParseRuleSet("bench.yaml", yaml, **contract, nullptr);
    if (!set.ok()) return 2;
    auto engine = ReturnEngine::Create({{{ReceiverId("530100"), "昆明市", {"530100"}, ""}}},
                                       *contract, {*set}, YunnanDivisions());
    if (!engine.ok()) return 3;
    Decision decision;
    int returned = 0;
    std::string stored;
    const double before = Now();
    for (int i = 0; i < records; ++i) {
      SourceChange change;
      change.payload = payloads[i % 1000];
      change.row_id = "2026-01-01.csv:123456";
      change.source_time_us = 1767225600000000;
      change.now_us = 1767225600000000 + i;
      (*engine)->Decide(change, nullptr, &decision);
      returned += static_cast<int>(decision.outputs.size());
    }
    const double middle = Now();
    for (int i = 0; i < records; ++i) {
      stored.clear();
      AppendDecision(decision.next, &stored);
    }
    std::printf(
        "%d rules: Decide %.0f ns a record (%d returned), encoding the decision %.0f ns, %zu "
        "bytes\n",
        rules, (middle - before) / records * 1e9, returned, (Now() - middle) / records * 1e9,
        stored.size());
  }
  return BenchOverrides(**contract, *contract, records);
}
