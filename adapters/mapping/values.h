// Normalises what approval systems write: dates, amounts, identifiers.
#ifndef HUILIU_ADAPTERS_MAPPING_VALUES_H_
#define HUILIU_ADAPTERS_MAPPING_VALUES_H_

#include <string>

#include "absl/strings/string_view.h"
#include "huiliu/v1/dataset.pb.h"

namespace huiliu::mapping {

// What a normaliser says of a value: the finding's code, empty where there is none. `out` empty: no
// value is stored.
struct Normalised {
  std::string out;
  absl::string_view finding;
};

// 2010-01-06, 2010/1/6, 2010年1月6日, 20100106, with or without a time → YYYY-MM-DD. 2015年8月 and
// 200109 → the month's first day, finding "day_assumed". 1899-12-31 and 2099-12-31 are sentinels:
// no value, finding "sentinel". Else no value, finding "date".
Normalised NormaliseDate(absl::string_view text);

// 1,109(万元人民币), 124万人民币, 300万元, 5000 → canonical decimal text in yuan. Another currency:
// no value, finding "currency".
Normalised NormaliseAmount(absl::string_view text);

// The finding on an identifier by its kind: check digits, several codes in one field, a citizen
// number in a USCC field. Empty: good.
absl::string_view FindingOn(huiliu::v1::ValueKind kind, absl::string_view text);

}  // namespace huiliu::mapping

#endif  // HUILIU_ADAPTERS_MAPPING_VALUES_H_
