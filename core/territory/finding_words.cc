#include "core/territory/finding_words.h"

#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"

namespace huiliu::territory {
namespace {

struct Words {
  const char *name, *chinese, *english;
};

constexpr Words kMeans[] = {
    {"", "", ""},
    {"code", "代码", "a code"},
    {"written", "所写县区名", "its name"},
    {"zone", "开发区名", "a development zone"},
    {"street", "街道（乡镇）名", "a street or township"},
    {"village", "社区（村）名", "a community or village"},
    {"landmark", "道路、小区等地名", "a road or estate"},
    {"agreement", "地名与代码相互印证", "place names and a code that agree"},
};
constexpr Words kDisagreements[] = {
    {"", "", ""},
    {"county", "县区不一致", "county"},
    {"city", "州市不一致", "city"},
    {"province", "省份不一致", "province"},
};

template <typename Enum, size_t kSize>
Enum Named(const Words (&words)[kSize], absl::string_view name) {
  for (size_t i = 1; i < kSize; ++i) {
    if (name == words[i].name) return static_cast<Enum>(i);
  }
  return static_cast<Enum>(0);
}

}  // namespace

const char* NameOf(CountyMeans means) { return kMeans[static_cast<size_t>(means)].name; }
const char* NameOf(Disagreement disagreement) {
  return kDisagreements[static_cast<size_t>(disagreement)].name;
}
CountyMeans CountyMeansNamed(absl::string_view name) { return Named<CountyMeans>(kMeans, name); }
Disagreement DisagreementNamed(absl::string_view name) {
  return Named<Disagreement>(kDisagreements, name);
}

const char* InWords(CountyMeans means, bool english) {
  const Words& words = kMeans[static_cast<size_t>(means)];
  return english ? words.english : words.chinese;
}
const char* InWords(Disagreement disagreement, bool english) {
  const Words& words = kDisagreements[static_cast<size_t>(disagreement)];
  return english ? words.english : words.chinese;
}

std::string InWords(const Finding& finding,
                    const std::function<std::string(const std::string& code)>& place,
                    bool english) {
  const auto say = [&](const char* chinese, const char* in_english) {
    return english ? in_english : chinese;
  };
  std::string says;
  if (!finding.division.empty()) {
    says = place(finding.division);
  } else if (finding.ambiguous) {
    says = say("指向多处", "several places");
  } else if (finding.unread) {
    says = say("代码无法识别，不作依据", "not a code that can be read: says nothing");
  }
  if (!finding.also.empty())
    absl::StrAppend(&says, say("，又写有 ", "; and also names "), place(finding.also));
  if (!finding.candidates.empty()) {
    const std::vector<std::string> codes = absl::StrSplit(finding.candidates, '/');
    absl::StrAppend(
        &says, says.empty() ? "" : say("，", "; "), say("地名可能属于 ", "its places may be of "),
        absl::StrJoin(codes, say("、", ", "), [&](std::string* out, const std::string& code) {
          out->append(place(code));
        }));
  }
  return says;
}

const char* WhyNoCounty(const Attribution& attribution, bool english) {
  const auto say = [&](const char* chinese, const char* in_english) {
    return english ? in_english : chinese;
  };
  if (attribution.division.empty() || attribution.county_by >= 0) return "";
  bool county = false;
  const Finding* open = nullptr;
  for (const Finding& finding : attribution.findings) {
    if (finding.ambiguous || !finding.candidates.empty()) open = &finding;
    county = county || (!finding.division.empty() && !absl::EndsWith(finding.division, "00"));
  }
  if (open != nullptr && county)
    return say("地名与代码互不印证", "its places and a code do not agree");
  if (open != nullptr && (open->ambiguous || absl::StrContains(open->candidates, "/")))
    return say("地名分属多个县区", "its places are of several counties");
  if (county)
    return say("地址写的是其他州市，代码不单独判定县区",
               "the address is another city's, so the code decides no county");
  return say("没有证据说明县区", "no evidence says it");
}

}  // namespace huiliu::territory
