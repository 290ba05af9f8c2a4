#include "adapters/agent/reread.h"

#include "absl/strings/str_cat.h"
#include "adapters/agent/host.h"
#include "adapters/agent/override_verbs.h"
#include "adapters/agent/rule_choice.h"
#include "adapters/sdk/loader.h"
#include "core/base/files.h"
#include "core/base/status.h"
#include "core/codes/citizen_ids.h"

namespace huiliu::agent {
namespace {

constexpr size_t kMaxNotices = 20;

}  // namespace

absl::StatusOr<std::unique_ptr<Reread>> Reread::Open(const Config& config,
                                                     const std::string& source,
                                                     const std::atomic<bool>& stopping) {
  ASSIGN_OR_RETURN(SourceConfig found, config.FindSource(source));
  std::unique_ptr<Reread> reread(new Reread(config, std::move(found), stopping));
  RETURN_IF_ERROR(reread->Prepare());
  return reread;
}

absl::Status Reread::Prepare() {
  ASSIGN_OR_RETURN(node_, NodeClient::Connect(config_.node));
  ASSIGN_OR_RETURN(source_, node_->FindSource(source_config_.id));
  if (source_.placement() == huiliu::v1::PLACEMENT_NODE) {
    return absl::FailedPreconditionError(absl::StrCat(
        "数据源 ", source_.id(),
        " 由节点判定，请数据专员用 huiliu rules dry-run、huiliu rules explain / source ",
        source_.id(),
        " is decided at the node: its data officers use huiliu rules dry-run and "
        "huiliu rules explain"));
  }
  ASSIGN_OR_RETURN(const huiliu::v1::Dataset dataset, node_->GetDataset(source_.dataset()));
  ASSIGN_OR_RETURN(contract_, schema::Contract::Parse(dataset.source_name(), dataset.source_text(),
                                                      dataset.version()));
  ASSIGN_OR_RETURN(const huiliu::v1::Receiver receiver, node_->FindReceiver(source_.receivers(0)));
  receiver_.id = ReceiverId(receiver.id());
  receiver_.title = receiver.title();
  receiver_.divisions.assign(receiver.divisions().begin(), receiver.divisions().end());
  huiliu::v1::GetOverridesInForceRequest asked;
  asked.set_dataset(source_.dataset());
  asked.set_receiver(receiver.id());
  ASSIGN_OR_RETURN(const huiliu::v1::GetOverridesInForceResponse held,
                   node_->OverridesInForce(asked));
  ASSIGN_OR_RETURN(overrides_, OverridesThatRun(config_.state_dir, source_config_.id,
                                                {held.territory_overrides().begin(),
                                                 held.territory_overrides().end()}));
  std::string yaml;
  if (!source_config_.mapping.empty()) {
    ASSIGN_OR_RETURN(yaml, ReadFile(source_config_.mapping));
  }
  ASSIGN_OR_RETURN(mapping_, mapping::Mapping::Parse(source_config_.mapping, yaml, contract_));
  ASSIGN_OR_RETURN(divisions_, territory::Divisions::Load(config_.divisions));
  return absl::OkStatus();
}

absl::StatusOr<huiliu::v1::RuleSet> Reread::Version(uint32_t version) const {
  if (version == 0) return ChooseRuleSet(config_, source_, *node_);
  ASSIGN_OR_RETURN(std::vector<huiliu::v1::RuleSet> all,
                   node_->ListRuleSets(source_.dataset(), source_.receivers(0)));
  for (huiliu::v1::RuleSet& one : all) {
    if (one.version() == version) return std::move(one);
  }
  return absl::NotFoundError(absl::StrCat("没有第 ", version,
                                          " 版（huiliu-agent rules 可查）/ there is no version ",
                                          version, ", see huiliu-agent rules"));
}

absl::StatusOr<std::shared_ptr<const rules::RuleSet>> Reread::Parse(const std::string& name,
                                                                    const std::string& yaml,
                                                                    uint32_t version) const {
  ASSIGN_OR_RETURN(const rules::RuleSetHead head, rules::ParseRuleSetHead(name, yaml));
  if (head.dataset != contract_->id() || head.receiver != receiver_.id) {
    return absl::InvalidArgumentError(absl::StrCat(
        name, ": 规则属于 ", head.dataset.value(), " → ", head.receiver.value(), "，数据源 ",
        source_.id(), " 为 ", contract_->id().value(), " → ", receiver_.id.value(),
        " / these rules are of another dataset or receiver than the source"));
  }
  ASSIGN_OR_RETURN(const auto parsed,
                   rules::ParseRuleSet(
                       name, yaml, *contract_, nullptr, version == 0 ? divisions_.get() : nullptr,
                       version == 0 ? rules::RuleAge::kNew : rules::RuleAge::kStanding));
  return rules::WithVersion(*parsed, version);
}

absl::Status Reread::Run(const Take& take) {
  ASSIGN_OR_RETURN(const huiliu_plugin* plugin,
                   sdk::LoadPlugin(config_.PluginPath(source_config_.plugin)));
  ASSIGN_OR_RETURN(const huiliu_source* table, sdk::FindSource(*plugin, source_config_.plugin));
  const huiliu_host host = MakeHost(stopping_);
  ASSIGN_OR_RETURN(const std::unique_ptr<sdk::OpenSource> opened,
                   sdk::OpenSource::Open(*table, &host, source_config_.options_json, ""));
  RETURN_IF_ERROR(opened->Need(mapping_->needed_columns()));
  std::vector<std::string> bound;
  mapping::MappedRow mapped;
  while (!stopping_) {
    ASSIGN_OR_RETURN(
        const huiliu_rows* rows,
        opened->Poll(static_cast<size_t>(source_config_.batch_rows), source_config_.linger_ms));
    for (size_t i = 0; i < rows->notice_count && notices_.size() < kMaxNotices; ++i)
      notices_.emplace_back(sdk::ToView(rows->notices[i]));
    if (rows->row_count == 0) {
      if (rows->caught_up != 0) return absl::OkStatus();
      continue;
    }
    std::vector<std::string> header;
    for (size_t i = 0; i < rows->column_count; ++i)
      header.emplace_back(sdk::ToView(rows->columns[i]));
    if (header != bound) {
      RETURN_IF_ERROR(mapping_->BindHeader({rows->columns, rows->column_count}));
      bound = std::move(header);
    }
    for (size_t i = 0; i < rows->row_count; ++i) {
      mapping_->Map(rows->rows[i], &mapped);
      RETURN_IF_ERROR(take(mapped, sdk::ToView(rows->rows[i].row_id)));
    }
    if (rows->caught_up != 0) return absl::OkStatus();
  }
  return absl::CancelledError("已中止 / stopped");
}

std::string WithoutCitizenIds(absl::string_view row_id) {
  if (!codes::HoldsCitizenId(row_id)) return std::string(row_id);
  std::string out;
  codes::AppendCitizenIdsHidden(row_id, &out);
  return out;
}

}  // namespace huiliu::agent
