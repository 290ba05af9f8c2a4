// The catalog's row key: system id, 0x00, contract key. Also the key of returned.* records.
#ifndef HUILIU_BROKER_CATALOG_ROW_KEY_H_
#define HUILIU_BROKER_CATALOG_ROW_KEY_H_

#include <string>

#include "absl/strings/string_view.h"

namespace huiliu {

std::string RowKey(absl::string_view system, absl::string_view contract_key);
// The two parts again; false where there is no 0x00.
bool SplitRowKey(absl::string_view row_key, absl::string_view* system,
                 absl::string_view* contract_key);

}  // namespace huiliu

#endif  // HUILIU_BROKER_CATALOG_ROW_KEY_H_
