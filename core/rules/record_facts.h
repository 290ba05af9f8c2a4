// What one record says, read from its bytes once: fields, belonging, what is missing, what came
// masked.
#ifndef HUILIU_CORE_RULES_RECORD_FACTS_H_
#define HUILIU_CORE_RULES_RECORD_FACTS_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "core/schema/contract.h"
#include "core/schema/wire_reader.h"
#include "core/territory/territory.h"

namespace huiliu::rules {

// Thread-compatible: one a lane.
class RecordFacts {
 public:
  static absl::StatusOr<std::unique_ptr<RecordFacts>> Create(
      const schema::Contract& contract, std::shared_ptr<const territory::Divisions> divisions);

  // False where the bytes are no message. Appends to *findings; fills *attribution.
  bool Read(absl::string_view record, territory::Attribution* attribution,
            std::vector<std::string>* findings, bool* masked_at_source);

  // Of the record that was read last. By Field::index.
  absl::Span<const schema::FieldSlot> slots() const { return slots_; }
  // The first required field that is empty, or nullptr.
  const schema::Field* missing() const { return missing_; }

 private:
  explicit RecordFacts(const schema::Contract& contract) : contract_(contract) {}
  void Attribute(territory::Attribution* attribution);

  const schema::Contract& contract_;
  std::unique_ptr<const schema::FieldPlan> plan_;
  std::unique_ptr<territory::Attributor> attributor_;
  std::vector<const schema::Field*> evidence_;  // by link
  std::vector<const schema::Field*> required_;
  std::vector<const schema::Field*> keyish_;  // on which one would join
  std::vector<schema::FieldSlot> slots_;
  std::vector<territory::EvidenceValue> values_;
  std::vector<std::string> texts_;  // of numeric evidence, by link
  const schema::Field* missing_ = nullptr;
};

}  // namespace huiliu::rules

#endif  // HUILIU_CORE_RULES_RECORD_FACTS_H_
