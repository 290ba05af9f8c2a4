#include "broker/access/access_plan.h"

#include <algorithm>
#include <map>
#include <utility>

#include "absl/container/inlined_vector.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "core/base/digest.h"
#include "core/base/status.h"
#include "core/codes/citizen_ids.h"
#include "core/rules/masks.h"
#include "huiliu/v1/common.pb.h"

namespace huiliu::access {
namespace {

using huiliu::v1::Mask;
using schema::Field;

constexpr size_t kMinKeyBytes = 16;
constexpr size_t kSlotsOnStack = 64;

absl::Status BadGrant(const huiliu::v1::Grant& grant, absl::string_view zh, absl::string_view en) {
  return absl::InvalidArgumentError(
      absl::StrCat("授权 ", grant.id(), "：", zh, " / grant ", grant.id(), ": ", en));
}

// What an envelope says of where its record belongs.
struct Belonging {
  absl::string_view division;
  bool conflict = false;
};
// As in protobuf the last one counts. False where the bytes are torn.
bool ReadBelonging(absl::string_view envelope, Belonging* belonging) {
  using huiliu::v1::Envelope;
  schema::WireField field;
  while (schema::TakeField(envelope, &field)) {
    if (field.field_number == Envelope::kDivisionFieldNumber &&
        field.type == schema::WireType::kBytes) {
      belonging->division = field.bytes;
    } else if (field.field_number == Envelope::kConflictFieldNumber &&
               field.type == schema::WireType::kVarint) {
      belonging->conflict = field.number != 0;
    }
  }
  return envelope.empty();
}

// Without the division tree `inDivision` has no answer; a false one would open what `!inDivision`
// closes.
absl::StatusOr<std::unique_ptr<const cel::Predicate>> CompilePredicate(
    absl::string_view expression, const schema::Contract& contract,
    const cel::Environment& environment) {
  if (!environment.contains && absl::StrContains(expression, "inDivision")) {
    return absl::InvalidArgumentError(
        "1:1: inDivision: 没有载入区划树 / no division tree is loaded");
  }
  std::vector<cel::Issue> issues;
  auto predicate = cel::Predicate::Compile(expression, contract, environment, &issues);
  if (predicate.ok() || issues.empty()) return predicate;
  return absl::InvalidArgumentError(
      absl::StrCat(issues[0].line, ":", issues[0].column, ": ", issues[0].message));
}

// Whether any occurrence of the text field holds a citizen number.
bool HoldsCitizenId(absl::string_view payload, uint32_t number) {
  schema::WireField field;
  while (schema::TakeField(payload, &field)) {
    if (field.field_number == number && codes::HoldsCitizenId(field.bytes)) return true;
  }
  return false;
}

std::vector<uint32_t> NumbersOf(const schema::Contract& contract) {
  std::vector<uint32_t> numbers;
  for (const Field& field : contract.fields()) numbers.push_back(field.number);
  return numbers;
}

// protobuf lets a flag of a oneof be set to false: `keep: false` must not mean keep.
bool SaysNothing(const Mask& mask) {
  switch (mask.kind_case()) {
    case Mask::kKeep:
      return !mask.keep();
    case Mask::kHash:
      return !mask.hash();
    case Mask::kDrop:
      return !mask.drop();
    case Mask::kHashSm3:
      return !mask.hash_sm3();
    case Mask::kPartial:
    case Mask::kConstant:
    case Mask::kGeneralise:
      return false;
    case Mask::KIND_NOT_SET:
      return true;
  }
  return true;
}

std::string ShapeOf(const huiliu::v1::Grant& grant, absl::string_view pseudonym_key) {
  huiliu::v1::Grant shown;
  shown.set_id(grant.id());
  *shown.mutable_fields() = grant.fields();
  shown.set_row_filter(grant.row_filter());
  std::string shape = shown.SerializeAsString();
  const std::map<std::string, huiliu::v1::Mask> masks(grant.masks().begin(), grant.masks().end());
  for (const auto& [name, mask] : masks)
    absl::StrAppend(&shape, "\n", name, "=", mask.SerializeAsString());
  return ToString(Sha256(absl::StrCat(shape, "\n", ToString(HmacSha256(pseudonym_key, "shape")))));
}

}  // namespace

AccessPlan::AccessPlan(const huiliu::v1::Grant& grant,
                       std::shared_ptr<const schema::Contract> contract,
                       absl::string_view pseudonym_key)
    : grant_(grant),
      contract_(std::move(contract)),
      pseudonym_key_(pseudonym_key),
      shape_(ShapeOf(grant_, pseudonym_key_)),
      visibility_(contract_->fields().size(), Visibility::kHidden),
      guarded_(contract_->fields().size(), false),
      projector_(contract_),
      plan_(NumbersOf(*contract_)) {
  const auto time = [](const google::protobuf::Timestamp& stamp) {
    return absl::FromUnixSeconds(stamp.seconds()) + absl::Nanoseconds(stamp.nanos());
  };
  valid_from_ = grant_.has_valid_from() ? time(grant_.valid_from()) : absl::InfinitePast();
  valid_to_ = grant_.has_valid_to() ? time(grant_.valid_to()) : absl::InfinitePast();
}

absl::StatusOr<std::shared_ptr<const AccessPlan>> AccessPlan::Compile(
    const huiliu::v1::Grant& grant, std::shared_ptr<const schema::Contract> contract,
    const cel::Environment& environment, absl::string_view pseudonym_key) {
  std::shared_ptr<AccessPlan> plan(new AccessPlan(grant, std::move(contract), pseudonym_key));
  if (grant.dataset() != plan->contract_->id().value()) {
    return BadGrant(grant, "数据集不符", "it is for another dataset");
  }
  if (!grant.has_valid_to()) return BadGrant(grant, "缺少有效期", "it has no expiry (valid_to)");
  if (grant.purpose().empty()) return BadGrant(grant, "缺少使用场景", "it names no purpose");
  RETURN_IF_ERROR(plan->CompileFields(environment));
  if (grant.row_filter().empty()) return plan;
  auto filter = CompilePredicate(grant.row_filter(), *plan->contract_, environment);
  if (!filter.ok()) {
    return BadGrant(grant, absl::StrCat("行过滤条件 ", filter.status().message()),
                    absl::StrCat("row filter ", filter.status().message()));
  }
  plan->row_filter_ = *std::move(filter);
  return plan;
}

absl::Status AccessPlan::CompileFields(const cel::Environment& environment) {
  std::vector<bool> named(visibility_.size(), grant_.fields().empty());
  for (const std::string& name : grant_.fields()) {
    const Field* field = contract_->FindField(name);
    if (field == nullptr) {
      return BadGrant(grant_, absl::StrCat("数据集没有字段 ", name),
                      absl::StrCat("the dataset has no field ", name));
    }
    named[static_cast<size_t>(field->index)] = true;
  }
  for (const auto& [name, mask] : grant_.masks()) {
    const Field* field = contract_->FindField(name);
    if (field == nullptr || !named[static_cast<size_t>(field->index)]) {
      return BadGrant(grant_, absl::StrCat("脱敏规则的字段 ", name, " 不在授权字段内"),
                      absl::StrCat("a mask for field ", name, ", which is not granted"));
    }
  }
  for (const Field& field : contract_->fields()) {
    if (!named[static_cast<size_t>(field.index)]) continue;
    const auto own = grant_.masks().find(field.name);
    const Mask* mask = nullptr;
    if (own != grant_.masks().end()) {
      mask = &own->second;
    } else if (field.options.has_default_mask()) {
      mask = &field.options.default_mask();
    }
    Visibility& visibility = visibility_[static_cast<size_t>(field.index)];
    if (mask == nullptr) {
      visibility = Visibility::kClear;
    } else if (SaysNothing(*mask)) {
      return BadGrant(grant_, absl::StrCat("字段 ", field.name, " 的脱敏方式为空"),
                      absl::StrCat("the mask of field ", field.name, " names no kind"));
    } else if (mask->has_keep()) {
      visibility = Visibility::kClear;
    } else if (!mask->has_drop()) {
      absl::Status fits = rules::CheckMask(*mask, field);
      if (fits.ok()) fits = rules::CheckVisible(*mask);
      if (!fits.ok()) {
        return BadGrant(grant_, absl::StrCat("字段 ", field.name),
                        absl::StrCat("field ", field.name, ": ", fits.message()));
      }
      if (rules::NeedsKey(*mask) && pseudonym_key_.size() < kMinKeyBytes) {
        return BadGrant(grant_, absl::StrCat("字段 ", field.name, "：接收方没有假名密钥"),
                        absl::StrCat("field ", field.name,
                                     ": the receiver has no key for pseudonyms, of 16 bytes"));
      }
      visibility = Visibility::kMasked;
      projector_.Rewrite(
          field, [mask = *mask, needs = rules::MaskNeeds{pseudonym_key_, environment.has_division,
                                                         environment.resolve}](
                     absl::string_view value, std::string* shown) {
            if (rules::AppendMasked(mask, value, needs, shown)) return absl::OkStatus();
            return absl::DataLossError(
                "the mask cannot be applied: the value is no UTF-8 text, or none that the mask "
                "can make coarser");
          });
    }
    if (visibility == Visibility::kClear) projector_.Keep(field);
    if (visibility != Visibility::kHidden) visible_.push_back(&field);
  }
  if (visible_.empty()) return BadGrant(grant_, "没有可见字段", "it shows no field");
  GuardOrganisationCodes();
  return absl::OkStatus();
}

void AccessPlan::GuardOrganisationCodes() {
  // A key that the reader holds must stay what it is: rows are looked up and landed by it.
  const bool holds_key = CheckKeyUse().ok();
  for (const Field* field : visible_) {
    const auto kind = field->options.value();
    const bool organisation =
        kind == huiliu::v1::VALUE_KIND_USCC || kind == huiliu::v1::VALUE_KIND_ORGANISATION_CODE;
    if (!organisation || visibility(*field) != Visibility::kClear ||
        grant_.masks().contains(field->name) || (holds_key && field->options.key())) {
      continue;
    }
    guarded_[static_cast<size_t>(field->index)] = true;
    projector_.Rewrite(*field, [](absl::string_view value, std::string* shown) {
      codes::AppendCitizenIdsHidden(value, shown);
      return absl::OkStatus();
    });
  }
}

bool AccessPlan::ValidAt(absl::Time now) const {
  return !grant_.revoked() && valid_from_ <= now && now < valid_to_;
}

cel::Truth AccessPlan::Evaluate(const cel::Predicate& predicate, Author author,
                                absl::string_view payload, absl::string_view envelope) const {
  absl::InlinedVector<schema::FieldSlot, kSlotsOnStack> slots(visibility_.size());
  Belonging of;
  if (!plan_.Scan(payload, absl::MakeSpan(slots)).ok() || !ReadBelonging(envelope, &of)) {
    return cel::Truth::kError;
  }
  for (const int index : predicate.fields()) {
    if (author == Author::kCaller && guarded_[static_cast<size_t>(index)] &&
        HoldsCitizenId(payload, contract_->fields()[static_cast<size_t>(index)].number)) {
      return cel::Truth::kError;
    }
  }
  return predicate.Evaluate(
      {.slots = slots, .division = of.division, .record = payload, .conflict = of.conflict});
}

bool AccessPlan::AllowsRow(absl::string_view payload, absl::string_view envelope) const {
  return row_filter_ == nullptr ||
         Evaluate(*row_filter_, Author::kGrant, payload, envelope) == cel::Truth::kTrue;
}

absl::StatusOr<bool> AccessPlan::Apply(absl::string_view payload, absl::string_view envelope,
                                       std::string* shown) const {
  shown->clear();
  if (!AllowsRow(payload, envelope)) return false;
  RETURN_IF_ERROR(Project(payload, shown));
  return true;
}

absl::Status AccessPlan::Project(absl::string_view payload, std::string* shown) const {
  const absl::Status status = projector_.Apply(payload, shown);
  if (!status.ok()) shown->clear();
  return status;
}

absl::StatusOr<std::unique_ptr<const cel::Predicate>> AccessPlan::CompileFilter(
    absl::string_view filter, const cel::Environment& environment) const {
  if (filter.empty()) return std::unique_ptr<const cel::Predicate>();
  auto predicate = CompilePredicate(filter, *contract_, environment);
  if (!predicate.ok()) {
    return absl::InvalidArgumentError(absl::StrCat("查询条件 ", predicate.status().message(),
                                                   " / filter ", predicate.status().message()));
  }
  for (const int index : (*predicate)->fields()) {
    const Field& field = contract_->fields()[static_cast<size_t>(index)];
    if (visibility(field) == Visibility::kClear) continue;
    const bool masked = visibility(field) == Visibility::kMasked;
    return absl::PermissionDeniedError(absl::StrCat(
        "查询条件不能使用字段 ", field.name, masked ? "：该字段已脱敏" : "：该字段未授权",
        "；请去掉该条件，或申请该字段的明文授权 / the filter uses field ", field.name,
        masked ? ", which is masked for you" : ", which is not granted to you",
        "; leave it out, or apply for a grant that shows it"));
  }
  return predicate;
}

bool AccessPlan::Matches(const cel::Predicate& filter, absl::string_view payload,
                         absl::string_view envelope) const {
  return Evaluate(filter, Author::kCaller, payload, envelope) == cel::Truth::kTrue;
}

cel::Truth AccessPlan::Judge(const cel::Predicate& filter, absl::string_view payload,
                             absl::string_view envelope) const {
  return Evaluate(filter, Author::kCaller, payload, envelope);
}

std::string AccessPlan::WhyNotJudged(const cel::Predicate& filter, absl::string_view payload,
                                     absl::string_view envelope) const {
  absl::InlinedVector<schema::FieldSlot, kSlotsOnStack> slots(visibility_.size());
  Belonging of;
  if (!plan_.Scan(payload, absl::MakeSpan(slots)).ok() || !ReadBelonging(envelope, &of))
    return "该行无法读取 / the row cannot be read";
  for (const int index : filter.fields()) {
    if (guarded_[static_cast<size_t>(index)] &&
        HoldsCitizenId(payload, contract_->fields()[static_cast<size_t>(index)].number)) {
      return "条件会读到对您脱敏的公民身份号码 / the filter would read a citizen number that is "
             "masked for you";
    }
  }
  return absl::StrCat(
      "条件对该行的取值无法计算 / the filter cannot be evaluated on the row's values: ",
      filter.ExplainError(
          {.slots = slots, .division = of.division, .record = payload, .conflict = of.conflict}));
}

absl::Status AccessPlan::CheckKeyUse() const {
  for (const Field* field : contract_->key_fields()) {
    if (visibility(*field) == Visibility::kClear) continue;
    return absl::PermissionDeniedError(absl::StrCat(
        "主键字段 ", field->name,
        " 对您不可见或已脱敏，不能按主键查询；请申请该字段的明文授权 / key field ", field->name,
        " is hidden or masked for you, so rows cannot be looked up by key; apply for a grant that "
        "shows it"));
  }
  return absl::OkStatus();
}

std::string AccessPlan::ShownKey(absl::string_view row_key) const {
  if (CheckKeyUse().ok()) return std::string(row_key);
  if (pseudonym_key_.size() < kMinKeyBytes) return "";
  return ToString(HmacSha256(
      pseudonym_key_, absl::StrCat("huiliu row key v1", absl::string_view("\0", 1),
                                   contract_->id().value(), absl::string_view("\0", 1), row_key)));
}

}  // namespace huiliu::access
