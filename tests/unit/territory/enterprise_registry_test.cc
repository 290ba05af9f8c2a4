// Attribution over 97,233 real registrations, where they lie beside the project.
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <map>

#include "core/base/files.h"
#include "core/territory/territory.h"
#include "core/text/csv.h"

namespace huiliu::territory {
namespace {

std::string Root() {
  const char* root = std::getenv("HUILIU_ROOT");
  return root == nullptr ? "." : root;
}

std::string Data() {
  const char* shared = std::getenv("HUILIU_SHARED");
  return (shared != nullptr ? std::string(shared) : Root() + "/../shared") +
         "/data/enterprise-registry-yunnan";
}

std::string NotNull(absl::string_view text) { return text == "N/A" ? "" : std::string(text); }

TEST(EnterpriseRegistryTest, KunmingsRowsAreKunmings) {
  if (!std::filesystem::exists(Data())) {
    std::printf("NOT RUN: no real registrations at %s\n", Data().c_str());
    return;
  }
  huiliu::v1::TerritoryBasis basis;
  for (auto kind : {huiliu::v1::EVIDENCE_KIND_NAME, huiliu::v1::EVIDENCE_KIND_ADDRESS,
                    huiliu::v1::EVIDENCE_KIND_USCC}) {
    auto* evidence = basis.add_evidence();
    evidence->set_kind(kind);
    evidence->set_weak(kind == huiliu::v1::EVIDENCE_KIND_USCC);
  }
  auto attributor = *Attributor::Create(basis, *Divisions::Load(Root() + "/schemas/divisions"));
  std::map<std::string, int> by_county, by_link, conflicts;
  int rows = 0, kunming = 0, named_kunming = 0, named_other = 0, outside_with_our_code = 0,
      wrong = 0, pending = 0, city_only = 0;
  Attribution out;
  for (const auto& entry : std::filesystem::directory_iterator(Data())) {
    const std::string file = entry.path().filename().string();
    if (entry.path().extension() != ".csv" || file == "regauthority_codes.csv") continue;
    const std::string bytes = *ReadFile(entry.path().string());
    text::CsvSplitter splitter(bytes, {}, 1, true);
    text::CsvRecord record;
    splitter.Next(&record);
    while (splitter.Next(&record) == text::CsvSplitter::Result::kRecord) {
      ASSERT_EQ(record.error, nullptr) << file << ":" << record.line;
      ASSERT_EQ(record.fields.size(), 10U) << file << ":" << record.line;
      ++rows;
      const std::string region = NotNull(record.fields[8]), address = NotNull(record.fields[9]);
      const EvidenceValue values[] = {{region}, {address}, {record.fields[1]}};
      attributor->Attribute(values, &out);
      const bool ours = out.division.substr(0, 4) == "5301";
      kunming += ours;
      pending += out.division.empty();
      if (region == "昆明") {
        ++named_kunming;
        if (!ours) ++wrong;
        city_only += out.division == "530100";
        ++by_link[out.county_by < 0 ? "city" : std::to_string(out.county_by)];
      } else if (!region.empty()) {
        if (ours) ++named_other;
        if (record.fields[1].substr(2, 4) == "5301") {
          ++outside_with_our_code;
          if (!out.conflict) ++wrong;
        }
      } else if (std::getenv("HUILIU_PRINT") != nullptr) {
        std::printf("N/A region → %s by %d | %s | %s\n", out.division.c_str(), out.decided_by,
                    std::string(record.fields[1].substr(2, 6)).c_str(), address.c_str());
      }
      if (ours) ++by_county[out.division];
      if (out.conflict) ++conflicts[ours ? "returned" : "outside"];
      if (std::getenv("HUILIU_PRINT") != nullptr) {
        if (out.conflict && out.findings.size() > 1)
          std::printf("CONFLICT%d %s %s | %s | %s\n", static_cast<int>(out.disagreement),
                      out.division.c_str(), region.c_str(),
                      std::string(record.fields[1].substr(2, 6)).c_str(), address.c_str());
        if (ours)
          std::printf("ROW %s by %d | %s | %s\n", out.division.c_str(), out.county_by,
                      std::string(record.fields[1].substr(2, 6)).c_str(), address.c_str());
      }
    }
  }
  EXPECT_EQ(rows, 97233);
  EXPECT_EQ(named_kunming, 47954);
  EXPECT_EQ(outside_with_our_code, 59);
  EXPECT_EQ(named_other, 0);
  EXPECT_EQ(wrong, 0);
  std::printf(
      "rows %d, Kunming %d, pending %d, city only %d (%.1f%% of Kunming's decided to a county)\n",
      rows, kunming, pending, city_only, 100.0 * (kunming - city_only) / kunming);
  for (const auto& [county, n] : by_county) std::printf("%s %d\n", county.c_str(), n);
  for (const auto& [link, n] : by_link) std::printf("county by link %s: %d\n", link.c_str(), n);
  for (const auto& [kind, n] : conflicts) std::printf("conflicts, %s: %d\n", kind.c_str(), n);
}

}  // namespace
}  // namespace huiliu::territory
