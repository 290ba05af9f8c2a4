#include <google/protobuf/util/json_util.h>

#include <cstdio>

#include "absl/strings/str_cat.h"
#include "absl/time/civil_time.h"
#include "adapters/agent/reread.h"
#include "adapters/agent/rule_trials.h"
#include "core/base/clock.h"
#include "core/base/files.h"
#include "core/base/status.h"
#include "core/model/proto_time.h"
#include "core/rules/dry_run.h"
#include "core/rules/dry_run_words.h"
#include "core/schema/record_writer.h"

namespace huiliu::agent {
namespace {

namespace v1 = huiliu::v1;

constexpr absl::Duration kTellEvery = absl::Seconds(5);

// A day (Asia/Shanghai), or RFC 3339; empty: `otherwise`.
absl::StatusOr<absl::Time> TimeOf(const std::string& text, absl::Time otherwise) {
  if (text.empty()) return otherwise;
  absl::CivilDay day;
  if (absl::ParseCivilTime(text, &day)) return absl::FromCivil(day, ShanghaiTimeZone());
  absl::Time time;
  if (absl::ParseTime(absl::RFC3339_full, text, &time, nullptr)) return time;
  return absl::InvalidArgumentError(absl::StrCat(
      "“", text, "” 不是日期或 RFC 3339 时间 / is neither a day (YYYY-MM-DD) nor RFC 3339"));
}

// The department's own records: all fields, personal ones only where that is asked for.
void AddValues(const rules::DryRunExample& example, const schema::Contract& contract, bool personal,
               v1::DryRunSample* sample) {
  const bool returned = !example.active_payload.empty() || !example.draft_payload.empty();
  for (const schema::Field& field : contract.fields()) {
    const auto text = [&](const std::string& record) {
      auto found = schema::FieldToText(contract, field, record);
      return found.ok() ? *std::move(found) : std::string();
    };
    v1::DryRunSample::Value value;
    value.set_field(field.name);
    value.set_active(text(returned ? example.active_payload : example.record));
    value.set_draft(text(returned ? example.draft_payload : example.record));
    if (value.active().empty() && value.draft().empty()) continue;
    value.set_shown(v1::DryRunSample::SHOWN_CLEAR);
    if (field.options.personal() && !personal) {
      value.set_shown(v1::DryRunSample::SHOWN_WITHHELD);
      value.clear_active();
      value.clear_draft();
    }
    *sample->add_values() = std::move(value);
  }
}

class Trial {
 public:
  Trial(const Config& config, const TrialOptions& options, const std::atomic<bool>& stopping)
      : config_(config), options_(options), stopping_(stopping) {}

  absl::Status Run() {
    ASSIGN_OR_RETURN(from_, TimeOf(options_.from, absl::InfinitePast()));
    ASSIGN_OR_RETURN(to_, TimeOf(options_.to, absl::InfiniteFuture()));
    ASSIGN_OR_RETURN(reread_, Reread::Open(config_, options_.source, stopping_));
    RETURN_IF_ERROR(Begin());
    const absl::Status read = reread_->Run(
        [&](const mapping::MappedRow& row, absl::string_view id) { return Take(row, id); });
    RETURN_IF_ERROR(read);
    v1::DryRunReport report = Report();
    const absl::Status published = Publish(report);
    Print(report);
    return published;
  }

 private:
  absl::Status Begin() {
    rules::DryRun::Options options;
    options.active.divisions = options.draft.divisions = reread_->receiver().divisions;
    options.overrides = reread_->overrides();
    options.as_of_us = absl::ToUnixMicros(absl::Now());
    options.samples = options_.samples;
    options.seed = options_.seed;
    auto active = reread_->Version(0);
    if (active.ok()) {
      ASSIGN_OR_RETURN(options.active.rules,
                       reread_->Parse(active->source_name(), active->yaml(), active->version()));
    } else if (active.status().code() != absl::StatusCode::kFailedPrecondition) {
      return active.status();
    }
    if (options_.draft.empty()) {
      ASSIGN_OR_RETURN(kept_, reread_->Version(options_.version));
      ASSIGN_OR_RETURN(options.draft.rules,
                       reread_->Parse(kept_.source_name(), kept_.yaml(), kept_.version()));
    } else {
      ASSIGN_OR_RETURN(const std::string yaml, ReadFile(options_.draft));
      ASSIGN_OR_RETURN(options.draft.rules, reread_->Parse(options_.draft, yaml, 0));
    }
    ASSIGN_OR_RETURN(
        run_, rules::DryRun::Create(std::move(options), reread_->contract(), reread_->divisions()));
    return absl::OkStatus();
  }

  absl::Status Take(const mapping::MappedRow& row, absl::string_view row_id) {
    ++rows_;
    if (absl::Now() - told_ > kTellEvery) {
      if (rows_ > 1)
        std::fprintf(stderr, options_.english ? "%lld rows read\n" : "已读 %lld 行\n",
                     static_cast<long long>(rows_));
      told_ = absl::Now();
    }
    if (!row.error_code.empty()) {
      run_->AddUnmapped();
      return absl::OkStatus();
    }
    if (!options_.from.empty() || !options_.to.empty()) {
      if (row.source_time_us == 0) {
        ++undated_;
        return absl::OkStatus();
      }
      const absl::Time time = absl::FromUnixMicros(row.source_time_us);
      if (time < from_ || time >= to_) return absl::OkStatus();
    }
    rules::SourceChange change;
    change.operation = row.operation;
    change.key = row.key;
    change.payload = row.payload;
    change.source_time_us = row.source_time_us;
    return run_->Add(reread_->source().system(), change, row_id);
  }

  v1::DryRunReport Report() const {
    v1::DryRunReport report = run_->Report();
    report.set_time(v1::DRY_RUN_TIME_SOURCE);
    if (!options_.from.empty()) *report.mutable_from() = ToProto(from_);
    if (!options_.to.empty()) *report.mutable_to() = ToProto(to_);
    report.set_undated(undated_);
    *report.mutable_as_of() = *report.mutable_finished() = ToProto(absl::Now());
    report.add_sources(reread_->source().id());
    for (const rules::DryRunExample* example : run_->Examples()) {
      v1::DryRunSample* sample = report.add_samples();
      *sample = rules::SampleOf(*example, *reread_->contract());
      if (!options_.personal) sample->set_place(WithoutCitizenIds(example->place));
      AddValues(*example, *reread_->contract(), options_.personal, sample);
    }
    return report;
  }

  // Counts alone leave the department.
  absl::Status Publish(const v1::DryRunReport& report) {
    if (!options_.publish || kept_.state() != v1::RULE_SET_STATE_PROPOSED) return absl::OkStatus();
    v1::RecordDryRunRequest request = rules::RecordOf(report);
    request.mutable_summary()->set_source(reread_->source().id());
    const absl::Status recorded = reread_->node().RecordDryRun(request);
    published_ = recorded.ok();
    return Annotate(recorded,
                    "试运行已完成，但未能记在该版本上 / the dry run is done, but could "
                    "not be kept with the version");
  }

  void Print(const v1::DryRunReport& report) const {
    if (options_.json) {
      google::protobuf::util::JsonPrintOptions how;
      how.preserve_proto_field_names = true;
      how.always_print_primitive_fields = false;
      std::string line;
      if (google::protobuf::util::MessageToJsonString(report, &line, how).ok())
        std::printf("%s\n", line.c_str());
      return;
    }
    const auto place = [&](const std::string& code) {
      const territory::Division* division = reread_->divisions()->Find(code);
      return division == nullptr ? std::string() : division->name;
    };
    std::fputs(rules::ReportInWords(report, place, options_.english).c_str(), stdout);
    for (const std::string& notice : reread_->notices())
      std::fprintf(stderr, "%s\n", notice.c_str());
    if (published_)
      std::puts(options_.english ? "kept with the version, counts only: its approver sees it"
                                 : "计数已记在该版本上，审批人可见");
  }

  const Config& config_;
  const TrialOptions& options_;
  const std::atomic<bool>& stopping_;
  absl::Time from_, to_;
  std::unique_ptr<Reread> reread_;
  v1::RuleSet kept_;  // the version that is tried; not filled for a file
  std::unique_ptr<rules::DryRun> run_;
  int64_t rows_ = 0, undated_ = 0;
  absl::Time told_ = absl::Now();
  bool published_ = false;
};

}  // namespace

absl::Status TryRules(const Config& config, const TrialOptions& options,
                      const std::atomic<bool>& stopping) {
  return Trial(config, options, stopping).Run();
}

}  // namespace huiliu::agent
