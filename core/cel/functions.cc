#include "core/cel/functions.h"

#include "absl/container/flat_hash_map.h"

namespace huiliu::cel {

Function FindFunction(absl::string_view name) {
  static const auto* const functions = [] {
    auto* all = new absl::flat_hash_map<absl::string_view, Function>();
    for (const auto& table : {OperatorFunctions(), TextFunctions(), TextPartFunctions(),
                              ConversionFunctions(), TimeFunctions(), DomainFunctions()}) {
      for (const FunctionEntry& entry : table) all->emplace(entry.name, entry.function);
    }
    return all;
  }();
  const auto found = functions->find(name);
  return found == functions->end() ? nullptr : found->second;
}

}  // namespace huiliu::cel
