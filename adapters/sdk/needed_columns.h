// What a mapping needs of a header, on its way from the host to a source (huiliu_source.need).
#ifndef HUILIU_ADAPTERS_SDK_NEEDED_COLUMNS_H_
#define HUILIU_ADAPTERS_SDK_NEEDED_COLUMNS_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"

namespace huiliu::sdk {

// What a column's name is compared by: without regard to the case of ASCII letters and to spaces
// around it.
std::string FoldedColumn(absl::string_view name);

class NeededColumns {
 public:
  struct Entry {
    std::vector<std::string> any_of;  // names of one column; one of them must be there
    bool always = false;  // even where records show only the columns that they have a value for
  };

  void Add(Entry entry) { entries_.push_back(std::move(entry)); }
  absl::Span<const Entry> entries() const { return entries_; }

  // What no column of the header shows, for people: "a, b/c" (alternatives with a slash); empty:
  // everything is there.
  std::string Missing(absl::Span<const std::string> header, bool always_alone = false) const;
  // Adds the first name of each entry that the header does not show.
  void AddMissingTo(std::vector<std::string>* header) const;

  std::string ToJson() const;
  // INVALID_ARGUMENT.
  static absl::StatusOr<NeededColumns> FromJson(absl::string_view json);

 private:
  std::vector<Entry> entries_;
};

}  // namespace huiliu::sdk

#endif  // HUILIU_ADAPTERS_SDK_NEEDED_COLUMNS_H_
