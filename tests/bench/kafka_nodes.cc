// Nodes as real processes on one Kafka: what a record costs with one and with three, and how long a
// killed node is missed. The processes are driven by several_nodes_load.py.
#include <cstdio>
#include <nlohmann/json.hpp>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "core/base/status.h"
#include "tests/bench/bench.h"

namespace huiliu::bench {
namespace {

constexpr int kRecords = 100'000;
constexpr double kFlat = 1.25;  // processor time a record with three nodes may be so much more
constexpr double kTakeoverSeconds = 30;

// Its last line of output.
absl::StatusOr<nlohmann::json> Run(int nodes) {
  const std::string command =
      absl::StrCat("python3 -B ", HUILIU_SOURCE_DIR, "/tests/bench/several_nodes_load.py ",
                   HUILIU_BINARY_DIR, " ", nodes, " ", kRecords);
  FILE* output = popen(command.c_str(), "r");
  if (output == nullptr) return absl::InternalError("popen failed");
  std::string text;
  char piece[4096];
  while (const size_t size = fread(piece, 1, sizeof piece, output)) text.append(piece, size);
  if (pclose(output) != 0) return absl::InternalError(absl::StrCat(command, " failed: see above"));
  while (!text.empty() && text.back() == '\n') text.pop_back();
  const size_t line = text.rfind('\n');
  const nlohmann::json json =
      nlohmann::json::parse(line == std::string::npos ? text : text.substr(line + 1), nullptr,
                            /*allow_exceptions=*/false);
  if (!json.is_object()) return absl::InternalError(absl::StrCat(command, " printed no result"));
  return json;
}

}  // namespace

absl::StatusOr<std::vector<Line>> KafkaNodes() {
  ASSIGN_OR_RETURN(const nlohmann::json one, Run(1));
  ASSIGN_OR_RETURN(const nlohmann::json three, Run(3));
  const auto of = [](const nlohmann::json& run, const char* name) { return run.value(name, 0.0); };
  const double ratio = of(three, "cpu_us") / of(one, "cpu_us");
  const auto reported = [](const char* name, double value, const char* unit,
                           const std::string& what) {
    return Line{name, value, unit, what, std::nullopt, 0, true};
  };
  const std::string idle =
      absl::StrFormat("; idle, the nodes take %.1f %% and %.1f %% of a processor",
                      of(one, "idle_cpu_percent"), of(three, "idle_cpu_percent"));
  return std::vector<Line>{
      {"kafka_cpu_three_nodes", of(three, "cpu_us"), "us",
       absl::StrFormat("three processes, sixteen receivers, judged at the nodes, catalogs with a "
                       "standby each; one process, no standby: %.1f us%s",
                       of(one, "cpu_us"), idle),
       ratio, kFlat, ratio <= kFlat},
      reported("kafka_broker_bytes", of(one, "broker_bytes"), "B/row",
               "the broker's log, all topics, one copy"),
      reported("kafka_node_bytes", of(one, "node_bytes"), "B/row",
               "the node's folders: catalog, decisions, lineage"),
      reported("kafka_network_bytes", of(one, "network_bytes"), "B/row",
               absl::StrFormat("agent, node and broker; with three nodes %.0f",
                               of(three, "network_bytes"))),
      {"kafka_takeover_catalogs", of(three, "takeover_catalogs_s"), "s",
       "SIGKILL of the leader to the first answer of each of its catalogs", std::nullopt,
       kTakeoverSeconds, of(three, "takeover_catalogs_s") <= kTakeoverSeconds},
      {"kafka_takeover_commands", of(three, "takeover_commands_s"), "s",
       "SIGKILL of the leader to the next governance command", std::nullopt, kTakeoverSeconds,
       of(three, "takeover_commands_s") <= kTakeoverSeconds}};
}

}  // namespace huiliu::bench
