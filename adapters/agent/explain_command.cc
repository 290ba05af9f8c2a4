#include <google/protobuf/util/json_util.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <optional>

#include "absl/strings/str_cat.h"
#include "adapters/agent/kept_rows.h"
#include "adapters/agent/reread.h"
#include "adapters/agent/rule_trials.h"
#include "adapters/agent/source_worker.h"
#include "core/base/files.h"
#include "core/base/status.h"
#include "core/model/proto_time.h"
#include "core/rules/explain_message.h"
#include "core/rules/explain_words.h"

namespace huiliu::agent {
namespace {

namespace v1 = huiliu::v1;

struct Found {
  mapping::MappedRow row;
  std::string place;
};

// The re-read is over: the row is there.
constexpr char kFound[] = "found";

absl::StatusOr<std::optional<Found>> FindKey(Reread& reread, const TrialOptions& options) {
  ASSIGN_OR_RETURN(const std::string key, reread.contract()->KeyFromValues(options.key));
  std::optional<Found> found;
  const absl::Status read =
      reread.Run([&](const mapping::MappedRow& row, absl::string_view row_id) -> absl::Status {
        if (!row.error_code.empty() || row.key != key) return absl::OkStatus();
        const bool older = found.has_value() && row.source_time_us != 0 &&
                           row.source_time_us < found->row.source_time_us;
        if (!older) found = Found{row, std::string(row_id)};
        return options.newest ? absl::OkStatus() : absl::AlreadyExistsError(kFound);
      });
  if (!read.ok() && !(absl::IsAlreadyExists(read) && found.has_value())) return read;
  return found;
}

absl::StatusOr<std::optional<Found>> FindKept(const Config& config, Reread& reread,
                                              const TrialOptions& options) {
  const std::string scratch = absl::StrCat(config.state_dir, "/.kept-", getpid());
  std::optional<Found> found;
  {
    ASSIGN_OR_RETURN(const std::unique_ptr<QuarantineStore> store,
                     QuarantineStore::OpenForReading(
                         SourceWorker::KeptFolderOf(config, options.source), scratch));
    for (const KeptKind kind : {KeptKind::kQuarantined, KeptKind::kPending}) {
      auto kept = store->Get(kind, options.kept);
      if (absl::IsNotFound(kept.status())) continue;
      RETURN_IF_ERROR(kept.status());
      std::vector<KeptRows::Row> held(1);
      held[0].ref = {kind, options.kept};
      held[0].kept = *std::move(kept);
      const KeptRows rows(std::move(held));
      RETURN_IF_ERROR(reread.mapping().BindHeader({rows.rows().columns, rows.rows().column_count}));
      found.emplace();
      reread.mapping().Map(rows.rows().rows[0], &found->row);
      found->place = rows.row(0).kept.row_id();
      break;
    }
  }
  std::error_code ignored;
  std::filesystem::remove_all(scratch, ignored);
  return found;
}

absl::Status Print(const Reread& reread, const TrialOptions& options,
                   const v1::Explanation& explanation) {
  if (options.json) {
    google::protobuf::util::JsonPrintOptions how;
    how.preserve_proto_field_names = true;
    std::string line;
    if (!google::protobuf::util::MessageToJsonString(explanation, &line, how).ok())
      return absl::InternalError("the explanation cannot be written as JSON");
    std::printf("%s\n", line.c_str());
    return absl::OkStatus();
  }
  rules::ExplainLanguage language;
  language.english = options.english;
  language.withheld = options.english ? "(personal, not shown)" : "（个人信息，不显示）";
  language.place = [&](const std::string& code) {
    const territory::Division* division = reread.divisions()->Find(code);
    return division == nullptr ? std::string() : division->name;
  };
  language.title = [&](const std::string& name) {
    const schema::Field* field = reread.contract()->FindField(name);
    return field == nullptr || options.english ? std::string() : field->options.title();
  };
  std::fputs(rules::ExplanationInWords(explanation, language).c_str(), stdout);
  return absl::OkStatus();
}

}  // namespace

absl::Status ExplainRow(const Config& config, const TrialOptions& options,
                        const std::atomic<bool>& stopping) {
  if (options.key.empty() == options.kept.empty()) {
    return absl::InvalidArgumentError("须给出 --key 或 --kept 之一 / give either --key or --kept");
  }
  ASSIGN_OR_RETURN(const std::unique_ptr<Reread> reread,
                   Reread::Open(config, options.source, stopping));
  std::shared_ptr<const rules::RuleSet> rule_set;
  if (!options.draft.empty()) {
    ASSIGN_OR_RETURN(const std::string yaml, ReadFile(options.draft));
    ASSIGN_OR_RETURN(rule_set, reread->Parse(options.draft, yaml, 0));
  } else {
    ASSIGN_OR_RETURN(const v1::RuleSet version, reread->Version(options.version));
    ASSIGN_OR_RETURN(rule_set,
                     reread->Parse(version.source_name(), version.yaml(), version.version()));
  }
  ASSIGN_OR_RETURN(const std::optional<Found> found, options.kept.empty()
                                                         ? FindKey(*reread, options)
                                                         : FindKept(config, *reread, options));
  if (!found.has_value()) {
    return absl::NotFoundError(absl::StrCat("数据源 ", options.source, " 中没有这条记录 / source ",
                                            options.source, " has no such record"));
  }
  if (!found->row.error_code.empty()) {
    return absl::FailedPreconditionError(absl::StrCat(
        found->row.error_place, ": ", found->row.error_code, " ", found->row.error_message,
        "；无法映射，不经规则判定 / it cannot be mapped, no rule is asked"));
  }
  v1::Explanation explanation;
  if (found->row.operation == v1::OPERATION_DELETE) {
    explanation.set_deleted(true);
  } else {
    rules::ExplainViewer viewer;
    viewer.knows_all = true;  // the department's own record
    viewer.show = [&](const schema::Field& field,
                      const std::string& text) -> std::pair<v1::DryRunSample::Shown, std::string> {
      if (field.options.personal() && !options.personal)
        return {v1::DryRunSample::SHOWN_WITHHELD, ""};
      return {v1::DryRunSample::SHOWN_CLEAR, text};
    };
    ASSIGN_OR_RETURN(
        const rules::Explanation explained,
        rules::ExplainRecord(reread->contract(), rule_set, reread->receiver(), reread->divisions(),
                             found->row.payload, absl::ToUnixMicros(absl::Now()),
                             {reread->source().system(), reread->overrides()}));
    ASSIGN_OR_RETURN(explanation, rules::ToMessage(explained, *reread->contract(), *rule_set,
                                                   found->row.payload, viewer));
  }
  explanation.set_system(reread->source().system());
  explanation.set_source(reread->source().id());
  explanation.set_place(options.personal ? found->place : WithoutCitizenIds(found->place));
  if (found->row.source_time_us != 0)
    *explanation.mutable_source_time() = ToProto(absl::FromUnixMicros(found->row.source_time_us));
  return Print(*reread, options, explanation);
}

}  // namespace huiliu::agent
