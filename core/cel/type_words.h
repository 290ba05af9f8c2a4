// The names of the standard types as values: type(1) == int.
#ifndef HUILIU_CORE_CEL_TYPE_WORDS_H_
#define HUILIU_CORE_CEL_TYPE_WORDS_H_

#include "absl/strings/string_view.h"

namespace huiliu::cel {

struct TypeWord {
  absl::string_view word;
  absl::string_view name;  // as type() gives it
};
inline constexpr TypeWord kTypeWords[] = {
    {"bool", "bool"},
    {"int", "int"},
    {"uint", "uint"},
    {"double", "double"},
    {"string", "string"},
    {"bytes", "bytes"},
    {"list", "list"},
    {"map", "map"},
    {"null_type", "null_type"},
    {"type", "type"},
    {"google.protobuf.Timestamp", "google.protobuf.Timestamp"},
    {"google.protobuf.Duration", "google.protobuf.Duration"}};

}  // namespace huiliu::cel

#endif  // HUILIU_CORE_CEL_TYPE_WORDS_H_
