// engine_bench [records]: what one decision costs, with 1 and with 10 rules, beside SHA-256 over
// the same records.
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <random>

#include "core/base/files.h"
#include "tests/unit/rules/engine_fixture.h"

namespace {

using Seconds = std::chrono::duration<double>;
double Now() { return Seconds(std::chrono::steady_clock::now().time_since_epoch()).count(); }

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
  return 0;
}
