// A landing into this process's memory: what the agent's tests land in, and the proof that the
// conformance suite of landings can be passed.
#ifndef HUILIU_ADAPTERS_SDK_TESTKIT_MEMORY_LANDING_H_
#define HUILIU_ADAPTERS_SDK_TESTKIT_MEMORY_LANDING_H_

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "adapters/sdk/plugin.h"

namespace huiliu::sdk {

// What has landed in one target; a key is the key cells' texts.
struct MemoryTarget {
  using Cells = std::vector<std::optional<std::string>>;
  std::vector<std::string> fields;
  std::map<std::vector<std::string>, Cells> rows;
  std::string cursor;
};

// Options: {"target": NAME}. Targets live as long as the process. One thread at a time.
class MemoryLanding : public Landing {
 public:
  static absl::StatusOr<std::unique_ptr<MemoryLanding>> Open(Host host, absl::string_view options);
  static MemoryTarget& Target(const std::string& name);

  absl::Status Prepare(const huiliu_dataset& dataset) override;
  absl::StatusOr<std::string> Cursor() override { return target_.cursor; }
  absl::Status Apply(absl::Span<const huiliu_change> changes, absl::string_view cursor,
                     bool reset) override;

 private:
  explicit MemoryLanding(MemoryTarget& target) : target_(target) {}
  absl::Status ApplyTo(const huiliu_change& change, MemoryTarget* target) const;
  MemoryTarget& target_;
  std::vector<int32_t> types_;
  std::vector<size_t> keys_;
};

const huiliu_landing& MemoryLandingTable();

}  // namespace huiliu::sdk

#endif  // HUILIU_ADAPTERS_SDK_TESTKIT_MEMORY_LANDING_H_
