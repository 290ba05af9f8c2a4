// Merkle trees of RFC 6962 / RFC 9162 over SHA-256: hashes, compact ranges, proofs and their
// verification.
#ifndef HUILIU_CORE_MERKLE_MERKLE_H_
#define HUILIU_CORE_MERKLE_MERKLE_H_

#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "core/base/digest.h"

namespace huiliu::merkle {

Digest HashLeaf(absl::string_view data);                       // SHA-256(0x00, data)
Digest HashChildren(const Digest& left, const Digest& right);  // SHA-256(0x01, left, right)
Digest EmptyRoot();                                            // SHA-256()

// A node of the stored tree: the root of the complete subtree over leaves [index·2^level,
// (index+1)·2^level).
struct NodeId {
  uint32_t level = 0;
  uint64_t index = 0;
  friend bool operator==(const NodeId&, const NodeId&) = default;
};

// Appends leaf hashes; calls `store` for each complete node as it comes into being. State is O(log
// n).
class TreeBuilder {
 public:
  using Store = std::function<void(const NodeId&, const Digest&)>;
  TreeBuilder() = default;
  // From the complete nodes of a tree of `size` leaves: what PeakIds(size) names, in that order.
  TreeBuilder(uint64_t size, std::vector<Digest> peaks) : size_(size), peaks_(std::move(peaks)) {}

  void Append(const Digest& leaf_hash, const Store& store);
  uint64_t size() const { return size_; }
  Digest Root() const;

 private:
  uint64_t size_ = 0;
  std::vector<Digest> peaks_;  // largest subtree first
};

// The complete subtrees that make up a tree of `size` leaves, largest first.
std::vector<NodeId> PeakIds(uint64_t size);

// Reads a stored node. NOT_FOUND where the tree does not have it.
using NodeReader = std::function<absl::StatusOr<Digest>(const NodeId&)>;

// Proofs from stored nodes, O(log n) reads. OUT_OF_RANGE unless index < size, respectively 0 < from
// ≤ to: nothing can be proven of an empty tree.
absl::StatusOr<std::vector<Digest>> InclusionProof(uint64_t index, uint64_t size,
                                                   const NodeReader& read);
absl::StatusOr<std::vector<Digest>> ConsistencyProof(uint64_t from, uint64_t to,
                                                     const NodeReader& read);
absl::StatusOr<Digest> RootAt(uint64_t size, const NodeReader& read);

// RFC 9162 2.1.3.2 and 2.1.4.2, strictly: every element is used, none is missing. INVALID_ARGUMENT
// says what does not fit. Equal sizes need equal roots and no proof; an empty tree says nothing
// about a later one and is refused.
absl::Status VerifyInclusion(uint64_t index, uint64_t size, const Digest& leaf_hash,
                             absl::Span<const Digest> proof, const Digest& root);
absl::Status VerifyConsistency(uint64_t from, uint64_t to, absl::Span<const Digest> proof,
                               const Digest& from_root, const Digest& to_root);

// The same over bytes as they came from outside: what is not 32 bytes long is refused, except that
// the roots of equal sizes are only compared.
absl::Status VerifyInclusion(uint64_t index, uint64_t size, absl::string_view leaf_hash,
                             absl::Span<const std::string> proof, absl::string_view root);
absl::Status VerifyConsistency(uint64_t from, uint64_t to, absl::Span<const std::string> proof,
                               absl::string_view from_root, absl::string_view to_root);

// Small trees in memory: the records of one batch, by their leaf hashes.
Digest RootOf(absl::Span<const Digest> leaf_hashes);
// OUT_OF_RANGE unless index < leaf_hashes.size().
absl::StatusOr<std::vector<Digest>> InclusionProofOf(uint64_t index,
                                                     absl::Span<const Digest> leaf_hashes);
// The root over leaf *data*: what an agent signs and a lineage entry carries as records_root, with
// leaves as core/model/batch_digest.h encodes a record.
Digest RecordsRoot(absl::Span<const std::string> leaves);

// Hashes as `bytes` fields hold them, and back. INVALID_ARGUMENT where it is not 32 bytes.
std::vector<std::string> ToStrings(absl::Span<const Digest> hashes);
absl::StatusOr<Digest> ToDigest(absl::string_view bytes);
absl::StatusOr<std::vector<Digest>> ToDigests(absl::Span<const std::string> hashes);

}  // namespace huiliu::merkle

#endif  // HUILIU_CORE_MERKLE_MERKLE_H_
