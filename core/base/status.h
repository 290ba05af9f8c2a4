// Errors are absl::Status from the first call to the last: never thrown, never swallowed.
// A message names the place (file:line, field, topic/partition) and the way out, and holds no
// personal data.
#ifndef HUILIU_CORE_BASE_STATUS_H_
#define HUILIU_CORE_BASE_STATUS_H_

#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

namespace huiliu {

// The same code with `context: ` before the message.
inline absl::Status Annotate(const absl::Status& status, absl::string_view context) {
  if (status.ok()) return status;
  return absl::Status(status.code(), absl::StrCat(context, ": ", status.message()));
}

}  // namespace huiliu

#define HUILIU_CONCAT_INNER_(a, b) a##b
#define HUILIU_CONCAT_(a, b) HUILIU_CONCAT_INNER_(a, b)

// Returns from the enclosing function where `expr` is not OK.
#define RETURN_IF_ERROR(expr)                        \
  do {                                               \
    absl::Status huiliu_status_ = (expr);            \
    if (!huiliu_status_.ok()) return huiliu_status_; \
  } while (false)

// ASSIGN_OR_RETURN(auto x, Call()): returns where Call() failed, else moves its value into x.
#define ASSIGN_OR_RETURN(lhs, expr) \
  ASSIGN_OR_RETURN_IMPL_(HUILIU_CONCAT_(huiliu_statusor_, __LINE__), lhs, expr)
#define ASSIGN_OR_RETURN_IMPL_(name, lhs, expr) \
  auto name = (expr);                           \
  if (!name.ok()) return name.status();         \
  lhs = std::move(name).value()

#endif  // HUILIU_CORE_BASE_STATUS_H_
