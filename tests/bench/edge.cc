// A department's agent without its network: CSV bytes in GB18030 → mapping → the engine's decision
// → signed batch, beside a plain loop that decodes, splits and builds a generated protobuf message
// of the same rows.
#include <iconv.h>
#include <time.h>

#include <algorithm>
#include <filesystem>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "adapters/agent/batch_maker.h"
#include "adapters/sdk/loader.h"
#include "core/base/files.h"
#include "core/base/status.h"
#include "huiliu/v1/audit.pb.h"
#include "tests/bench/bench.h"
#include "tests/bench/edge_rows.h"

namespace huiliu::bench {
namespace {

constexpr int kRows = 100'000;
constexpr int kBatch = 1000;
constexpr int kRounds = 5;  // ours and the yardstick in turn; the median ratio counts

// Both sides are one thread's work: its processor time, so that others on the machine matter less.
double CpuSeconds() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

// Decode, split at line ends and commas, one generated message a row, its bytes.
absl::StatusOr<double> PlainLoop(const std::string& bytes) {
  const iconv_t converter = iconv_open("UTF-8", "GB18030");
  std::string text(bytes.size() * 2, '\0');
  const double start = CpuSeconds();
  char* in = const_cast<char*>(bytes.data());
  char* out = text.data();
  size_t in_left = bytes.size();
  size_t out_left = text.size();
  const size_t converted = iconv(converter, &in, &in_left, &out, &out_left);
  iconv_close(converter);
  if (converted == static_cast<size_t>(-1)) return absl::InternalError("iconv failed");
  absl::string_view rest(text.data(), text.size() - out_left);
  huiliu::v1::LineageEntry message;  // a message of many texts
  std::string encoded;
  size_t total = 0;
  int rows = 0;
  while (!rest.empty()) {
    absl::string_view line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(rest.size(), line.size() + 1));
    if (rows++ == 0) continue;  // the header
    std::string cells[11];
    for (std::string& cell : cells) {
      const absl::string_view value = line.substr(0, line.find(','));
      cell.assign(value.data(), value.size());
      line.remove_prefix(std::min(line.size(), value.size() + 1));
    }
    message.Clear();
    message.set_actor(cells[0]);
    message.set_organisation(cells[1]);
    message.set_source(cells[2]);
    message.set_system(cells[3]);
    message.set_dataset(cells[4]);
    message.set_receiver(cells[5]);
    message.set_topic(cells[6]);
    message.set_rule_set(cells[7]);
    message.set_purpose(cells[8]);
    message.set_grant(cells[9]);
    message.set_method(cells[10]);
    encoded.clear();
    message.AppendToString(&encoded);
    total += encoded.size();
  }
  const double seconds = CpuSeconds() - start;
  if (rows != kRows + 1 || total == 0) return absl::InternalError("the plain loop lost rows");
  return seconds / kRows;
}

// The agent's parts, as its source worker puts them together.
struct Edge {
  std::shared_ptr<const schema::Contract> contract;
  std::unique_ptr<mapping::Mapping> mapping;
  std::unique_ptr<rules::ReturnEngine> engine;
  std::unique_ptr<DecisionStore> decisions = NewMemoryDecisionStore();
  std::unique_ptr<SigningKey> key;
  std::unique_ptr<agent::BatchMaker> maker;

  absl::Status Open(const std::shared_ptr<const territory::Divisions>& divisions) {
    const std::string root = HUILIU_SOURCE_DIR;
    const std::string name = "insurance_participation";
    const auto read = [&](const std::string& path) { return ReadFile(root + path); };
    ASSIGN_OR_RETURN(const std::string proto,
                     read("/schemas/datasets/population/" + name + ".proto"));
    ASSIGN_OR_RETURN(contract, schema::Contract::Parse(name + ".proto", proto, 1));
    ASSIGN_OR_RETURN(const std::string columns, read("/deploy/samples/mappings/" + name + ".yaml"));
    ASSIGN_OR_RETURN(mapping, mapping::Mapping::Parse(name + ".yaml", columns, contract));
    ASSIGN_OR_RETURN(const std::string rules, read("/schemas/rules/" + name + ".530100.yaml"));
    std::vector<huiliu::v1::RuleError> errors;
    ASSIGN_OR_RETURN(const auto rule_set,
                     rules::ParseRuleSet(name + ".530100.yaml", rules, *contract, &errors));
    rules::ReturnEngine::Options options;
    options.receivers.push_back({ReceiverId("530100"), "昆明市", {"530100"}, ""});
    ASSIGN_OR_RETURN(
        engine, rules::ReturnEngine::Create(std::move(options), contract, {rule_set}, divisions));
    ASSIGN_OR_RETURN(key, SigningKey::Generate());
    RETURN_IF_ERROR(decisions->Recover(0));
    agent::BatchMaker::Parts parts;
    parts.source.set_id("bench");
    parts.source.set_system("bench-system");
    parts.source.set_dataset(name);
    parts.source.add_receivers("530100");
    parts.city = "530100";
    parts.rule_set = absl::BytesToHexString(AsBytes(rule_set->digest));
    parts.mapping = mapping.get();
    parts.engine = engine.get();
    parts.decisions = decisions.get();
    parts.key = key.get();
    parts.clock = &SystemClock();
    maker = std::make_unique<agent::BatchMaker>(std::move(parts));
    return absl::OkStatus();
  }
};

absl::StatusOr<double> ReadAndDecide(const huiliu_source& plugin, const std::string& folder,
                                     const std::shared_ptr<const territory::Divisions>& divisions) {
  Edge edge;
  RETURN_IF_ERROR(edge.Open(divisions));
  const huiliu_host host{sizeof(huiliu_host), nullptr, [](void*, int, huiliu_bytes) {},
                         [](void*) { return 0; }};
  const std::string options =
      absl::StrCat(R"({"path":")", folder, R"(","charset":"gb18030","follow":false})");
  const double start = CpuSeconds();
  ASSIGN_OR_RETURN(const auto source, sdk::OpenSource::Open(plugin, &host, options, ""));
  RETURN_IF_ERROR(source->Need(edge.mapping->needed_columns()));
  size_t rows = 0;
  int64_t returned = 0;
  int64_t kept = 0;
  for (uint64_t sequence = 1; rows < kRows; ++sequence) {
    ASSIGN_OR_RETURN(const huiliu_rows* polled, source->Poll(kBatch, 0));
    if (polled->row_count == 0) return absl::InternalError("the source lost rows");
    if (rows == 0)
      RETURN_IF_ERROR(edge.mapping->BindHeader({polled->columns, polled->column_count}));
    ASSIGN_OR_RETURN(agent::MadeBatch made, edge.maker->Make(*polled, 1, sequence));
    returned += made.batch.keys_size();
    kept += static_cast<int64_t>(made.quarantined.size());
    RETURN_IF_ERROR(edge.decisions->Stage(sequence, std::move(made.decisions)));
    RETURN_IF_ERROR(edge.decisions->Commit(sequence));
    rows += polled->row_count;
  }
  const double seconds = CpuSeconds() - start;
  if (returned < kRows / 2 || returned > kRows * 7 / 10 || kept != 0) {
    return absl::InternalError(
        absl::StrCat(returned, " rows returned and ", kept, " kept of ", kRows));
  }
  return seconds / kRows;
}

}  // namespace

absl::StatusOr<std::vector<Line>> EdgeRows(const std::string& folder) {
  ASSIGN_OR_RETURN(const std::string bytes, ParticipationCsv(kRows));
  std::filesystem::create_directories(folder + "/drop");
  RETURN_IF_ERROR(WriteFileDurably(folder + "/drop/canbao.csv", bytes, 0600));
  ASSIGN_OR_RETURN(const auto divisions,
                   territory::Divisions::Load(HUILIU_SOURCE_DIR "/schemas/divisions"));
  ASSIGN_OR_RETURN(const huiliu_plugin* plugin, sdk::LoadPlugin(HUILIU_FILE_PLUGIN));
  ASSIGN_OR_RETURN(const huiliu_source* source, sdk::FindSource(*plugin, "file"));
  std::vector<std::pair<double, double>> rounds;  // ratio, ours
  for (int round = 0; round < kRounds; ++round) {
    ASSIGN_OR_RETURN(const double yardstick, PlainLoop(bytes));
    ASSIGN_OR_RETURN(const double ours, ReadAndDecide(*source, folder + "/drop", divisions));
    rounds.emplace_back(yardstick / ours, ours);
  }
  std::sort(rounds.begin(), rounds.end());
  const auto [ratio, ours] = rounds[kRounds / 2];
  return std::vector<Line>{
      {"edge", 1 / ours, "rows/s",
       absl::StrCat("decode + split + build protobuf ", static_cast<int64_t>(ours * ratio * 1e9),
                    " ns, ours ", static_cast<int64_t>(ours * 1e9), " ns"),
       ratio, kEdgeTarget, ratio >= kEdgeTarget}};
}

}  // namespace huiliu::bench
