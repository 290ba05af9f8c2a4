// The users' words for what the services answer with (docs/terms.md), in Chinese and English.
#ifndef HUILIU_CLI_WORDS_H_
#define HUILIU_CLI_WORDS_H_

#include <google/protobuf/timestamp.pb.h>

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "core/rules/rule_set.h"
#include "huiliu/v1/common.pb.h"
#include "huiliu/v1/dataset.pb.h"
#include "huiliu/v1/registry.pb.h"

namespace huiliu::cli {

// What the process ends with. docs/cli.md.
enum class ExitCode : int {
  kDone = 0,
  kFindings = 1,  // it ran, and what it checked is not right
  kUsage = 2,     // the command or its input is wrong
  kNotFound = 3,
  kRefused = 4,      // not authenticated, or no right
  kConflict = 5,     // somebody changed it meanwhile, it exists already, or its state forbids it
  kUnavailable = 6,  // the node cannot be reached; trying again may help
  kFailed = 7,       // anything else
};

ExitCode ExitCodeOf(const absl::Status& status);
std::string CodeInWords(absl::StatusCode code, bool english);

std::string TierInWords(huiliu::v1::Tier tier, bool english);
std::string StatusInWords(huiliu::v1::SystemStatus status, bool english);
std::string RoleInWords(huiliu::v1::Role role, bool english);
std::string PlacementInWords(huiliu::v1::Placement placement, bool english);
std::string OutcomeInWords(huiliu::v1::Outcome outcome, bool english);
// Why a row was withdrawn or sent again, with the rules that caused it; empty where nothing says.
std::string WhyInWords(const std::string& reason, const std::string& rule_set, bool english);
// Of the enum's name, as the catalog's metadata has it; the name itself where it is not known.
std::string SharingInWords(const std::string& name, bool english);
std::string UpdateCycleInWords(const std::string& name, bool english);
std::string GradeInWords(const std::string& name, bool english);
std::string MaskInWords(const huiliu::v1::Mask& mask, bool english);

// YYYY-MM-DD HH:MM:SS in Asia/Shanghai; empty where it is not set.
std::string TimeInWords(const google::protobuf::Timestamp& time);
std::string TimeInWords(absl::Time time);

// What people type. INVALID_ARGUMENT lists what there is.
absl::StatusOr<huiliu::v1::Tier> ParseTier(const std::string& text);
absl::StatusOr<huiliu::v1::SystemStatus> ParseSystemStatus(const std::string& text);
absl::StatusOr<huiliu::v1::Role> ParseRole(const std::string& text);
absl::StatusOr<huiliu::v1::Placement> ParsePlacement(const std::string& text);
// keep, drop, hash, partial:FIRST:LAST[:FILL]
absl::StatusOr<huiliu::v1::Mask> ParseMask(const std::string& text);
// A day (Asia/Shanghai; `end_of_day`: the moment it ends) or RFC 3339.
absl::StatusOr<google::protobuf::Timestamp> ParseTime(const std::string& text, bool end_of_day);

}  // namespace huiliu::cli

#endif  // HUILIU_CLI_WORDS_H_
