// Normalises what approval systems write: dates, times, amounts, identifiers.
#ifndef HUILIU_ADAPTERS_MAPPING_VALUES_H_
#define HUILIU_ADAPTERS_MAPPING_VALUES_H_

#include <set>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "huiliu/v1/dataset.pb.h"

namespace huiliu::mapping {

// What a normaliser says of a value: the finding's code, empty where there is none. `out` empty: no
// value is stored.
struct Normalised {
  std::string out;
  absl::string_view finding;
};

// Dates that are none, as YYYY-MM-DD: written where a column must hold something.
struct Sentinels {
  std::set<std::string> none = {"0001-01-01", "1899-12-30", "1899-12-31", "1900-01-01"};
  std::set<std::string> endless = {"2099-12-31", "9999-12-31"};
};

// 2010-01-06, 2010/1/6, 2010.1.6, 2010年1月6日, 20100106, with or without a time → YYYY-MM-DD.
// 2015年8月, 2015-08 and 201508 → the month's first day, finding "day_assumed". A sentinel: no
// value, finding "sentinel" or "without_end". Else no value, finding "date".
Normalised NormaliseDate(absl::string_view text, const Sentinels& sentinels = {});

// The same dates with a time (8:00, 08:00:00.123, after a space or T; yyyymmddhhmmss; with or
// without Z, +08, +08:00), or 10 or 13 digits of Unix seconds or milliseconds → RFC 3339 in UTC.
// A time without a zone is of `zone`; a date alone is its midnight. Findings as of dates; else no
// value, finding "time".
Normalised NormaliseTime(absl::string_view text, absl::TimeZone zone,
                         const Sentinels& sentinels = {});

// 1,109(万元人民币), 124万人民币, 300万元, 5000 → canonical decimal text in yuan. Another currency:
// no value, finding "currency". What is no amount: no value, finding "amount".
Normalised NormaliseAmount(absl::string_view text);

// Whether a field of this kind identifies someone: masked at its source, no one can join on it.
bool IsIdentifier(huiliu::v1::ValueKind kind);

// The finding on an identifier by its kind: masked at the source, check digits, several codes in
// one field, a citizen number in a USCC field. Empty: good.
absl::string_view FindingOn(huiliu::v1::ValueKind kind, absl::string_view text);

}  // namespace huiliu::mapping

#endif  // HUILIU_ADAPTERS_MAPPING_VALUES_H_
