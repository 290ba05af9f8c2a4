#include <google/protobuf/descriptor.h>

#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "core/schema/contract.h"

namespace huiliu::schema {
namespace {

namespace pb = google::protobuf;
using absl::StrCat;

struct Comparison {
  std::vector<std::string> breaks;
  std::set<const void*> seen;  // types already compared: messages may hold themselves
};

std::string TypeName(const pb::FieldDescriptor& field) {
  std::string name = field.message_type() != nullptr ? field.message_type()->full_name()
                     : field.enum_type() != nullptr  ? field.enum_type()->full_name()
                                                     : field.type_name();
  return field.is_repeated() ? StrCat("repeated ", name) : name;
}

void CompareField(const pb::FieldDescriptor& before, const pb::Descriptor& next,
                  const std::string& prefix, Comparison* comparison);

void CompareEnums(const pb::EnumDescriptor& before, const pb::EnumDescriptor& after,
                  Comparison* comparison) {
  for (int i = 0; i < before.value_count(); ++i) {
    const auto* value = before.value(i);
    const std::string name = StrCat("value ", before.name(), ".", value->name());
    const auto* now = after.FindValueByName(value->name());
    const auto* same_number = after.FindValueByNumber(value->number());
    if (now != nullptr && now->number() != value->number()) {
      comparison->breaks.push_back(StrCat(name, " was renumbered from ", value->number(), " to ",
                                          now->number(), " / 编号变了"));
    } else if (now == nullptr) {
      comparison->breaks.push_back(
          same_number == nullptr
              ? StrCat(name, " was removed / 被删除")
              : StrCat(name, " was renamed to ", same_number->name(), " / 改了名"));
    }
  }
}

// What the fields' types hold must go on too: enums, and the messages inside a record.
void CompareContent(const pb::FieldDescriptor& before, const pb::FieldDescriptor& after,
                    Comparison* comparison) {
  if (before.enum_type() != nullptr && after.enum_type() != nullptr) {
    if (comparison->seen.insert(before.enum_type()).second)
      CompareEnums(*before.enum_type(), *after.enum_type(), comparison);
  }
  if (before.message_type() == nullptr || after.message_type() == nullptr) return;
  if (!comparison->seen.insert(before.message_type()).second) return;
  for (int i = 0; i < before.message_type()->field_count(); ++i) {
    CompareField(*before.message_type()->field(i), *after.message_type(),
                 StrCat(before.message_type()->name(), "."), comparison);
  }
}

void CompareField(const pb::FieldDescriptor& before, const pb::Descriptor& next,
                  const std::string& prefix, Comparison* comparison) {
  const auto* by_name = next.FindFieldByName(before.name());
  const auto* by_number = next.FindFieldByNumber(before.number());
  const std::string name = StrCat("field ", prefix, before.name());
  if (by_name == nullptr && by_number == nullptr) {
    comparison->breaks.push_back(StrCat(name, " = ", before.number(), " was removed / 被删除"));
    return;
  }
  if (by_name == nullptr) {
    comparison->breaks.push_back(
        StrCat(name, " = ", before.number(), " was renamed to ", by_number->name(), " / 改了名"));
    return;
  }
  if (by_name->number() != before.number()) {
    comparison->breaks.push_back(StrCat(name, " was renumbered from ", before.number(), " to ",
                                        by_name->number(), " / 编号变了"));
  }
  if (TypeName(*by_name) != TypeName(before)) {
    comparison->breaks.push_back(StrCat(name, " was retyped from ", TypeName(before), " to ",
                                        TypeName(*by_name), " / 改了类型"));
    return;
  }
  const auto* group = before.real_containing_oneof();
  const auto* group_now = by_name->real_containing_oneof();
  if ((group == nullptr) != (group_now == nullptr) ||
      (group != nullptr && group->name() != group_now->name())) {
    comparison->breaks.push_back(
        StrCat(name, " moved into or out of a oneof / 移入或移出了 oneof"));
  }
  CompareContent(before, *by_name, comparison);
}

void CompareKey(const Field& before, const Contract& next, Comparison* comparison) {
  const Field* now = next.FindField(before.name);
  if (now == nullptr || now->options.key() == before.options.key()) return;
  comparison->breaks.push_back(
      StrCat("field ", before.name,
             before.options.key() ? " left the key / 不再属于主键" : " joined the key / 成了主键"));
}

// In a field of these kinds citizen numbers are found and hidden, also by grants that say nothing.
bool FindsPersons(huiliu::v1::ValueKind kind) {
  return kind == huiliu::v1::VALUE_KIND_USCC || kind == huiliu::v1::VALUE_KIND_ORGANISATION_CODE ||
         kind == huiliu::v1::VALUE_KIND_CITIZEN_ID;
}

// Grants rest on what the contract protects, and whoever registers contracts gives no grants
// (三员): protection may grow in a new version, never shrink.
void CompareProtection(const Field& before, const Contract& next, Comparison* comparison) {
  const Field* now = next.FindField(before.name);
  if (now == nullptr) return;
  const auto shrank = [&](absl::string_view what) {
    comparison->breaks.push_back(
        StrCat("field ", before.name, ": ", what,
               " (existing grants rest on it; a dataset that shows more "
               "is registered under another id and granted anew) / "
               "已有授权以原来的保护为准，不得减弱；需更多内容的以另一 id 登记并重新授权"));
  };
  if (before.options.personal() && !now->options.personal()) shrank("is no longer personal");
  if (FindsPersons(before.options.value()) && now->options.value() != before.options.value())
    shrank(StrCat("is no longer ", huiliu::v1::ValueKind_Name(before.options.value())));
  if (now->options.grade() < before.options.grade()) shrank("its grade was lowered");
  if (!before.options.has_default_mask() || before.options.default_mask().keep()) return;
  if (!now->options.has_default_mask()) {
    shrank("its default mask was taken away");
  } else if (!now->options.default_mask().drop() &&
             now->options.default_mask().SerializeAsString() !=
                 before.options.default_mask().SerializeAsString()) {
    shrank("its default mask became another one, which may show more");
  }
}

// The key's bytes follow the declaration order of its fields.
void CompareKeyOrder(const Contract& previous, const Contract& next, Comparison* comparison) {
  const auto names = [](const Contract& contract) {
    std::vector<std::string> out;
    for (const Field* field : contract.key_fields()) out.push_back(field->name);
    return out;
  };
  const auto before = names(previous), now = names(next);
  if (before != now && std::is_permutation(before.begin(), before.end(), now.begin(), now.end())) {
    comparison->breaks.push_back(StrCat("the key's order changed from ",
                                        absl::StrJoin(before, ", "), " to ",
                                        absl::StrJoin(now, ", "), " / 主键字段的次序变了"));
  }
}

}  // namespace

absl::Status CheckEvolution(const Contract& previous, const Contract& next) {
  Comparison comparison;
  std::vector<std::string>& breaks = comparison.breaks;
  if (previous.id() != next.id()) {
    breaks.push_back(StrCat("the dataset's id changed from ", previous.id().value(), " to ",
                            next.id().value(), " / 数据集 id 变了"));
  }
  comparison.seen.insert(previous.descriptor());
  for (const Field& field : previous.fields()) {
    CompareField(*field.descriptor, *next.descriptor(), "", &comparison);
    CompareKey(field, next, &comparison);
    CompareProtection(field, next, &comparison);
  }
  for (const Field& field : next.fields()) {
    if (field.options.key() && previous.FindField(field.name) == nullptr) {
      breaks.push_back(StrCat("new field ", field.name, " is part of the key / 新字段成了主键"));
    }
  }
  CompareKeyOrder(previous, next, &comparison);
  if (breaks.empty()) return absl::OkStatus();
  return absl::FailedPreconditionError(
      StrCat(next.source_name(), ": 与已登记的版本不兼容 / breaks version ", previous.version(),
             " of ", previous.id().value(), ": ", absl::StrJoin(breaks, "; ")));
}

}  // namespace huiliu::schema
