// All names by which places are written, found at any position of a text in one walk.
#ifndef HUILIU_CORE_TERRITORY_NAME_TRIE_H_
#define HUILIU_CORE_TERRITORY_NAME_TRIE_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"

namespace huiliu::territory {

enum class NameKind : uint8_t {
  kDivision,  // a province, city or county in full, or an alias that means nothing else
  kShort,     // its name without 省, 市, 县 …: means the place only where a place is expected
  kManaged,   // a managed area; `within` is the county it lies in
  kManagedStem,     // its bare stem (磨憨), which stands in other names, too
  kManagedVillage,  // a village of it, whose name may be another's
  kZone,            // a development zone, under the county whose rows it counts with
  kStreet,          // a street office, town or township
  kVillage,         // a village or community
  kLandmark,        // a road, estate or market kept by hand: weaker still
  kHamlet,          // a bare 大桥村, which may lie anywhere: the weakest
};

struct Naming {
  NameKind kind;
  std::string code;    // resolved six-digit code
  std::string within;  // of managed areas: the county they lie in
  // kLandmark: the house numbers that lie in the county; 0 and 0: all that no other range has.
  uint32_t first_number = 0, last_number = 0;
};

// A trie over code points: one table look-up per code point and position. Immutable once built,
// then thread-safe.
class NameTrie {
 public:
  NameTrie();

  // The same naming twice is kept once. Names of another encoding than UTF-8 match nothing.
  void Add(absl::string_view name, Naming naming);

  // A name that begins at some position: its size in bytes and what it names.
  struct Match {
    size_t size;
    const std::vector<Naming>* namings;
  };
  static constexpr size_t kMaxMatches = 12;  // names that are beginnings of each other

  // Fills `out` with the names that `text` begins with, longest first; says how many.
  size_t MatchesAt(absl::string_view text, Match* out) const;

 private:
  uint32_t Child(uint32_t node, uint32_t code_point) const;
  uint32_t ChildOrNew(uint32_t node, uint32_t code_point);

  // Most nodes have one child: only those with more look into the map.
  struct Node {
    int32_t name = -1;  // index into namings_, or -1
    uint32_t first_code_point = 0;
    uint32_t first_child = 0;  // 0: none
    bool more = false;         // further children stand in edges_
  };

  std::vector<uint32_t> roots_;                    // by code point below 65,536; 0: none
  absl::flat_hash_map<uint64_t, uint32_t> edges_;  // node and code point → node
  std::vector<Node> nodes_;
  std::vector<std::vector<Naming>> namings_;
};

}  // namespace huiliu::territory

#endif  // HUILIU_CORE_TERRITORY_NAME_TRIE_H_
