// One run of the command line, from its arguments to its exit code.
#ifndef HUILIU_CLI_RUN_H_
#define HUILIU_CLI_RUN_H_

#include <memory>
#include <ostream>

#include "cli/node.h"

namespace huiliu::cli {

// Writes answers to `out`, everything else to `err`. `node`: for tests, what answers instead of the
// node that the arguments name.
int Run(int argc, const char* const* argv, std::ostream& out, std::ostream& err,
        std::unique_ptr<Node> node = nullptr);

}  // namespace huiliu::cli

#endif  // HUILIU_CLI_RUN_H_
