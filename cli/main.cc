// huiliu: the command line of the node. docs/cli.md.
#include <signal.h>

#include <CLI/CLI.hpp>
#include <iostream>

#include "cli/command.h"
#include "cli/run.h"

int main(int argc, char** argv) {
  signal(SIGPIPE, SIG_DFL);
  return huiliu::cli::Run(argc, argv, std::cout, std::cerr);
}
