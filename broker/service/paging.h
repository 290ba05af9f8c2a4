// Pages over lists in id order. Lists never truncate silently: a page that is not the last carries
// a token.
#ifndef HUILIU_BROKER_SERVICE_PAGING_H_
#define HUILIU_BROKER_SERVICE_PAGING_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "core/base/status.h"

namespace huiliu::service {

inline constexpr int kDefaultPageSize = 100;
inline constexpr int kMaxPageSize = 1000;

// 0 means the default. INVALID_ARGUMENT beyond 1–1000.
inline absl::StatusOr<int> PageSize(int asked) {
  if (asked == 0) return kDefaultPageSize;
  if (asked < 0 || asked > kMaxPageSize) {
    return absl::InvalidArgumentError(absl::StrCat("页的大小超出范围 / page_size ", asked,
                                                   " is not between 1 and ", kMaxPageSize));
  }
  return asked;
}

// Adds to `out` the items behind `page_token`, in order of `id_of`, and sets the next token.
// `items` are in that order.
template <typename T, typename IdOf, typename Out>
absl::Status Page(const std::vector<T>& items, IdOf id_of, int asked, const std::string& page_token,
                  Out* out, std::string* next_page_token) {
  ASSIGN_OR_RETURN(const int size, PageSize(asked));
  std::string after;
  if (!absl::WebSafeBase64Unescape(page_token, &after)) {
    return absl::InvalidArgumentError(
        "不是本方法给出过的翻页标记 / page_token is not one that this method gave");
  }
  int taken = 0;
  std::string last_id;
  for (const T& item : items) {
    const std::string id = id_of(item);
    if (!page_token.empty() && id <= after) continue;
    if (taken == size) {
      *next_page_token = absl::WebSafeBase64Escape(last_id);
      return absl::OkStatus();
    }
    *out->Add() = item;
    last_id = id;
    ++taken;
  }
  return absl::OkStatus();
}

}  // namespace huiliu::service

#endif  // HUILIU_BROKER_SERVICE_PAGING_H_
