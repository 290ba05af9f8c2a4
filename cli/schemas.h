// The contracts and divisions on this machine's disk, for the verbs that need no node.
#ifndef HUILIU_CLI_SCHEMAS_H_
#define HUILIU_CLI_SCHEMAS_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "cli/command.h"
#include "core/schema/contract.h"
#include "core/territory/territory.h"

namespace huiliu::cli {

// The folder `named`, else $HUILIU_SCHEMAS, else the `schemas` folder of the working folder, beside
// the program or above it, or /usr/share/huiliu/schemas. NOT_FOUND lists where it looked.
absl::StatusOr<std::string> FindSchemas(const std::string& named);

// Every contract under FOLDER/datasets is looked at. NOT_FOUND where none has the id.
absl::StatusOr<std::shared_ptr<const schema::Contract>> FindContractFile(
    const std::string& schemas, const std::string& dataset);
absl::StatusOr<std::shared_ptr<const schema::Contract>> ReadContract(const std::string& path);

// As the node has it, in its newest version.
absl::StatusOr<std::shared_ptr<const schema::Contract>> RegisteredContract(
    Command& command, const std::string& dataset);

// From `file` where one is named, else the node's newest version, else (no node is configured) the
// schemas folder's.
absl::StatusOr<std::shared_ptr<const schema::Contract>> ContractOf(Command& command,
                                                                   const std::string& dataset,
                                                                   const std::string& file,
                                                                   const std::string& schemas);

absl::StatusOr<std::shared_ptr<const territory::Divisions>> LoadDivisions(
    const std::string& schemas);

// Those of the folder `named` or found; nullptr where none is named and none found: then the node
// that takes the rules looks their areas up.
absl::StatusOr<std::shared_ptr<const territory::Divisions>> DivisionsAtHand(
    const std::string& named);

}  // namespace huiliu::cli

#endif  // HUILIU_CLI_SCHEMAS_H_
