// Which characters of a text nobody sees.
#ifndef HUILIU_CORE_TEXT_VISIBILITY_H_
#define HUILIU_CORE_TEXT_VISIBILITY_H_

#include "absl/strings/string_view.h"

namespace huiliu::text {

struct Visibility {
  bool visible = false;  // something is seen
  bool hidden = false;   // controls, format and direction marks, zero-width and other characters
                         // that Unicode shows nothing for; malformed UTF-8 too
  bool spaces = false;   // of any width
  bool joins = false;    // begins with a combining mark, which is drawn on what stands before it
};

Visibility VisibilityOf(absl::string_view text);

}  // namespace huiliu::text

#endif  // HUILIU_CORE_TEXT_VISIBILITY_H_
