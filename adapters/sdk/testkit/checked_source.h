// A source as tests see it: every poll is copied out and held against the ABI's contract.
#ifndef HUILIU_ADAPTERS_SDK_TESTKIT_CHECKED_SOURCE_H_
#define HUILIU_ADAPTERS_SDK_TESTKIT_CHECKED_SOURCE_H_

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "adapters/sdk/loader.h"
#include "adapters/sdk/testkit/fake_host.h"

namespace huiliu::sdk {

struct Row {
  std::string table;
  std::string row_id;
  int32_t operation = 0;
  int64_t source_time_us = 0;
  std::vector<std::optional<std::string>> cells;  // nullopt: null
  std::string raw;
  std::string error_code;  // not empty: the row is unusable
  std::string error_place;
  std::string error_message;
  bool operator==(const Row&) const = default;
};

struct Batch {
  std::vector<std::string> columns;
  std::vector<Row> rows;
  std::string position;
  bool caught_up = false;
  std::vector<std::string> notices;
  bool operator==(const Batch&) const = default;
};

// Copies `rows`. FAILED_PRECONDITION where it breaks the contract: a torn table, a row without id,
// a usable row whose cells are not one per column or no UTF-8, an error without place or message,
// no position.
absl::StatusOr<Batch> CopyBatch(const huiliu_rows& rows);

// Opens, polls and closes as the agent does. One thread at a time. Before each call it looks again
// at what the last poll gave: that memory must not have changed.
class CheckedSource {
 public:
  static absl::StatusOr<std::unique_ptr<CheckedSource>> Open(const huiliu_source& table,
                                                             const FakeHost& host,
                                                             absl::string_view options,
                                                             absl::string_view position);
  // FAILED_PRECONDITION also where the source gives more than max_rows.
  absl::StatusOr<Batch> Poll(size_t max_rows, int timeout_ms);
  // Polls until the source says that it is caught up; the batches in one.
  absl::StatusOr<Batch> ReadAll(size_t max_rows);
  absl::StatusOr<std::string> Describe();

 private:
  explicit CheckedSource(std::unique_ptr<OpenSource> source) : source_(std::move(source)) {}
  absl::Status CheckLast();
  const std::unique_ptr<OpenSource> source_;
  const huiliu_rows* last_ = nullptr;
  Batch last_copy_;
};

}  // namespace huiliu::sdk

#endif  // HUILIU_ADAPTERS_SDK_TESTKIT_CHECKED_SOURCE_H_
