// Reads a decision store while its owner goes on working.
#ifndef HUILIU_STORAGE_DECISIONS_DECISION_READER_H_
#define HUILIU_STORAGE_DECISIONS_DECISION_READER_H_

#include <functional>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace huiliu {

// Calls f(key, value) for all that the store at `path` remembers, what is staged included, in no
// order; a failure of f ends the walk and is returned. `scratch` is a folder of the reader's own.
// NOT_FOUND: there is no store.
absl::Status ReadDecisions(
    const std::string& path, const std::string& scratch,
    const std::function<absl::Status(absl::string_view key, absl::string_view value)>& f);

}  // namespace huiliu

#endif  // HUILIU_STORAGE_DECISIONS_DECISION_READER_H_
