#include <gtest/gtest.h>

#include <random>

#include "absl/strings/ascii.h"
#include "tests/unit/territory/territory_fixture.h"

namespace huiliu::territory {
namespace {

using namespace huiliu::v1;  // NOLINT: the kinds of evidence

const Link kCode = {EVIDENCE_KIND_CODE, false}, kName = {EVIDENCE_KIND_NAME, false},
           kAddress = {EVIDENCE_KIND_ADDRESS, false}, kUscc = {EVIDENCE_KIND_USCC, false},
           kWeakUscc = {EVIDENCE_KIND_USCC, true}, kAuthority = {EVIDENCE_KIND_AUTHORITY, false},
           kCounter = {EVIDENCE_KIND_COUNTER, false};

std::string Code(const std::string& text) { return Attribute({kCode}, {text}).division; }
std::string Name(const std::string& text) { return Attribute({kName}, {text}).division; }
// Of an address where the region says `region`; with a "!" where they disagree.
std::string Address(const std::string& text, const std::string& region = "") {
  const Attribution out = Attribute({kName, kAddress}, {region, text});
  return out.division + (out.conflict ? "!" : "");
}

TEST(CodeTest, TwoCodesInACountersFieldDecideNothing) {
  for (const char* text : {"530102、532901", "530102;532901000000", "530102 / 110101"}) {
    const Attribution out = Attribute({kCounter}, {text});
    EXPECT_EQ(out.division, "") << text;
    EXPECT_EQ(out.reason, "territory.ambiguous") << text;
  }
  for (const char* text : {"530102、530102001", "530102-01", "530102 窗口 000001"})
    EXPECT_EQ(Attribute({kCounter}, {text}).division, "530102") << text;
}

TEST(CodeTest, SixNineAndTwelveDigitsNameTheirCounty) {
  EXPECT_EQ(Code("530102"), "530102");
  EXPECT_EQ(Code(" 530102001 "), "530102");
  EXPECT_EQ(Code("530102001001"), "530102");
  EXPECT_EQ(Code("530121"), "530114");
  EXPECT_EQ(Code("530101"), "530100");
  EXPECT_EQ(Code("532823105"), "530100");
  EXPECT_EQ(Code("534001"), "");
  EXPECT_EQ(Attribute({kCounter}, {"530102-07"}).division, "530102");
  EXPECT_EQ(Attribute({kCounter}, {"530103001001A2"}).division, "530103");
}

TEST(UsccTest, TheDivisionStandsInCharactersThreeToEight) {
  EXPECT_EQ(Attribute({kUscc}, {"91530121MA6MEC998T"}).division, "530114");
  EXPECT_EQ(Attribute({kUscc}, {"91530100741451234P"}).division, "530100");
  EXPECT_EQ(Attribute({kUscc}, {"91530000741451234J"}).division, "");  // a province decides nothing
  EXPECT_EQ(Attribute({kUscc}, {"91534001741451234J"}).division, "");
  EXPECT_EQ(Attribute({kAuthority}, {"115301020151212341"}).division, "530102");
  EXPECT_EQ(Attribute({kUscc}, {"00000000000000000X"}).division, "");
  EXPECT_EQ(Attribute({kUscc}, {"9153**************"}).division, "");
}

// One character is another than was registered, and no one knows which.
TEST(UsccTest, AWrongCheckDigitSaysNothing) {
  const std::string right = WithCheck("91530102MA6MEC998");
  for (char digit : std::string("0123456789ABCDEFGHJKLMNPQRTUWXY")) {
    const std::string code = right.substr(0, 17) + digit;
    const Attribution out = Attribute({kWeakUscc}, {code});
    EXPECT_EQ(out.division, code == right ? "530102" : "") << code;
    ASSERT_EQ(out.findings.size(), 1U) << code;
    EXPECT_EQ(out.findings[0].unread, code != right) << code;
  }
  std::string small = right;
  for (char& c : small) c = absl::ascii_tolower(c);
  EXPECT_EQ(Attribute({kWeakUscc}, {small}).division, "530102");
  for (const char* text : {"ab530102cdefghijkl", "995301020000000000", "9153**************"})
    EXPECT_TRUE(Attribute({kWeakUscc}, {text}).findings[0].unread) << text;
}

TEST(UsccTest, SeveralCodesMustAgree) {
  EXPECT_EQ(Attribute({kUscc}, {"91530102MA6MEC998A、91530102741451234L"}).division, "530102");
  const Attribution two = Attribute({kUscc}, {"91530102MA6MEC998A、915301037414512343"});
  EXPECT_EQ(two.division, "");
  EXPECT_EQ(two.reason, "territory.ambiguous");
}

// 11 01 05 | 19491231 | 002X: characters 3–8 would be 010519; 53 11 01 01 … would be 北京东城.
TEST(UsccTest, ACitizenNumberIsNoUscc) {
  EXPECT_EQ(Attribute({kUscc}, {"11010519491231002X"}).division, "");
  const std::string digits = "53110101190101001";  // a made-up number
  const int weights[] = {7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2};
  int sum = 0;
  for (size_t i = 0; i < 17; ++i) sum += (digits[i] - '0') * weights[i];
  EXPECT_EQ(AllDivisions()->Resolve(digits.substr(2, 6)), "110101");
  EXPECT_EQ(Attribute({kUscc}, {digits + "10X98765432"[sum % 11]}).division, "");
}

TEST(NameTest, NamesAliasesAndFreeText) {
  for (const char* text : {"昆明", "昆明市", "云南省昆明市", "云南省_昆明市_无", "云南-昆明"})
    EXPECT_EQ(Name(text), "530100") << text;
  EXPECT_EQ(Name("云南省_昆明市_官渡区"), "530111");
  EXPECT_EQ(Name("官渡"), "530111");
  EXPECT_EQ(Name("呈贡县"), "530114");
  EXPECT_EQ(Name("版纳"), "532800");
  EXPECT_EQ(Name("西双版纳"), "532800");
  EXPECT_EQ(Name("大理"), "532900");
  EXPECT_EQ(Name("大理州"), "532900");
  EXPECT_EQ(Name("大理市"), "532901");
  EXPECT_EQ(Name("云南省_西双版纳州_勐腊县_磨憨镇"), "530100");
  EXPECT_EQ(Name("无"), "");
  EXPECT_EQ(Attribute({kName}, {"朝阳区"}).reason, "territory.ambiguous");
  EXPECT_EQ(Name("北京市朝阳区"), "110105");
}

TEST(AddressTest, ReadsFromTheLeft) {
  EXPECT_EQ(Address("云南省昆明市五华区一二一大街428号"), "530102");
  EXPECT_EQ(Address("昆明官渡区关上镇"), "530111");
  EXPECT_EQ(Address("云南省大理白族自治州弥渡县密祉镇"), "532925");
  EXPECT_EQ(Address("弥渡县弥城镇朱坊村61号"), "532925");
  EXPECT_EQ(Address("云南文山马关县都龙镇"), "532625");
  EXPECT_EQ(Address("云南省安宁连然镇"), "530181");
  EXPECT_EQ(Address("玉溪市峨山县塔甸镇", "玉溪"), "530426");
  EXPECT_EQ(Address("云南省玉溪市", "玉溪"), "530400");  // not the county-level city of 1983–1997
  EXPECT_EQ(Address("呈贡龙街石碑村", "昆明"), "530114");
  EXPECT_EQ(Address("中国（云南）自由贸易试验区昆明片区官渡区飞虎大道"), "530111");
}

TEST(AddressTest, RoadsAndFirmsNameNoPlace) {
  EXPECT_EQ(Address("云南省昆明市大理路12号"), "530100");
  EXPECT_EQ(Address("昆明市官渡路3号"), "530100");
  EXPECT_EQ(Address("昆明市北京路100号"), "530100");
  EXPECT_EQ(Attribute({kName, kAddress}, {"昆明", "昆明市五华区"}).county_means,
            CountyMeans::kWritten);
  EXPECT_EQ(Address("昆明路8号", "大理"), "532900");
  EXPECT_EQ(Address("昆明市五华大厦2楼"), "530100");
  EXPECT_EQ(Address("大同市场", "曲靖"), "530300");
  EXPECT_EQ(Address("双江镇昆洛路72号", "玉溪"), "530426");  // 峨山's town, not 临沧's county
  EXPECT_EQ(Address("海口青鱼村", "昆明"), "530100");        // 西山's town, not Hainan's city
  EXPECT_EQ(Address("红塔蓝鹰纸业有限公司内", "红河"), "532500");
}

TEST(AddressTest, StreetsAndCommunitiesNameTheirCounty) {
  EXPECT_EQ(Address("昆明市大板桥街道办事处板桥社区", "昆明"), "530111");
  EXPECT_EQ(Address("昆明市关上镇关上村148号"), "530111");
  EXPECT_EQ(Address("匡远镇汇东桥", "昆明"), "530125");
  EXPECT_EQ(Address("昆明市海源社区龙院村三社"), "530102");
  EXPECT_EQ(Address("阳宗镇大理村三角塘", "昆明"), "530100");  // neither Dali's nor Kunming's
}

TEST(AddressTest, NamesThatTwoCountiesHaveDecideNothingAlone) {
  EXPECT_EQ(Address("昆明市前卫镇平桥村37号"), "530100");
  EXPECT_EQ(Address("昆明市前卫镇双凤社区"), "530111");        // both together do
  EXPECT_EQ(Address("昆明市马街镇3号"), "530100");             // 西山's and 宜良's
  EXPECT_EQ(Address("东郊十里铺大桥村", "昆明"), "530100");    // a hamlet of a common name
  EXPECT_EQ(Address("昆明市小街办事处清朋"), "530100");        // not 嵩明's 小街镇
  EXPECT_EQ(Address("昆明市官南路小街办事处清朋"), "530111");  // the road's county
}

TEST(AddressTest, AStreetWithoutItsCityNeedsTheProvince) {
  EXPECT_EQ(Address("连然镇大屯"), "");
  EXPECT_EQ(Address("云南省连然镇大屯"), "530181");
  EXPECT_EQ(Attribute({kAddress, kWeakUscc}, {"连然镇大屯", "91530000741451234J"}).division,
            "530181");
  EXPECT_EQ(Address("云南省高新区新知花园1幢"), "");  // several cities have one
  EXPECT_EQ(Address("云南省滇池路3号"), "");
}

TEST(AddressTest, ZonesCountUnderTheirCounty) {
  EXPECT_EQ(Address("云南省昆明经开区经开路3号", "昆明"), "530111");
  EXPECT_EQ(Address("云南省昆明市滇池度假区迎海路8号", "昆明"), "530112");
  EXPECT_EQ(Address("昆明市高新技术产业开发区科医路", "昆明"), "530102");
  EXPECT_EQ(Address("云南省杨林工业园区南环路", "昆明"), "530127");
  EXPECT_EQ(Address("嵩阳镇经济开发区", "昆明"), "530127");  // the town's own, not 经开区
  EXPECT_EQ(Address("昆明市呈贡区高新区马金铺", "昆明"), "530114");
}

// Region, address, code of a registration.
Attribution Registration(const std::string& address, const std::string& county,
                         const std::string& region = "昆明") {
  return Attribute({kName, kAddress, kWeakUscc},
                   {region, address, county.empty() ? "" : WithCheck("91" + county + "741451234")});
}

TEST(AddressTest, ALandmarkOfOneCountyDecidesBeforeTheCode) {
  const Attribution alone = Registration("昆明市滇池路1008号", "530100");
  EXPECT_EQ(alone.division, "530112");
  EXPECT_EQ(alone.county_by, 1);
  EXPECT_EQ(alone.county_means, CountyMeans::kLandmark);
  const Attribution agreed = Registration("昆明市滇池路1008号", "530112");
  EXPECT_EQ(agreed.division, "530112");
  EXPECT_EQ(agreed.county_by, 1);
  EXPECT_EQ(agreed.county_means, CountyMeans::kAgreement);
  const Attribution disagreed = Registration("昆明市滇池路1008号", "530103");
  EXPECT_EQ(disagreed.division, "530112");
  EXPECT_EQ(disagreed.county_by, 1);
  EXPECT_EQ(disagreed.county_means, CountyMeans::kLandmark);
  EXPECT_TRUE(disagreed.conflict);
  EXPECT_EQ(disagreed.findings[1].candidates, "530112");
  EXPECT_EQ(Address("春城路17号", "昆明"), "530100");  // may be any town's
}

TEST(AddressTest, ARoadOfTwoCountiesDecidesTogetherWithTheCodeOnly) {
  EXPECT_EQ(Registration("昆明市人民西路", "530100").division, "530100");
  const Attribution out = Registration("昆明市人民西路", "530112");
  EXPECT_EQ(out.division, "530112");
  EXPECT_EQ(out.county_by, 2);
  EXPECT_EQ(out.county_means, CountyMeans::kAgreement);
  EXPECT_EQ(Registration("昆明市人民西路", "530103").division, "530100");
  EXPECT_EQ(Registration("昆明市人民西路", "530103").findings[1].candidates, "530102/530112");
  // Two such roads that cross leave one county.
  EXPECT_EQ(Registration("昆明市人民西路与环城西路口", "530100").division, "530100");
  EXPECT_EQ(Registration("昆明市北京路与环城南路交叉口", "530100").division, "530111");
  // Two of different counties contradict each other, so the address says nothing.
  EXPECT_EQ(Registration("昆明市滇池路与白龙路", "530100").division, "530100");
  EXPECT_EQ(Registration("昆明市滇池路与白龙路", "530112").division, "530112");
}

TEST(AddressTest, HouseNumbersTellWhereOnTheRoad) {
  EXPECT_EQ(Registration("昆明市北京路612号", "").division, "530103");
  EXPECT_EQ(Registration("昆明市北京路６１２号", "").division, "530103");
  EXPECT_EQ(Registration("昆明市北京路98号", "").division, "530100");
  EXPECT_EQ(Registration("昆明市北京路98号", "530111").division, "530111");
  EXPECT_EQ(Registration("昆明市环城南路668号", "").division, "530112");
  EXPECT_EQ(Registration("昆明市环城南路", "").division, "530100");
  EXPECT_EQ(Registration("昆明市北京路99999999999999999999号", "").division, "530100");
}

TEST(AddressTest, TheCodeDecidesWhereTheAddressNamesNoCounty) {
  EXPECT_EQ(Registration("昆明市某某大厦", "530103").division, "530103");
  EXPECT_EQ(Registration("昆明市某某大厦", "530103").county_means, CountyMeans::kCode);
  EXPECT_EQ(Registration("", "530103").division, "530103");
  EXPECT_EQ(Registration("", "530103").county_means, CountyMeans::kCode);
  EXPECT_EQ(Registration("云南省昆明市", "530103").division,
            "530103");  // says no more than the city
  EXPECT_EQ(Registration("云南省_昆明市_无", "530103").division, "530103");
  EXPECT_EQ(Registration("-", "530103").division, "530103");
  EXPECT_EQ(Registration("云南省大理州", "530103").division, "530100");  // another city's
}

TEST(AddressTest, AHamletDecidesTogetherWithTheCodeOnly) {
  EXPECT_EQ(Registration("昆明市清水河村29号", "").division, "530100");
  EXPECT_EQ(Registration("昆明市清水河村29号", "530115").division, "530115");
  EXPECT_EQ(Registration("昆明市刘家营村3幢", "530103").division, "530103");  // three have one
}

TEST(AddressTest, NamesInsideOtherNamesAreNotTaken) {
  EXPECT_EQ(Registration("昆明市青云街道办事处", "").division, "530103");  // not 五华's 青云街
  EXPECT_EQ(Registration("昆明市光华街道办事处", "").division, "530100");  // not 光华街
  EXPECT_EQ(Registration("昆明市山水润城2幢", "").division, "530103");
  EXPECT_EQ(Registration("昆明市阳宗海旅游度假区", "").division, "530100");
  EXPECT_EQ(Registration("昆明市度假区", "").division, "530112");
  EXPECT_EQ(Registration("昆明市茭菱路260号西山区人事局二楼", "").division, "530102");
  EXPECT_EQ(Registration("昆明市五华金盾小区", "").division, "530100");
}

TEST(AddressTest, ATownshipDecidesBeforeTheZoneThatRunsIt) {
  EXPECT_EQ(Registration("昆明市滇池旅游度假区大渔片区", "").division, "530114");
  EXPECT_EQ(Registration("昆明经开区洛羊街道办事处大洛羊社区", "").division, "530114");
  EXPECT_EQ(Registration("昆明市高新区马金铺", "").division, "530114");
  for (const char* text :
       {"云南省昆明经开区洛羊物流片区", "昆明经开区大洛羊(工贸片区9号)",
        "昆明滇池国家旅游度假区大渔欣城B8地块", "昆明市高新区新城高新技术产业基地B-5-3",
        "昆明市经济技术开发区小洛羊社区"})
    EXPECT_EQ(Registration(text, "").division, "530114") << text;
  // A road's or estate's county is not the zone's township.
  EXPECT_EQ(Registration("昆明市高新区北辰财富中心", "").division, "530102");
}

TEST(ChainTest, TheFirstStrongLinkDecidesTheCityAndTheFirstCountyInsideItTheCounty) {
  const std::vector<Link> links = {kName, kWeakUscc, kAddress};
  const Attribution out = Attribute(links, {"昆明", "915329017414512348", "昆明市盘龙区"});
  EXPECT_EQ(out.division, "530103");
  EXPECT_EQ(out.decided_by, 0);
  EXPECT_EQ(out.county_by, 2);  // the address is strong, the code weak and of another city
  EXPECT_EQ(out.findings.size(), 3U);
  EXPECT_EQ(out.disagreement, Disagreement::kCity);
  EXPECT_EQ(Attribute(links, {"", "91530102741451234L", ""}).division, "530102");
}

TEST(ChainTest, AnAddressIsReadAgainWhenALaterLinkSaysTheCity) {
  const Attribution out = Attribute({kAddress, kCode}, {"高新区科医路", "530100"});
  EXPECT_EQ(out.division, "530102");
  EXPECT_EQ(out.decided_by, 1);
  EXPECT_EQ(out.county_by, 0);
}

TEST(CodeTest, ANameInAFieldOfCodesIsReadAsOne) {
  EXPECT_EQ(Attribute({kCode}, {"昆明市"}).division, "530100");
  EXPECT_EQ(Attribute({kCode}, {"云南省_昆明市_无"}).division, "530100");
  EXPECT_EQ(Attribute({kCode}, {"昆明市五华区"}).division, "530102");
  for (const char* text : {"", "无", "大理路", "N/A"})
    EXPECT_EQ(Attribute({kCode}, {text}).division, "") << text;
}

TEST(CodeTest, WhatIsLongerOrMaskedIsNoCode) {
  for (const char* text : {"530102X", "530102****", "530102****12345678", "5301021", "53010",
                           "530102 五华区", "530102.0", "534001"}) {
    const Attribution out = Attribute({kCode}, {text});
    EXPECT_EQ(out.division, "") << text;
    EXPECT_EQ(out.reason, "territory.no_evidence") << text;
    ASSERT_EQ(out.findings.size(), 1U) << text;
    EXPECT_TRUE(out.findings[0].unread) << text;
  }
  EXPECT_EQ(Attribute({kCounter}, {"530102X"}).division, "");
  EXPECT_EQ(Attribute({kCounter}, {"530102****"}).division, "");
  EXPECT_TRUE(Attribute({kCode}, {"无"}).findings.empty());
  EXPECT_FALSE(Attribute({kCode}, {"530102"}).findings[0].unread);
  EXPECT_EQ(Code("530102199001011234"), "") << "a citizen number";
  EXPECT_EQ(Code("5301021"), "");
  EXPECT_EQ(Code("53282310"), "") << "cut short";
  EXPECT_EQ(Attribute({kWeakUscc}, {"91530102**********"}).division, "");
  EXPECT_EQ(Attribute({kWeakUscc}, {"91530102XXXXXXXXXX"}).division, "");
}

TEST(ChainTest, DisagreementHasALevel) {
  const auto level = [](const std::string& name, const std::string& code) {
    return Attribute({kName, kCode}, {name, code}).disagreement;
  };
  EXPECT_EQ(level("昆明", "530000"), Disagreement::kNone);
  EXPECT_EQ(level("昆明", "530102"), Disagreement::kNone);
  EXPECT_EQ(level("昆明市五华区", "530100"), Disagreement::kNone);
  EXPECT_EQ(level("昆明市五华区", "530103"), Disagreement::kCounty);
  EXPECT_EQ(level("昆明", "532901"), Disagreement::kCity);
  EXPECT_EQ(level("昆明", "440300"), Disagreement::kProvince);
  EXPECT_EQ(level("昆明", "534001"), Disagreement::kNone);
  EXPECT_EQ(Address("云南省大理白族自治州大理市下关镇", "昆明"), "530100!");
}

TEST(ChainTest, AManagedAreaAgreesWithTheCountyItLiesInAndWithItsManager) {
  const Attribution out = Attribute({kCode, kName}, {"532823105", "西双版纳州勐腊县"});
  EXPECT_EQ(out.division, "530100");
  EXPECT_FALSE(out.conflict);
  // A strong link that says only 西双版纳 still decides, but not in silence.
  EXPECT_EQ(Address("云南省西双版纳州勐腊县磨憨镇", "西双版纳"), "532800!");
  EXPECT_EQ(Address("云南省西双版纳州勐腊县磨憨镇", "昆明"), "530100");
}

TEST(AddressTest, ASecondCountyNeverPassesInSilence) {
  // Behind its city the first is the address's own; the other contradicts it.
  for (const char* text : {"昆明市五华区人民路2号盘龙区", "云南省昆明市五华区（原盘龙区）",
                           "昆明五华区经营场所：盘龙区北京路"}) {
    const Attribution out = Attribute({kName, kAddress}, {"昆明", text});
    EXPECT_EQ(out.division, "530102") << text;
    EXPECT_EQ(out.disagreement, Disagreement::kCounty) << text;
    ASSERT_EQ(out.findings.size(), 2U);
    EXPECT_EQ(out.findings[1].division, "530102");
    EXPECT_EQ(out.findings[1].also, "530103") << text;
    EXPECT_EQ(out.findings[1].disagreement, Disagreement::kCounty);
  }
  // Without it neither is taken: the city only, unless a code names one of the two.
  const Attribution bare = Attribute({kName, kAddress}, {"昆明", "五华区人民路2号盘龙区"});
  EXPECT_EQ(bare.division, "530100");
  EXPECT_EQ(bare.county_by, -1);
  ASSERT_EQ(bare.findings.size(), 2U);
  EXPECT_TRUE(bare.findings[1].ambiguous);
  EXPECT_EQ(bare.findings[1].candidates, "530102/530103");
  const auto with_code = [](const char* uscc) {
    return Attribute({kName, kAddress, kWeakUscc}, {"昆明", "五华区人民路2号盘龙区", uscc})
        .division;
  };
  EXPECT_EQ(with_code("91530103MA6MEC998Q"), "530103");
  EXPECT_EQ(with_code("91530112MA6MEC998R"), "530100");
  EXPECT_EQ(Attribute({kAddress}, {"五华区人民路2号大理市下关镇"}).division, "");
  EXPECT_EQ(Attribute({kAddress}, {"五华区人民路2号大理市下关镇"}).reason, "territory.ambiguous");
  // Another city's county: how far is told.
  EXPECT_EQ(Attribute({kAddress}, {"昆明市五华区人民路2号大理市下关镇"}).disagreement,
            Disagreement::kCity);
  // The same county again, an institution's, a road's, a zone's name: nothing.
  for (const char* text :
       {"昆明市五华区昆明市五华区北京路1号", "昆明市五华区盘龙区粮食局宿舍",
        "昆明市五华区官渡路3号", "昆明市官渡区五华区人民政府驻地", "昆明市盘龙区五华大厦"})
    EXPECT_FALSE(Attribute({kAddress}, {text}).conflict) << text;
}

// 磨憨镇 was 尚勇镇; its zones bear its name. What lies there is Kunming's.
TEST(ManagedAreaTest, ItsNamesMeanIt) {
  for (const char* text :
       {"勐腊县磨憨镇尚岗村", "云南省西双版纳州勐腊县磨憨经济开发区无忧路5号",
        "磨憨经济开发区东盟大道11号", "西双版纳磨憨跨境经济合作区", "勐腊县磨憨东盟大道6号",
        "云南省西双版纳州磨憨", "勐腊县尚勇镇磨憨村委会", "勐腊县磨憨村委会磨龙小组"})
    EXPECT_EQ(Address(text), "530100") << text;
}

// A firm, an office or a direction of that name lies in another township of 勐腊.
TEST(ManagedAreaTest, ABareNameInAnotherTownshipIsNotIt) {
  for (const char* text : {"勐腊县勐腊镇磨憨饭店", "勐腊县勐满镇磨憨边贸有限公司",
                           "西双版纳州勐腊县勐腊镇往磨憨方向2公里", "勐腊县勐捧镇曼庄村",
                           "勐腊县勐腊镇磨憨路8号", "勐腊县磨憨路8号"})
    EXPECT_EQ(Address(text), "532823") << text;
}

TEST(ManagedAreaTest, WhatMayBeEitherIsLeftOpenAndNoCodeDecidesIt) {
  for (const char* text : {"勐腊县磨憨饭店", "勐腊县驻磨憨办事处", "勐腊县磨憨边贸有限公司",
                           "勐腊县曼庄村委会", "勐腊县尚勇村委会", "勐腊县勐满镇与磨憨镇交界处"}) {
    const Attribution out = Attribute({kAddress, kWeakUscc}, {text, "91532823MA6MEC998L"});
    EXPECT_EQ(out.division, "") << text;
    EXPECT_EQ(out.reason, "territory.ambiguous") << text;
    EXPECT_EQ(Address(text, "西双版纳"), "532800") << text;
    EXPECT_EQ(Address(text, "昆明"), "530100") << text;
  }
}

TEST(AddressTest, AVillageDecidesAgainstNeitherARoadNorACode) {
  EXPECT_EQ(Registration("昆明市气象路刘家营村委会", "530000").division, "530100");
  EXPECT_EQ(Registration("昆明市气象路刘家营村委会", "530112").division, "530112");
  EXPECT_EQ(Registration("昆明市世纪城金源社区岚春苑", "530111").division, "530111");
  EXPECT_EQ(Registration("昆明市大塘子社区147号", "").division, "530129");
  EXPECT_EQ(Registration("昆明市大塘子社区147号", "530102").division, "530100");
  EXPECT_EQ(Registration("昆明市马街镇大渔办事处苏家村198号", "530112").division, "530112");
}

TEST(AddressTest, OfTwoEqualCountiesNeitherIsTaken) {
  for (const char* text : {"昆明市官渡区、盘龙区", "昆明市官渡区与盘龙区交界处"}) {
    EXPECT_EQ(Registration(text, "").division, "530100") << text;
    EXPECT_EQ(Registration(text, "530103").division, "530103") << text;
  }
}

TEST(AddressTest, TwoCitiesNeverPassInSilence) {
  for (const char* text : {"昆明市/玉溪市", "云南省昆明市、曲靖市", "昆明市（玉溪市）"}) {
    EXPECT_EQ(Address(text), "") << text;
    EXPECT_EQ(Attribute({kAddress}, {text}).reason, "territory.ambiguous") << text;
    EXPECT_EQ(Name(text), "") << text;
    EXPECT_EQ(Attribute({kName}, {text}).reason, "territory.ambiguous") << text;
  }
  // Right behind the first it may be anywhere in the country, a province or a city that is one,
  // too.
  for (const char* text :
       {"昆明市北京市", "昆明市北京市朝阳区建国路1号", "昆明市、四川省成都市",
        "昆明市/上海市浦东新区", "昆明市广东省深圳市", "昆明市五华区北京市朝阳区"}) {
    EXPECT_EQ(Address(text), "") << text;
    EXPECT_EQ(Attribute({kAddress}, {text}).reason, "territory.ambiguous") << text;
    EXPECT_EQ(Name(text), "") << text;
  }
  for (const char* text : {"昆明市北京路12号", "昆明市云南省某某中学", "昆明市北京市场3号",
                           "昆明市天津路", "昆明市上海市人民政府驻昆办事处"})
    EXPECT_EQ(Address(text), "530100") << text;
  // The first is the address's own where more stands behind it.
  const Attribution out = Attribute({kAddress}, {"昆明市盘龙区北京路2号玉溪市驻地"});
  EXPECT_EQ(out.division, "530103");
  EXPECT_FALSE(out.conflict) << "an office of another city";
  EXPECT_EQ(Address("昆明市人民路2号玉溪市红塔区"), "530100!");
  EXPECT_EQ(Address("昆明市昆明市五华区"), "530102");
}

TEST(AddressTest, ThingsNamedAfterPlacesNameNoPlace) {
  for (const char* text : {"普洱茶城3栋", "大理石材市场A区", "昆明湖路12号", "宣威火腿店"})
    EXPECT_EQ(Address(text), "") << text;
  EXPECT_EQ(Address("普洱茶交易市场", "昆明"), "530100");
  EXPECT_EQ(Address("大理石油分公司龙山加油站", "大理"), "532900");
  EXPECT_EQ(Address("云南省普洱思茅区茶城大道"), "530802");
}

TEST(AddressTest, AShortNameThatIsPartOfAnotherNameDecidesNoCounty) {
  for (const char* text : {"昆明市安宁大街5号", "昆明市安宁庄", "昆明市富民里5号", "昆明市石林楼",
                           "昆明市东川饭馆", "昆明市宜良烤鸭店", "昆明市盘龙小学", "昆明市富民商行",
                           "昆明市富民商业街5号", "昆明市西山小学", "富民里5号"}) {
    EXPECT_EQ(Address(text, "昆明"), "530100") << text;
    EXPECT_EQ(Registration(text, "530115").division, "530100") << text;
  }
  EXPECT_EQ(Registration("昆明市宜良烤鸭店", "530125").division, "530125") << "both agree";
  for (const char* text :
       {"昆明市安宁", "昆明市安宁（连然镇）", "昆明安宁连然镇", "云南省_昆明市_安宁_无",
        "昆明市安宁工业园区", "昆明市安宁职教基地", "安宁连然镇"})
    EXPECT_EQ(Address(text, "昆明"), "530181") << text;
  EXPECT_EQ(Address("云南省景谷振兴路83号"), "530824");
  EXPECT_EQ(Address("双江自治县弄翔路2号", "临沧"), "530925");
}

TEST(AddressTest, AnInstitutionBehindOtherWordsDecidesNoCounty) {
  for (const char* name : {"五华区检察院宿舍", "五华区第一中学", "五华区人武部",
                           "五华区房地产交易中心", "五华区乡镇企业局6楼", "五华区公路管理段",
                           "五华区农村信用社", "五华区区域经理部", "五华区粮食局"}) {
    const std::string text = std::string("昆明市某某大厦旁") + name;
    EXPECT_EQ(Address(text, "昆明"), "530100") << text;
    EXPECT_EQ(Registration(text, "530103").division, "530100") << text;
    EXPECT_EQ(Registration(text, "530102").division, "530102") << text;
  }
  for (const char* name :
       {"五华区", "五华区（黑林铺）", "五华区12号", "五华区王筇路", "五华区莲花新村"})
    EXPECT_EQ(Address(std::string("昆明市某某大厦旁") + name), "530102") << name;
  EXPECT_EQ(Address("昆明市五华区检察院宿舍"), "530102") << "right behind its city";
}

TEST(AddressTest, AnOfficeOfOneCityInAnotherDecidesNeither) {
  for (const char* text :
       {"大理州驻昆明办事处", "大理州驻昆办事处", "昆明海关驻河口办事处", "昆明理工大学大理校区",
        "昆明市、玉溪", "昆明/玉溪", "昆明曲靖", "昆明市驻曲靖市办事处"}) {
    EXPECT_EQ(Address(text), "") << text;
    EXPECT_EQ(Attribute({kAddress}, {text}).reason, "territory.ambiguous") << text;
    EXPECT_EQ(Name(text), "") << text;
    EXPECT_EQ(Address(text, "昆明"), "530100") << text;
  }
  EXPECT_EQ(Address("昆明市五华区（迁往西山区）"), "530100");
  for (const char* text :
       {"昆明市官渡区已划归呈贡区", "昆明市官渡区变更为呈贡区", "昆明市官渡区改为西山区"})
    EXPECT_EQ(Address(text), "530100") << text;
  EXPECT_EQ(Address("昆明市大理路"), "530100");
  EXPECT_EQ(Address("昆明市官渡区人民政府驻地"), "530111");
  EXPECT_EQ(Address("昆明市驻军大院"), "530100");
}

TEST(AddressTest, AnExceptedPlaceDecidesNothing) {
  for (const char* text : {"五华区以东", "靠近昆明市五华区", "昆明市西山区以西安宁市",
                           "昆明市（五华区除外）", "昆明市不在五华区", "非昆明市五华区", "云南省外",
                           "昆明市以外", "除昆明市外", "五华区以外"}) {
    EXPECT_EQ(Address(text), "") << text;
    EXPECT_EQ(Attribute({kAddress}, {text}).reason, "territory.ambiguous") << text;
    EXPECT_EQ(Name(text), "") << text;
  }
  EXPECT_EQ(Address("昆明市五华区外国语学校"), "530102");
  EXPECT_EQ(Address("昆明市五华区二环外1号"), "530102");
}

TEST(AddressTest, FormerNamesAreReadAsTheirSuccessors) {
  EXPECT_EQ(Address("云南省中甸县"), "533401");
  EXPECT_EQ(Address("云南省德宏州潞西市芒市镇"), "533103");
  EXPECT_EQ(Address("下关市"), "532901");
  EXPECT_EQ(Name("潞西市"), "533103");
  EXPECT_EQ(Address("云南省思茅市翠云区"), "530802");
  EXPECT_EQ(Address("昆明市板桥镇"), "530100") << "石林's, and so is 官渡's 大板桥镇 written";
}

TEST(ChainTest, WhereNothingDecidesTheReasonIsTold) {
  const Attribution out = Attribute({kName, kAddress, kWeakUscc}, {"", "翠湖宾馆大堂", ""});
  EXPECT_EQ(out.division, "");
  EXPECT_EQ(out.decided_by, -1);
  EXPECT_EQ(out.reason, "territory.no_evidence");
}

// Torn and mixed text of any kind is read to its end and no further (the sanitizers watch).
TEST(ChainTest, AnyBytesAreReadWithoutHarm) {
  const auto attributor = MakeAttributor({kName, kAddress, kCode, kWeakUscc});
  const unsigned seed = std::random_device()();
  std::printf("seed %u\n", seed);
  std::mt19937 random(seed);
  const std::vector<std::string> parts = {"云南省", "昆明",   "市",  "五华区", "\xE6\x98", "路",
                                          "磨憨",   "530102", "无",  "\xFF",   "　",       "前卫镇",
                                          "村",     "经开区", "，",  "中国",   "滇池路",   "\xF0",
                                          "社区",   "_",      "大理"};
  Attribution out;
  for (int i = 0; i < 20000; ++i) {
    std::string texts[4];
    for (std::string& text : texts) {
      for (size_t n = random() % 8; n > 0; --n) text += parts[random() % parts.size()];
      text.resize(text.size() - std::min<size_t>(text.size(), random() % 3));
    }
    const EvidenceValue values[] = {{texts[0]}, {texts[1]}, {texts[2]}, {texts[3]}};
    attributor->Attribute(values, &out);
    ASSERT_EQ(out.division.empty(), !out.reason.empty());
    ASSERT_TRUE(out.division.empty() || AllDivisions()->Resolve(out.division) == out.division);
    ASSERT_TRUE(out.county_by < 0 || out.decided_by >= 0);
  }
}

TEST(ChainTest, AnAttributorForgetsTheRecordBefore) {
  const auto attributor = MakeAttributor({kName, kCode});
  Attribution out;
  const EvidenceValue first[] = {{"昆明"}, {"532901"}}, second[] = {{""}, {""}};
  attributor->Attribute(first, &out);
  EXPECT_TRUE(out.conflict);
  attributor->Attribute(second, &out);
  EXPECT_EQ(out.division, "");
  EXPECT_FALSE(out.conflict);
  EXPECT_TRUE(out.findings.empty());
}

}  // namespace
}  // namespace huiliu::territory
