// What a wrong command line is answered with, by each of the programs.
#ifndef HUILIU_CORE_COMMAND_LINE_USAGE_ERRORS_H_
#define HUILIU_CORE_COMMAND_LINE_USAGE_ERRORS_H_

#include <CLI/App.hpp>
#include <string>

namespace huiliu::command_line {

// For CLI::App::failure_message: what is wrong, in Chinese and English, which commands there are
// where one is missing or unknown, and how to get help.
std::string UsageError(const CLI::App* app, const CLI::Error& error);

}  // namespace huiliu::command_line

#endif  // HUILIU_CORE_COMMAND_LINE_USAGE_ERRORS_H_
