// Signed tree heads as C2SP signed notes (c2sp.org/tlog-checkpoint, c2sp.org/signed-note):
//
//   <origin>\n<tree size, decimal>\n<root, base64>\n
//   \n
//   — <key name> <base64(key hash (4) | Ed25519 signature (64))>\n
//
// The key name is the origin; the signature is over the three lines. Key hash: the first 4 bytes of
// SHA-256(name, "\n", 0x01, public key).
#ifndef HUILIU_BROKER_LINEAGE_CHECKPOINT_H_
#define HUILIU_BROKER_LINEAGE_CHECKPOINT_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "core/base/digest.h"
#include "core/base/signing.h"
#include "huiliu/v1/audit.pb.h"

namespace huiliu::lineage {

// Signs a head. `note` of the result is the whole signed note. INVALID_ARGUMENT where the origin is
// empty or holds white space, control characters or '+'.
absl::StatusOr<huiliu::v1::Checkpoint> Sign(absl::string_view origin, int64_t tree_size,
                                            const Digest& root, const SigningKey& key,
                                            absl::Time now);

// What a note's text says.
struct Head {
  std::string origin;
  int64_t tree_size = 0;
  Digest root{};
};

// Reads and verifies a signed note: at least one signature line must be by the origin with
// `public_key` (32 bytes). DATA_LOSS where the signature does not hold, INVALID_ARGUMENT naming the
// line where the text is no checkpoint.
absl::StatusOr<Head> VerifyNote(absl::string_view note, absl::string_view public_key);

// The same for a Checkpoint message, whose fields must agree with its note. An empty `public_key`
// takes the one it carries: that shows only that it is whole, not who signed it.
absl::StatusOr<Head> Verify(const huiliu::v1::Checkpoint& checkpoint, absl::string_view public_key);

// Both signed with one key for one origin, the older tree is the beginning of the newer. DATA_LOSS
// names what does not hold.
absl::Status VerifyProgress(const huiliu::v1::Checkpoint& older,
                            const huiliu::v1::Checkpoint& newer,
                            absl::Span<const std::string> consistency_proof,
                            absl::string_view public_key);

}  // namespace huiliu::lineage

#endif  // HUILIU_BROKER_LINEAGE_CHECKPOINT_H_
