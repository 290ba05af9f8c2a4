#include "core/rules/masks.h"

#include <algorithm>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "core/base/digest.h"
#include "core/rules/generalise.h"
#include "core/rules/utf8.h"
#include "core/schema/text_value.h"
#include "core/text/visibility.h"

namespace huiliu::rules {
namespace {

using huiliu::v1::Mask;
using schema::FieldType;

constexpr int kMaxFillCodePoints = 4;
constexpr uint32_t kMaxKept = 1000;
constexpr size_t kMinKeyBytes = 16;

bool AppendPartial(const Mask::Partial& partial, absl::string_view value, std::string* out) {
  const int64_t length = CountCodePoints(value);
  if (length < 0) return false;
  int64_t first = partial.keep_first();
  int64_t last = partial.keep_last();
  if (first + last >= length) first = last = 0;
  const absl::string_view fill =
      partial.fill().empty() ? absl::string_view("*") : absl::string_view(partial.fill());
  for (int64_t i = 0; i < length; ++i) {
    const size_t size = CodePointLength(value);
    if (i < first || i >= length - last) {
      out->append(value.data(), size);
    } else {
      out->append(fill.data(), fill.size());
    }
    value.remove_prefix(size);
  }
  return true;
}

absl::Status CheckConstant(absl::string_view constant, const schema::Field& field) {
  if (constant.empty())
    return absl::InvalidArgumentError("常量为空，请用 drop / an empty constant is a drop");
  std::string wire;
  if (field.type != FieldType::kMessage && field.type != FieldType::kBytes &&
      schema::AppendWire(field, constant, &wire).ok())
    return absl::OkStatus();
  return absl::InvalidArgumentError("常量与字段类型不符 / the constant is no value of the field");
}

void AppendHex(const Digest& digest, std::string* out) {
  absl::StrAppend(out, absl::BytesToHexString(AsBytes(digest)));
}

}  // namespace

absl::Status CheckVisible(const Mask& mask) {
  const bool fill = mask.has_partial();
  const absl::string_view written =
      fill ? absl::string_view(mask.partial().fill()) : absl::string_view(mask.constant());
  if (written.empty()) return absl::OkStatus();
  const text::Visibility seen = text::VisibilityOf(written);
  // A constant may be of several words.
  const bool shows = seen.visible && !seen.hidden && !(fill && (seen.spaces || seen.joins));
  if (shows) return absl::OkStatus();
  return absl::InvalidArgumentError(
      fill ? "填充符须为看得见的字符：不能有空格、控制、格式、双向、零宽或组合字符，如 * / a fill "
             "is "
             "seen: no spaces, control, format, direction, zero-width or combining characters; "
             "say, *"
           : "常量须看得见：不能有控制、格式、双向或零宽字符，也不能只有空格 / a constant is seen: "
             "no control, format, direction or zero-width characters, and not spaces alone");
}

bool NeedsKey(const Mask& mask) { return mask.has_hash() || mask.has_hash_sm3(); }

absl::Status CheckMask(const Mask& mask, const schema::Field& field) {
  switch (mask.kind_case()) {
    case Mask::kKeep:
    case Mask::kDrop:
      return absl::OkStatus();
    case Mask::KIND_NOT_SET:
      return absl::InvalidArgumentError("脱敏方式为空 / no kind of mask");
    case Mask::kGeneralise:
      return CheckGeneralise(mask.generalise(), field);
    case Mask::kConstant:
      return CheckConstant(mask.constant(), field);
    case Mask::kHash:
    case Mask::kHashSm3:
    case Mask::kPartial:
      break;
  }
  if (field.type != FieldType::kString) {
    return absl::InvalidArgumentError(
        "该脱敏方式只用于文本字段，其他类型请用 drop / this mask takes text fields only, use drop");
  }
  if (!mask.has_partial()) return absl::OkStatus();
  const Mask::Partial& partial = mask.partial();
  if (partial.keep_first() > kMaxKept || partial.keep_last() > kMaxKept) {
    return absl::InvalidArgumentError(
        absl::StrCat("保留字符数最多 / at most ", kMaxKept, " code points are kept"));
  }
  const int64_t fill = CountCodePoints(partial.fill());
  const bool control = std::any_of(partial.fill().begin(), partial.fill().end(), [](char c) {
    return static_cast<uint8_t>(c) < 0x20 || c == 0x7F;
  });
  if (fill < 0 || fill > kMaxFillCodePoints || control) {
    return absl::InvalidArgumentError(absl::StrCat("填充符须为 1–", kMaxFillCodePoints,
                                                   " 个可见字符 / fill is 1 to ",
                                                   kMaxFillCodePoints, " visible characters"));
  }
  return absl::OkStatus();
}

bool AppendMasked(const Mask& mask, absl::string_view value, const MaskNeeds& needs,
                  std::string* out) {
  switch (mask.kind_case()) {
    case Mask::kDrop:
      return true;
    case Mask::kKeep:
      if (!IsUtf8(value)) return false;
      out->append(value.data(), value.size());
      return true;
    case Mask::kPartial:
      return AppendPartial(mask.partial(), value, out);
    case Mask::kHash:
    case Mask::kHashSm3:
      if (needs.key.size() < kMinKeyBytes || !IsUtf8(value)) return false;
      if (!value.empty())
        AppendHex(mask.has_hash() ? HmacSha256(needs.key, value) : HmacSm3(needs.key, value), out);
      return true;
    case Mask::kConstant:
      if (!value.empty()) absl::StrAppend(out, mask.constant());
      return true;
    case Mask::kGeneralise:
      return value.empty() ||
             AppendGeneralised(mask.generalise(), value, needs.has_division, out, needs.resolve);
    case Mask::KIND_NOT_SET:
      return false;
  }
  return false;
}

}  // namespace huiliu::rules
