// Whether bytes are a record of a contract, before they are taken from someone else: what is wrong
// in one record would otherwise stop every reader behind it.
#ifndef HUILIU_CORE_SCHEMA_RECORD_CHECK_H_
#define HUILIU_CORE_SCHEMA_RECORD_CHECK_H_

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "core/schema/contract.h"

namespace huiliu::schema {

// Every field that the contract knows has its type's wire form, texts are UTF-8, times are in their
// range, messages inside are messages. Fields that it does not know are passed over: no one is
// shown them. DATA_LOSS names the field, never its value. Makes no message objects.
absl::Status CheckRecord(const Contract& contract, absl::string_view record);

}  // namespace huiliu::schema

#endif  // HUILIU_CORE_SCHEMA_RECORD_CHECK_H_
