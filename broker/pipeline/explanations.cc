#include "broker/pipeline/explanations.h"

#include <algorithm>
#include <set>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "broker/catalog/row_key.h"
#include "broker/pipeline/logged_changes.h"
#include "broker/pipeline/topics.h"
#include "core/base/status.h"
#include "core/model/proto_time.h"
#include "core/rules/explain_message.h"
#include "core/schema/record_writer.h"

namespace huiliu::pipeline {
namespace {

using absl::StrCat;
using huiliu::v1::DryRunSample;
using huiliu::v1::ExplainRequest;

constexpr char kMethod[] = "Rules.Explain";

absl::Status NotThere() {
  return absl::NotFoundError(
      "日志中没有这条记录，或它不是该接收方的（日志按保留期清理；部门侧判定的数据源请其部门用 "
      "huiliu-agent rules explain）/ the log has no such record, or it is not this receiver's "
      "(the log goes back as far as its retention; of sources that are decided at the edge their "
      "departments ask huiliu-agent rules explain)");
}

}  // namespace

absl::StatusOr<std::shared_ptr<const rules::RuleSet>> Explanations::RulesOf(
    const governance::Principal& caller, const ExplainRequest& request,
    const schema::Contract& contract) const {
  for (const huiliu::v1::RuleSet& kept : parts_.state.RuleSets(parts_.clock.Now())) {
    if (kept.dataset() != request.context().dataset() ||
        kept.receiver() != request.context().receiver()) {
      continue;
    }
    if (request.version() != 0 ? kept.version() != request.version()
                               : kept.state() != huiliu::v1::RULE_SET_STATE_IN_FORCE &&
                                     kept.state() != huiliu::v1::RULE_SET_STATE_EXPIRED) {
      continue;
    }
    // With conditions of his own choice he could ask anything of a record.
    if (kept.author() == caller.account &&
        !parts_.state.WasInForce(kept.dataset(), kept.receiver(), kept.version(),
                                 parts_.clock.Now())) {
      return absl::PermissionDeniedError(StrCat(
          "第 ", kept.version(), " 版由 ", caller.account,
          " 提交且未生效，请由他人说明，或用 huiliu rules dry-run / version ", kept.version(),
          " is the caller's own and never was in force: another person "
          "explains by it, or try huiliu rules dry-run"));
    }
    ASSIGN_OR_RETURN(const auto parsed,
                     rules::ParseRuleSet(kept.source_name(), kept.yaml(), contract, nullptr,
                                         nullptr, rules::RuleAge::kStanding));
    return rules::WithVersion(*parsed, kept.version());
  }
  return absl::NotFoundError(
      StrCat("没有这个规则版本（huiliu rules history 可查）/ there is no such version of the rules "
             "for dataset ",
             request.context().dataset(), " to receiver ", request.context().receiver()));
}

absl::StatusOr<std::string> Explanations::KeyOf(const ExplainRequest& request,
                                                const schema::Contract& contract) const {
  const std::vector<std::string> values(request.key().values().begin(),
                                        request.key().values().end());
  ASSIGN_OR_RETURN(const std::string key, contract.KeyFromValues(values));
  std::set<std::string> systems;
  for (const huiliu::v1::Source& source : parts_.state.Sources()) {
    const bool serves = std::find(source.receivers().begin(), source.receivers().end(),
                                  request.context().receiver()) != source.receivers().end();
    if (serves && source.dataset() == request.context().dataset() &&
        source.placement() == huiliu::v1::PLACEMENT_NODE) {
      systems.insert(source.system());
    }
  }
  if (!request.key().system().empty()) return RowKey(request.key().system(), key);
  if (systems.size() == 1) return RowKey(*systems.begin(), key);
  return absl::InvalidArgumentError(StrCat(
      "本节点判定的来源系统有 ", systems.size(),
      " 个，请指明系统：命令行用 --system，接口用 key.system / this node decides records of ",
      systems.size(),
      " systems for this dataset; say which: --system on the command line, key.system in the API"));
}

absl::StatusOr<std::optional<Explanations::Found>> Explanations::FindAt(
    const std::string& place, const std::string& dataset) const {
  ASSIGN_OR_RETURN(const LogPlace at, ParsePlace(place));
  if (at.from.topic != SourceTopic(dataset))
    return absl::InvalidArgumentError(StrCat(
        "此位置不属于数据集 ", dataset, " / this place is not in the log of dataset ", dataset));
  ASSIGN_OR_RETURN(const int32_t partitions, PartitionsOf(parts_.backbone, at.from.topic));
  if (at.from.partition.value() >= partitions) return std::optional<Found>();
  ASSIGN_OR_RETURN(const PartitionBounds bounds, parts_.backbone.Bounds(at.from));
  if (at.offset < bounds.earliest || at.offset >= bounds.end) return std::optional<Found>();
  std::optional<Found> found;
  LogReading reading;
  reading.from = at.from;
  reading.first = at.offset;
  reading.end = Offset(at.offset.value() + 1);
  reading.take = [&](const LoggedChange& change) {
    found = Found{std::string(change.record.key),
                  std::string(change.record.value),
                  std::string(change.record.header),
                  std::string(change.envelope.source),
                  PlaceOf(change),
                  change.record.tombstone,
                  change.envelope.source_time_us,
                  change.envelope.arrival_time_us};
    return absl::OkStatus();
  };
  RETURN_IF_ERROR(ReadLog(parts_.backbone, reading));
  return found;
}

// What came last of a key, searched block by block from the end.
absl::StatusOr<std::optional<Explanations::Found>> Explanations::FindKey(
    const std::string& key, const std::string& dataset) const {
  const std::string topic = SourceTopic(dataset);
  ASSIGN_OR_RETURN(const int32_t partitions, PartitionsOf(parts_.backbone, topic));
  if (partitions == 0) return std::optional<Found>();
  const TopicPartition from{topic, PartitionOf(key, partitions)};
  ASSIGN_OR_RETURN(const PartitionBounds bounds, parts_.backbone.Bounds(from));
  const absl::Time deadline = absl::Now() + kSearch;
  std::string place;
  for (int64_t end = bounds.end.value(); end > bounds.earliest.value() && place.empty();) {
    LogReading reading;
    reading.from = from;
    reading.end = Offset(end);
    end = std::max(bounds.earliest.value(), end - parts_.block);
    reading.first = Offset(end);
    reading.wanted = [&](absl::string_view other) { return other == key; };
    reading.take = [&](const LoggedChange& change) {
      place = PlaceOf(change);
      return absl::OkStatus();
    };
    reading.go_on = [&](int64_t) {
      if (absl::Now() < deadline) return absl::OkStatus();
      return absl::DeadlineExceededError(StrCat(
          "从日志末尾向前找了 ", bounds.end.value() - end, " 条，", absl::FormatDuration(kSearch),
          " 内未找到；请用 --at-offset 指明位置（huiliu rules dry-run 的样例有）/ searched the "
          "newest ",
          bounds.end.value() - end,
          " records of the log and did not find it in time; "
          "name its place with --at-offset, as samples of huiliu rules dry-run have it"));
    };
    RETURN_IF_ERROR(ReadLog(parts_.backbone, reading));
  }
  if (place.empty()) return std::optional<Found>();
  return FindAt(place, dataset);
}

absl::StatusOr<huiliu::v1::Explanation> Explanations::ExplainFound(
    const Found& found, const Admission& admission,
    const std::shared_ptr<const schema::Contract>& contract,
    const std::shared_ptr<const rules::RuleSet>& rule_set, int64_t as_of_us) const {
  const std::string& id = rule_set->receiver.value();
  const auto registered = parts_.state.FindReceiver(id);
  if (!registered.has_value())
    return absl::NotFoundError(StrCat("接收方 ", id, " 尚未登记 / receiver ", id, " is unknown"));
  rules::Receiver receiver;
  receiver.id = rule_set->receiver;
  receiver.divisions.assign(registered->divisions().begin(), registered->divisions().end());
  receiver.pseudonym_key = parts_.pseudonym_key(id);
  // He sees of the record what he would read of it today, which is what the rules in force return:
  // a value that they mask or withhold is none of his.
  const auto source = parts_.state.FindSource(found.source);
  const rules::HeldOverrides held{source.has_value() ? source->system() : "",
                                  parts_.state.OverridesInForce(contract->id().value(), id)};
  std::string shown;
  bool returned = false;
  const absl::Time now = parts_.clock.Now();
  if (const auto in_force = parts_.state.FindRuleSet(contract->id().value(), id, now)) {
    ASSIGN_OR_RETURN(const rules::Explanation today,
                     rules::ExplainRecord(contract, in_force, receiver, parts_.divisions,
                                          found.payload, absl::ToUnixMicros(now), held));
    if (!today.decision.outputs.empty()) {
      const auto allowed =
          admission.plan->Apply(today.decision.outputs[0].payload, found.envelope, &shown);
      if (!allowed.ok() || !*allowed) return NotThere();
      returned = true;
    }
  }
  rules::ExplainViewer viewer;
  viewer.show = [&](const schema::Field& field,
                    const std::string& text) -> std::pair<DryRunSample::Shown, std::string> {
    const access::Visibility visibility = admission.plan->visibility(field);
    if (!returned || visibility == access::Visibility::kHidden)
      return {DryRunSample::SHOWN_WITHHELD, ""};
    auto seen = schema::FieldToText(*contract, field, shown);
    if (!seen.ok()) return {DryRunSample::SHOWN_WITHHELD, ""};
    const bool clear = visibility == access::Visibility::kClear && *seen == text;
    return {clear ? DryRunSample::SHOWN_CLEAR : DryRunSample::SHOWN_MASKED, *std::move(seen)};
  };
  ASSIGN_OR_RETURN(const rules::Explanation explanation,
                   rules::ExplainRecord(contract, rule_set, receiver, parts_.divisions,
                                        found.payload, as_of_us, held));
  ASSIGN_OR_RETURN(huiliu::v1::Explanation out,
                   rules::ToMessage(explanation, *contract, *rule_set, found.payload, viewer));
  if (!returned) {
    out.set_note(
        "现行规则未回流此记录，其字段与各条件不显示 / the rules in force do not return this "
        "record, so its fields and the parts of conditions are not told");
  }
  return out;
}

absl::StatusOr<huiliu::v1::Explanation> Explanations::Explain(const governance::Principal& caller,
                                                              const ExplainRequest& request,
                                                              bool sees_outside) {
  ASSIGN_OR_RETURN(const Admission admission, parts_.gate.Admit(caller, request.context(), kMethod,
                                                                huiliu::v1::ROLE_DATA_OFFICER));
  if (request.place().empty() == (request.key().values_size() == 0)) {
    return absl::InvalidArgumentError(
        "须给出主键或日志位置之一 / give a key, or a place in the log");
  }
  const std::string& dataset = request.context().dataset();
  const auto contract = parts_.state.FindContract(dataset);
  if (contract == nullptr)
    return absl::NotFoundError(
        StrCat("数据集 ", dataset, " 尚未登记 / dataset ", dataset, " is unknown"));
  ASSIGN_OR_RETURN(const auto rule_set, RulesOf(caller, request, *contract));
  std::optional<Found> found;
  if (!request.place().empty()) {
    ASSIGN_OR_RETURN(found, FindAt(request.place(), dataset));
  } else {
    RETURN_IF_ERROR(admission.plan->CheckKeyUse());
    ASSIGN_OR_RETURN(const std::string key, KeyOf(request, *contract));
    ASSIGN_OR_RETURN(found, FindKey(key, dataset));
  }
  const auto source = found.has_value() ? parts_.state.FindSource(found->source) : std::nullopt;
  const bool serves =
      source.has_value() && std::find(source->receivers().begin(), source->receivers().end(),
                                      request.context().receiver()) != source->receivers().end();
  if (!serves) {
    RETURN_IF_ERROR(parts_.gate.RecordAndWait(admission, huiliu::v1::STEP_READ, {}));
    return NotThere();
  }
  const int64_t as_of_us =
      absl::ToUnixMicros(request.has_as_of() ? FromProto(request.as_of()) : parts_.clock.Now());
  absl::StatusOr<huiliu::v1::Explanation> out = huiliu::v1::Explanation();
  if (found->deleted) {
    out->set_dataset(dataset);
    out->set_receiver(request.context().receiver());
    out->set_version(rule_set->version);
    out->set_deleted(true);
  } else {
    out = ExplainFound(*found, admission, contract, rule_set, as_of_us);
  }
  RETURN_IF_ERROR(parts_.gate.RecordAndWait(admission, huiliu::v1::STEP_READ, {found->key}));
  RETURN_IF_ERROR(out.status());
  // That another city's record exists is none of this city's business.
  if (!sees_outside && (found->deleted || out->outcome() == huiliu::v1::OUTCOME_OUTSIDE_AREA))
    return NotThere();
  out->set_system(source->system());
  out->set_source(source->id());
  out->set_place(found->place);
  if (found->source_time_us != 0)
    *out->mutable_source_time() = ToProto(absl::FromUnixMicros(found->source_time_us));
  *out->mutable_arrival_time() = ToProto(absl::FromUnixMicros(found->arrival_time_us));
  return out;
}

}  // namespace huiliu::pipeline
