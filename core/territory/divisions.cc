#include <algorithm>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "core/base/files.h"
#include "core/base/status.h"
#include "core/territory/gazetteer.h"

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
      return absl::InvalidArgumentError(
          StrCat(path, ":", number, ": ", columns, " columns are expected"));
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

}  // namespace

bool IsCityOrCounty(absl::string_view code) {
  return code.size() == 6 && code.substr(2, 4) != "0000";
}
bool IsCounty(absl::string_view code) { return code.size() == 6 && code.substr(4, 2) != "00"; }

std::string CityOf(absl::string_view code) {
  if (!IsCityOrCounty(code)) return "";
  return StrCat(code.substr(0, 4), "00");
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
  const std::string place = Resolve(code);
  if (area.size() != 6 || place.empty()) return false;
  if (absl::EndsWith(area, "0000")) return absl::StartsWith(place, area.substr(0, 2));
  if (absl::EndsWith(area, "00")) return absl::StartsWith(place, area.substr(0, 4));
  return area == place;
}

const std::vector<std::string>* Gazetteer::Named(absl::string_view name) const {
  const auto it = names_.find(name);
  return it == names_.end() ? nullptr : &it->second;
}

const std::vector<std::string>* Gazetteer::Local(absl::string_view name) const {
  const auto it = local_.find(name);
  return it == local_.end() ? nullptr : &it->second;
}

void Gazetteer::AddName(absl::string_view name, absl::string_view code) {
  if (name.empty()) return;
  std::vector<std::string>& codes = names_[name];
  if (std::find(codes.begin(), codes.end(), code) == codes.end()) codes.emplace_back(code);
  longest_name_ = std::max(longest_name_, name.size());
}

void Gazetteer::AddLocal(absl::string_view name, absl::string_view county) {
  if (name.size() < 9)
    return;  // two characters and a suffix at least: shorter names stand inside other words
  std::vector<std::string>& codes = local_[name];
  if (std::find(codes.begin(), codes.end(), county) == codes.end()) codes.emplace_back(county);
  longest_local_ = std::max(longest_local_, name.size());
}

// A street or village under every form in which addresses write it.
void Gazetteer::AddPlace(absl::string_view code, absl::string_view name) {
  const std::string county = Resolve(code);
  if (county.empty()) return;
  if (code.size() == 9) {
    for (absl::string_view suffix : {"街道办事处", "街道", "镇", "乡"}) {
      if (!absl::EndsWith(name, suffix)) continue;
      const absl::string_view stem = name.substr(0, name.size() - suffix.size());
      for (absl::string_view form : {"街道", "镇", "乡", "办事处"})
        AddLocal(StrCat(stem, form), county);
      return;
    }
    AddLocal(name, county);
    return;
  }
  for (absl::string_view suffix :
       {"社区居民委员会", "村民委员会", "社区居委会", "村委会", "社区"}) {
    if (!absl::EndsWith(name, suffix)) continue;
    const absl::string_view stem = name.substr(0, name.size() - suffix.size());
    for (absl::string_view form : {"社区", "村", "居委会", "村委会"})
      AddLocal(StrCat(stem, form), county);
    return;
  }
}

absl::Status Gazetteer::Load(const std::string& folder) {
  RETURN_IF_ERROR(ForEachRow(folder + "/divisions.tsv", 3, [&](const auto& cells) {
    divisions_[cells[0]] = {std::string(cells[0]), std::string(cells[1]), std::string(cells[2]), "",
                            false};
    return absl::OkStatus();
  }));
  RETURN_IF_ERROR(ForEachRow(folder + "/historic.tsv", 4, [&](const auto& cells) {
    divisions_.try_emplace(cells[0], Division{std::string(cells[0]), std::string(cells[1]), "",
                                              std::string(cells[3]), true});
    return absl::OkStatus();
  }));
  RETURN_IF_ERROR(ForEachRow(folder + "/managed.tsv", 2, [&](const auto& cells) {
    managed_[cells[0]] = std::string(cells[1]);
    return absl::OkStatus();
  }));
  BuildNames();
  RETURN_IF_ERROR(ForEachRow(folder + "/aliases.tsv", 2, [&](const auto& cells) -> absl::Status {
    if (Find(cells[1]) == nullptr)
      return absl::InvalidArgumentError(StrCat("code ", cells[1], " is in no edition"));
    AddName(cells[0], cells[1]);
    return absl::OkStatus();
  }));
  return ForEachRow(folder + "/zones.tsv", 2, [&](const auto& cells) -> absl::Status {
    if (Find(cells[1]) == nullptr)
      return absl::InvalidArgumentError(StrCat("zone ", cells[1], " is unknown"));
    zones_.emplace_back(cells[0], Resolve(cells[1]));
    std::stable_sort(zones_.begin(), zones_.end(),
                     [](const auto& a, const auto& b) { return a.first.size() > b.first.size(); });
    return absl::OkStatus();
  });
}

void Gazetteer::BuildNames() {
  std::vector<std::pair<std::string, std::string>> shorts;
  for (const auto& [code, division] : divisions_) {
    if (code.size() > 6) {
      AddPlace(code, division.name);
      continue;
    }
    const std::string now = Resolve(code);
    if (now.empty() || division.name == "市辖区") continue;
    AddName(division.name, now);
    shorts.emplace_back(ShortName(division.name), now);
  }
  // A short name that a prefecture shares with its county (大理, 楚雄) means the prefecture.
  std::sort(shorts.begin(), shorts.end());
  for (const auto& [name, code] : shorts) {
    if (name.empty() || (!absl::StartsWith(code, "53") && IsCounty(code))) continue;
    std::vector<std::string>& codes = short_names_[name];
    if (!codes.empty() && !IsCounty(codes[0]) && IsCounty(code)) continue;
    if (std::find(codes.begin(), codes.end(), code) == codes.end()) codes.push_back(code);
  }
}

const std::vector<std::string>* Gazetteer::ShortNamed(absl::string_view name) const {
  const auto it = short_names_.find(name);
  return it == short_names_.end() ? nullptr : &it->second;
}

absl::StatusOr<std::shared_ptr<const Divisions>> Divisions::Load(const std::string& folder) {
  auto gazetteer = std::make_shared<Gazetteer>();
  RETURN_IF_ERROR(gazetteer->Load(folder));
  return std::shared_ptr<const Divisions>(std::move(gazetteer));
}

}  // namespace huiliu::territory
