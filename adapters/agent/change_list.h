// From a subscription's message to what a landing applies: cells over the message's own bytes.
#ifndef HUILIU_ADAPTERS_AGENT_CHANGE_LIST_H_
#define HUILIU_ADAPTERS_AGENT_CHANGE_LIST_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "adapters/sdk/huiliu_plugin.h"
#include "core/schema/contract.h"
#include "core/schema/wire_reader.h"
#include "huiliu/v1/delivery.pb.h"

namespace huiliu::agent {

// One thread.
class ChangeList {
 public:
  explicit ChangeList(std::shared_ptr<const schema::Contract> contract);
  ChangeList(const ChangeList&) = delete;
  ChangeList& operator=(const ChangeList&) = delete;

  // The dataset as it lands: its fields of a single value, and what its envelope tells of a row's
  // way. Valid as long as this.
  const huiliu_dataset& target() const { return target_; }

  // The message's changes; they stay valid until the next call, and as long as the message does.
  // DATA_LOSS: torn bytes; FAILED_PRECONDITION: a delete whose key the grant hides.
  absl::StatusOr<absl::Span<const huiliu_change>> Of(const huiliu::v1::SubscribeResponse& message);

 private:
  // A cell whose text was made here, at its place in texts_.
  struct Made {
    size_t cell;
    size_t begin;
    size_t size;
  };
  absl::Status AddRow(absl::string_view payload);
  absl::Status AddKey(absl::string_view key);
  absl::Status AddChange(absl::string_view envelope, bool is_delete);
  // A cell of the envelope's field in `slot`; null where the node did not tell it.
  void AddEnvelopeCell(const schema::FieldSlot& slot, int kind);
  // A cell whose text is what was added to texts_ from `begin` on.
  void AddMade(size_t begin);

  const std::shared_ptr<const schema::Contract> contract_;
  std::vector<const schema::Field*> fields_;  // those that land
  std::vector<huiliu_field> columns_;
  huiliu_dataset target_;
  std::unique_ptr<schema::FieldPlan> plan_;
  const schema::FieldPlan envelope_plan_;
  std::vector<schema::FieldSlot> slots_;
  std::string texts_;
  std::vector<Made> made_;
  std::vector<huiliu_cell> cells_;
  std::vector<huiliu_change> changes_;
};

}  // namespace huiliu::agent

#endif  // HUILIU_ADAPTERS_AGENT_CHANGE_LIST_H_
