// Lineage entries as sentences.
#ifndef HUILIU_BROKER_SERVICE_AUDIT_WORDS_H_
#define HUILIU_BROKER_SERVICE_AUDIT_WORDS_H_

#include <string>

#include "huiliu/v1/audit.pb.h"

namespace huiliu::service {

// One sentence of what the entry records, without personal data.
std::string Summary(const huiliu::v1::LineageEntry& entry, bool english);

}  // namespace huiliu::service

#endif  // HUILIU_BROKER_SERVICE_AUDIT_WORDS_H_
