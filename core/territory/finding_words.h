// What an attribution and its findings say, as people and scripts read it.
#ifndef HUILIU_CORE_TERRITORY_FINDING_WORDS_H_
#define HUILIU_CORE_TERRITORY_FINDING_WORDS_H_

#include <functional>
#include <string>

#include "absl/strings/string_view.h"
#include "core/territory/territory.h"

namespace huiliu::territory {

// Stable codes for scripts; empty of kNothing and kNone.
const char* NameOf(CountyMeans means);
const char* NameOf(Disagreement disagreement);
// kNothing, kNone: of any other text.
CountyMeans CountyMeansNamed(absl::string_view name);
Disagreement DisagreementNamed(absl::string_view name);

// In Chinese or English; empty of kNothing and kNone.
const char* InWords(CountyMeans means, bool english);
const char* InWords(Disagreement disagreement, bool english);

// What one link said. `place`: a code with its name.
std::string InWords(const Finding& finding,
                    const std::function<std::string(const std::string& code)>& place, bool english);

// Why only the city is known; empty where the county is, or where nothing is.
const char* WhyNoCounty(const Attribution& attribution, bool english);

}  // namespace huiliu::territory

#endif  // HUILIU_CORE_TERRITORY_FINDING_WORDS_H_
