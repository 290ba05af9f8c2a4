// YAML as a tree in which every node knows its place: yaml-cpp's own nodes lose duplicate keys and
// the shape of scalars. The only place that sees yaml-cpp.
#ifndef HUILIU_CORE_RULES_YAML_TREE_H_
#define HUILIU_CORE_RULES_YAML_TREE_H_

#include <cstddef>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"

namespace huiliu::rules {

// 1-based; columns in code points.
struct Place {
  int line = 1;
  int column = 1;
};

struct YamlEntry;

struct YamlNode {
  enum class Kind { kNull, kScalar, kMap, kSequence };
  Kind kind = Kind::kNull;
  std::string value;   // of a scalar
  bool plain = false;  // a scalar without quotes
  Place place;
  size_t offset = 0;               // byte in the text where the node begins
  std::vector<YamlEntry> entries;  // of a map, in file order
  std::vector<YamlNode> items;
};

struct YamlEntry {
  YamlNode first;   // key
  YamlNode second;  // value
};

// One document. Anchors, aliases and tags are refused: a rule says what it means where it stands.
class YamlTree {
 public:
  struct Error {
    Place place;
    std::string message;
  };
  // False with *error. At most 4 MiB of UTF-8; a byte order mark is skipped.
  static bool Parse(absl::string_view text, YamlTree* tree, Error* error);

  const YamlNode& root() const { return root_; }
  // Where the characters of a scalar stand in the file: one place per code point of its value, and
  // one past the last. Quotes, escapes, folded lines and block indentation are followed.
  std::vector<Place> PlacesOf(const YamlNode& scalar) const;

 private:
  Place PlaceAt(size_t offset) const;

  std::string text_;
  std::vector<size_t> line_starts_;
  YamlNode root_;
};

}  // namespace huiliu::rules

#endif  // HUILIU_CORE_RULES_YAML_TREE_H_
