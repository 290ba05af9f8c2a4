// Reads a mapping's YAML. Private to the module.
#ifndef HUILIU_ADAPTERS_MAPPING_MAPPING_READER_H_
#define HUILIU_ADAPTERS_MAPPING_MAPPING_READER_H_

#include <set>
#include <string>

#include "adapters/mapping/mapping.h"

namespace YAML {
class Node;
}

namespace huiliu::mapping {

class MappingReader {
 public:
  MappingReader(absl::string_view source_name, Mapping& mapping)
      : name_(source_name), mapping_(mapping) {}
  absl::Status Read(absl::string_view yaml);

 private:
  absl::Status ReadKey(const YAML::Node& name, const YAML::Node& value);
  absl::Status ReadField(const YAML::Node& name, const YAML::Node& value);
  absl::Status ReadFieldOptions(const YAML::Node& value, FieldMapping* out);
  absl::Status ReadOperation(const YAML::Node& value);
  absl::Status ReadSourceTime(const YAML::Node& value);
  absl::Status ReadRowId(const YAML::Node& value);
  absl::Status ReadOptional(const YAML::Node& value, bool* out) const;
  absl::Status ReadSentinels(const YAML::Node& value, std::set<std::string>* out);
  absl::Status ReadZone(const YAML::Node& value, absl::TimeZone* out);
  absl::Status ReadCodes(const YAML::Node& value, FieldMapping* out);
  absl::Status ReadReading(const YAML::Node& value, FieldMapping* out);
  absl::Status ReadNames(const YAML::Node& value, std::vector<std::string>* out);
  absl::Status At(const YAML::Node& node, absl::string_view why) const;

  const std::string name_;
  bool time_zone_read_ = false;  // source_time names its own
  Mapping& mapping_;
};

}  // namespace huiliu::mapping

#endif  // HUILIU_ADAPTERS_MAPPING_MAPPING_READER_H_
