// The mapping over 97,233 real registrations, where they lie beside the project.
#include <gtest/gtest.h>

#include <filesystem>
#include <map>
#include <set>

#include "core/schema/record_writer.h"
#include "core/text/csv.h"
#include "tests/unit/mapping/rows.h"

namespace huiliu::mapping {
namespace {

TEST(EnterpriseRegistryTest, EveryRealRowIsMapped) {
  const char* shared = std::getenv("HUILIU_SHARED");
  const std::string data = (shared != nullptr ? std::string(shared) : Root() + "/../shared") +
                           "/data/enterprise-registry-yunnan";
  if (!std::filesystem::exists(data)) {
    std::printf("NOT RUN: no real registrations at %s\n", data.c_str());
    return;
  }
  const auto contract = Shipped("legal_persons/enterprise_registration.proto");
  auto mapping = *Mapping::Parse(
      "m.yaml", *ReadFile(Root() + "/deploy/samples/mappings/enterprise_registration.yaml"),
      contract);
  const schema::Field& region = *contract->FindField("region");
  std::map<std::string, int> findings;
  std::set<std::string> keys;
  int rows = 0, lost = 0, kunming = 0, masked = 0;
  MappedRow out;
  for (const auto& entry : std::filesystem::directory_iterator(data)) {
    const std::string file = entry.path().filename().string();
    if (entry.path().extension() != ".csv" || file == "regauthority_codes.csv") continue;
    const std::string bytes = *ReadFile(entry.path().string());
    text::CsvSplitter splitter(bytes, {}, 1, true);
    text::CsvRecord record;
    splitter.Next(&record);
    std::vector<huiliu_bytes> columns;
    for (absl::string_view field : record.fields) columns.push_back(Bytes(field));
    ASSERT_TRUE(mapping->BindHeader(columns).ok()) << file;
    while (splitter.Next(&record) == text::CsvSplitter::Result::kRecord) {
      std::vector<huiliu_cell> cells;
      for (absl::string_view field : record.fields) cells.push_back({1, Bytes(field)});
      const std::string id = absl::StrCat(file, ":", record.line);
      huiliu_row row{};
      row.struct_size = sizeof row;
      row.row_id = Bytes(id);
      row.cells = cells.data();
      row.cell_count = cells.size();
      mapping->Map(row, &out);
      ++rows;
      lost += !out.error_code.empty();
      masked += out.masked_at_source;
      keys.insert(out.key);
      kunming += *schema::FieldToText(*contract, region, out.payload) == "昆明";
      for (const std::string& finding : out.findings) ++findings[finding];
    }
  }
  for (const auto& [finding, count] : findings) std::printf("%s %d\n", finding.c_str(), count);
  EXPECT_EQ(rows, 97233);
  EXPECT_EQ(lost, 0);
  EXPECT_EQ(masked, 0);
  EXPECT_EQ(keys.size(), 97231U);
  EXPECT_EQ(kunming, 47954);
  EXPECT_EQ(findings["registered_capital:currency"],
            438);  // dollars, euro, yen …: not one taken for yuan
  EXPECT_EQ(findings["registered_capital:amount"], 1);
}

}  // namespace
}  // namespace huiliu::mapping
