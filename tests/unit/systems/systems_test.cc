// The inventory of the city's 190 approval systems, schemas/systems/systems.tsv.
#include <gtest/gtest.h>

#include <cstdlib>
#include <map>
#include <set>

#include "absl/strings/match.h"
#include "absl/strings/str_split.h"
#include "core/base/files.h"

namespace huiliu {
namespace {

struct System {
  std::string id, title, tier, owner, datasets, native_form, status, provenance;
};

const std::vector<System>& Systems() {
  static const auto* const systems = [] {
    auto* out = new std::vector<System>;
    const char* root = std::getenv("HUILIU_ROOT");
    const auto text =
        ReadFile(std::string(root == nullptr ? "." : root) + "/schemas/systems/systems.tsv");
    EXPECT_TRUE(text.ok()) << text.status();
    if (!text.ok()) return out;
    const std::vector<std::string> lines = absl::StrSplit(*text, '\n', absl::SkipEmpty());
    EXPECT_EQ(lines[0], "id\ttitle\ttier\towner\tdatasets\tnative_form\tstatus\tprovenance");
    for (size_t i = 1; i < lines.size(); ++i) {
      const std::vector<std::string> c = absl::StrSplit(lines[i], '\t');
      EXPECT_EQ(c.size(), 8U) << "line " << i + 1;
      if (c.size() == 8) out->push_back({c[0], c[1], c[2], c[3], c[4], c[5], c[6], c[7]});
    }
    return out;
  }();
  return *systems;
}

TEST(SystemsTest, TheCityCounts85And79And26) {
  std::map<std::string, int> tiers;
  for (const System& system : Systems()) ++tiers[system.tier];
  EXPECT_EQ(tiers, (std::map<std::string, int>{
                       {"state_vertical", 85}, {"provincial", 79}, {"municipal", 26}}));
}

TEST(SystemsTest, IdsAndTitlesAreUniqueAndTellTheirTier) {
  const std::map<std::string, std::string> prefixes = {
      {"state_vertical", "sv-"}, {"provincial", "pr-"}, {"municipal", "mu-"}};
  std::set<std::string> ids, titles;
  for (const System& system : Systems()) {
    EXPECT_TRUE(ids.insert(system.id).second) << system.id;
    EXPECT_TRUE(titles.insert(system.title).second) << system.title;
    EXPECT_TRUE(absl::StartsWith(system.id, prefixes.at(system.tier))) << system.id;
  }
}

// No invented name passes for a fact: what is not known is open and says so; what is named says
// from where.
TEST(SystemsTest, StatusesAreHonest) {
  for (const System& system : Systems()) {
    EXPECT_FALSE(system.provenance.empty()) << system.id;
    EXPECT_EQ(system.native_form == "unknown", system.datasets.empty()) << system.id;
    EXPECT_EQ(absl::StrContains(system.title, "待核实"), system.status == "open") << system.id;
    if (system.status == "open") {
      EXPECT_TRUE(system.owner.empty() && system.datasets.empty()) << system.id;
    } else {
      EXPECT_TRUE(system.status == "presumed" || system.status == "confirmed") << system.id;
      EXPECT_FALSE(system.owner.empty()) << system.id;
    }
    const bool unproven = absl::StrContains(system.provenance, "未经核实");
    EXPECT_FALSE(system.status == "confirmed" && unproven) << system.id;
  }
}

TEST(SystemsTest, TheSystemsOfTheMainJobAreAmongThem) {
  std::map<std::string, std::string> datasets;
  for (const System& system : Systems()) datasets[system.id] = system.datasets;
  EXPECT_TRUE(absl::StrContains(datasets["sv-social-insurance"], "insurance_participation"));
  for (const char* dataset :
       {"case_accept", "case_process", "case_result", "case_special_procedure", "case_material",
        "licence_data", "licence_decision"}) {
    EXPECT_TRUE(absl::StrContains(datasets["pr-approval"], dataset)) << dataset;
  }
  EXPECT_TRUE(absl::StrContains(datasets["mu-employment"], "employment"));
}

}  // namespace
}  // namespace huiliu
