// The parts that a condition is written of, for people to read: what && and || join.
#ifndef HUILIU_CORE_CEL_CLAUSES_H_
#define HUILIU_CORE_CEL_CLAUSES_H_

#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace huiliu::cel {

struct Clause {
  enum class Joint {
    kNone,  // no parts: one condition
    kAll,   // parts joined by &&
    kAny,   // parts joined by ||
  };
  Joint joint = Joint::kNone;
  std::string text;  // as written, without brackets around the whole; itself an expression
  std::vector<Clause> parts;
};

// Of an expression that compiles. A choice (? :) and whatever stands inside calls is one part; so
// is text that is no CEL.
Clause ClausesOf(absl::string_view expression);

}  // namespace huiliu::cel

#endif  // HUILIU_CORE_CEL_CLAUSES_H_
