// What each registered entity must look like, apart from what else is registered.
#ifndef HUILIU_BROKER_GOVERNANCE_CHECKS_H_
#define HUILIU_BROKER_GOVERNANCE_CHECKS_H_

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "huiliu/v1/governance.pb.h"
#include "huiliu/v1/registry.pb.h"

namespace huiliu::governance {

// A time that cannot be written as one (protobuf's Timestamp: the years 1 to 9999) would keep
// everyone from reading the list that it stands in. `place`: "grant g: valid_to".
absl::Status CheckTime(absl::string_view place, const google::protobuf::Timestamp& time);
// [a-z0-9][a-z0-9._-]{0,62}: ids become parts of topic and file names.
absl::Status CheckId(absl::string_view kind, absl::string_view id);
absl::Status Check(const huiliu::v1::Organisation& organisation);
absl::Status Check(const huiliu::v1::Account& account);
absl::Status Check(const huiliu::v1::Receiver& receiver);
absl::Status Check(const huiliu::v1::System& system);
absl::Status Check(const huiliu::v1::Source& source);
absl::Status Check(const huiliu::v1::Grant& grant);
// What was counted for a receiver of a source that is decided at the node stays countable: its
// receivers keep their places in the list.
absl::Status CheckReceiversGrow(const huiliu::v1::Source& old, const huiliu::v1::Source& source);

}  // namespace huiliu::governance

#endif  // HUILIU_BROKER_GOVERNANCE_CHECKS_H_
