// What `huiliu source check` shows before anything is registered: the first rows as the mapping
// reads them, with their findings. Personal fields are masked: a check needs their shape, not the
// person.
#ifndef HUILIU_ADAPTERS_MAPPING_PREVIEW_H_
#define HUILIU_ADAPTERS_MAPPING_PREVIEW_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "adapters/mapping/mapping.h"

namespace huiliu::mapping {

enum class Language { kChinese, kEnglish };

struct PreviewField {
  std::string name;
  std::string title;
  std::string shown;  // masked where the field is personal
};

struct PreviewRow {
  std::string row_id;
  huiliu::v1::Operation operation = huiliu::v1::OPERATION_UPSERT;
  int64_t source_time_us = 0;
  std::vector<PreviewField> fields;   // in the contract's order; absent ones are left out
  std::vector<std::string> findings;  // field:code
  // Not empty: the row would be quarantined.
  std::string error_code;
  std::string error_place;
  std::string error_message;
};

struct Preview {
  std::string dataset;
  std::string title;
  std::vector<PreviewRow> rows;
  std::vector<std::string> unused_columns;  // no field takes them
  std::vector<std::string> absent_columns;  // the configuration names them, the header does not
  std::vector<std::string> empty_fields;    // name (title) of fields that no shown row fills
};

// Binds the rows' header and maps the first `max_rows`. FAILED_PRECONDITION as Mapping::BindHeader.
absl::StatusOr<Preview> MakePreview(const huiliu_rows& rows, Mapping* mapping, size_t max_rows = 5);
// Adds rows to a preview until it has `max_rows`.
absl::Status AddToPreview(const huiliu_rows& rows, Mapping* mapping, size_t max_rows,
                          Preview* preview);

// The preview as lines of text for a terminal.
std::string FormatPreview(const Preview& preview, Language language);

// A finding's code in words (check_digit → 校验位不符); the code itself where it is not known.
std::string FindingInWords(absl::string_view code, Language language);

}  // namespace huiliu::mapping

#endif  // HUILIU_ADAPTERS_MAPPING_PREVIEW_H_
