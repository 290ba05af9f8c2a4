#include "core/text/visibility.h"

#include <algorithm>
#include <cstdint>

#include "absl/types/span.h"
#include "core/text/utf8.h"

namespace huiliu::text {
namespace {

struct Range {
  uint32_t first, last;
};

bool IsIn(uint32_t c, absl::Span<const Range> ranges) {
  return std::any_of(ranges.begin(), ranges.end(),
                     [c](const Range& range) { return range.first <= c && c <= range.last; });
}

// Unicode's categories Cc, Cf, Zl and Zp, and its Default_Ignorable_Code_Point.
constexpr Range kHidden[] = {
    {0x00, 0x1F},       {0x7F, 0x9F},       {0xAD, 0xAD},       {0x34F, 0x34F},
    {0x600, 0x605},     {0x61C, 0x61C},     {0x6DD, 0x6DD},     {0x70F, 0x70F},
    {0x890, 0x891},     {0x8E2, 0x8E2},     {0x115F, 0x1160},   {0x17B4, 0x17B5},
    {0x180B, 0x180F},   {0x200B, 0x200F},   {0x2028, 0x202E},   {0x2060, 0x206F},
    {0x3164, 0x3164},   {0xFE00, 0xFE0F},   {0xFEFF, 0xFEFF},   {0xFFA0, 0xFFA0},
    {0xFFF0, 0xFFFD},   {0x110BD, 0x110BD}, {0x110CD, 0x110CD}, {0x13430, 0x1343F},
    {0x1BCA0, 0x1BCA3}, {0x1D173, 0x1D17A}, {0xE0000, 0xE0FFF}};
// Category Zs, and the blank pattern of Braille.
constexpr Range kSpaces[] = {{0x20, 0x20},     {0xA0, 0xA0},     {0x1680, 0x1680},
                             {0x2000, 0x200A}, {0x202F, 0x202F}, {0x205F, 0x205F},
                             {0x2800, 0x2800}, {0x3000, 0x3000}};
// The blocks of combining marks.
constexpr Range kCombining[] = {
    {0x300, 0x36F},   {0x483, 0x489},   {0x591, 0x5BD},   {0x610, 0x61A},   {0x64B, 0x65F},
    {0xE31, 0xE31},   {0xE34, 0xE3A},   {0xE47, 0xE4E},   {0x1AB0, 0x1AFF}, {0x1DC0, 0x1DFF},
    {0x20D0, 0x20FF}, {0x302A, 0x302F}, {0x3099, 0x309A}, {0xFE20, 0xFE2F}};

}  // namespace

Visibility VisibilityOf(absl::string_view text) {
  Visibility seen;
  bool first = true;
  while (!text.empty()) {
    const uint32_t c = TakeCodePoint(&text);  // U+FFFD where it is malformed: hidden, too
    if (IsIn(c, kHidden)) {
      seen.hidden = true;
    } else if (IsIn(c, kSpaces)) {
      seen.spaces = true;
    } else if (IsIn(c, kCombining)) {
      seen.joins = seen.joins || first;
      seen.visible = seen.visible || !first;
    } else {
      seen.visible = true;
    }
    first = false;
  }
  return seen;
}

}  // namespace huiliu::text
