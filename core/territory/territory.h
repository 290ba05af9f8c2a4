// Territory: to which division a record belongs, by the contract's declared basis, with the link
// that decided and what disagreed.
#ifndef HUILIU_CORE_TERRITORY_TERRITORY_H_
#define HUILIU_CORE_TERRITORY_TERRITORY_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "huiliu/v1/dataset.pb.h"

namespace huiliu::territory {

// One division. Codes are six digits (provinces to counties) or nine or twelve (streets, villages).
struct Division {
  std::string code;
  std::string name;
  std::string parent;     // code
  std::string successor;  // abolished: code that took its area over; else empty
  bool abolished = false;
};

// The division tree: current and abolished codes with successors, names, aliases, managed areas,
// development zones. Immutable, thread-safe. Loaded from schemas/divisions
// (docs/formats/divisions.md).
class Divisions {
 public:
  static absl::StatusOr<std::shared_ptr<const Divisions>> Load(const std::string& folder);
  virtual ~Divisions() = default;
  // nullptr where no edition has the code.
  virtual const Division* Find(absl::string_view code) const = 0;
  // The current county, city or province (six digits) that a code of 6, 9 or 12 digits belongs to
  // today: successors followed, development zones under their county, managed areas under their
  // manager (532823105 → 530100), 530101 → 530100. Empty where the code is in no edition or names
  // nothing inside a known city.
  virtual std::string Resolve(absl::string_view code) const = 0;
  // Whether resolved `code` lies in `area` (province 530000, city 530100, county): the prefix rule
  // plus managed areas.
  virtual bool Contains(absl::string_view area, absl::string_view code) const = 0;
};

// How far a link that said something is from what was decided.
enum class Disagreement : uint8_t {
  kNone,
  kCounty,    // another county of the same city
  kCity,      // another city of the same province
  kProvince,  // another province
};

// How the county was told.
enum class CountyMeans : uint8_t {
  kNothing,    // no county
  kCode,       // a code, or the one inside an identifier
  kWritten,    // its name
  kZone,       // a development zone's name
  kStreet,     // a street office's, town's or township's name
  kVillage,    // a village's or community's name
  kLandmark,   // a road, estate, market or hamlet (places.tsv), of one county
  kAgreement,  // a weak link's county that such names allow
};

// An area as people write it for rules, receivers and trials: the six-digit code of a province,
// city or county, of today or (with a successor) of before. INVALID_ARGUMENT, in Chinese and
// English with the way out, where nothing could ever lie in it.
absl::Status CheckArea(const Divisions& divisions, absl::string_view code);

// What one evidence link said.
struct Finding {
  int link = 0;            // index into TerritoryBasis.evidence
  std::string division;    // resolved six-digit code; empty: it said nothing
  bool ambiguous = false;  // it names several
  // Counties that the address's roads, estates and hamlets allow, where they say no division:
  // 530112, or 530111/530112 for a road that runs through two.
  std::string candidates;
  // Another county that the same text names behind the one it says; empty: none.
  std::string also;
  // It holds what should be a code and cannot be read as one: of another length, masked, with a
  // wrong check digit, or of no edition. It says nothing.
  bool unread = false;
  // How far either of them is from what was decided.
  Disagreement disagreement = Disagreement::kNone;
};

struct Attribution {
  std::string division;  // six-digit county, or the city where only the city is known; empty:
                         // nothing decides
  int decided_by = -1;   // link that decided the city
  int county_by = -1;    // link that decided the county
  CountyMeans county_means = CountyMeans::kNothing;  // how that link told it
  bool conflict = false;  // evidence disagreed, at whatever level: see attributor.cc
  Disagreement disagreement = Disagreement::kNone;  // the widest; kCounty changes no city
  std::vector<Finding> findings;                    // of all links that said something
  std::string reason;  // where nothing decides: stable code, e.g. territory.no_evidence,
                       // territory.ambiguous
};

// The value of evidence link i as text; empty where the record has none.
struct EvidenceValue {
  absl::string_view text;
};

// Decides records of one basis. Thread-compatible; create one a lane.
class Attributor {
 public:
  static absl::StatusOr<std::unique_ptr<Attributor>> Create(
      const huiliu::v1::TerritoryBasis& basis, std::shared_ptr<const Divisions> divisions);
  virtual ~Attributor() = default;
  // `values[i]` belongs to basis.evidence(i).
  virtual void Attribute(absl::Span<const EvidenceValue> values, Attribution* out) = 0;
};

}  // namespace huiliu::territory

#endif  // HUILIU_CORE_TERRITORY_TERRITORY_H_
