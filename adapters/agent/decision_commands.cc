#include "adapters/agent/decision_commands.h"

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/time/time.h"
#include "adapters/agent/outcome_words.h"
#include "adapters/agent/source_worker.h"
#include "adapters/agent/unmapped_rows.h"
#include "core/base/clock.h"
#include "core/base/status.h"
#include "core/codes/citizen_ids.h"
#include "core/rules/return_engine.h"
#include "core/rules/version_order.h"
#include "core/text/terminal_table.h"
#include "storage/decisions/decision_reader.h"

namespace huiliu::agent {
namespace {

using nlohmann::json;

struct Line {
  std::string source;
  std::string key;  // the record's, without its system
  rules::PriorDecision decision;
};

// A folder that goes with its owner.
class Scratch {
 public:
  explicit Scratch(std::string path) : path_(std::move(path)) {}
  ~Scratch() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  const std::string& path() const { return path_; }

 private:
  const std::string path_;
};

huiliu::v1::Outcome OutcomeOf(const rules::PriorDecision& decision) {
  return decision.outcomes.empty() ? huiliu::v1::OUTCOME_UNSPECIFIED : decision.outcomes[0];
}

bool Wanted(const rules::PriorDecision& decision, const DecisionOptions& options) {
  if (options.conflict && !decision.conflict) return false;
  if (!options.division.empty() && decision.division != options.division) return false;
  return options.outcome.empty() || OutcomeName(OutcomeOf(decision)) == options.outcome;
}

std::string Hidden(absl::string_view text) {
  if (!codes::HoldsCitizenId(text)) return std::string(text);
  std::string out;
  codes::AppendCitizenIdsHidden(text, &out);
  return out;
}

std::string DayOf(int32_t day) {
  return day == 0 ? ""
                  : absl::FormatTime("%Y-%m-%d", absl::UnixEpoch() + day * absl::Hours(24),
                                     absl::UTCTimeZone());
}

std::string TimeOf(int64_t us) {
  return us == 0
             ? ""
             : absl::FormatTime("%Y-%m-%d %H:%M:%S", absl::FromUnixMicros(us), ShanghaiTimeZone());
}

absl::Status Collect(const Config& config, const SourceConfig& source,
                     const DecisionOptions& options, std::vector<Line>* lines) {
  const Scratch scratch(absl::StrCat(config.state_dir, "/.decisions-", getpid()));
  const absl::Status read =
      ReadDecisions(SourceWorker::DecisionFolderOf(config, source.id), scratch.path(),
                    [&](absl::string_view key, absl::string_view value) -> absl::Status {
                      if (IsUnmappedKey(key)) return absl::OkStatus();
                      Line line{source.id, std::string(key), {}};
                      RETURN_IF_ERROR(rules::DecodeDecision(value, &line.decision));
                      if (Wanted(line.decision, options)) lines->push_back(std::move(line));
                      return absl::OkStatus();
                    });
  // A source that has not decided anything, or whose rows the node decides.
  return read.code() == absl::StatusCode::kNotFound ? absl::OkStatus() : read;
}

}  // namespace

absl::Status ListDecisions(const Config& config, const DecisionOptions& options) {
  const auto say = [&](const char* chinese, const char* english) {
    return options.english ? english : chinese;
  };
  std::vector<Line> lines;
  if (!options.source.empty()) RETURN_IF_ERROR(config.FindSource(options.source).status());
  for (const SourceConfig& source : config.sources) {
    if (!options.source.empty() && options.source != source.id) continue;
    RETURN_IF_ERROR(Collect(config, source, options, &lines));
  }
  std::stable_sort(lines.begin(), lines.end(), [](const Line& a, const Line& b) {
    if (a.source != b.source) return a.source < b.source;
    return rules::CompareRowIds(a.decision.row_id, b.decision.row_id) < 0;
  });
  const size_t shown = options.limit == 0 ? lines.size() : std::min(lines.size(), options.limit);
  text::Table table({say("数据源", "source"), say("行", "row"), say("判定", "outcome"),
                     say("区划", "division"), say("归属证据", "evidence"),
                     say("计入日", "counted on"), say("来源时间", "source time")});
  for (size_t i = 0; i < shown; ++i) {
    const Line& line = lines[i];
    const rules::PriorDecision& d = line.decision;
    const std::string row = options.keys ? d.row_id : Hidden(d.row_id);
    if (options.json) {
      json one = {{"source", line.source},
                  {"row", row},
                  {"outcome", OutcomeName(OutcomeOf(d))},
                  {"division", d.division},
                  {"conflict", d.conflict},
                  {"deleted", d.deleted},
                  {"day", DayOf(d.counted_day)},
                  {"source_time_us", d.source_time_us}};
      if (options.keys)
        one["key"] = absl::StrReplaceAll(line.key, {{absl::string_view("\0", 1), "/"}});
      std::printf("%s\n", one.dump(-1, ' ', false, json::error_handler_t::replace).c_str());
      continue;
    }
    table.Add({line.source, row, OutcomeInWords(OutcomeOf(d), options.english), d.division,
               d.conflict ? say("不一致", "disagrees") : "", DayOf(d.counted_day),
               TimeOf(d.source_time_us)});
  }
  if (!options.json) std::fputs(table.Render().c_str(), stdout);
  // Of a list for a script the count goes where it disturbs nobody.
  std::fprintf(options.json ? stderr : stdout, "%s%zu%s", say("共 ", ""), lines.size(),
               say(" 条", " records"));
  if (shown < lines.size()) {
    std::fprintf(options.json ? stderr : stdout, "%s%zu%s", say("，只列出前 ", ", the first "),
                 shown, say(" 条，其余用 --limit 0", " are listed; --limit 0 lists all"));
  }
  std::fputs("\n", options.json ? stderr : stdout);
  return absl::OkStatus();
}

}  // namespace huiliu::agent
