// Writes a store's log as an export file (docs/formats/lineage.md).
#ifndef HUILIU_BROKER_LINEAGE_STORE_EXPORT_LOG_H_
#define HUILIU_BROKER_LINEAGE_STORE_EXPORT_LOG_H_

#include <cstdint>

#include "absl/status/status.h"
#include "broker/lineage/export.h"
#include "broker/lineage/store/lineage_store.h"

namespace huiliu {

// Entries from `from` up to the newest checkpoint, with every kept checkpoint between at its place.
// Takes a bounded amount of memory; the store may go on folding meanwhile. FAILED_PRECONDITION
// where nothing is signed yet (SignCheckpoint first), OUT_OF_RANGE where `from` is beyond it; else
// the store's or the sink's own error.
absl::Status ExportLog(const LineageStore& store, int64_t from,
                       const lineage::ExportWriter::Sink& sink);

}  // namespace huiliu

#endif  // HUILIU_BROKER_LINEAGE_STORE_EXPORT_LOG_H_
