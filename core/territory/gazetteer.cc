#include "core/territory/gazetteer.h"

#include <algorithm>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "core/base/files.h"
#include "core/base/status.h"

namespace huiliu::territory {
namespace {

using absl::StrCat;

// Calls f(columns) for each line behind the header; INVALID_ARGUMENT names file and line.
template <typename F>
absl::Status ForEachRow(const std::string& path, size_t columns, const F& f) {
  ASSIGN_OR_RETURN(const std::string content, ReadFile(path));
  int number = 0;
  for (absl::string_view line : absl::StrSplit(content, '\n')) {
    if (++number == 1 || line.empty()) continue;
    const std::vector<absl::string_view> cells = absl::StrSplit(line, '\t');
    if (cells.size() < columns) {
      return absl::InvalidArgumentError(StrCat(path, ":", number, ": 应有 ", columns, " 列 / ",
                                               columns, " columns are expected"));
    }
    RETURN_IF_ERROR(Annotate(f(cells), StrCat(path, ":", number)));
  }
  return absl::OkStatus();
}

bool AllDigits(absl::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), absl::ascii_isdigit);
}

// 昆明市 → 昆明, 禄劝彝族苗族自治县 → 禄劝, 大理白族自治州 → 大理. Empty where nothing of two code
// points would be left.
std::string ShortName(absl::string_view name) {
  static const char* const kPeoples[] = {"傣族",   "景颇族", "哈尼族", "彝族",   "白族",   "苗族",
                                         "壮族",   "回族",   "藏族",   "傈僳族", "拉祜族", "佤族",
                                         "布朗族", "独龙族", "怒族",   "普米族", "瑶族",   "纳西族",
                                         "布依族", "土家族", "侗族",   "满族",   "蒙古族"};
  for (absl::string_view suffix : {"自治州", "自治县", "市", "县", "区", "省"}) {
    if (!absl::EndsWith(name, suffix)) continue;
    name.remove_suffix(suffix.size());
    bool more = absl::StartsWith(suffix, "自治");
    while (more) {
      more = false;
      for (absl::string_view people : kPeoples) {
        if (name.size() > people.size() && absl::EndsWith(name, people)) {
          name.remove_suffix(people.size());
          more = true;
        }
      }
    }
    break;
  }
  return name.size() >= 6 ? std::string(name) : "";
}

// House numbers as places.tsv writes them: 570-2000; empty means all.
absl::Status ReadNumbers(absl::string_view text, Naming* naming) {
  if (text.empty()) return absl::OkStatus();
  const std::vector<absl::string_view> ends = absl::StrSplit(text, '-');
  if (ends.size() != 2 || !absl::SimpleAtoi(ends[0], &naming->first_number) ||
      !absl::SimpleAtoi(ends[1], &naming->last_number) || naming->first_number == 0 ||
      naming->first_number > naming->last_number)
    return absl::InvalidArgumentError(
        StrCat("门牌号应写作 1-99 / house numbers are written 1-99, not ", text));
  return absl::OkStatus();
}

}  // namespace

bool IsCityOrCounty(absl::string_view code) {
  return code.size() == 6 && code.substr(2, 4) != "0000";
}
bool IsCounty(absl::string_view code) { return code.size() == 6 && code.substr(4, 2) != "00"; }

std::string CityOf(absl::string_view code) {
  if (!IsCityOrCounty(code)) return "";
  return StrCat(code.substr(0, 4), "00");
}

bool Inside(absl::string_view area, absl::string_view code) {
  if (area.empty()) return true;
  if (absl::EndsWith(area, "0000")) return absl::StartsWith(code, area.substr(0, 2));
  if (absl::EndsWith(area, "00")) return absl::StartsWith(code, area.substr(0, 4));
  return area == code;
}

const Division* Gazetteer::Find(absl::string_view code) const {
  const auto it = divisions_.find(code);
  return it == divisions_.end() ? nullptr : &it->second;
}

std::string Gazetteer::Resolve(absl::string_view code) const {
  if ((code.size() != 6 && code.size() != 9 && code.size() != 12) || !AllDigits(code)) return "";
  for (size_t size : {size_t{12}, size_t{9}}) {
    if (code.size() < size) continue;
    const auto managed = managed_.find(code.substr(0, size));
    if (managed != managed_.end()) return managed->second;
  }
  std::string current(code.substr(0, 6));
  // Successors are followed a bounded number of times: the file is kept by hand.
  for (int step = 0; step < 4; ++step) {
    const auto it = divisions_.find(current);
    if (it == divisions_.end()) return "";
    if (!it->second.abolished) return current;
    if (it->second.successor.empty()) return "";
    current = it->second.successor;
  }
  return "";
}

bool Gazetteer::Contains(absl::string_view area, absl::string_view code) const {
  // A township's code would stand for its whole county.
  if (area.size() != 6) return false;
  const std::string place = Resolve(code);
  if (place.empty()) return false;
  const auto current = divisions_.find(area);
  if (current != divisions_.end() && !current->second.abolished) return Inside(area, place);
  // An abolished area is what took its place, as a code of it is.
  const std::string successor = Resolve(area);
  return !successor.empty() && Inside(successor, place);
}

absl::string_view Gazetteer::ManagedIn(absl::string_view code) const {
  for (size_t size : {size_t{12}, size_t{9}}) {
    if (code.size() >= size && managed_.contains(code.substr(0, size))) return code.substr(0, 6);
  }
  return "";
}

// A street or village under every form in which addresses write it. Forms of fewer than three
// characters stand inside other words, and a bare 大桥村 may be a hamlet anywhere: of villages
// without 社区 or 村委会 only names of three characters and 村 are known.
void Gazetteer::AddPlace(absl::string_view code, absl::string_view name) {
  const std::string county = Resolve(code);
  if (county.empty()) return;
  const bool street = code.size() == 9;
  const bool managed = !ManagedIn(code).empty();
  if (managed && street) return;  // its name means it by itself
  const auto add = [&](absl::string_view form) {
    if (form.size() < 9) return;
    const bool bare = !street && absl::EndsWith(form, "村");
    if (bare && form.size() < 12) return;
    if (managed) {
      names_.Add(form, {NameKind::kManagedVillage, county, std::string(code.substr(0, 6))});
      return;
    }
    names_.Add(form, {street ? NameKind::kStreet
                      : bare ? NameKind::kHamlet
                             : NameKind::kVillage,
                      county, ""});
  };
  struct Forms {
    absl::string_view suffix;
    std::initializer_list<absl::string_view> written;
  };
  // Streets were towns before; villages had 办事处 too, so a town is not looked for under it.
  static const Forms kStreets[] = {{"街道办事处", {"街道", "镇", "乡", "办事处"}},
                                   {"街道", {"街道", "镇", "乡", "办事处"}},
                                   {"镇", {"镇", "乡"}},
                                   {"乡", {"乡", "镇"}}};
  static const Forms kVillages[] = {{"社区居民委员会", {"社区", "居委会", "村委会", "村"}},
                                    {"村民委员会", {"社区", "居委会", "村委会", "村"}},
                                    {"社区居委会", {"社区", "居委会", "村委会", "村"}},
                                    {"村委会", {"社区", "居委会", "村委会", "村"}},
                                    {"社区", {"社区", "居委会", "村委会", "村"}}};
  for (const Forms& forms : street ? absl::MakeSpan(kStreets) : absl::MakeSpan(kVillages)) {
    if (!absl::EndsWith(name, forms.suffix)) continue;
    const absl::string_view stem = name.substr(0, name.size() - forms.suffix.size());
    for (absl::string_view form : forms.written) add(StrCat(stem, form));
    return;
  }
  if (street) add(name);
}

absl::Status Gazetteer::Load(const std::string& folder) {
  RETURN_IF_ERROR(LoadCodes(folder));
  BuildNames();
  return LoadNames(folder);
}

absl::Status Gazetteer::LoadCodes(const std::string& folder) {
  RETURN_IF_ERROR(ForEachRow(folder + "/divisions.tsv", 3, [&](const auto& cells) {
    divisions_[cells[0]] = {std::string(cells[0]), std::string(cells[1]), std::string(cells[2]), "",
                            false};
    if (cells[0].size() == 9) deep_.emplace(cells[0].substr(0, 2));
    return absl::OkStatus();
  }));
  RETURN_IF_ERROR(ForEachRow(folder + "/historic.tsv", 4, [&](const auto& cells) {
    divisions_.try_emplace(cells[0], Division{std::string(cells[0]), std::string(cells[1]), "",
                                              std::string(cells[3]), true});
    return absl::OkStatus();
  }));
  return ForEachRow(folder + "/managed.tsv", 3, [&](const auto& cells) -> absl::Status {
    if (Find(cells[0]) == nullptr || Find(cells[1]) == nullptr)
      return absl::InvalidArgumentError(
          StrCat("各版区划表均无此代码 / code ", cells[0], " or ", cells[1], " is in no edition"));
    managed_[cells[0]] = std::string(cells[1]);
    managed_in_.emplace(cells[0].substr(0, 6));
    AddManaged(*Find(cells[0]), std::string(cells[1]), cells[2]);
    return absl::OkStatus();
  });
}

// What means the area by itself, and what only may: its bare stem stands in other names, too.
void Gazetteer::AddManaged(const Division& area, const std::string& manager,
                           absl::string_view names) {
  const std::string within = area.code.substr(0, 6);
  names_.Add(area.name, {NameKind::kManaged, manager, within});
  for (absl::string_view name : absl::StrSplit(names, "、", absl::SkipEmpty()))
    names_.Add(name, {NameKind::kManaged, manager, within});
  absl::string_view stem = area.name;
  for (absl::string_view suffix : {"街道", "镇", "乡"}) {
    if (absl::ConsumeSuffix(&stem, suffix)) break;
  }
  names_.Add(stem, {NameKind::kManagedStem, manager, within});
}

// Names beside those of the codes: each with its code.
absl::Status Gazetteer::LoadNames(const std::string& folder) {
  const std::pair<const char*, NameKind> kFiles[] = {{"/aliases.tsv", NameKind::kDivision},
                                                     {"/former_names.tsv", NameKind::kDivision},
                                                     {"/zones.tsv", NameKind::kZone},
                                                     {"/streets.tsv", NameKind::kStreet},
                                                     {"/places.tsv", NameKind::kLandmark}};
  for (const auto& [file, kind] : kFiles) {
    RETURN_IF_ERROR(ForEachRow(folder + file, 2, [&, kind = kind](const auto& cells) {
      const std::string code = Resolve(cells[1]);
      if (code.empty())
        return absl::InvalidArgumentError(
            StrCat("各版区划表均无此代码 / code ", cells[1], " is in no edition"));
      Naming naming{kind, code, ""};
      if (kind == NameKind::kLandmark && cells.size() > 3)
        RETURN_IF_ERROR(ReadNumbers(cells[3], &naming));
      names_.Add(cells[0], std::move(naming));
      return absl::OkStatus();
    }));
  }
  return absl::OkStatus();
}

void Gazetteer::BuildNames() {
  absl::flat_hash_set<std::pair<std::string, std::string>> present;  // province and name
  for (const auto& [code, division] : divisions_) {
    if (code.size() == 6 && !division.abolished) present.emplace(code.substr(0, 2), division.name);
  }
  std::vector<std::pair<std::string, std::string>> shorts;
  for (const auto& [code, division] : divisions_) {
    if (code.size() > 6) {
      AddPlace(code, division.name);
      continue;
    }
    const std::string now = Resolve(code);
    // 市辖区, 县 and the like are headings, not names.
    if (now.empty() || division.name == "市辖区" || division.name.size() < 6) continue;
    const std::string short_name = ShortName(division.name);
    if (division.abolished) {
      // Where only its city is known, an old district's name says nothing; and where the name is a
      // present division's, it means that one: 玉溪市 is the prefecture, no longer 红塔区.
      if (IsCounty(code) && !IsCounty(now)) continue;
      if (present.contains({code.substr(0, 2), division.name})) continue;
    } else {
      // 峨山彝族自治县 is written 峨山县 or 峨山自治县, 大理白族自治州 大理州.
      for (absl::string_view suffix : {"县", "州"}) {
        const std::string self_governed = StrCat("自治", suffix);
        if (short_name.empty() || !absl::EndsWith(division.name, self_governed)) continue;
        names_.Add(StrCat(short_name, suffix), {NameKind::kDivision, now, ""});
        names_.Add(StrCat(short_name, self_governed), {NameKind::kDivision, now, ""});
      }
    }
    names_.Add(division.name, {NameKind::kDivision, now, ""});
    shorts.emplace_back(short_name, now);
  }
  AddShortNames(std::move(shorts));
}

// A short name that a prefecture shares with its county (大理, 楚雄) means the prefecture.
void Gazetteer::AddShortNames(std::vector<std::pair<std::string, std::string>> shorts) {
  std::sort(shorts.begin(), shorts.end());
  std::string last, city;
  for (const auto& [name, code] : shorts) {
    if (name.empty() || (IsCounty(code) && !IsDeep(code))) continue;
    if (name != last) city.clear();
    last = name;
    if (IsCounty(code) && !city.empty()) continue;
    if (!IsCounty(code)) city = code;
    names_.Add(name, {NameKind::kShort, code, ""});
  }
}

absl::StatusOr<std::shared_ptr<const Divisions>> Divisions::Load(const std::string& folder) {
  auto gazetteer = std::make_shared<Gazetteer>();
  RETURN_IF_ERROR(gazetteer->Load(folder));
  return std::shared_ptr<const Divisions>(std::move(gazetteer));
}

}  // namespace huiliu::territory
