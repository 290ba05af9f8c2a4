#include "core/cel/contract_scope.h"

#include <google/protobuf/descriptor.h>

#include <algorithm>
#include <numeric>

#include "absl/strings/match.h"
#include "core/cel/message_types.h"

namespace huiliu::cel {
namespace {

constexpr absl::string_view kDivision = "division";
constexpr absl::string_view kConflict = "conflict";

// What a record is known by besides its fields.
bool IsOfAttribution(absl::string_view name) { return name == kDivision || name == kConflict; }
constexpr absl::string_view kRecord = "record.";
constexpr size_t kMaxCompared = 64;

// Letters to change, add or take away to make one name of the other.
size_t EditDistance(absl::string_view a, absl::string_view b) {
  std::vector<size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), size_t{0});
  for (size_t i = 0; i < a.size(); ++i) {
    size_t diagonal = row[0]++;
    for (size_t j = 0; j < b.size(); ++j) {
      const size_t changed = diagonal + (a[i] == b[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({changed, row[j] + 1, diagonal + 1});
    }
  }
  return row.back();
}

}  // namespace

ContractScope::ContractScope(const schema::Contract& contract, bool has_divisions,
                             bool resolves_divisions)
    : contract_(contract),
      container_(contract.descriptor()->full_name()),
      has_divisions_(has_divisions),
      resolves_divisions_(resolves_divisions) {}

bool ContractScope::FindField(absl::string_view name, Declaration* declaration) const {
  const schema::Field* field = contract_.FindField(name);
  if (field == nullptr) return false;
  declaration->reference = {Reference::Kind::kField, field->index, 0, {}};
  declaration->type = TypeOfField(*field->descriptor);
  return true;
}

const google::protobuf::DescriptorPool* ContractScope::pool() const {
  return contract_.descriptor()->file()->pool();
}

bool ContractScope::Find(const std::string& name, Declaration* declaration) const {
  if (absl::StartsWith(name, std::string(kRecord)))
    return FindField(absl::string_view(name).substr(kRecord.size()), declaration);
  // A field of that name would be meant as often as the attributed division: record.division says
  // which.
  if (!IsOfAttribution(name)) return FindField(name, declaration);
  if (contract_.FindField(name) != nullptr) return false;
  const bool division = name == kDivision;
  declaration->reference = {
      division ? Reference::Kind::kDivision : Reference::Kind::kConflict, 0, 0, {}};
  declaration->type = Simple(division ? TypeKind::kString : TypeKind::kBool);
  return true;
}

std::string ContractScope::Suggest(const std::string& name) const {
  if (IsOfAttribution(name)) return absl::StrCat(kRecord, name);
  if (name.size() > kMaxCompared) return {};
  std::string nearest;
  size_t best = std::min<size_t>(3, name.size() / 2 + 1);
  for (const schema::Field& field : contract_.fields()) {
    const size_t distance =
        EditDistance(name, absl::string_view(field.name).substr(0, kMaxCompared));
    if (distance >= best) continue;
    best = distance;
    nearest = field.name;
  }
  return nearest;
}

}  // namespace huiliu::cel
