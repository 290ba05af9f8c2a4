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
  // Why inDivision can hold for nothing in an area written as a constant, and what to write
  // instead; OK where it can. Null: not asked (what is in force stays so).
  std::function<absl::Status(absl::string_view area)> check_area = nullptr;
  // Whether some edition has the division code: what a mask asks that generalises one. Null: no
  // code is known.
  std::function<bool(absl::string_view code)> has_division = nullptr;
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

class Expression;
struct Step;

// A compiled boolean expression. Immutable, thread-safe. Fields are in scope by name; `division` is
// the attributed division, `conflict` whether its evidence disagreed. The contract must outlive it
// (nested messages are read by descriptor).
class Predicate {
 public:
  // INVALID_ARGUMENT; `issues` lists every finding. An unsupported part of CEL is an issue, never a
  // wrong answer. `environment` is shared by the predicates of one rule set.
  static absl::StatusOr<std::unique_ptr<const Predicate>> Compile(
      absl::string_view expression, const schema::Contract& contract,
      std::shared_ptr<const Environment> environment, std::vector<Issue>* issues);
  // With a copy of the environment.
  static absl::StatusOr<std::unique_ptr<const Predicate>> Compile(absl::string_view expression,
                                                                  const schema::Contract& contract,
                                                                  const Environment& environment,
                                                                  std::vector<Issue>* issues);
  ~Predicate();
  // Its steps stand behind it.
  static void operator delete(void* memory) { ::operator delete(memory); }
  Predicate(const Predicate&) = delete;
  Predicate& operator=(const Predicate&) = delete;

  Truth Evaluate(const Activation& activation) const { return EvaluateRest(activation, 0); }
  // The same where of the terms that && joins those in `proven` are known to hold
  // (Conjunct::proves).
  Truth EvaluateRest(const Activation& activation, uint32_t proven) const;
  // All terms, as far as `proves` can name them; one more bit stands for those behind.
  uint32_t terms() const { return terms_; }
  // Why Evaluate said kError, in words; evaluates again.
  std::string ExplainError(const Activation& activation) const;
  // Indexes (Field::index) of the fields it reads, ascending.
  absl::Span<const int> fields() const { return fields_; }
  // Necessary conditions that an index can answer, in the order written; empty where there are
  // none.
  std::vector<Conjunct> IndexableConjuncts() const;

 private:
  Predicate(std::shared_ptr<const Environment> environment,
            std::unique_ptr<const Expression> expression, absl::Span<const Step> steps);
  static std::unique_ptr<const Predicate> Make(std::shared_ptr<const Environment> environment,
                                               std::unique_ptr<const Expression> expression);
  absl::Span<const Step> steps() const;

  std::vector<int> fields_;
  const std::shared_ptr<const Environment> environment_;
  uint32_t terms_ = 0;
  uint32_t steps_ = 0;
  std::unique_ptr<const Expression> expression_;  // nullptr: the steps say all
};

}  // namespace huiliu::cel

#endif  // HUILIU_CORE_CEL_PROGRAM_H_
