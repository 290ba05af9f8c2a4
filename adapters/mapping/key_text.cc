#include "adapters/mapping/key_text.h"

#include <vector>

#include "absl/strings/str_cat.h"
#include "adapters/mapping/mapping.h"
#include "core/base/status.h"

namespace huiliu::mapping {

absl::StatusOr<std::string> KeyAsMapped(std::shared_ptr<const schema::Contract> contract,
                                        absl::Span<const std::string> values) {
  // Says how many values there should be.
  if (values.size() != contract->key_fields().size())
    return contract->KeyFromValues(values).status();
  ASSIGN_OR_RETURN(const std::unique_ptr<Mapping> mapping, Mapping::Parse("key", "", contract));
  std::vector<huiliu_bytes> columns;
  std::vector<huiliu_cell> cells;
  for (size_t i = 0; i < values.size(); ++i) {
    const std::string& name = contract->key_fields()[i]->name;
    columns.push_back({name.data(), name.size()});
    cells.push_back({1, {values[i].data(), values[i].size()}});
  }
  RETURN_IF_ERROR(mapping->BindHeader(columns));
  huiliu_row row{};
  row.struct_size = sizeof row;
  row.operation = 2;  // a delete needs no more than its key
  row.cells = cells.data();
  row.cell_count = cells.size();
  MappedRow mapped;
  mapping->Map(row, &mapped);
  if (!mapped.error_code.empty() || mapped.key.empty()) {
    return absl::InvalidArgumentError(absl::StrCat(
        "这样的值不能是主键，没有记录会匹配 / no record has such a key: ", mapped.error_message));
  }
  return mapped.key;
}

}  // namespace huiliu::mapping
