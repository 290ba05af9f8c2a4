#include "adapters/agent/landing_worker.h"

#include <spdlog/spdlog.h>

#include <nlohmann/json.hpp>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "adapters/agent/host.h"
#include "adapters/agent/redrive_spool.h"
#include "core/base/status.h"
#include "core/text/terminal_table.h"

namespace huiliu::agent {
namespace {

constexpr absl::Duration kMaxBackOff = absl::Seconds(10);
constexpr absl::Duration kLookEvery = absl::Milliseconds(500);

bool IsTransient(const absl::Status& status) {
  return status.code() == absl::StatusCode::kUnavailable ||
         status.code() == absl::StatusCode::kDeadlineExceeded ||
         status.code() == absl::StatusCode::kResourceExhausted ||
         status.code() == absl::StatusCode::kCancelled ||
         status.code() == absl::StatusCode::kUnknown ||
         status.code() == absl::StatusCode::kAborted ||
         // The data may still be withheld by a missing grant that an officer gives later.
         status.code() == absl::StatusCode::kPermissionDenied;
}

// As huiliu_landing.redrive wants it.
nlohmann::json Asking(const RedriveItem& item) {
  if (item.cells.empty() && item.nulls.empty()) return item.row.id;
  nlohmann::json cells = nlohmann::json::object();
  for (const auto& [column, text] : item.cells) cells[column] = text;
  for (const std::string& column : item.nulls) cells[column] = nullptr;
  return {{"id", item.row.id}, {"cells", std::move(cells)}};
}

}  // namespace

LandingWorker::LandingWorker(Config config, LandingConfig landing,
                             const std::atomic<bool>& stopping)
    : config_(std::move(config)),
      landing_config_(std::move(landing)),
      stopping_(stopping),
      status_(config_.state_dir, landing_config_.id),
      host_(stopping, [this](const std::string& warning) { status_.AddNotice(warning); }) {}

absl::Status LandingWorker::Prepare(sdk::OpenLanding& landing) {
  ASSIGN_OR_RETURN(const huiliu::v1::Dataset dataset, node_->GetDataset(landing_config_.dataset));
  ASSIGN_OR_RETURN(
      std::shared_ptr<const schema::Contract> contract,
      schema::Contract::Parse(dataset.source_name(), dataset.source_text(), dataset.version()));
  changes_ = std::make_unique<ChangeList>(std::move(contract));
  return landing.Prepare(changes_->target());
}

absl::Status LandingWorker::Apply(sdk::OpenLanding& landing,
                                  const huiliu::v1::SubscribeResponse& message, bool reset) {
  if (message.key_hidden()) {
    return absl::FailedPreconditionError(
        "授权中主键字段被隐藏或脱敏，不同的行脱敏后可能相同，落到表里会并成一行，删除也无法对应；请"
        "申请主键"
        "明文的授权后再落库，或改用 huiliu subscribe（以 keys 区分行） / the grant hides or masks "
        "a key "
        "field: different rows may look alike and would become one in the table; land with a grant "
        "that shows the key, or subscribe and tell rows apart by keys");
  }
  ASSIGN_OR_RETURN(const absl::Span<const huiliu_change> changes, changes_->Of(message));
  RETURN_IF_ERROR(landing.Apply(changes, message.cursor(), reset));
  status_.AddRows(message.keys_size());
  status_.SetKept(landing.KeptCount().value_or(0));
  return absl::OkStatus();
}

std::string LandingWorker::SpoolFolderOf(const Config& config, const std::string& landing) {
  return absl::StrCat(config.state_dir, "/landings/", landing, "/redrive");
}

bool LandingWorker::Asked() {
  if (asked_ || absl::Now() - looked_ < kLookEvery) return asked_;
  looked_ = absl::Now();
  const auto request = RedriveSpool(SpoolFolderOf(config_, landing_config_.id)).Next();
  asked_ = request.ok() && request->has_value();
  return asked_;
}

absl::Status LandingWorker::Answer(sdk::OpenLanding& landing) {
  asked_ = false;
  RedriveSpool spool(SpoolFolderOf(config_, landing_config_.id));
  while (!stopping_) {
    ASSIGN_OR_RETURN(const std::optional<RedriveRequest> request, spool.Next());
    if (!request.has_value()) break;
    nlohmann::json ids = nlohmann::json::array();
    for (const RedriveItem& item : request->items) ids.push_back(Asking(item));
    const auto answers =
        landing.Redrive(ids.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
    // A database that is away leaves the request: it is answered when it is back.
    if (!answers.ok() && IsTransient(answers.status())) return answers.status();
    std::vector<RedriveResult> results;
    for (const auto& one : nlohmann::json::parse(answers.value_or("[]"), nullptr, false)) {
      results.push_back({{KeptKind::kQuarantined, one.value("id", "")},
                         huiliu::v1::OUTCOME_UNSPECIFIED,
                         one.value("error", "")});
    }
    RETURN_IF_ERROR(spool.Answer(request->name, answers.status(), results));
  }
  status_.SetKept(landing.KeptCount().value_or(0));
  return absl::OkStatus();
}

absl::Status LandingWorker::AnswerRequests() {
  ASSIGN_OR_RETURN(const std::unique_ptr<sdk::OpenLanding> landing, OpenPrepared());
  return Answer(*landing);
}

absl::StatusOr<std::unique_ptr<sdk::OpenLanding>> LandingWorker::OpenPrepared() {
  ASSIGN_OR_RETURN(node_, NodeClient::Connect(config_.node));
  ASSIGN_OR_RETURN(const huiliu_plugin* plugin,
                   sdk::LoadPlugin(config_.PluginPath(landing_config_.plugin)));
  ASSIGN_OR_RETURN(const huiliu_landing* table, sdk::FindLanding(*plugin, landing_config_.plugin));
  ASSIGN_OR_RETURN(std::unique_ptr<sdk::OpenLanding> landing,
                   sdk::OpenLanding::Open(*table, host_.table(), landing_config_.options_json));
  RETURN_IF_ERROR(Prepare(*landing));
  return landing;
}

absl::Status LandingWorker::RunConnected() {
  ASSIGN_OR_RETURN(const std::unique_ptr<sdk::OpenLanding> landing, OpenPrepared());
  do {
    RETURN_IF_ERROR(Answer(*landing));
    status_.Write(true);
    RETURN_IF_ERROR(Subscribe(*landing));
  } while (asked_ && !stopping_);
  return absl::OkStatus();
}

absl::Status LandingWorker::Subscribe(sdk::OpenLanding& landing) {
  ASSIGN_OR_RETURN(std::string cursor, landing.Cursor());
  if (from_beginning_) cursor.clear();
  huiliu::v1::SubscribeRequest request;
  request.mutable_context()->set_receiver(landing_config_.receiver);
  request.mutable_context()->set_dataset(landing_config_.dataset);
  request.mutable_context()->set_purpose(landing_config_.purpose);
  request.set_max_batch_rows(landing_config_.batch_rows);
  request.set_follow(true);
  if (cursor.empty()) {
    request.set_snapshot(true);
  } else {
    request.set_cursor(cursor);
  }
  status_.Set("running", "");
  bool reset = cursor.empty();
  return node_->Subscribe(
      request, [this] { return stopping_ || Asked(); },
      [&](const huiliu::v1::SubscribeResponse& message) -> absl::Status {
        RETURN_IF_ERROR(Apply(landing, message, reset));
        reset = from_beginning_ = false;
        // A message that is not full was all there was. Nobody writes the status while none comes.
        status_.SetCaughtUp(message.keys_size() < landing_config_.batch_rows);
        status_.Write(true);
        return absl::OkStatus();
      });
}

absl::Status LandingWorker::Run() {
  absl::Duration back_off = absl::Milliseconds(200);
  while (!stopping_) {
    const absl::Time started = absl::Now();
    const absl::Status status = RunConnected();
    if (stopping_) break;
    if (status.code() == absl::StatusCode::kOutOfRange && !from_beginning_) {
      // The grant shows other rows or fields than those that landed: the table is filled anew.
      spdlog::warn("landing={} {}", landing_config_.id, text::Printable(status.message()));
      from_beginning_ = true;
      continue;
    }
    if (!status.ok() && !IsTransient(status)) {
      status_.Set("stopped", std::string(status.message()));
      return status;
    }
    // What has come since is not known: an ended grant looks just like a quiet source.
    status_.SetCaughtUp(false);
    status_.Set("waiting", status.ok() ? "节点结束了订阅，将重试 / the node ended the subscription"
                                       : std::string(status.message()));
    if (absl::Now() - started > absl::Seconds(30)) back_off = absl::Milliseconds(200);
    for (absl::Time end = absl::Now() + back_off; !stopping_ && absl::Now() < end;)
      absl::SleepFor(absl::Milliseconds(50));
    back_off = std::min(back_off * 2, kMaxBackOff);
  }
  status_.Set("stopped", "");
  return absl::OkStatus();
}

}  // namespace huiliu::agent
