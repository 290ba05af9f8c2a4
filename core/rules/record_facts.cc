#include "core/rules/record_facts.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "core/base/status.h"
#include "core/codes/codes.h"

namespace huiliu::rules {
namespace {

using schema::Field;
using schema::FieldSlot;
using schema::FieldType;
using schema::WireType;

bool IsKeyish(const Field& field) {
  if (field.type != FieldType::kString || field.repeated) return false;
  switch (field.options.value()) {
    case huiliu::v1::VALUE_KIND_USCC:
    case huiliu::v1::VALUE_KIND_CITIZEN_ID:
    case huiliu::v1::VALUE_KIND_ORGANISATION_CODE:
      return true;
    default:
      return field.options.key();
  }
}

bool IsEmpty(const FieldSlot& slot) {
  return !slot.present || (slot.type == WireType::kBytes && slot.bytes.empty());
}

}  // namespace

absl::StatusOr<std::unique_ptr<RecordFacts>> RecordFacts::Create(
    const schema::Contract& contract, std::shared_ptr<const territory::Divisions> divisions) {
  std::unique_ptr<RecordFacts> facts(new RecordFacts(contract));
  std::vector<uint32_t> numbers;
  for (const Field& field : contract.fields()) {
    numbers.push_back(field.number);
    if (field.options.required()) facts->required_.push_back(&field);
    if (IsKeyish(field)) facts->keyish_.push_back(&field);
  }
  facts->plan_ = std::make_unique<schema::FieldPlan>(numbers);
  facts->slots_.resize(numbers.size());
  const huiliu::v1::TerritoryBasis& basis = contract.options().territory();
  ASSIGN_OR_RETURN(facts->attributor_, territory::Attributor::Create(basis, std::move(divisions)));
  for (const huiliu::v1::Evidence& evidence : basis.evidence()) {
    const Field* field = contract.FindField(evidence.field());
    if (field == nullptr) {
      return absl::InvalidArgumentError(
          absl::StrCat(contract.source_name(),
                       ": 归属依据没有这个字段 / evidence names no field: ", evidence.field()));
    }
    facts->evidence_.push_back(field);
  }
  facts->values_.resize(facts->evidence_.size());
  facts->texts_.resize(facts->evidence_.size());
  return facts;
}

bool RecordFacts::Read(absl::string_view record, territory::Attribution* attribution,
                       std::vector<std::string>* findings, bool* masked_at_source) {
  if (!plan_->Scan(record, absl::MakeSpan(slots_)).ok()) return false;
  Attribute(attribution);
  missing_ = nullptr;
  for (const Field* field : required_) {
    if (!IsEmpty(slots_[field->index])) continue;
    missing_ = field;
    break;
  }
  for (const Field* field : keyish_) {
    const FieldSlot& slot = slots_[field->index];
    if (!slot.present || slot.type != WireType::kBytes || !codes::IsMaskedAtSource(slot.bytes))
      continue;
    *masked_at_source = true;
    findings->push_back(absl::StrCat(field->name, ":masked_at_source"));
  }
  return true;
}

void RecordFacts::Attribute(territory::Attribution* attribution) {
  for (size_t i = 0; i < evidence_.size(); ++i) {
    const FieldSlot& slot = slots_[evidence_[i]->index];
    values_[i].text = absl::string_view();
    if (!slot.present) continue;
    if (slot.type == WireType::kBytes) {
      values_[i].text = slot.bytes;
    } else {
      texts_[i] = absl::StrCat(slot.number);
      values_[i].text = texts_[i];
    }
  }
  attributor_->Attribute(values_, attribution);
}

}  // namespace huiliu::rules
