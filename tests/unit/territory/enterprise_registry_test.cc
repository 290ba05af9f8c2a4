// Attribution over 97,233 real registrations, where they lie beside the project. HUILIU_PRINT=1
// prints every row for reading.
#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>
#include <map>

#include "absl/strings/str_cat.h"
#include "core/base/files.h"
#include "core/text/csv.h"
#include "tests/unit/territory/territory_fixture.h"

namespace huiliu::territory {
namespace {

std::string Data() {
  const char* shared = std::getenv("HUILIU_SHARED");
  return (shared != nullptr ? std::string(shared) : Root() + "/../shared") +
         "/data/enterprise-registry-yunnan";
}

std::string NotNull(absl::string_view text) { return text == "N/A" ? "" : std::string(text); }

struct Row {
  std::string place, uscc, region, address;  // place: file:line
};

std::vector<Row> ReadRows() {
  std::vector<Row> rows;
  for (int year = 1980; year <= 2013; ++year) {
    const std::string file = absl::StrCat(year, ".csv");
    const auto bytes = ReadFile(absl::StrCat(Data(), "/", file));
    EXPECT_TRUE(bytes.ok()) << bytes.status();
    if (!bytes.ok()) continue;
    text::CsvSplitter splitter(*bytes, {}, 1, true);
    text::CsvRecord record;
    splitter.Next(&record);
    while (splitter.Next(&record) == text::CsvSplitter::Result::kRecord) {
      EXPECT_EQ(record.error, nullptr) << file << ":" << record.line;
      EXPECT_EQ(record.fields.size(), 10U) << file << ":" << record.line;
      if (record.fields.size() != 10) continue;
      rows.push_back({absl::StrCat(file, ":", record.line), std::string(record.fields[1]),
                      NotNull(record.fields[8]), NotNull(record.fields[9])});
    }
  }
  return rows;
}

struct Counts {
  int kunming = 0, named_kunming = 0, named_other_but_ours = 0, outside_with_our_code = 0;
  std::map<std::string, int> by_county, by_link, conflicts, unnamed;
};

std::string Level(Disagreement level) {
  static const char* const kLevels[] = {"none", "county", "city", "province"};
  return kLevels[static_cast<int>(level)];
}

void Print(const Row& row, const Attribution& out) {
  std::printf("%s %s by %d, %s | %s | %s | %s\n", row.place.c_str(), out.division.c_str(),
              out.county_by, Level(out.disagreement).c_str(), row.region.c_str(),
              row.uscc.substr(2, 6).c_str(), row.address.c_str());
}

void Judge(const Row& row, const Attribution& out, Counts* counts) {
  const bool ours = out.division.substr(0, 4) == "5301";
  if (ours) {
    ++counts->kunming;
    ++counts->by_county[out.division];
    ++counts->by_link[out.county_by < 0 ? "the city only" : absl::StrCat("link ", out.county_by)];
  }
  if (row.region == "昆明") {
    ++counts->named_kunming;
    EXPECT_TRUE(ours) << row.place;
  } else if (!row.region.empty()) {
    counts->named_other_but_ours += ours;
    if (row.uscc.substr(2, 4) == "5301") {
      ++counts->outside_with_our_code;
      EXPECT_TRUE(out.conflict) << row.place;
      EXPECT_GE(out.disagreement, Disagreement::kCity) << row.place;
    }
  } else {
    ++counts->unnamed[ours ? "Kunming" : out.division.empty() ? "pending" : "outside"];
  }
  EXPECT_EQ(out.conflict, out.disagreement != Disagreement::kNone) << row.place;
  if (out.conflict)
    ++counts->conflicts[absl::StrCat(ours ? "ours" : "outside", ", ", Level(out.disagreement))];
}

void Report(const char* title, const std::map<std::string, int>& counts) {
  for (const auto& [key, n] : counts) std::printf("%s %s: %d\n", title, key.c_str(), n);
}

TEST(EnterpriseRegistryTest, EveryRowBelongsWhereItsEvidenceSays) {
  if (!std::filesystem::exists(Data())) {
    std::printf("NOT RUN: no real registrations at %s\n", Data().c_str());
    return;
  }
  const auto attributor = MakeAttributor({{huiliu::v1::EVIDENCE_KIND_NAME, false},
                                          {huiliu::v1::EVIDENCE_KIND_ADDRESS, false},
                                          {huiliu::v1::EVIDENCE_KIND_USCC, true}});
  const std::vector<Row> rows = ReadRows();
  Counts counts;
  Attribution out;
  std::chrono::steady_clock::duration spent{};
  for (const Row& row : rows) {
    const EvidenceValue values[] = {{row.region}, {row.address}, {row.uscc}};
    const auto before = std::chrono::steady_clock::now();
    attributor->Attribute(values, &out);
    spent += std::chrono::steady_clock::now() - before;
    Judge(row, out, &counts);
    if (std::getenv("HUILIU_PRINT") != nullptr) Print(row, out);
  }
  EXPECT_EQ(rows.size(), 97233U);
  EXPECT_EQ(counts.named_kunming, 47954);
  EXPECT_EQ(counts.outside_with_our_code, 59);
  EXPECT_EQ(counts.named_other_but_ours, 0);
  // Of the 32 rows without a region, those whose address names one county of one city.
  EXPECT_EQ(counts.unnamed["Kunming"], 12);
  EXPECT_EQ(counts.unnamed["outside"], 2);
  EXPECT_EQ(counts.unnamed["pending"], 18);
  EXPECT_EQ(counts.kunming, 47954 + 12);
  EXPECT_GE(counts.kunming - counts.by_county["530100"], counts.kunming * 9 / 10);
  std::printf(
      "%zu rows, %.2f us each; Kunming's %d, of them %.1f %% decided to a county\n", rows.size(),
      std::chrono::duration<double, std::micro>(spent).count() / double(rows.size()),
      counts.kunming, 100.0 * (counts.kunming - counts.by_county["530100"]) / counts.kunming);
  Report("by county", counts.by_county);
  Report("county decided by", counts.by_link);
  Report("conflicts", counts.conflicts);
  Report("without a region", counts.unnamed);
}

}  // namespace
}  // namespace huiliu::territory
