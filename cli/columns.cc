#include "cli/columns.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "cli/rows.h"
#include "core/base/status.h"
#include "core/schema/contract.h"
#include "huiliu/v1/governance.pb.h"
#include "huiliu/v1/registry.pb.h"

namespace huiliu::cli {
namespace {

namespace v1 = huiliu::v1;

bool HoldsNow(const v1::Grant& grant, absl::Time now) {
  const int64_t seconds = absl::ToUnixSeconds(now);
  return !grant.revoked() && grant.valid_from().seconds() <= seconds &&
         seconds < grant.valid_to().seconds();
}

// The grant that the node would read by: of those that fit the newest.
absl::StatusOr<v1::Grant> GrantOf(Command& command, const v1::ReadContext& context) {
  v1::WhoAmIResponse who;
  RETURN_IF_ERROR(command.Call("Governance/WhoAmI", v1::WhoAmIRequest(), &who));
  v1::ListGrantsRequest request;
  request.set_organisation(who.organisation());
  request.set_dataset(context.dataset());
  v1::ListGrantsResponse grants;
  RETURN_IF_ERROR(ListAll(command, "Governance/ListGrants", request, &grants));
  v1::Grant newest;
  for (const v1::Grant& grant : grants.grants()) {
    if (grant.receiver() == context.receiver() && grant.purpose() == context.purpose() &&
        HoldsNow(grant, absl::Now()) && grant.version() >= newest.version())
      newest = grant;
  }
  return newest;
}

absl::Status Unknown(const v1::Dataset& dataset, const std::string& column) {
  return absl::InvalidArgumentError(absl::StrCat(
      "数据集没有这个字段 / dataset ", dataset.id(), " has no field \"", column, "\"; it has: ",
      absl::StrJoin(dataset.fields(), ", ", [](std::string* out, const v1::DatasetField& field) {
        absl::StrAppend(out, field.name());
      })));
}

// Whether the grant shows the field at all, masked or clear.
bool Opens(const v1::Grant& grant, const schema::Field& field) {
  if (!grant.fields().empty() &&
      std::find(grant.fields().begin(), grant.fields().end(), field.name) == grant.fields().end())
    return false;
  const auto mask = grant.masks().find(field.name);
  return mask == grant.masks().end() ? !field.options.default_mask().drop() : !mask->second.drop();
}

}  // namespace

absl::Status CheckColumns(Command& command, const v1::ReadContext& context,
                          const std::vector<std::string>& columns) {
  if (columns.empty()) return absl::OkStatus();
  ASSIGN_OR_RETURN(const v1::Dataset dataset, FieldsOf(command, context.dataset()));
  std::vector<std::string> names;
  for (const std::string& column : columns) {
    const auto field = std::find_if(
        dataset.fields().begin(), dataset.fields().end(),
        [&](const v1::DatasetField& f) { return f.name() == column || f.title() == column; });
    if (field == dataset.fields().end()) return Unknown(dataset, column);
    names.push_back(field->name());
  }
  ASSIGN_OR_RETURN(const v1::Grant grant, GrantOf(command, context));
  if (grant.id().empty()) return absl::OkStatus();
  ASSIGN_OR_RETURN(
      const auto contract,
      schema::Contract::Parse(dataset.source_name(), dataset.source_text(), dataset.version()));
  std::vector<std::string> open;
  for (const schema::Field& field : contract->fields()) {
    if (Opens(grant, field)) open.push_back(field.name);
  }
  for (size_t i = 0; i < names.size(); ++i) {
    if (std::find(open.begin(), open.end(), names[i]) != open.end()) continue;
    return absl::PermissionDeniedError(absl::StrCat(
        "所用授权未开放这个字段，须另行申请 / grant ", grant.id(), " does not open field \"",
        columns[i], "\"; it opens: ", absl::StrJoin(open, ", ")));
  }
  return absl::OkStatus();
}

}  // namespace huiliu::cli
