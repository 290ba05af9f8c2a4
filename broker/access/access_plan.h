// A grant, compiled against a dataset contract: which rows and fields a reader sees, and how they
// are masked. Works on wire bytes. Whatever cannot be decided or masked is not shown.
//
// Per field, one of three:
//   hidden   not among the grant's fields; or its mask (the grant's, else the contract's default)
//   is drop masked   its mask is partial or hash clear    no mask, or keep. A grant may lift the
//   contract's default mask by naming keep; that stands in the grant.
// Fields that the contract does not know are always hidden. Where a clear field is meant for the
// code of an organisation and a row has a citizen number in it, that number is masked unless the
// grant says keep. docs/security.md, "Grants and masks".
#ifndef HUILIU_BROKER_ACCESS_ACCESS_PLAN_H_
#define HUILIU_BROKER_ACCESS_ACCESS_PLAN_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "core/cel/program.h"
#include "core/schema/contract.h"
#include "core/schema/projector.h"
#include "core/schema/wire_reader.h"
#include "huiliu/v1/governance.pb.h"

namespace huiliu::access {

enum class Visibility : uint8_t { kHidden, kMasked, kClear };

// Immutable, thread-safe.
class AccessPlan {
 public:
  // INVALID_ARGUMENT naming the field or the place in the row filter: an unknown field, a mask that
  // does not fit its field or names no kind, a mask for a field that is not granted, a hash without
  // a receiver key (16 bytes at least), no visible field at all, no expiry. `pseudonym_key` is the
  // receiver's.
  static absl::StatusOr<std::shared_ptr<const AccessPlan>> Compile(
      const huiliu::v1::Grant& grant, std::shared_ptr<const schema::Contract> contract,
      const cel::Environment& environment, absl::string_view pseudonym_key);

  const huiliu::v1::Grant& grant() const { return grant_; }
  const schema::Contract& contract() const { return *contract_; }
  const std::string& purpose() const { return grant_.purpose(); }
  // Digest of which rows and fields are shown, and how: what was shown through another shape is
  // no beginning of what this one shows. Validity is no part of it. 32 bytes.
  const std::string& shape() const { return shape_; }
  // Valid in [valid_from, valid_to) and not revoked.
  bool ValidAt(absl::Time now) const;

  Visibility visibility(const schema::Field& field) const {
    return visibility_[static_cast<size_t>(field.index)];
  }
  // Fields that are there for the reader, in contract order.
  absl::Span<const schema::Field* const> visible_fields() const { return visible_; }

  // The grant's row filter; nullptr: all rows.
  const cel::Predicate* row_filter() const { return row_filter_.get(); }
  // Whether the grant's row filter lets the row through. An error in its evaluation hides the row.
  // `envelope` is the encoded huiliu.v1.Envelope.
  bool AllowsRow(absl::string_view payload, absl::string_view envelope) const;

  // Replaces *shown with what the reader sees of the row. False: the row is hidden, *shown is
  // empty. Not OK (DATA_LOSS or the mask's error, naming the field): the row cannot be masked,
  // nothing of it may be shown, *shown is empty.
  absl::StatusOr<bool> Apply(absl::string_view payload, absl::string_view envelope,
                             std::string* shown) const;
  // The same for a row that AllowsRow.
  absl::Status Project(absl::string_view payload, std::string* shown) const;

  // Compiles a caller's filter. It may use clear fields (and `division`) only: with any other one
  // could find out hidden values by asking again and again. PERMISSION_DENIED naming the field;
  // INVALID_ARGUMENT with line and column where it is no expression over the dataset. nullptr for
  // an empty one.
  absl::StatusOr<std::unique_ptr<const cel::Predicate>> CompileFilter(
      absl::string_view filter, const cel::Environment& environment) const;
  // Whether the caller's filter holds. An error of evaluation does not match, nor does a row in
  // which the filter would read a citizen number that is masked for the reader.
  bool Matches(const cel::Predicate& filter, absl::string_view payload,
               absl::string_view envelope) const;

  // The same, telling an error of evaluation from a row that does not match.
  cel::Truth Judge(const cel::Predicate& filter, absl::string_view payload,
                   absl::string_view envelope) const;
  // Why Judge said kError: no value of the row, in Chinese and English.
  std::string WhyNotJudged(const cel::Predicate& filter, absl::string_view payload,
                           absl::string_view envelope) const;

  // Whether rows may be looked up by key, and their key bytes be shown: every key field is clear.
  // PERMISSION_DENIED naming the field that is not: else a masked key could be found by trying.
  absl::Status CheckKeyUse() const;
  // A row's key as the reader may hold it: the key itself, or, where CheckKeyUse forbids it, a
  // pseudonym under the receiver's key (32 bytes; empty where the receiver has no key).
  std::string ShownKey(absl::string_view row_key) const;

 private:
  AccessPlan(const huiliu::v1::Grant& grant, std::shared_ptr<const schema::Contract> contract,
             absl::string_view pseudonym_key);
  absl::Status CompileFields(const cel::Environment& environment);
  // Clear fields of organisation codes hide citizen numbers from here on.
  void GuardOrganisationCodes();
  enum class Author : uint8_t { kGrant, kCaller };
  cel::Truth Evaluate(const cel::Predicate& predicate, Author author, absl::string_view payload,
                      absl::string_view envelope) const;

  const huiliu::v1::Grant grant_;
  const std::shared_ptr<const schema::Contract> contract_;
  const std::string pseudonym_key_;
  std::string shape_;
  absl::Time valid_from_;
  absl::Time valid_to_;
  std::vector<Visibility> visibility_;  // by Field::index
  std::vector<const schema::Field*> visible_;
  std::vector<bool> guarded_;  // by Field::index: citizen numbers in the clear field are masked
  schema::Projector projector_;
  schema::FieldPlan plan_;                            // slot = Field::index
  std::unique_ptr<const cel::Predicate> row_filter_;  // nullptr: all rows
};

}  // namespace huiliu::access

#endif  // HUILIU_BROKER_ACCESS_ACCESS_PLAN_H_
