#include "storage/decisions/decision_reader.h"

#include "absl/strings/str_cat.h"
#include "core/base/status.h"
#include "storage/decisions/decision_files.h"
#include "storage/decisions/update_table.h"

namespace huiliu {

absl::Status ReadDecisions(
    const std::string& path, const std::string& scratch,
    const std::function<absl::Status(absl::string_view key, absl::string_view value)>& f) {
  ASSIGN_OR_RETURN(const auto files, DecisionFiles::OpenForReading(path, scratch));
  const KeyHashSeed& seed = files->seed();
  UpdateTable staged;
  RETURN_IF_ERROR(files->ReadStaged(
      [&](uint64_t, std::string blob) { return staged.Add(seed, std::move(blob)); }));
  for (const UpdateTable::Slot& slot : staged.slots()) {
    if (slot.entry == nullptr) continue;
    absl::string_view rest(slot.entry, slot.bytes);
    UpdateEntry entry;
    if (!TakeUpdateEntry(rest, &entry)) return absl::DataLossError(path + ": torn decision");
    if (!entry.value.empty()) RETURN_IF_ERROR(f(entry.key, entry.value));
  }
  return files->Scan([&](const KeyHash& hash, const UpdateEntry& entry) -> absl::Status {
    absl::string_view newer;
    return staged.Find(hash, entry.key, &newer) ? absl::OkStatus() : f(entry.key, entry.value);
  });
}

}  // namespace huiliu
