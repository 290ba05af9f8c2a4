#include "core/territory/name_context.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "absl/strings/match.h"

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
