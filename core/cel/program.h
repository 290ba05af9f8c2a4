// CEL (github.com/google/cel-spec): compiled against a dataset's contract, evaluated over wire
// bytes.
#ifndef HUILIU_CORE_CEL_PROGRAM_H_
#define HUILIU_CORE_CEL_PROGRAM_H_

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "core/cel/conjuncts.h"
#include "core/cel/work_calendar.h"
#include "core/schema/contract.h"
#include "core/schema/wire_reader.h"

namespace huiliu::cel {

// Where an expression is wrong. Line and column are 1-based, columns in code points.
struct Issue {
  int line = 1;
  int column = 1;
  std::string message;
  bool unsupported = false;  // CEL, but not ours; else the expression is wrong
};

// The outside world of an expression: what inDivision, divisionOf and workdaysBetween ask.
struct Environment {
  // Whether the record's attributed division (or a code) lies in an area; set by the rules module.
  std::function<bool(absl::string_view area, absl::string_view code)> contains;
  // The division that a code belongs to today, empty where there is none; null: divisionOf is
  // refused.
  std::function<std::string(absl::string_view code)> resolve = nullptr;
  // Null: the calendar that the program was built with.
  std::shared_ptr<const WorkCalendar> calendar = nullptr;
};

// The result of a predicate over one record.
enum class Truth { kFalse, kTrue, kError };

// Per-record state that several programs over one contract share: slots are scanned once. Not
// thread-safe.
struct Activation {
  absl::Span<const schema::FieldSlot> slots;  // by Field::index, from Contract-wide FieldPlan
  absl::string_view division;  // the record's attributed division (variable `division`)
  absl::string_view record;
  bool conflict = false;  // the evidence of where it belongs disagreed (variable `conflict`)
};

// A compiled boolean expression. Immutable, thread-safe. Fields are in scope by name; `division` is
// the attributed division, `conflict` whether its evidence disagreed. The contract must outlive it
// (nested messages are read by descriptor).
class Predicate {
 public:
  // INVALID_ARGUMENT; `issues` lists every finding. An unsupported part of CEL is an issue, never a
  // wrong answer.
  static absl::StatusOr<std::unique_ptr<const Predicate>> Compile(absl::string_view expression,
                                                                  const schema::Contract& contract,
                                                                  const Environment& environment,
                                                                  std::vector<Issue>* issues);
  virtual ~Predicate() = default;
  virtual Truth Evaluate(const Activation& activation) const = 0;
  // Why Evaluate said kError, in words; evaluates again.
  virtual std::string ExplainError(const Activation& activation) const = 0;
  // Indexes (Field::index) of the fields it reads.
  virtual absl::Span<const int> fields() const = 0;
  // Necessary conditions that an index can answer, in the order written; empty where there are
  // none.
  virtual std::vector<Conjunct> IndexableConjuncts() const { return {}; }
};

}  // namespace huiliu::cel

#endif  // HUILIU_CORE_CEL_PROGRAM_H_
