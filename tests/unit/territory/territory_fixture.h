// What the territory tests share: the real divisions and attributors over a basis.
#ifndef HUILIU_TESTS_UNIT_TERRITORY_TERRITORY_FIXTURE_H_
#define HUILIU_TESTS_UNIT_TERRITORY_TERRITORY_FIXTURE_H_

#include <gtest/gtest.h>

#include <cstdlib>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "core/codes/codes.h"
#include "core/territory/territory.h"

namespace huiliu::territory {

inline std::string Root() {
  const char* root = std::getenv("HUILIU_ROOT");
  return root == nullptr ? "." : root;
}

inline std::shared_ptr<const Divisions> AllDivisions() {
  static const auto* const divisions = [] {
    auto loaded = Divisions::Load(Root() + "/schemas/divisions");
    EXPECT_TRUE(loaded.ok()) << loaded.status();
    return new std::shared_ptr<const Divisions>(*loaded);
  }();
  return *divisions;
}

// The first 17 characters of a USCC with the check digit that they need.
inline std::string WithCheck(const std::string& first17) {
  for (const char digit : std::string("0123456789ABCDEFGHJKLMNPQRTUWXY")) {
    if (codes::CheckUscc(first17 + digit) == codes::Flaw::kNone) return first17 + digit;
  }
  ADD_FAILURE() << first17;
  return "";
}

using Link = std::pair<huiliu::v1::EvidenceKind, bool>;  // kind, weak

inline std::unique_ptr<Attributor> MakeAttributor(const std::vector<Link>& links) {
  huiliu::v1::TerritoryBasis basis;
  for (const auto& [kind, weak] : links) {
    auto* evidence = basis.add_evidence();
    evidence->set_kind(kind);
    evidence->set_weak(weak);
  }
  auto attributor = Attributor::Create(basis, AllDivisions());
  EXPECT_TRUE(attributor.ok()) << attributor.status();
  return *std::move(attributor);
}

inline Attribution Attribute(const std::vector<Link>& links,
                             const std::vector<std::string>& values) {
  const auto attributor = MakeAttributor(links);
  std::vector<EvidenceValue> texts;
  for (const std::string& value : values) texts.push_back({value});
  Attribution out;
  attributor->Attribute(texts, &out);
  return out;
}

}  // namespace huiliu::territory

#endif  // HUILIU_TESTS_UNIT_TERRITORY_TERRITORY_FIXTURE_H_
