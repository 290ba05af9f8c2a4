// Lineage entries as sentences: what the node tells, and what an auditor's program tells of an
// entry that it has proven.
#ifndef HUILIU_BROKER_LINEAGE_WORDS_H_
#define HUILIU_BROKER_LINEAGE_WORDS_H_

#include <string>

#include "huiliu/v1/audit.pb.h"

namespace huiliu::lineage {

// One sentence of what the entry records, without personal data.
std::string InWords(const huiliu::v1::LineageEntry& entry, bool english);

}  // namespace huiliu::lineage

#endif  // HUILIU_BROKER_LINEAGE_WORDS_H_
