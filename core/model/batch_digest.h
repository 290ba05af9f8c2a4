// The digests that make an intake batch self-contained: agents compute them, the node and auditors
// check them.
#ifndef HUILIU_CORE_MODEL_BATCH_DIGEST_H_
#define HUILIU_CORE_MODEL_BATCH_DIGEST_H_

#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "core/base/digest.h"
#include "huiliu/v1/intake.pb.h"

namespace huiliu {

// RFC 6962 leaf hash of one record: SHA-256(0x00, varint length and bytes of the key, the same of
// the envelope, SHA-256 of the payload). An auditor, who may not see contents, can compute it.
Digest RecordLeafHash(absl::string_view key, absl::string_view envelope,
                      const Digest& payload_digest);

// Leaf hashes of a batch's records, in order. Columns must be of equal length.
std::vector<Digest> RecordLeafHashes(const huiliu::v1::Batch& batch);

// RFC 6962 root over leaf hashes; SHA-256 of nothing for none.
Digest MerkleRootOf(std::vector<Digest> leaf_hashes);

// SHA-256 of the batch's encoding without its columns, digest and signature: everything else,
// records_root included.
Digest BatchDigest(const huiliu::v1::Batch& batch);

// INVALID_ARGUMENT where columns differ in length, or records_root or digest do not fit the
// content.
absl::Status CheckBatchDigests(const huiliu::v1::Batch& batch);

}  // namespace huiliu

#endif  // HUILIU_CORE_MODEL_BATCH_DIGEST_H_
