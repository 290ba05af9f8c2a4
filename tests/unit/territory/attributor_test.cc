#include <gtest/gtest.h>

#include <cstdlib>

#include "core/territory/territory.h"

namespace huiliu::territory {
namespace {

std::shared_ptr<const Divisions> Load() {
  const char* root = std::getenv("HUILIU_ROOT");
  auto divisions =
      Divisions::Load(std::string(root == nullptr ? "." : root) + "/schemas/divisions");
  EXPECT_TRUE(divisions.ok()) << divisions.status();
  return *divisions;
}

const Divisions& All() {
  static const std::shared_ptr<const Divisions>* const divisions =
      new std::shared_ptr<const Divisions>(Load());
  return **divisions;
}

TEST(DivisionsTest, CodesResolveToWhatTheyAreToday) {
  EXPECT_EQ(All().Resolve("530102"), "530102");
  EXPECT_EQ(All().Resolve("530101"), "530100");     // used by real systems for the city itself
  EXPECT_EQ(All().Resolve("530121"), "530114");     // 呈贡县
  EXPECT_EQ(All().Resolve("530122"), "530115");     // 晋宁县
  EXPECT_EQ(All().Resolve("530102401"), "530102");  // 高新区: a zone counts under its county
  EXPECT_EQ(All().Resolve("532823105"), "530100");  // 磨憨: outside the prefix, run by Kunming
  EXPECT_EQ(All().Resolve("532823105001"), "530100");
  EXPECT_EQ(All().Resolve("532823101"), "532823");
  EXPECT_EQ(All().Resolve("534001"), "");  // in no edition
  EXPECT_EQ(All().Resolve("533201"), "");
  EXPECT_EQ(All().Resolve("53010"), "");
  EXPECT_TRUE(All().Contains("530100", "530121"));
  EXPECT_TRUE(All().Contains("530100", "532823105"));
  EXPECT_FALSE(All().Contains("530100", "532901"));
}

std::string Address(const std::string& text, const std::string& region = "") {
  static Attributor* const attributor = [] {
    huiliu::v1::TerritoryBasis basis;
    auto* name = basis.add_evidence();
    name->set_field("region");
    name->set_kind(huiliu::v1::EVIDENCE_KIND_NAME);
    auto* address = basis.add_evidence();
    address->set_field("address");
    address->set_kind(huiliu::v1::EVIDENCE_KIND_ADDRESS);
    return Attributor::Create(basis, Load())->release();
  }();
  Attribution out;
  const EvidenceValue values[] = {{region}, {text}};
  attributor->Attribute(values, &out);
  return out.division + (out.conflict ? "!" : "");
}

TEST(AddressTest, ReadsFromTheLeft) {
  EXPECT_EQ(Address("云南省昆明市五华区一二一大街428号"), "530102");
  EXPECT_EQ(Address("昆明官渡区关上镇"), "530111");
  EXPECT_EQ(Address("云南省大理白族自治州弥渡县密祉镇"), "532925");
  EXPECT_EQ(Address("弥渡县弥城镇朱坊村61号"), "532925");
  EXPECT_EQ(Address("云南省_昆明市_无"), "530100");
}

TEST(AddressTest, RoadNamesNameNoPlace) {
  EXPECT_EQ(Address("云南省昆明市大理路12号"), "530100");
  EXPECT_EQ(Address("昆明市北京路100号"), "530100");
  EXPECT_EQ(Address("昆明路8号", "大理"), "532900");
}

TEST(AddressTest, VillagesOfAnotherCityDecideNothing) {
  EXPECT_EQ(Address("阳宗镇大理村三角塘", "昆明"), "530100");
}

TEST(AddressTest, ZonesCountUnderTheirCounty) {
  EXPECT_EQ(Address("云南省昆明经开区经开路3号", "昆明"), "530111");
  EXPECT_EQ(Address("云南省昆明市滇池度假区迎海路8号", "昆明"), "530112");
}

TEST(NameTest, DisagreementIsAConflict) {
  EXPECT_EQ(Address("云南省大理白族自治州大理市下关镇", "昆明"), "530100!");
  EXPECT_EQ(Address("", "昆明"), "530100");
  EXPECT_EQ(Address("", ""), "");
  EXPECT_EQ(Address("", "版纳"), "532800");
}

}  // namespace
}  // namespace huiliu::territory
