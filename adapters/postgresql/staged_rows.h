// A batch as COPY text, a line a change, so that any range of it can be sent.
#ifndef HUILIU_ADAPTERS_POSTGRESQL_STAGED_ROWS_H_
#define HUILIU_ADAPTERS_POSTGRESQL_STAGED_ROWS_H_

#include <string>
#include <vector>

#include "absl/types/span.h"
#include "adapters/sdk/plugin.h"

namespace huiliu::postgresql {

struct Column {
  std::string name;
  std::string title;
  std::string type;
  bool key = false;
  bool index = false;
};

// A change that the target refused, and why.
struct Refused {
  size_t change = 0;  // its place in the batch
  std::string state;  // SQLSTATE
  std::string place;  // the constraint or column, where it is known
  std::string message;
};

// The last change of each key, in the batch's order.
class StagedRows {
 public:
  StagedRows(absl::Span<const huiliu_change> changes, const std::vector<Column>& columns);
  size_t size() const { return changes_.size(); }
  // The place in the batch of the change in line `i`.
  size_t change(size_t i) const { return changes_[i]; }
  // Lines [first, last).
  absl::string_view Lines(size_t first, size_t last) const {
    return absl::string_view(text_).substr(begins_[first], begins_[last] - begins_[first]);
  }
  bool deletes() const { return deletes_; }
  // Changes that no text of PostgreSQL can hold; they have no line.
  const std::vector<Refused>& unstorable() const { return unstorable_; }

 private:
  std::string text_;
  std::vector<size_t> changes_;
  std::vector<size_t> begins_ = {0};  // and the end
  std::vector<Refused> unstorable_;
  bool deletes_ = false;
};

// System and key cells, each with its length before it.
std::string KeyBytes(const huiliu_change& change, const std::vector<Column>& columns);

}  // namespace huiliu::postgresql

#endif  // HUILIU_ADAPTERS_POSTGRESQL_STAGED_ROWS_H_
