// Merkle trees of RFC 6962 / RFC 9162 over SHA-256: hashes, compact ranges, proofs and their
// verification.
#ifndef HUILIU_CORE_MERKLE_MERKLE_H_
#define HUILIU_CORE_MERKLE_MERKLE_H_

#include <cstdint>
#include <functional>
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

// Proofs from stored nodes, O(log n) reads. OUT_OF_RANGE unless index < size, respectively from ≤
// to.
absl::StatusOr<std::vector<Digest>> InclusionProof(uint64_t index, uint64_t size,
                                                   const NodeReader& read);
absl::StatusOr<std::vector<Digest>> ConsistencyProof(uint64_t from, uint64_t to,
                                                     const NodeReader& read);
absl::StatusOr<Digest> RootAt(uint64_t size, const NodeReader& read);

// RFC 9162 2.1.3.2 and 2.1.4.2, strictly: every element is used, none is missing. INVALID_ARGUMENT
// says what does not fit.
absl::Status VerifyInclusion(uint64_t index, uint64_t size, const Digest& leaf_hash,
                             absl::Span<const Digest> proof, const Digest& root);
absl::Status VerifyConsistency(uint64_t from, uint64_t to, absl::Span<const Digest> proof,
                               const Digest& from_root, const Digest& to_root);

}  // namespace huiliu::merkle

#endif  // HUILIU_CORE_MERKLE_MERKLE_H_
