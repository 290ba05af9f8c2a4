// huiliu-conformance SUITE PATH: runs an outside test suite and ends with "passed N, refused M,
// wrong K".
#include <cstdio>
#include <functional>
#include <map>

#include "tests/conformance/runner/suite.h"

int main(int argc, char** argv) {
  using namespace huiliu::conformance;
  const std::map<std::string, std::function<absl::StatusOr<Tally>(const std::string&)>> suites = {
      {"cel", RunCel},
      {"csv", RunCsv},
      {"gb18030", RunGb18030},
      {"ids", RunIds},
      {"merkle", RunMerkle}};
  const auto suite = argc == 3 ? suites.find(argv[1]) : suites.end();
  if (suite == suites.end()) {
    std::fprintf(stderr, "usage: conformance SUITE PATH; suites:");
    for (const auto& [name, run] : suites) std::fprintf(stderr, " %s", name.c_str());
    std::fprintf(stderr, "\n");
    return 2;
  }
  const auto tally = suite->second(argv[2]);
  if (!tally.ok()) {
    std::fprintf(stderr, "%s\n", std::string(tally.status().message()).c_str());
    return 2;
  }
  if (tally->passed + tally->refused + tally->wrong == 0) {
    std::fprintf(stderr, "%s: no cases found\n", argv[2]);
    return 2;
  }
  std::printf("passed %ld, refused %ld, wrong %ld\n", tally->passed, tally->refused, tally->wrong);
  return tally->wrong > 0 ? 1 : 0;
}
