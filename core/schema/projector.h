// Cuts a record down to some of its fields by copying wire slices, rewriting masked ones on the
// way. Fails closed.
#ifndef HUILIU_CORE_SCHEMA_PROJECTOR_H_
#define HUILIU_CORE_SCHEMA_PROJECTOR_H_

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "core/schema/contract.h"

namespace huiliu::schema {

// Immutable after the last Keep/Rewrite call; then thread-safe.
class Projector {
 public:
  // Turns a field's value into what is shown. Text fields come as they are; numbers, bools and
  // enums as decimal text, timestamps as RFC 3339; the result is written as the field's type again
  // (INVALID_ARGUMENT where it is none).
  using Rewriter = std::function<absl::Status(absl::string_view value, std::string* shown)>;

  // Drops everything until told otherwise; fields that the contract does not know are always
  // dropped.
  explicit Projector(std::shared_ptr<const Contract> contract);

  void Keep(const Field& field);
  // Each occurrence of the field is rewritten; a message field cannot be rewritten and is dropped.
  void Rewrite(const Field& field, Rewriter rewriter);
  bool keeps(const Field& field) const;

  // Replaces *out. Not OK: *out is empty, nothing of the record may be shown (DATA_LOSS: torn
  // bytes; else the rewriter's own).
  absl::Status Apply(absl::string_view record, std::string* out) const;

 private:
  enum class Action : uint8_t { kDrop, kKeep, kRewrite };
  struct Entry {
    Action action = Action::kDrop;
    Rewriter rewriter;
  };
  absl::Status Cut(absl::string_view record, std::string* out) const;

  std::shared_ptr<const Contract> contract_;
  std::vector<Entry> entries_;  // by Field::index
};

}  // namespace huiliu::schema

#endif  // HUILIU_CORE_SCHEMA_PROJECTOR_H_
