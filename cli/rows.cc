#include "cli/rows.h"

#include <algorithm>
#include <cmath>
#include <set>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "cli/words.h"
#include "core/base/status.h"
#include "huiliu/v1/governance.pb.h"

namespace huiliu::cli {
namespace {

namespace v1 = huiliu::v1;

std::string TextOf(const google::protobuf::Value& value) {
  switch (value.kind_case()) {
    case google::protobuf::Value::kStringValue:
      return value.string_value();
    case google::protobuf::Value::kNumberValue:
      return value.number_value() == std::floor(value.number_value()) &&
                     std::abs(value.number_value()) < 1e15
                 ? absl::StrCat(static_cast<int64_t>(value.number_value()))
                 : absl::StrCat(value.number_value());
    case google::protobuf::Value::kBoolValue:
      return value.bool_value() ? "true" : "false";
    case google::protobuf::Value::kListValue:
      return absl::StrJoin(
          value.list_value().values(), ", ",
          [](std::string* out, const google::protobuf::Value& one) { out->append(TextOf(one)); });
    case google::protobuf::Value::kStructValue:
      return value.ShortDebugString();
    default:
      return "";
  }
}

absl::StatusOr<std::vector<const v1::DatasetField*>> Choose(
    const v1::Dataset& dataset, const std::vector<v1::Row>& rows,
    const std::vector<std::string>& columns) {
  std::vector<const v1::DatasetField*> chosen;
  for (const std::string& name : columns) {
    const auto found = std::find_if(
        dataset.fields().begin(), dataset.fields().end(),
        [&](const v1::DatasetField& f) { return f.name() == name || f.title() == name; });
    if (found == dataset.fields().end())
      return absl::InvalidArgumentError(absl::StrCat("数据集没有这个字段 / dataset ", dataset.id(),
                                                     " has no field \"", name, "\""));
    chosen.push_back(&*found);
  }
  if (!columns.empty()) return chosen;
  for (const v1::DatasetField& field : dataset.fields()) {
    const bool used = std::any_of(rows.begin(), rows.end(), [&](const v1::Row& row) {
      return row.fields().fields().contains(field.name());
    });
    if (used) chosen.push_back(&field);
  }
  return chosen;
}

}  // namespace

void AddReadOptions(CLI::App* verb, ReadOptions* options) {
  verb->add_option("dataset", options->dataset, "数据集 (dataset)")->required();
  verb->add_option("--receiver", options->receiver, "接收方，如 530100 (whose data)");
  verb->add_option("--purpose", options->purpose, "使用场景，须与授权一致 (for what, as granted)");
}

absl::StatusOr<v1::ReadContext> ContextOf(Command& command, const ReadOptions& options) {
  v1::ReadContext context;
  context.set_dataset(options.dataset);
  ASSIGN_OR_RETURN(*context.mutable_receiver(), command.Receiver(options.receiver));
  context.set_purpose(options.purpose.empty() ? command.profile.purpose : options.purpose);
  if (!context.purpose().empty()) return context;
  v1::WhoAmIResponse who;
  RETURN_IF_ERROR(command.Call("Governance/WhoAmI", v1::WhoAmIRequest(), &who));
  v1::ListGrantsRequest request;
  request.set_organisation(who.organisation());
  request.set_dataset(options.dataset);
  v1::ListGrantsResponse grants;
  RETURN_IF_ERROR(ListAll(command, "Governance/ListGrants", request, &grants));
  std::set<std::string> purposes;
  for (const v1::Grant& grant : grants.grants()) purposes.insert(grant.purpose());
  return absl::InvalidArgumentError(
      purposes.empty()
          ? absl::StrCat(who.organisation(),
                         command.Say(" 没有数据集 ", " has no grant for dataset "), options.dataset,
                         command.Say(" 的授权", ""))
          : absl::StrCat(
                command.Say("请用 --purpose 写明使用场景，本单位已授权的有：",
                            "say for what with --purpose; your organisation was granted: "),
                absl::StrJoin(purposes, ", ")));
}

absl::StatusOr<v1::Dataset> FieldsOf(Command& command, const std::string& dataset) {
  v1::GetDatasetRequest request;
  request.set_id(dataset);
  v1::GetDatasetResponse response;
  RETURN_IF_ERROR(command.Call("Registry/GetDataset", request, &response));
  return response.dataset();
}

std::string ValueOf(const v1::Row& row, const v1::DatasetField& field) {
  const auto found = row.fields().fields().find(field.name());
  if (found == row.fields().fields().end()) return "";
  const std::string text = TextOf(found->second);
  absl::Time time;
  if (field.type() == "timestamp" && absl::ParseTime(absl::RFC3339_full, text, &time, nullptr))
    return TimeInWords(time);
  return text;
}

void PrintRow(Command& command, const v1::Dataset& dataset, const v1::Row& row) {
  size_t widest = 0;
  for (const v1::DatasetField& field : dataset.fields()) {
    if (row.fields().fields().contains(field.name()))
      widest = std::max(widest, DisplayWidth(field.title()));
  }
  for (const v1::DatasetField& field : dataset.fields()) {
    if (!row.fields().fields().contains(field.name())) continue;
    command.out() << field.title() << std::string(widest - DisplayWidth(field.title()) + 2, ' ')
                  << Printable(ValueOf(row, field)) << "\n";
  }
  command.out() << command.Say("（系统 ", "(system ") << row.system()
                << command.Say("，归属 ", ", division ") << row.division()
                << command.Say("，到达 ", ", arrived ") << TimeInWords(row.arrival_time())
                << (row.conflict() ? command.Say("，归属证据不一致", ", evidence disagreed") : "")
                << command.Say("）", ")") << "\n";
}

absl::Status KeepColumns(const v1::Dataset& dataset, const std::vector<std::string>& columns,
                         v1::Row* row) {
  if (columns.empty()) return absl::OkStatus();
  ASSIGN_OR_RETURN(const std::vector<const v1::DatasetField*> chosen, Choose(dataset, {}, columns));
  google::protobuf::Struct kept;
  for (const v1::DatasetField* field : chosen) {
    const auto found = row->fields().fields().find(field->name());
    if (found != row->fields().fields().end())
      (*kept.mutable_fields())[field->name()] = found->second;
  }
  *row->mutable_fields() = std::move(kept);
  return absl::OkStatus();
}

absl::StatusOr<Table> RowTable(const Command& command, const v1::Dataset& dataset,
                               const std::vector<v1::Row>& rows,
                               const std::vector<std::string>& columns) {
  ASSIGN_OR_RETURN(const std::vector<const v1::DatasetField*> chosen,
                   Choose(dataset, rows, columns));
  std::vector<std::string> header;
  for (const v1::DatasetField* field : chosen)
    header.push_back(command.english() ? field->name() : field->title());
  header.emplace_back(command.Say("归属", "division"));
  Table table(std::move(header));
  for (const v1::Row& row : rows) {
    std::vector<std::string> cells;
    for (const v1::DatasetField* field : chosen) cells.push_back(ValueOf(row, *field));
    cells.push_back(row.division());
    table.Add(std::move(cells));
  }
  return table;
}

}  // namespace huiliu::cli
