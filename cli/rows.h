// Rows of a dataset on a terminal: in the contract's field order, under its Chinese titles.
#ifndef HUILIU_CLI_ROWS_H_
#define HUILIU_CLI_ROWS_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "cli/command.h"
#include "huiliu/v1/catalog.pb.h"
#include "huiliu/v1/registry.pb.h"

namespace huiliu::cli {

// What the reading verbs share: --receiver, --purpose.
struct ReadOptions {
  std::string dataset, receiver, purpose;
};
void AddReadOptions(CLI::App* verb, ReadOptions* options);

// INVALID_ARGUMENT where no purpose is given: it is part of the record of who reads what, so nobody
// chooses it for the reader; lists those that the caller's organisation was granted.
absl::StatusOr<huiliu::v1::ReadContext> ContextOf(Command& command, const ReadOptions& options);

absl::StatusOr<huiliu::v1::Dataset> FieldsOf(Command& command, const std::string& dataset);

// A field's value as text; times in Asia/Shanghai. Empty where the row has none.
std::string ValueOf(const huiliu::v1::Row& row, const huiliu::v1::DatasetField& field);

// One row, a line a field.
void PrintRow(Command& command, const huiliu::v1::Dataset& dataset, const huiliu::v1::Row& row);

// Leaves in the row only the fields that are named, by name or title; all where none is.
// INVALID_ARGUMENT names one that the dataset does not have.
absl::Status KeepColumns(const huiliu::v1::Dataset& dataset,
                         const std::vector<std::string>& columns, huiliu::v1::Row* row);

// A table of rows. `columns`: field names; empty: all fields that any row has. INVALID_ARGUMENT
// names an unknown one.
absl::StatusOr<Table> RowTable(const Command& command, const huiliu::v1::Dataset& dataset,
                               const std::vector<huiliu::v1::Row>& rows,
                               const std::vector<std::string>& columns);

}  // namespace huiliu::cli

#endif  // HUILIU_CLI_ROWS_H_
