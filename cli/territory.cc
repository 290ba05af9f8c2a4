#include "core/territory/territory.h"

#include <memory>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "cli/command.h"
#include "cli/schemas.h"
#include "core/base/files.h"
#include "core/base/status.h"
#include "core/territory/finding_words.h"
#include "core/text/csv.h"
#include "nlohmann/json.hpp"

namespace huiliu::cli {
namespace {

struct Options {
  std::string dataset, contract, schemas, file;
  std::vector<std::string> values;
};

class Explainer {
 public:
  static absl::StatusOr<std::unique_ptr<Explainer>> Create(Command& command,
                                                           const Options& options) {
    ASSIGN_OR_RETURN(const std::string schemas, FindSchemas(options.schemas));
    auto explainer = std::make_unique<Explainer>(command);
    ASSIGN_OR_RETURN(explainer->contract_,
                     ContractOf(command, options.dataset, options.contract, options.schemas));
    ASSIGN_OR_RETURN(explainer->divisions_, LoadDivisions(schemas));
    ASSIGN_OR_RETURN(explainer->attributor_,
                     territory::Attributor::Create(explainer->basis(), explainer->divisions_));
    return explainer;
  }
  explicit Explainer(Command& command) : command_(command) {}

  const huiliu::v1::TerritoryBasis& basis() const { return contract_->options().territory(); }

  // Which evidence link a column is; -1: none.
  int LinkOf(absl::string_view column) const {
    for (int i = 0; i < basis().evidence_size(); ++i) {
      const std::string& name = basis().evidence(i).field();
      const schema::Field* field = contract_->FindField(name);
      if (column == name || (field != nullptr && column == field->options.title())) return i;
    }
    return -1;
  }

  std::string FieldsInWords() const {
    return absl::StrJoin(basis().evidence(), ", ",
                         [&](std::string* out, const huiliu::v1::Evidence& link) {
                           const schema::Field* field = contract_->FindField(link.field());
                           absl::StrAppend(out, link.field(), " (",
                                           field == nullptr ? "" : field->options.title(), ")");
                         });
  }

  std::string Example() const {
    return basis().evidence().empty() ? "region=昆明市"
                                      : absl::StrCat(basis().evidence(0).field(), "=…");
  }

  void Explain(const std::vector<std::string>& values) {
    std::vector<territory::EvidenceValue> evidence(static_cast<size_t>(basis().evidence_size()));
    for (size_t i = 0; i < evidence.size(); ++i) evidence[i].text = values[i];
    territory::Attribution found;
    attributor_->Attribute(evidence, &found);
    if (command_.json) {
      PrintJson(values, found);
    } else {
      PrintText(values, found);
    }
  }

  // One line of a table: for a whole file.
  std::vector<std::string> Cells(int64_t line, const std::vector<std::string>& values) {
    std::vector<territory::EvidenceValue> evidence(static_cast<size_t>(basis().evidence_size()));
    for (size_t i = 0; i < evidence.size(); ++i) evidence[i].text = values[i];
    territory::Attribution found;
    attributor_->Attribute(evidence, &found);
    return {
        absl::StrCat(line),
        found.division,
        NameOf(found.division),
        LinkName(found.decided_by),
        LinkName(found.county_by),
        territory::InWords(found.county_means, command_.english()),
        territory::InWords(found.disagreement, command_.english()),
        found.division.empty() ? found.reason : territory::WhyNoCounty(found, command_.english())};
  }

 private:
  std::string NameOf(const std::string& code) const {
    const territory::Division* division = divisions_->Find(code);
    return division == nullptr ? "" : division->name;
  }
  std::string LinkName(int link) const {
    if (link < 0) return "";
    const schema::Field* field = contract_->FindField(basis().evidence(link).field());
    return field == nullptr || command_.english() ? basis().evidence(link).field()
                                                  : field->options.title();
  }
  std::string InWords(const territory::Finding& finding) const {
    return territory::InWords(
        finding, [this](const std::string& code) { return absl::StrCat(code, " ", NameOf(code)); },
        command_.english());
  }

  void PrintText(const std::vector<std::string>& values, const territory::Attribution& found) {
    command_.out() << command_.Say("归属依据：", "basis: ") << basis().title() << "\n";
    if (found.division.empty()) {
      command_.out() << command_.Say("无法判定（待认领）：", "nothing decides (pending): ")
                     << found.reason << "\n";
    } else {
      command_.out() << command_.Say("归属：", "belongs to: ") << found.division << " "
                     << NameOf(found.division) << command_.Say("，州市由 ", ", city by ")
                     << LinkName(found.decided_by);
      if (found.county_by >= 0)
        command_.out() << command_.Say("、县区由 ", ", county by ") << LinkName(found.county_by)
                       << command_.Say("（", " (")
                       << territory::InWords(found.county_means, command_.english())
                       << command_.Say("）", ")");
      command_.out() << command_.Say(" 判定\n", "\n");
    }
    if (const absl::string_view why = territory::WhyNoCounty(found, command_.english());
        !why.empty())
      command_.out() << command_.Say("县区未定：", "county not decided: ") << why << "\n";
    if (found.conflict)
      command_.out() << command_.Say("证据不一致：", "evidence disagrees: ")
                     << territory::InWords(found.disagreement, command_.english()) << "\n";
    Table table({command_.Say("证据", "evidence"), command_.Say("值", "value"),
                 command_.Say("表明", "says"), command_.Say("不一致", "disagrees")});
    for (int i = 0; i < basis().evidence_size(); ++i) {
      std::string says, apart;
      for (const territory::Finding& finding : found.findings) {
        if (finding.link != i) continue;
        says = InWords(finding);
        apart = territory::InWords(finding.disagreement, command_.english());
      }
      table.Add({LinkName(i), values[static_cast<size_t>(i)], says, apart});
    }
    command_.Print(table);
  }

  void PrintJson(const std::vector<std::string>& values, const territory::Attribution& found) {
    nlohmann::json findings = nlohmann::json::array();
    for (const territory::Finding& finding : found.findings)
      findings.push_back({{"field", basis().evidence(finding.link).field()},
                          {"division", finding.division},
                          {"ambiguous", finding.ambiguous},
                          {"candidates", finding.candidates},
                          {"also", finding.also},
                          {"unread", finding.unread},
                          {"disagreement", territory::NameOf(finding.disagreement)}});
    nlohmann::json evidence = nlohmann::json::array();
    for (int i = 0; i < basis().evidence_size(); ++i) {
      const schema::Field* field = contract_->FindField(basis().evidence(i).field());
      evidence.push_back({{"field", basis().evidence(i).field()},
                          {"title", field == nullptr ? "" : field->options.title()},
                          {"kind", huiliu::v1::EvidenceKind_Name(basis().evidence(i).kind())},
                          {"weak", basis().evidence(i).weak()},
                          {"value", values[static_cast<size_t>(i)]},
                          {"decided", found.decided_by == i},
                          {"decided_county", found.county_by == i}});
    }
    const auto field = [&](int link) {
      return link < 0 ? std::string() : basis().evidence(link).field();
    };
    const nlohmann::json json = {
        {"division", found.division},
        {"name", NameOf(found.division)},
        {"decided_by", field(found.decided_by)},
        {"county_by", field(found.county_by)},
        {"county_means", territory::NameOf(found.county_means)},
        {"disagreement", territory::NameOf(found.disagreement)},
        {"conflict", found.conflict},
        {"reason", found.reason},
        {"dataset", contract_->id().value()},
        {"basis", basis().title()},
        {"why_no_county", territory::WhyNoCounty(found, command_.english())},
        {"evidence", evidence},
        {"findings", findings}};
    command_.out() << json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) << "\n";
  }

  Command& command_;
  std::shared_ptr<const schema::Contract> contract_;
  std::shared_ptr<const territory::Divisions> divisions_;
  std::unique_ptr<territory::Attributor> attributor_;
};

absl::Status ExplainFile(Command& command, const Options& options, Explainer& explainer) {
  ASSIGN_OR_RETURN(std::string text, ReadFile(options.file));
  absl::string_view input = text;
  absl::ConsumePrefix(&input, "\xEF\xBB\xBF");
  text::CsvSplitter splitter(input, {}, 1, true);
  text::CsvRecord record;
  if (splitter.Next(&record) != text::CsvSplitter::Result::kRecord || record.error != nullptr)
    return absl::InvalidArgumentError(options.file + ":1: 没有表头 / no header");
  std::vector<int> links;
  for (absl::string_view column : record.fields)
    links.push_back(explainer.LinkOf(absl::StripAsciiWhitespace(column)));
  if (std::all_of(links.begin(), links.end(), [](int link) { return link < 0; })) {
    return absl::InvalidArgumentError(
        absl::StrCat(options.file, ":1: 没有这些列中的任何一列 / no column is one of ",
                     explainer.FieldsInWords()));
  }
  Table table({command.Say("行", "line"), command.Say("归属", "division"),
               command.Say("名称", "name"), command.Say("州市由", "city by"),
               command.Say("县区由", "county by"), command.Say("凭", "means"),
               command.Say("不一致", "disagrees"), command.Say("未定原因", "why not")});
  while (splitter.Next(&record) == text::CsvSplitter::Result::kRecord) {
    if (record.error != nullptr) {
      return absl::InvalidArgumentError(absl::StrCat(options.file, ":", record.error_line, ":",
                                                     record.error_column, ": ", record.error));
    }
    std::vector<std::string> values(static_cast<size_t>(explainer.basis().evidence_size()));
    for (size_t i = 0; i < links.size() && i < record.fields.size(); ++i) {
      if (links[i] >= 0) values[static_cast<size_t>(links[i])] = std::string(record.fields[i]);
    }
    if (command.json) {
      explainer.Explain(values);
    } else {
      table.Add(explainer.Cells(record.line, values));
    }
  }
  if (!command.json) command.Print(table);
  return absl::OkStatus();
}

absl::Status ExplainOne(const Options& options, Explainer& explainer) {
  std::vector<std::string> values(static_cast<size_t>(explainer.basis().evidence_size()));
  for (const std::string& text : options.values) {
    const std::pair<std::string, std::string> parts = absl::StrSplit(text, absl::MaxSplits('=', 1));
    const int link = explainer.LinkOf(parts.first);
    if (!absl::StrContains(text, "=")) {
      return absl::InvalidArgumentError(
          absl::StrCat("\"", text, "\" 应写作 字段=值，如 ", explainer.Example(),
                       "；可用字段 / is written FIELD=VALUE, as ", explainer.Example(),
                       "; fields: ", explainer.FieldsInWords()));
    }
    if (link < 0) {
      return absl::InvalidArgumentError(absl::StrCat(
          "\"", parts.first, "\" 不是该数据集的归属依据 / is no evidence of this dataset: ",
          explainer.FieldsInWords()));
    }
    values[static_cast<size_t>(link)] = parts.second;
  }
  explainer.Explain(values);
  return absl::OkStatus();
}

absl::Status Explain(Command& command, const Options& options) {
  ASSIGN_OR_RETURN(const auto explainer, Explainer::Create(command, options));
  if (!options.file.empty()) return ExplainFile(command, options, *explainer);
  return ExplainOne(options, *explainer);
}

}  // namespace

void AddTerritoryVerbs(CLI::App& app, Command& command) {
  CLI::App* group = app.add_subcommand("territory", "属地 (territory)")->require_subcommand(1);
  auto options = std::make_shared<Options>();
  CLI::App* explain = AddVerb(
      *group, command, "explain",
      "一条记录（或一个 CSV）属于哪里、由什么判定、什么不一致 (where records belong, and why)",
      [&command, options] { return Explain(command, *options); });
  explain->add_option("dataset", options->dataset, "数据集 (dataset)")->required();
  explain->add_option("values", options->values, "字段=值，字段名或中文名 (FIELD=VALUE)");
  explain->add_option("--file", options->file,
                      "CSV，列名为字段名或中文名 (a CSV whose columns are fields or their titles)");
  explain->add_option("--contract", options->contract, "契约 .proto (the dataset's contract)");
  explain->add_option("--schemas", options->schemas,
                      "schemas 目录 (folder of contracts and divisions)");
}

}  // namespace huiliu::cli
