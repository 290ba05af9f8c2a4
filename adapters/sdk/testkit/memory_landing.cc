#include "adapters/sdk/testkit/memory_landing.h"

#include <nlohmann/json.hpp>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "core/base/status.h"

namespace huiliu::sdk {

MemoryTarget& MemoryLanding::Target(const std::string& name) {
  static auto* const targets = new std::map<std::string, MemoryTarget>();
  return (*targets)[name];
}

absl::StatusOr<std::unique_ptr<MemoryLanding>> MemoryLanding::Open(Host,
                                                                   absl::string_view options) {
  const auto object = nlohmann::json::parse(options.begin(), options.end(), nullptr, false);
  if (!object.is_object() || object.size() != 1 || !object.contains("target") ||
      !object["target"].is_string()) {
    return absl::InvalidArgumentError("memory landing: its options are {\"target\": NAME}");
  }
  return std::unique_ptr<MemoryLanding>(
      new MemoryLanding(Target(object["target"].get<std::string>())));
}

absl::Status MemoryLanding::Prepare(const huiliu_dataset& dataset) {
  types_.clear();
  keys_.clear();
  target_.fields.clear();
  for (size_t i = 0; i < dataset.field_count; ++i) {
    target_.fields.emplace_back(ToView(dataset.fields[i].name));
    types_.push_back(dataset.fields[i].type);
    if (dataset.fields[i].key != 0) keys_.push_back(i);
  }
  if (keys_.empty()) return absl::InvalidArgumentError("memory landing: the dataset has no key");
  for (auto& [key, cells] : target_.rows) cells.resize(types_.size());
  return absl::OkStatus();
}

absl::Status MemoryLanding::ApplyTo(const huiliu_change& change, MemoryTarget* target) const {
  std::vector<std::string> key;
  for (size_t at : keys_) key.emplace_back(ToView(change.cells[at].value));
  if (change.is_delete != 0) {
    target->rows.erase(key);
    return absl::OkStatus();
  }
  MemoryTarget::Cells cells;
  for (size_t i = 0; i < types_.size(); ++i) {
    const huiliu_cell& cell = change.cells[i];
    int64_t number = 0;
    if (cell.kind == 1 && types_[i] == 2 && !absl::SimpleAtoi(ToView(cell.value), &number)) {
      return absl::InvalidArgumentError(absl::StrCat("memory landing: row ", ToView(change.row_id),
                                                     ": ", target->fields[i], " is no int64"));
    }
    cells.push_back(cell.kind == 0 ? std::nullopt
                                   : std::make_optional<std::string>(ToView(cell.value)));
  }
  target->rows[key] = std::move(cells);
  return absl::OkStatus();
}

absl::Status MemoryLanding::Apply(absl::Span<const huiliu_change> changes, absl::string_view cursor,
                                  bool reset) {
  if (types_.empty()) return absl::FailedPreconditionError("memory landing: prepare comes first");
  MemoryTarget next = target_;
  if (reset) next.rows.clear();
  for (const huiliu_change& change : changes) RETURN_IF_ERROR(ApplyTo(change, &next));
  next.cursor = std::string(cursor);
  target_ = std::move(next);
  return absl::OkStatus();
}

const huiliu_landing& MemoryLandingTable() {
  static constexpr huiliu_landing kTable = MakeLanding<MemoryLanding>("memory");
  return kTable;
}

}  // namespace huiliu::sdk
