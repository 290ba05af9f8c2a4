// Turns a source's rows into records of a dataset, by configuration. No row is dropped: what cannot
// be mapped comes back with its reason and place, to be kept for repair. docs/formats/mapping.md.
#ifndef HUILIU_ADAPTERS_MAPPING_MAPPING_H_
#define HUILIU_ADAPTERS_MAPPING_MAPPING_H_

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "adapters/mapping/values.h"
#include "adapters/sdk/huiliu_plugin.h"
#include "adapters/sdk/needed_columns.h"
#include "core/base/clock.h"
#include "core/schema/contract.h"
#include "core/schema/record_writer.h"
#include "huiliu/v1/common.pb.h"

namespace huiliu::mapping {

// One row, mapped or not.
struct MappedRow {
  // Empty: mapped. Else why not: a stable code, the place, and what is wrong and how to mend it,
  // without the row's content.
  std::string error_code;
  std::string error_place;
  std::string error_message;

  huiliu::v1::Operation operation = huiliu::v1::OPERATION_UPSERT;
  std::string key;      // Contract::KeyOf
  std::string payload;  // encoded message; of a delete too, as far as the row shows it
  int64_t source_time_us = 0;
  std::string row_id;                 // the source's own, or of the configured column
  std::vector<std::string> findings;  // "field:code", never a reason to lose the row
  bool masked_at_source = false;      // a key or an identifier came masked
};

// How one column becomes a field's value. kTime: a field that is a timestamp.
enum class Reading { kText, kUpper, kDate, kTime, kAmount };

struct FieldMapping {
  const schema::Field* field = nullptr;
  std::vector<std::string> columns;  // the first that the header has is taken
  bool named = false;                // the configuration names them
  bool optional = false;             // a header may lack it
  Reading reading = Reading::kText;
  std::map<std::string, std::string, std::less<>> codes;  // source code → dataset code
  absl::flat_hash_set<std::string> code_values;           // the dataset codes among them
};

// Immutable after Parse. Map is called by one thread.
class Mapping {
 public:
  // `yaml` may be empty: columns are then matched by field name and title. INVALID_ARGUMENT with
  // file:line:column.
  static absl::StatusOr<std::unique_ptr<Mapping>> Parse(
      absl::string_view source_name, absl::string_view yaml,
      std::shared_ptr<const schema::Contract> contract);

  // Looks the columns up, whatever the case of ASCII letters and the spaces around them.
  // FAILED_PRECONDITION names every key field that no column shows, every column that the
  // configuration names and does not call optional, and the operation's column where one is
  // configured (without it deletes would pass as rows): a rule that withholds by a field must not
  // find it empty because its column was renamed; and a column that is read and is there twice.
  // Call at each new header.
  absl::Status BindHeader(absl::Span<const huiliu_bytes> columns);
  // Maps one row of the bound header; never fails.
  void Map(const huiliu_row& row, MappedRow* out);

  const schema::Contract& contract() const { return *contract_; }
  // Columns of the bound header that no field takes: said once to the operator.
  const std::vector<std::string>& unused_columns() const { return unused_; }
  // Names that the configuration asks for and the bound header does not have: a field whose columns
  // it lists, the source time, the row id.
  const std::vector<std::string>& absent_columns() const { return absent_; }
  // What BindHeader asks of a header, and what it reads besides, for a source that has several.
  sdk::NeededColumns needed_columns() const;
  // Whether the configuration says that a header may lack the field's column.
  bool IsOptional(absl::string_view field) const;
  // Fields that a column of the bound header shows, with its number.
  struct ShownField {
    std::string field;
    int column = 0;
  };
  std::vector<ShownField> shown_fields() const;

 private:
  struct Bound {
    const FieldMapping* mapping = nullptr;
    int column = -1;
  };
  explicit Mapping(std::shared_ptr<const schema::Contract> contract)
      : contract_(std::move(contract)), writer_(*contract_) {}
  friend class MappingReader;

  bool IsNull(const huiliu_cell& cell) const;
  // The value of a column, empty where it is null or not there.
  absl::string_view ValueOf(const huiliu_row& row, int column) const;
  absl::Status CheckBound() const;
  Normalised Read(const FieldMapping& mapping, absl::string_view value);
  const Normalised& ReadTime(absl::string_view value, absl::TimeZone zone);
  void MapField(const Bound& bound, absl::string_view value, MappedRow* out);
  bool MapOperation(const huiliu_row& row, MappedRow* out);
  void MapSourceTime(const huiliu_row& row, MappedRow* out);
  void MapKey(MappedRow* out) const;

  const std::shared_ptr<const schema::Contract> contract_;
  std::vector<FieldMapping> fields_;  // by Field::index
  std::vector<std::string> nulls_ = {"\\N", "N/A", "n/a", "无", "NULL", "Null", "null", "-", "--"};
  Sentinels sentinels_;
  absl::TimeZone zone_ = ShanghaiTimeZone();       // of times that name none
  absl::TimeZone time_zone_ = ShanghaiTimeZone();  // of the source time
  std::string operation_column_;
  std::vector<std::string> time_columns_;
  bool time_optional_ = false;
  std::vector<std::string> row_id_columns_;
  bool row_id_optional_ = false;
  absl::flat_hash_map<std::string, huiliu::v1::Operation> operations_;  // by word in lower case

  std::vector<Bound> bound_;
  int operation_at_ = -1;
  int time_at_ = -1;
  int row_id_at_ = -1;
  std::vector<std::string> unused_;
  std::vector<std::string> absent_;
  std::vector<std::string> missing_;  // those of absent_ that are not optional
  std::string repeated_;              // columns that are read and that the header shows twice
  schema::RecordWriter writer_;
  std::string plain_;  // a value without zero bytes
  // The last time read: a row's source time is often one of its fields as well.
  std::string time_text_;
  absl::TimeZone time_text_zone_;
  Normalised time_;
};

}  // namespace huiliu::mapping

#endif  // HUILIU_ADAPTERS_MAPPING_MAPPING_H_
