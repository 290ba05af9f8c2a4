// Frames of an exported log: magic, then (type byte, varint length, payload)*.
// docs/formats/lineage.md.
#ifndef HUILIU_BROKER_LINEAGE_EXPORT_FRAMES_H_
#define HUILIU_BROKER_LINEAGE_EXPORT_FRAMES_H_

#include <cstddef>

#include "absl/strings/string_view.h"

namespace huiliu::lineage {

inline constexpr absl::string_view kExportMagic = "HUILIU-LINEAGE-1\n";
inline constexpr char kBeginFrame = 'B';   // first index, origin, peaks
inline constexpr char kEntryFrame = 'E';   // leaf data
inline constexpr char kHashesFrame = 'H';  // leaf hashes of the entries since the last such frame
inline constexpr char kCheckpointFrame =
    'C';  // encoded Checkpoint; stands right after the entries that it covers
inline constexpr char kEndFrame = 'Z';       // index after the last entry
inline constexpr size_t kHashesEvery = 256;  // entries
inline constexpr size_t kMaxFrameBytes = size_t{1} << 20;

}  // namespace huiliu::lineage

#endif  // HUILIU_BROKER_LINEAGE_EXPORT_FRAMES_H_
