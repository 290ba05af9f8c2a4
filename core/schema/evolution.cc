#include <google/protobuf/descriptor.h>

#include <algorithm>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "core/schema/contract.h"

namespace huiliu::schema {
namespace {

using absl::StrCat;

std::string TypeName(const Field& field) {
  const auto* d = field.descriptor;
  std::string name = d->message_type() != nullptr ? d->message_type()->full_name()
                     : d->enum_type() != nullptr  ? d->enum_type()->full_name()
                                                  : d->type_name();
  return field.repeated ? StrCat("repeated ", name) : name;
}

void CompareField(const Field& before, const Contract& next, std::vector<std::string>* breaks) {
  const Field* by_name = next.FindField(before.name);
  const Field* by_number = next.FindFieldByNumber(before.number);
  if (by_name == nullptr && by_number == nullptr) {
    breaks->push_back(StrCat("field ", before.name, " = ", before.number, " was removed"));
    return;
  }
  if (by_name == nullptr) {
    breaks->push_back(
        StrCat("field ", before.name, " = ", before.number, " was renamed to ", by_number->name));
    return;
  }
  if (by_name->number != before.number) {
    breaks->push_back(StrCat("field ", before.name, " was renumbered from ", before.number, " to ",
                             by_name->number));
  }
  if (TypeName(*by_name) != TypeName(before)) {
    breaks->push_back(StrCat("field ", before.name, " was retyped from ", TypeName(before), " to ",
                             TypeName(*by_name)));
  }
  if (by_name->options.key() != before.options.key()) {
    breaks->push_back(
        StrCat("field ", before.name, before.options.key() ? " left the key" : " joined the key"));
  }
}

void CompareEnums(const google::protobuf::EnumDescriptor& before,
                  const google::protobuf::EnumDescriptor* after, std::vector<std::string>* breaks) {
  if (after == nullptr) return;  // said as a retyped field
  for (int i = 0; i < before.value_count(); ++i) {
    const auto* value = before.value(i);
    const auto* now = after->FindValueByName(value->name());
    if (now == nullptr) {
      breaks->push_back(StrCat("value ", before.name(), ".", value->name(), " was removed"));
    } else if (now->number() != value->number()) {
      breaks->push_back(StrCat("value ", before.name(), ".", value->name(), " was renumbered"));
    }
  }
}

}  // namespace

absl::Status CheckEvolution(const Contract& previous, const Contract& next) {
  std::vector<std::string> breaks;
  if (previous.id() != next.id()) {
    breaks.push_back(
        StrCat("the dataset's id changed from ", previous.id().value(), " to ", next.id().value()));
  }
  for (const Field& field : previous.fields()) {
    CompareField(field, next, &breaks);
    const Field* now = next.FindField(field.name);
    if (field.type == FieldType::kEnum && now != nullptr && now->type == FieldType::kEnum) {
      CompareEnums(*field.descriptor->enum_type(), now->descriptor->enum_type(), &breaks);
    }
  }
  for (const Field& field : next.fields()) {
    if (field.options.key() && previous.FindField(field.name) == nullptr) {
      breaks.push_back(StrCat("new field ", field.name, " is part of the key"));
    }
  }
  if (breaks.empty()) return absl::OkStatus();
  return absl::FailedPreconditionError(StrCat(next.source_name(), ": breaks version ",
                                              previous.version(), " of ", previous.id().value(),
                                              ": ", absl::StrJoin(breaks, "; ")));
}

}  // namespace huiliu::schema
