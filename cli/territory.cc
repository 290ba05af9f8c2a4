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
    return {absl::StrCat(line),
            found.division,
            NameOf(found.division),
            LinkName(found.decided_by),
            LinkName(found.county_by),
            MeansInWords(found.county_means),
            DisagreementInWords(found.disagreement),
            found.division.empty() ? found.reason : WhyNoCounty(found)};
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
  std::string DisagreementInWords(territory::Disagreement disagreement) const {
    switch (disagreement) {
      case territory::Disagreement::kCounty:
        return command_.Say("县区不一致", "county");
      case territory::Disagreement::kCity:
        return command_.Say("州市不一致", "city");
      case territory::Disagreement::kProvince:
        return command_.Say("省份不一致", "province");
      default:
        return "";
    }
  }

  std::string MeansInWords(territory::CountyMeans means) const {
    using territory::CountyMeans;
    switch (means) {
      case CountyMeans::kCode:
        return command_.Say("代码", "a code");
      case CountyMeans::kWritten:
        return command_.Say("所写县区名", "its name");
      case CountyMeans::kZone:
        return command_.Say("开发区名", "a development zone");
      case CountyMeans::kStreet:
        return command_.Say("街道（乡镇）名", "a street or township");
      case CountyMeans::kVillage:
        return command_.Say("社区（村）名", "a community or village");
      case CountyMeans::kLandmark:
        return command_.Say("道路、小区等地名", "a road or estate");
      case CountyMeans::kAgreement:
        return command_.Say("地名与代码相互印证", "place names and a code that agree");
      default:
        return "";
    }
  }

  // What one link said, and how far that is from what was decided.
  std::string SaidInWords(const territory::Finding& finding) const {
    std::string says = absl::StrCat(finding.division, " ", NameOf(finding.division));
    if (finding.division.empty())
      says = finding.ambiguous ? command_.Say("指向多处", "several places")
             : finding.unread  ? command_.Say("代码无法识别，不作依据",
                                              "not a code that can be read: says nothing")
                               : "";
    if (!finding.also.empty())
      absl::StrAppend(&says, command_.Say("，又写有 ", "; and also names "), finding.also, " ",
                      NameOf(finding.also));
    if (!finding.candidates.empty()) {
      const std::vector<std::string> codes = absl::StrSplit(finding.candidates, '/');
      absl::StrAppend(&says, says.empty() ? "" : command_.Say("，", "; "),
                      command_.Say("地名可能属于 ", "its places may be of "),
                      absl::StrJoin(codes, command_.Say("、", ", "),
                                    [&](std::string* out, const std::string& code) {
                                      absl::StrAppend(out, code, " ", NameOf(code));
                                    }));
    }
    return says;
  }

  // Why only the city is known; empty where the county is, or where nothing is.
  std::string WhyNoCounty(const territory::Attribution& found) const {
    if (found.division.empty() || found.county_by >= 0) return "";
    bool county = false;
    const territory::Finding* open = nullptr;
    for (const territory::Finding& finding : found.findings) {
      if (finding.ambiguous || !finding.candidates.empty()) open = &finding;
      county = county || (!finding.division.empty() && !absl::EndsWith(finding.division, "00"));
    }
    if (open != nullptr && county)
      return command_.Say("地名与代码互不印证", "its places and a code do not agree");
    if (open != nullptr && (open->ambiguous || absl::StrContains(open->candidates, "/")))
      return command_.Say("地名分属多个县区", "its places are of several counties");
    if (county)
      return command_.Say("地址写的是其他州市，代码不单独判定县区",
                          "the address is another city's, so the code decides no county");
    return command_.Say("没有证据说明县区", "no evidence says it");
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
                       << command_.Say("（", " (") << MeansInWords(found.county_means)
                       << command_.Say("）", ")");
      command_.out() << command_.Say(" 判定\n", "\n");
    }
    if (const std::string why = WhyNoCounty(found); !why.empty())
      command_.out() << command_.Say("县区未定：", "county not decided: ") << why << "\n";
    if (found.conflict)
      command_.out() << command_.Say("证据不一致：", "evidence disagrees: ")
                     << DisagreementInWords(found.disagreement) << "\n";
    Table table({command_.Say("证据", "evidence"), command_.Say("值", "value"),
                 command_.Say("表明", "says"), command_.Say("不一致", "disagrees")});
    for (int i = 0; i < basis().evidence_size(); ++i) {
      std::string says, apart;
      for (const territory::Finding& finding : found.findings) {
        if (finding.link != i) continue;
        says = SaidInWords(finding);
        apart = DisagreementInWords(finding.disagreement);
      }
      table.Add({LinkName(i), values[static_cast<size_t>(i)], says, apart});
    }
    command_.Print(table);
  }

  void PrintJson(const std::vector<std::string>& values, const territory::Attribution& found) {
    static const char* const kDisagreements[] = {"", "county", "city", "province"};
    static const char* const kMeans[] = {"",       "code",    "written",  "zone",
                                         "street", "village", "landmark", "agreement"};
    nlohmann::json findings = nlohmann::json::array();
    for (const territory::Finding& finding : found.findings)
      findings.push_back(
          {{"field", basis().evidence(finding.link).field()},
           {"division", finding.division},
           {"ambiguous", finding.ambiguous},
           {"candidates", finding.candidates},
           {"also", finding.also},
           {"unread", finding.unread},
           {"disagreement", kDisagreements[static_cast<size_t>(finding.disagreement)]}});
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
        {"county_means", kMeans[static_cast<size_t>(found.county_means)]},
        {"disagreement", kDisagreements[static_cast<size_t>(found.disagreement)]},
        {"conflict", found.conflict},
        {"reason", found.reason},
        {"dataset", contract_->id().value()},
        {"basis", basis().title()},
        {"why_no_county", WhyNoCounty(found)},
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
