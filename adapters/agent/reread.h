// One source read again from its beginning, beside the worker that runs: with a plugin of its own,
// whose own load limits hold for it too. Nothing is published, no position and no decision changes.
#ifndef HUILIU_ADAPTERS_AGENT_REREAD_H_
#define HUILIU_ADAPTERS_AGENT_REREAD_H_

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "adapters/agent/config.h"
#include "adapters/agent/node_client.h"
#include "adapters/mapping/mapping.h"
#include "core/rules/rule_set.h"
#include "core/territory/territory.h"

namespace huiliu::agent {

// Legal calls: Open (Rules | Run)*. One thread.
class Reread {
 public:
  // Connects and looks up what is registered. FAILED_PRECONDITION where the node decides the
  // source's rows: it has them all, so the officer tries and explains there.
  static absl::StatusOr<std::unique_ptr<Reread>> Open(const Config& config,
                                                      const std::string& source,
                                                      const std::atomic<bool>& stopping);

  // The rules as registered: `version` 0: those that this agent runs.
  absl::StatusOr<huiliu::v1::RuleSet> Version(uint32_t version) const;
  // A text against the contract; every finding with file, line and column.
  absl::StatusOr<std::shared_ptr<const rules::RuleSet>> Parse(const std::string& name,
                                                              const std::string& yaml,
                                                              uint32_t version) const;

  // Every row in the source's order, mapped or not, until the source has nothing more; `take` ends
  // it by an error. CANCELLED where the agent stops.
  using Take = std::function<absl::Status(const mapping::MappedRow& row, absl::string_view row_id)>;
  absl::Status Run(const Take& take);

  const huiliu::v1::Source& source() const { return source_; }
  const std::vector<std::string>& notices() const { return notices_; }
  const std::shared_ptr<const schema::Contract>& contract() const { return contract_; }
  const std::shared_ptr<const territory::Divisions>& divisions() const { return divisions_; }
  // The receiver's area. Without its key, as the agent's own engine: hash masks withhold here.
  const rules::Receiver& receiver() const { return receiver_; }
  // The territory overrides that run here.
  const std::vector<huiliu::v1::TerritoryOverride>& overrides() const { return overrides_; }
  NodeClient& node() const { return *node_; }
  mapping::Mapping& mapping() { return *mapping_; }

 private:
  Reread(Config config, SourceConfig source, const std::atomic<bool>& stopping)
      : config_(std::move(config)), source_config_(std::move(source)), stopping_(stopping) {}
  absl::Status Prepare();

  const Config config_;
  const SourceConfig source_config_;
  const std::atomic<bool>& stopping_;
  std::unique_ptr<NodeClient> node_;
  huiliu::v1::Source source_;
  rules::Receiver receiver_;
  std::shared_ptr<const schema::Contract> contract_;
  std::unique_ptr<mapping::Mapping> mapping_;
  std::shared_ptr<const territory::Divisions> divisions_;
  std::vector<huiliu::v1::TerritoryOverride> overrides_;
  std::vector<std::string> notices_;
};

// A row id with citizen numbers hidden.
std::string WithoutCitizenIds(absl::string_view row_id);

}  // namespace huiliu::agent

#endif  // HUILIU_ADAPTERS_AGENT_REREAD_H_
