#include "broker/catalog/row_key.h"

#include "absl/strings/str_cat.h"

namespace huiliu {

std::string RowKey(absl::string_view system, absl::string_view contract_key) {
  return absl::StrCat(system, absl::string_view("\0", 1), contract_key);
}

bool SplitRowKey(absl::string_view row_key, absl::string_view* system,
                 absl::string_view* contract_key) {
  const size_t end = row_key.find('\0');
  if (end == absl::string_view::npos) return false;
  *system = row_key.substr(0, end);
  *contract_key = row_key.substr(end + 1);
  return true;
}

}  // namespace huiliu
