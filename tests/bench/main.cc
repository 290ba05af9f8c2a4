// huiliu-bench [NAME…] [--output json]
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "tests/bench/bench.h"
#include "tests/bench/lookup_client.h"

namespace huiliu::bench {
namespace {

void Print(const Line& line, bool as_json) {
  if (as_json) {
    nlohmann::json json = {{"name", line.name}, {"value", line.value},
                           {"unit", line.unit}, {"yardstick", line.yardstick},
                           {"ratio", nullptr},  {"target", line.target},
                           {"ok", line.ok}};
    if (line.ratio.has_value()) json["ratio"] = *line.ratio;
    std::printf("%s\n", json.dump().c_str());
  } else {
    const std::string ratio =
        line.ratio.has_value() ? absl::StrCat("ratio ", static_cast<int>(*line.ratio * 100) / 100.0)
                               : "absolute";
    std::printf("%-28s %12.1f %-10s %s  target %.2f  %s  (%s)\n", line.name.c_str(), line.value,
                line.unit.c_str(), ratio.c_str(), line.target, line.ok ? "ok" : "MISSED",
                line.yardstick.c_str());
  }
  std::fflush(stdout);
}

}  // namespace
}  // namespace huiliu::bench

int main(int argc, char** argv) {
  using namespace huiliu::bench;
  if (argc == 5 && std::string(argv[1]) == kLookupClient) return LookupClientMain(argv + 2);
  CLI::App app{"benchmarks, each beside its yardstick of the same run"};
  std::vector<std::string> names;
  std::string output = "text";
  app.add_option("names", names,
                 "restart, durable_ack, end_to_end, memory, lineage_on_off, lookup_grpc, "
                 "landing_postgresql; none: these. Besides: edge, rules, dry_run, kafka, "
                 "kafka_judged (part of kafka)");
  app.add_option("--output", output)->check(CLI::IsMember({"text", "json"}));
  CLI11_PARSE(app, argc, argv);
  absl::SetMutexDeadlockDetectionMode(absl::OnDeadlockCycle::kIgnore);
  struct Entry {
    std::string name;
    Benchmark run;
    bool standard;  // runs where no name is given
  };
  const std::vector<Entry> all = {
      // Restart forks: it goes before anything that starts threads.
      {"restart", Restart, true},          {"durable_ack", DurableAcknowledgement, true},
      {"end_to_end", EndToEnd, true},      {"lineage_on_off", LineageOnOff, true},
      {"lookup_grpc", LookupGrpc, true},   {"landing_postgresql", LandingPostgresql, true},
      {"edge", EdgeRows, false},           {"rules", Rules, false},
      {"dry_run", DryRun, false},          {"kafka", Kafka, false},
      {"kafka_judged", KafkaJudged, false}};
  // What memory is needed at full load is measured there.
  std::replace(names.begin(), names.end(), std::string("memory"), std::string("end_to_end"));
  for (const std::string& name : names) {
    if (std::any_of(all.begin(), all.end(), [&](const Entry& e) { return e.name == name; }))
      continue;
    std::fprintf(stderr, "no benchmark is named %s; --help lists them\n", name.c_str());
    return 2;
  }
  bool failed = false;
  for (const auto& [name, run, standard] : all) {
    if (names.empty() ? !standard : std::find(names.begin(), names.end(), name) == names.end())
      continue;
    const std::string folder = absl::StrCat("/var/tmp/huiliu-bench-", getpid());
    std::filesystem::remove_all(folder);
    std::filesystem::create_directories(folder);
    const auto lines = run(folder);
    std::filesystem::remove_all(folder);
    if (!lines.ok()) {
      std::fprintf(stderr, "%s: %s\n", name.c_str(), lines.status().ToString().c_str());
      failed = true;
      continue;
    }
    for (const Line& line : *lines) {
      Print(line, output == "json");
    }
  }
  return failed ? 1 : 0;
}
