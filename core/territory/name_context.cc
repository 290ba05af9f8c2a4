#include "core/territory/name_context.h"

#include <algorithm>
#include <iterator>
#include <optional>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/strip.h"

namespace huiliu::territory {

bool StartsWithAny(absl::string_view text, absl::Span<const absl::string_view> heads) {
  return std::any_of(heads.begin(), heads.end(),
                     [&](absl::string_view head) { return absl::StartsWith(text, head); });
}

// What makes the name before it a road's: 大理路, 龙泉东路, 新村立交桥.
bool ContinuesAsRoad(absl::string_view rest) {
  static constexpr absl::string_view kRoads[] = {
      "路",   "街",   "巷",   "大道", "道",   "东路", "西路", "南路", "北路", "中路", "东街",
      "西街", "南街", "北街", "中街", "公路", "高速", "立交", "线",   "段",   "新路", "老路"};
  return StartsWithAny(rest, kRoads) && !absl::StartsWith(rest, "街道") &&
         !absl::StartsWith(rest, "道班");
}

bool IsRoad(absl::string_view name) {
  for (absl::string_view suffix : {"路", "街", "巷", "道", "线"}) {
    if (absl::EndsWith(name, suffix)) return true;
  }
  return false;
}

// ０ to ９ are EF BC 90 to EF BC 99.
uint32_t HouseNumber(absl::string_view rest) {
  constexpr uint32_t kMax = 100000;
  uint32_t number = 0;
  while (!rest.empty() && number < kMax) {
    uint32_t digit = 10;
    size_t size = 1;
    if (rest[0] >= '0' && rest[0] <= '9') {
      digit = static_cast<uint32_t>(rest[0] - '0');
    } else if (rest.size() >= 3 && absl::StartsWith(rest, "\xEF\xBC")) {
      digit = static_cast<uint8_t>(rest[2]) - 0x90U;
      size = 3;
    }
    if (digit > 9) break;
    number = number * 10 + digit;
    rest.remove_prefix(size);
  }
  return number;
}

// What makes the short name before it part of another name: 昆明路, 五华大厦, 双江镇, 西山林场.
bool ContinuesAsOtherName(absl::string_view rest) {
  static constexpr absl::string_view kTails[] = {
      "街道", "桥",   "大厦", "广场", "花园", "商城", "商场", "大酒店", "酒店", "宾馆", "公司",
      "小区", "车站", "机场", "火车", "学院", "大学", "医院", "厂",     "新村", "村",   "会馆",
      "市场", "镇",   "乡",   "社区", "办事", "山",   "寺",   "江",     "河",   "林场", "饭店",
      "集团", "人家", "商贸", "国际", "家园", "公寓", "农场", "水库",   "公墓", "居委", "苑",
      "有限", "金盾", "烟厂", "商会", "驻",   "园艺", "公园", "温泉"};
  return !rest.empty() && (ContinuesAsRoad(rest) || StartsWithAny(rest, kTails));
}

bool IsThing(absl::string_view name, absl::string_view rest) {
  static constexpr std::pair<absl::string_view, absl::string_view> kThings[] = {
      {"普洱", "茶"}, {"昆明", "湖"}, {"宣威", "火腿"}};
  if (name == "大理" && absl::StartsWith(rest, "石")) {
    // 大理石油公司 is a company of 大理.
    return StartsWithAny(rest.substr(3), {"材", "板", "加工", "厂", "工艺", "开采", "矿", "制",
                                          "雕", "市场", "销售", "路", "街", "城"});
  }
  return std::any_of(std::begin(kThings), std::end(kThings), [&](const auto& thing) {
    return name == thing.first && absl::StartsWith(rest, thing.second);
  });
}

// What makes the county before it an institution's, which may stand in another: 西山区粮食局.
bool ContinuesAsInstitution(absl::string_view rest) {
  static constexpr absl::string_view kTails[] = {
      "委",   "政府", "人民", "人事", "粮食", "农村信用", "文化", "教育", "法院", "公安",  "财政",
      "国税", "地税", "税务", "供销", "工商", "机关",     "妇幼", "卫生", "民政", "商业局"};
  return StartsWithAny(rest, kTails);
}

bool ContinuesAsPart(absl::string_view rest) {
  return StartsWithAny(rest, {"工业园", "工业区", "产业园", "经济开发区", "经济技术开发区",
                              "开发区", "新区", "新县城", "县城", "城区", "城关", "职教基地",
                              "职教园区", "职业教育基地", "特色产业园", "再就业特区"});
}

bool BeginsWithSign(absl::string_view text) {
  static constexpr absl::string_view kSigns[] = {"　", "，", "、", "：", "（", "）",
                                                 "；", "／", "。", "与", "和", "及"};
  return !text.empty() && (static_cast<uint8_t>(text[0]) < 0x80 ? !absl::ascii_isalnum(text[0])
                                                                : StartsWithAny(text, kSigns));
}

bool NameEnds(absl::string_view rest) {
  return rest.empty() || BeginsWithSign(rest) || HouseNumber(rest) > 0;
}

namespace {

// What stands behind a place's own name of two code points or more and one of `ends`, which comes
// before any sign or digit; nullopt: there is no such name.
std::optional<absl::string_view> BehindName(absl::string_view rest,
                                            absl::Span<const absl::string_view> ends) {
  static constexpr absl::string_view kWords[] = {"公路", "道路", "铁路", "乡镇", "城乡", "农村"};
  constexpr size_t kLeast = 2;
  size_t points = 0;
  for (size_t at = 0; at < rest.size(); at += CodePointSize(rest[at]), ++points) {
    const absl::string_view here = rest.substr(at);
    if (NameEnds(here) || (points < kLeast && StartsWithAny(here, kWords))) return std::nullopt;
    if (points < kLeast) continue;
    for (absl::string_view end : ends) {
      if (absl::StartsWith(here, end) && NameEnds(here.substr(end.size())))
        return here.substr(end.size());
    }
  }
  return std::nullopt;
}

}  // namespace

bool ContinuesAsAddress(absl::string_view rest) {
  return BehindName(rest, {"路", "街", "巷", "道", "镇", "乡", "村", "社区", "街道"}).has_value();
}

bool ContinuesAsPlainAddress(absl::string_view rest) {
  const std::optional<absl::string_view> behind = BehindName(rest, {"路", "街"});
  return (behind.has_value() && HouseNumber(*behind) > 0) || BehindName(rest, {"村"}).has_value();
}

bool ExceptedBefore(absl::string_view before) {
  for (absl::string_view word :
       {"除", "除了", "非", "不在", "不属", "不属于", "不含", "不包括", "不包含", "不是", "不限",
        "靠近", "邻近", "临近", "紧邻", "毗邻"}) {
    if (absl::EndsWith(before, word)) return true;
  }
  return false;
}

bool ExceptedBehind(absl::string_view rest) {
  if (StartsWithAny(rest, {"除外", "以外", "之外", "以东", "以西", "以南", "以北"})) return true;
  return absl::ConsumePrefix(&rest, "外") && NameEnds(rest);
}

bool MeansDivision(absl::string_view name, absl::string_view rest) {
  if (!EndsAsDivision(name)) return !ContinuesAsOtherName(rest);
  return !(absl::EndsWith(name, "市") && absl::StartsWith(rest, "场"));
}

bool EndsAsDivision(absl::string_view name) {
  for (absl::string_view suffix : {"省", "市", "县", "区", "州", "旗", "盟"}) {
    if (absl::EndsWith(name, suffix)) return true;
  }
  return false;
}

}  // namespace huiliu::territory
