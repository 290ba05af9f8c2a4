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
    bool always = false;              // no record may lack it
    bool optional = false;            // nothing is asked: it is read where it is there
    bool by_name = false;   // optional, and not named by the mapping: called like its field
    bool required = false;  // with by_name: no record is whole where the field is empty
  };

  void Add(Entry entry) { entries_.push_back(std::move(entry)); }
  absl::Span<const Entry> entries() const { return entries_; }

  // What no column of the header shows, for people, each once: "a, b/c" (alternatives with a
  // slash); empty: everything is there.
  std::string Missing(absl::Span<const std::string> header) const;
  // Adds the first name of each entry that the header does not show and must.
  void AddMissingTo(std::vector<std::string>* header) const;
  // Columns that would be read and that the header shows more than once, none of them written as
  // the mapping writes it: which of them is meant, nobody can tell. For people; empty: none.
  std::string Repeated(absl::Span<const std::string> header) const;
  // The columns of the header that are read by name alone.
  std::vector<std::string> ReadByName(absl::Span<const std::string> header) const;
  // Those of `before`, of another header, that are read by name alone and that this one lacks:
  // where `required`, only such; else only the others. For people; empty: none.
  std::string Vanished(absl::Span<const std::string> before, absl::Span<const std::string> header,
                       bool required) const;
  // Whether the name is one that the mapping or the contract gives a column: then it is nobody's
  // data.
  bool Names(absl::string_view column) const;

  std::string ToJson(bool with_optional = true) const;
  // INVALID_ARGUMENT.
  static absl::StatusOr<NeededColumns> FromJson(absl::string_view json);

 private:
  std::vector<Entry> entries_;
};

}  // namespace huiliu::sdk

#endif  // HUILIU_ADAPTERS_SDK_NEEDED_COLUMNS_H_
