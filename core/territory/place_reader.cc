#include "core/territory/place_reader.h"

#include <algorithm>
#include <set>

#include "absl/strings/match.h"

namespace huiliu::territory {
namespace {

size_t CodePointSize(char c) {
  const uint8_t b = static_cast<uint8_t>(c);
  return b < 0x80 ? 1 : b < 0xE0 ? 2 : b < 0xF0 ? 3 : 4;
}

// What follows a name that is only part of a road, building or firm name: 大理路, 昆明路, 五华大厦.
bool ContinuesAsOtherName(absl::string_view rest) {
  for (absl::string_view tail :
       {"路",   "街",     "巷",   "大道", "道",   "桥",   "大厦",   "广场", "花园", "商城",
        "商场", "大酒店", "宾馆", "公司", "小区", "立交", "火车站", "车站", "机场", "公路",
        "高速", "东路",   "西路", "南路", "北路", "中路", "东街",   "西街", "南街", "北街",
        "学院", "大学",   "医院", "厂",   "新村", "村",   "会馆",   "市场"}) {
    if (absl::StartsWith(rest, tail)) return true;
  }
  return false;
}

bool Inside(absl::string_view area, absl::string_view code) {
  if (area.empty()) return true;
  if (absl::EndsWith(area, "0000")) return absl::StartsWith(code, area.substr(0, 2));
  if (absl::EndsWith(area, "00")) return absl::StartsWith(code, area.substr(0, 4));
  return area == code;
}

// Of the codes that a name has, the one deeper inside `within`; empty where none or several are.
std::string OnlyInside(const std::vector<std::string>& codes, absl::string_view within) {
  std::string found;
  for (const std::string& code : codes) {
    if (!Inside(within, code) || code == within) continue;
    if (!found.empty()) return "";
    found = code;
  }
  return found;
}

class Reader {
 public:
  Reader(const Gazetteer& gazetteer, absl::string_view text) : gazetteer_(gazetteer), text_(text) {}

  // Province, city, county, as they follow each other from the left. `begin` moves behind what was
  // read.
  std::string ReadFromLeft(size_t* begin) const {
    std::string at;
    while (true) {
      const size_t start = SkipFiller(*begin);
      size_t end = 0;
      const std::string next = MatchAt(start, at, &end);
      if (next.empty()) return at;
      at = next;
      *begin = end;
      if (IsCounty(at)) return at;
    }
  }

  // The counties that are named in full anywhere behind `begin`, inside `within`.
  std::set<std::string> CountiesNamed(size_t begin, absl::string_view within) const {
    std::set<std::string> counties;
    ForEachPosition(begin, [&](size_t at) -> size_t {
      for (size_t size = std::min(gazetteer_.longest_name(), text_.size() - at); size >= 6;
           --size) {
        const std::vector<std::string>* codes = gazetteer_.Named(text_.substr(at, size));
        if (codes == nullptr) continue;
        const std::string county = OnlyInside(*codes, within);
        if (!IsCounty(county) || ContinuesAsOtherName(text_.substr(at + size))) continue;
        counties.insert(county);
        return size;
      }
      return 0;
    });
    return counties;
  }

  std::string ZoneNamed(absl::string_view city) const {
    for (const auto& [name, county] : gazetteer_.zones()) {
      if (absl::StrContains(text_, name) && Inside(city, county)) return county;
    }
    return "";
  }

  // Streets, towns, villages: the county in which all that are unambiguous inside the city stand.
  Place LocalPlaces(size_t begin, absl::string_view city) const {
    std::set<std::string> counties;
    ForEachPosition(begin, [&](size_t at) -> size_t {
      for (size_t size = std::min(gazetteer_.longest_local(), text_.size() - at); size >= 9;
           --size) {
        const std::vector<std::string>* codes = gazetteer_.Local(text_.substr(at, size));
        if (codes == nullptr) continue;
        const std::string county = OnlyInside(*codes, city);
        if (!county.empty()) counties.insert(county);
        return size;
      }
      return 0;
    });
    if (counties.size() == 1) return {*counties.begin(), false};
    return {"", counties.size() > 1};
  }

 private:
  // Calls f at each code point; f says how many bytes it took (0: one code point).
  template <typename F>
  void ForEachPosition(size_t begin, const F& f) const {
    for (size_t at = begin; at < text_.size();) {
      const size_t took = static_cast<uint8_t>(text_[at]) < 0x80 ? 0 : f(at);
      at += took > 0 ? took : CodePointSize(text_[at]);
    }
  }

  size_t SkipFiller(size_t at) const {
    while (at < text_.size()) {
      if (static_cast<uint8_t>(text_[at]) < 0x80 &&
          !absl::StrContains("0123456789", text_.substr(at, 1))) {
        ++at;
      } else if (absl::StartsWith(text_.substr(at), "　") ||
                 absl::StartsWith(text_.substr(at), "，") ||
                 absl::StartsWith(text_.substr(at), "无")) {
        at += 3;
      } else {
        break;
      }
    }
    return at;
  }

  // The longest name at `start` that lies inside `within`; `end` is behind it.
  std::string MatchAt(size_t start, absl::string_view within, size_t* end) const {
    const size_t longest = std::min(gazetteer_.longest_name(), text_.size() - start);
    for (size_t size = longest; size >= 6; --size) {
      const absl::string_view name = text_.substr(start, size);
      const absl::string_view rest = text_.substr(start + size);
      if (const auto* codes = gazetteer_.Named(name);
          codes != nullptr && !ContinuesAsOtherName(rest)) {
        const std::string code = OnlyInside(*codes, within);
        if (!code.empty()) {
          *end = start + size;
          return code;
        }
      }
      if (const auto* codes = gazetteer_.ShortNamed(name);
          codes != nullptr && !ContinuesAsOtherName(rest)) {
        const std::string code = OnlyInside(*codes, within);
        if (!code.empty()) {
          *end = start + size;
          return code;
        }
      }
    }
    return "";
  }

  const Gazetteer& gazetteer_;
  const absl::string_view text_;
};

}  // namespace

Place ReadName(const Gazetteer& gazetteer, absl::string_view text) {
  const Reader reader(gazetteer, text);
  size_t begin = 0;
  const std::string division = reader.ReadFromLeft(&begin);
  return {division, false};
}

Place ReadAddress(const Gazetteer& gazetteer, absl::string_view text, absl::string_view city) {
  const Reader reader(gazetteer, text);
  size_t begin = 0;
  const std::string written = reader.ReadFromLeft(&begin);
  if (IsCounty(written)) return {written, false};
  const std::string within = IsCityOrCounty(written) ? written : std::string(city);
  const std::set<std::string> named = reader.CountiesNamed(begin, within);
  if (named.size() == 1 && !within.empty()) return {*named.begin(), false};
  if (named.size() > 1) return {within == written ? written : "", true};
  if (within.empty()) {
    // Nothing says the city: only a county's full name, once in all of China's counties that we
    // know, may.
    return {named.size() == 1 ? *named.begin() : written, false};
  }
  if (const std::string zone = reader.ZoneNamed(within); !zone.empty()) return {zone, false};
  Place local = reader.LocalPlaces(begin, within);
  if (!local.division.empty()) return local;
  return {written, local.ambiguous && written.empty()};
}

}  // namespace huiliu::territory
