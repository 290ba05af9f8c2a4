// The division tree with every name by which places are written. Private to the module.
#ifndef HUILIU_CORE_TERRITORY_GAZETTEER_H_
#define HUILIU_CORE_TERRITORY_GAZETTEER_H_

#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "core/territory/name_trie.h"
#include "core/territory/territory.h"

namespace huiliu::territory {

// Of resolved six-digit codes.
bool IsCityOrCounty(absl::string_view code);
bool IsCounty(absl::string_view code);
std::string CityOf(absl::string_view code);  // 530102 → 530100; empty for a province

// The prefix rule on resolved codes; an empty area holds everything.
bool Inside(absl::string_view area, absl::string_view code);

class Gazetteer : public Divisions {
 public:
  absl::Status Load(const std::string& folder);

  const Division* Find(absl::string_view code) const override;
  std::string Resolve(absl::string_view code) const override;
  bool Contains(absl::string_view area, absl::string_view code) const override;

  // The county that the managed area of a code of 9 or 12 digits lies in (532823105 → 532823);
  // empty where the code is of none.
  absl::string_view ManagedIn(absl::string_view code) const;
  // Whether some area in the county is managed from elsewhere.
  bool HasManaged(absl::string_view county) const { return managed_in_.contains(county); }
  // Every name by which a place is written.
  const NameTrie& names() const { return names_; }
  // Whether the province's streets are known, so that its places can be told by their names alone.
  bool IsDeep(absl::string_view code) const { return deep_.contains(code.substr(0, 2)); }

 private:
  absl::Status LoadCodes(const std::string& folder);
  absl::Status LoadNames(const std::string& folder);
  void BuildNames();
  void AddShortNames(std::vector<std::pair<std::string, std::string>> shorts);
  void AddPlace(absl::string_view code, absl::string_view name);
  void AddManaged(const Division& area, const std::string& manager, absl::string_view names);

  absl::flat_hash_map<std::string, Division> divisions_;
  absl::flat_hash_map<std::string, std::string> managed_;
  absl::flat_hash_set<std::string> managed_in_;  // counties
  absl::flat_hash_set<std::string> deep_;        // two-digit provinces
  NameTrie names_;
};

}  // namespace huiliu::territory

#endif  // HUILIU_CORE_TERRITORY_GAZETTEER_H_
