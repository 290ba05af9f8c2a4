// The division tree with every name by which places are written. Private to the module.
#ifndef HUILIU_CORE_TERRITORY_GAZETTEER_H_
#define HUILIU_CORE_TERRITORY_GAZETTEER_H_

#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "core/territory/territory.h"

namespace huiliu::territory {

// Of resolved six-digit codes.
bool IsCityOrCounty(absl::string_view code);
bool IsCounty(absl::string_view code);
std::string CityOf(absl::string_view code);  // 530102 → 530100; empty for a province

class Gazetteer : public Divisions {
 public:
  absl::Status Load(const std::string& folder);

  const Division* Find(absl::string_view code) const override;
  std::string Resolve(absl::string_view code) const override;
  bool Contains(absl::string_view area, absl::string_view code) const override;

  // Resolved codes of a full name or alias (五华区, 大理州); nullptr where nothing has it.
  const std::vector<std::string>* Named(absl::string_view name) const;
  // Of a name without its suffix (五华, 昆明): only to be trusted where a place name is expected.
  const std::vector<std::string>* ShortNamed(absl::string_view name) const;
  // Counties that have a street, town, village or community of this name with its suffix
  // (大观街道).
  const std::vector<std::string>* Local(absl::string_view name) const;
  // Development zones by name, longest first, with the county that their rows count under.
  const std::vector<std::pair<std::string, std::string>>& zones() const { return zones_; }
  size_t longest_name() const { return longest_name_; }
  size_t longest_local() const { return longest_local_; }

 private:
  void BuildNames();
  void AddName(absl::string_view name, absl::string_view code);
  void AddLocal(absl::string_view name, absl::string_view county);
  void AddPlace(absl::string_view code, absl::string_view name);

  absl::flat_hash_map<std::string, Division> divisions_;
  absl::flat_hash_map<std::string, std::string> managed_;
  absl::flat_hash_map<std::string, std::vector<std::string>> names_;
  absl::flat_hash_map<std::string, std::vector<std::string>> short_names_;
  absl::flat_hash_map<std::string, std::vector<std::string>> local_;
  std::vector<std::pair<std::string, std::string>> zones_;
  size_t longest_name_ = 0;
  size_t longest_local_ = 0;
};

}  // namespace huiliu::territory

#endif  // HUILIU_CORE_TERRITORY_GAZETTEER_H_
