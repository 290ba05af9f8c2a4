#include "adapters/agent/landing_worker.h"

#include "absl/strings/str_cat.h"
#include "adapters/agent/host.h"
#include "core/base/status.h"
#include "core/model/varint.h"
#include "core/schema/text_value.h"
#include "huiliu/v1/common.pb.h"

namespace huiliu::agent {
namespace {

constexpr absl::Duration kMaxBackOff = absl::Seconds(10);

int LandedType(const schema::Field& field) {
  switch (field.type) {
    case schema::FieldType::kInt64:
    case schema::FieldType::kUint64:
    case schema::FieldType::kEnum:
      return 2;
    case schema::FieldType::kDouble:
      return 3;
    case schema::FieldType::kBool:
      return 4;
    case schema::FieldType::kTimestamp:
      return 5;
    default:
      break;
  }
  if (field.options.value() == huiliu::v1::VALUE_KIND_DATE) return 6;
  if (field.options.value() == huiliu::v1::VALUE_KIND_DECIMAL) return 7;
  return 1;
}

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

}  // namespace

LandingWorker::LandingWorker(Config config, LandingConfig landing,
                             const std::atomic<bool>& stopping)
    : config_(std::move(config)),
      landing_config_(std::move(landing)),
      stopping_(stopping),
      status_(config_.state_dir, landing_config_.id),
      host_(MakeHost(stopping)) {}

absl::Status LandingWorker::Prepare(sdk::OpenLanding& landing) {
  ASSIGN_OR_RETURN(const huiliu::v1::Dataset dataset, node_->GetDataset(landing_config_.dataset));
  ASSIGN_OR_RETURN(contract_, schema::Contract::Parse(dataset.source_name(), dataset.source_text(),
                                                      dataset.version()));
  fields_.clear();
  std::vector<uint32_t> numbers;
  std::vector<huiliu_field> columns;
  for (const schema::Field& field : contract_->fields()) {
    if (field.repeated || field.type == schema::FieldType::kMessage ||
        field.type == schema::FieldType::kBytes)
      continue;
    fields_.push_back(&field);
    numbers.push_back(field.number);
    columns.push_back({sizeof(huiliu_field), sdk::ToBytes(field.name),
                       sdk::ToBytes(field.options.title()), LandedType(field),
                       field.options.key() ? 1 : 0, field.options.index() ? 1 : 0});
  }
  plan_ = std::make_unique<schema::FieldPlan>(numbers);
  const huiliu_dataset target{sizeof(huiliu_dataset),
                              sdk::ToBytes(contract_->id().value()),
                              sdk::ToBytes(contract_->options().title()),
                              contract_->version(),
                              columns.data(),
                              columns.size()};
  return landing.Prepare(target);
}

absl::Status LandingWorker::AddCells(const std::string& key, const std::string& payload,
                                     bool is_delete) {
  if (!is_delete) {
    std::vector<schema::FieldSlot> slots(fields_.size());
    RETURN_IF_ERROR(plan_->Scan(payload, absl::MakeSpan(slots)));
    for (size_t i = 0; i < fields_.size(); ++i) {
      if (!slots[i].present) {
        cell_texts_.push_back(-1);
        continue;
      }
      std::string text;
      RETURN_IF_ERROR(
          schema::AppendText(*fields_[i], slots[i].type, slots[i].number, slots[i].bytes, &text));
      cell_texts_.push_back(static_cast<int>(texts_.size()));
      texts_.push_back(std::move(text));
    }
    return absl::OkStatus();
  }
  const size_t end = key.find('\0');
  if (end == std::string::npos)
    return absl::FailedPreconditionError("the grant hides the key: deletes cannot land");
  absl::string_view rest = absl::string_view(key).substr(end + 1);
  for (const schema::Field* field : fields_) {
    if (!field->options.key()) {
      cell_texts_.push_back(-1);
      continue;
    }
    uint64_t size = 0;
    if (!TakeVarint(rest, &size) || size > rest.size()) return absl::DataLossError("a torn key");
    cell_texts_.push_back(static_cast<int>(texts_.size()));
    texts_.emplace_back(rest.substr(0, size));
    rest.remove_prefix(size);
  }
  return absl::OkStatus();
}

absl::Status LandingWorker::Apply(sdk::OpenLanding& landing,
                                  const huiliu::v1::SubscribeResponse& message, bool reset) {
  texts_.clear();
  cell_texts_.clear();
  const int n = message.keys_size();
  if (message.payloads_size() != n || message.deletes_size() != n ||
      message.envelopes_size() != n) {
    return absl::InternalError("the node sent columns of different lengths");
  }
  std::vector<huiliu::v1::Envelope> envelopes(static_cast<size_t>(n));
  for (int i = 0; i < n; ++i) {
    RETURN_IF_ERROR(AddCells(message.keys(i), message.payloads(i), message.deletes(i)));
    if (!envelopes[static_cast<size_t>(i)].ParseFromString(message.envelopes(i)))
      return absl::DataLossError("a torn envelope");
  }
  std::vector<huiliu_cell> cells;
  cells.reserve(cell_texts_.size());
  for (int text : cell_texts_) {
    cells.push_back(text < 0 ? huiliu_cell{0, {nullptr, 0}}
                             : huiliu_cell{1, sdk::ToBytes(texts_[static_cast<size_t>(text)])});
  }
  std::vector<huiliu_change> changes(static_cast<size_t>(n));
  for (size_t i = 0; i < changes.size(); ++i) {
    const huiliu::v1::Envelope& envelope = envelopes[i];
    changes[i] = {message.deletes(static_cast<int>(i)) ? 1 : 0,
                  cells.data() + i * fields_.size(),
                  sdk::ToBytes(envelope.system()),
                  sdk::ToBytes(envelope.division()),
                  envelope.source_time_us(),
                  envelope.arrival_time_us(),
                  {nullptr, 0}};
  }
  RETURN_IF_ERROR(landing.Apply(changes, message.cursor(), reset));
  status_.AddRows(n);
  return absl::OkStatus();
}

absl::Status LandingWorker::RunConnected() {
  ASSIGN_OR_RETURN(node_, NodeClient::Connect(config_.node));
  ASSIGN_OR_RETURN(const huiliu_plugin* plugin,
                   sdk::LoadPlugin(config_.PluginPath(landing_config_.plugin)));
  ASSIGN_OR_RETURN(const huiliu_landing* table, sdk::FindLanding(*plugin, landing_config_.plugin));
  ASSIGN_OR_RETURN(const std::unique_ptr<sdk::OpenLanding> landing,
                   sdk::OpenLanding::Open(*table, &host_, landing_config_.options_json));
  RETURN_IF_ERROR(Prepare(*landing));
  ASSIGN_OR_RETURN(const std::string cursor, landing->Cursor());
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
      request, [this] { return stopping_.load(); },
      [&](const huiliu::v1::SubscribeResponse& message) -> absl::Status {
        RETURN_IF_ERROR(Apply(*landing, message, reset));
        reset = false;
        status_.Write(false);
        return absl::OkStatus();
      });
}

absl::Status LandingWorker::Run() {
  absl::Duration back_off = absl::Milliseconds(200);
  while (!stopping_) {
    const absl::Time started = absl::Now();
    const absl::Status status = RunConnected();
    if (stopping_) break;
    if (!status.ok() && !IsTransient(status)) {
      status_.Set("stopped", std::string(status.message()));
      return status;
    }
    status_.Set("waiting",
                status.ok() ? "the node ended the subscription" : std::string(status.message()));
    if (absl::Now() - started > absl::Seconds(30)) back_off = absl::Milliseconds(200);
    for (absl::Time end = absl::Now() + back_off; !stopping_ && absl::Now() < end;)
      absl::SleepFor(absl::Milliseconds(50));
    back_off = std::min(back_off * 2, kMaxBackOff);
  }
  status_.Set("stopped", "");
  return absl::OkStatus();
}

}  // namespace huiliu::agent
