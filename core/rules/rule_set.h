// Return rules (回流规则) as YAML: all rules of one dataset for one receiver, versioned as a whole.
// docs/formats/rules.md.
#ifndef HUILIU_CORE_RULES_RULE_SET_H_
#define HUILIU_CORE_RULES_RULE_SET_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "core/base/digest.h"
#include "core/model/ids.h"
#include "core/schema/contract.h"
#include "core/territory/territory.h"
#include "huiliu/v1/dataset.pb.h"
#include "huiliu/v1/rules.pb.h"

namespace huiliu::rules {

// A tenant and its area: records attributed inside `divisions` (prefixes of current codes; managed
// areas listed) are its own.
struct Receiver {
  ReceiverId id;
  std::string title;
  std::vector<std::string> divisions;
  std::string pseudonym_key;  // of `hash` masks, at least 16 bytes; without it such a mask
                              // withholds the record
};

// A field whose value is computed from the record as it came.
struct DerivedField {
  std::string field;
  std::string expression;       // CEL
  std::vector<int> reads = {};  // Field::index of what it reads
};

// One rule as written. The first rule in file order whose `when` holds decides.
struct Rule {
  std::string id;
  std::string title;
  std::string when;     // CEL over the record; empty: always
  bool returns = true;  // false: a withholding rule (规则不予回流), with its reason
  std::string reason;
  std::string legal_basis;        // required
  std::vector<std::string> keep;  // fields; empty: all that are not dropped
  std::vector<std::string> drop;
  std::vector<std::pair<std::string, huiliu::v1::Mask>> masks;
  std::vector<std::pair<std::string, std::string>> rename;  // a field's value leaves as another's
  std::vector<DerivedField> derive;
  std::vector<std::string> discloses;  // hidden fields whose values derive or rename may tell
  absl::Time valid_from = absl::InfinitePast();
  absl::Time valid_to = absl::InfiniteFuture();
  int line = 0;       // of the rule in its file
  int when_line = 0;  // of the first character of the expression
  int when_column = 0;
};

struct RuleSet {
  DatasetId dataset;
  ReceiverId receiver;
  uint32_t version = 0;
  std::string source_name;
  std::string yaml;
  Digest digest{};  // SHA-256 of `yaml`
  std::vector<Rule> rules;
  std::vector<huiliu::v1::RuleError> notices;  // what an approver should know, Chinese / English
  std::string undisclosed;  // of a standing set: what a new one would be refused for; else empty
};

// Whether a file is new, or was taken over already: what stands goes on holding, though a new file
// would have to name what it discloses.
enum class RuleAge { kNew, kStanding };

// Parses and checks a rule file against its contract: every finding with file, line, column
// (1-based, code points). With `divisions` an area that no division has is a finding too; nullptr
// for what was taken over already and goes on holding.
absl::StatusOr<std::shared_ptr<const RuleSet>> ParseRuleSet(
    absl::string_view source_name, absl::string_view yaml, const schema::Contract& contract,
    std::vector<huiliu::v1::RuleError>* errors, const territory::Divisions* divisions = nullptr,
    RuleAge age = RuleAge::kNew);

// The same rule set under the version that the registry gave it.
std::shared_ptr<const RuleSet> WithVersion(const RuleSet& rule_set, uint32_t version);

// How a version is named to those whose records it decides: "dataset/receiver@version".
std::string LabelOf(const RuleSet& rule_set);

// Dataset and receiver that a rule file names, without checking the rest: to find its contract.
struct RuleSetHead {
  DatasetId dataset;
  ReceiverId receiver;
};
absl::StatusOr<RuleSetHead> ParseRuleSetHead(absl::string_view source_name, absl::string_view yaml);

}  // namespace huiliu::rules

#endif  // HUILIU_CORE_RULES_RULE_SET_H_
