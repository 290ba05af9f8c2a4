#include "core/merkle/merkle.h"

#include <algorithm>
#include <bit>

#include "absl/strings/str_cat.h"
#include "core/base/status.h"

namespace huiliu::merkle {
namespace {

Hasher& ThreadHasher() {
  static thread_local Hasher hasher;
  return hasher;
}

// Largest power of two smaller than n (n > 1).
uint64_t SplitOf(uint64_t n) { return std::bit_floor(n - 1); }

// Root over leaves [begin, end), where begin is a multiple of the subtree's size as RFC 6962 splits
// it.
absl::StatusOr<Digest> RangeRoot(uint64_t begin, uint64_t end, const NodeReader& read) {
  const uint64_t n = end - begin;
  if (std::has_single_bit(n)) {
    const uint32_t level = static_cast<uint32_t>(std::countr_zero(n));
    return read({level, begin >> level});
  }
  const uint64_t k = SplitOf(n);
  ASSIGN_OR_RETURN(const Digest left, RangeRoot(begin, begin + k, read));
  ASSIGN_OR_RETURN(const Digest right, RangeRoot(begin + k, end, read));
  return HashChildren(left, right);
}

absl::Status Path(uint64_t index, uint64_t begin, uint64_t end, const NodeReader& read,
                  std::vector<Digest>* out) {
  if (end - begin == 1) return absl::OkStatus();
  const uint64_t k = begin + SplitOf(end - begin);
  if (index < k) {
    RETURN_IF_ERROR(Path(index, begin, k, read, out));
    ASSIGN_OR_RETURN(out->emplace_back(), RangeRoot(k, end, read));
  } else {
    RETURN_IF_ERROR(Path(index, k, end, read, out));
    ASSIGN_OR_RETURN(out->emplace_back(), RangeRoot(begin, k, read));
  }
  return absl::OkStatus();
}

// RFC 6962 2.1.2, SUBPROOF(m, D[begin:end], whole).
absl::Status SubProof(uint64_t m, uint64_t begin, uint64_t end, bool whole, const NodeReader& read,
                      std::vector<Digest>* out) {
  const uint64_t n = end - begin;
  if (m == n) {
    if (whole) return absl::OkStatus();
    ASSIGN_OR_RETURN(out->emplace_back(), RangeRoot(begin, end, read));
    return absl::OkStatus();
  }
  const uint64_t k = SplitOf(n);
  if (m <= k) {
    RETURN_IF_ERROR(SubProof(m, begin, begin + k, whole, read, out));
    ASSIGN_OR_RETURN(out->emplace_back(), RangeRoot(begin + k, end, read));
  } else {
    RETURN_IF_ERROR(SubProof(m - k, begin + k, end, false, read, out));
    ASSIGN_OR_RETURN(out->emplace_back(), RangeRoot(begin, begin + k, read));
  }
  return absl::OkStatus();
}

std::string NotInTree(uint64_t index, uint64_t size) {
  return absl::StrCat("第 ", index, " 叶不在大小为 ", size, " 的树中 / leaf ", index,
                      " is not in a tree of ", size);
}

absl::Status Wrong(absl::string_view what) { return absl::InvalidArgumentError(what); }

}  // namespace

Digest HashLeaf(absl::string_view data) {
  Hasher& hasher = ThreadHasher();
  hasher.Update(absl::string_view("\0", 1));
  hasher.Update(data);
  return hasher.Finish();
}

Digest HashChildren(const Digest& left, const Digest& right) {
  char bytes[65];
  bytes[0] = '\1';
  std::copy(left.begin(), left.end(), bytes + 1);
  std::copy(right.begin(), right.end(), bytes + 33);
  Hasher& hasher = ThreadHasher();
  hasher.Update(absl::string_view(bytes, sizeof bytes));
  return hasher.Finish();
}

Digest EmptyRoot() { return Sha256(""); }

void TreeBuilder::Append(const Digest& leaf_hash, const Store& store) {
  Digest hash = leaf_hash;
  NodeId id{0, size_};
  store(id, hash);
  for (uint64_t rest = size_; (rest & 1) != 0; rest >>= 1) {
    hash = HashChildren(peaks_.back(), hash);
    peaks_.pop_back();
    id = {id.level + 1, id.index >> 1};
    store(id, hash);
  }
  peaks_.push_back(hash);
  ++size_;
}

Digest TreeBuilder::Root() const {
  if (peaks_.empty()) return EmptyRoot();
  Digest root = peaks_.back();
  for (size_t i = peaks_.size() - 1; i-- > 0;) root = HashChildren(peaks_[i], root);
  return root;
}

std::vector<NodeId> PeakIds(uint64_t size) {
  std::vector<NodeId> ids;
  uint64_t begin = 0;
  for (int level = 63; level >= 0; --level) {
    if ((size >> level & 1) == 0) continue;
    ids.push_back({static_cast<uint32_t>(level), begin >> level});
    begin += uint64_t{1} << level;
  }
  return ids;
}

absl::StatusOr<std::vector<Digest>> InclusionProof(uint64_t index, uint64_t size,
                                                   const NodeReader& read) {
  if (index >= size) return absl::OutOfRangeError(NotInTree(index, size));
  std::vector<Digest> proof;
  RETURN_IF_ERROR(Path(index, 0, size, read, &proof));
  return proof;
}

absl::StatusOr<std::vector<Digest>> ConsistencyProof(uint64_t from, uint64_t to,
                                                     const NodeReader& read) {
  if (from > to)
    return absl::OutOfRangeError(
        absl::StrCat("大小 ", from, " 超过大小 ", to, " / size ", from, " is beyond size ", to));
  if (from == 0)
    return absl::OutOfRangeError("空树无从证明 / nothing can be proven of an empty tree");
  std::vector<Digest> proof;
  if (from == to) return proof;
  RETURN_IF_ERROR(SubProof(from, 0, to, true, read, &proof));
  return proof;
}

absl::StatusOr<Digest> RootAt(uint64_t size, const NodeReader& read) {
  if (size == 0) return EmptyRoot();
  return RangeRoot(0, size, read);
}

absl::Status VerifyInclusion(uint64_t index, uint64_t size, const Digest& leaf_hash,
                             absl::Span<const Digest> proof, const Digest& root) {
  if (index >= size)
    return Wrong("叶序号不小于树的大小 / the leaf's index is not below the tree's size");
  uint64_t fn = index;
  uint64_t sn = size - 1;
  Digest r = leaf_hash;
  for (const Digest& p : proof) {
    if (sn == 0) return Wrong("证明中的散列过多 / the proof has too many elements");
    if ((fn & 1) != 0 || fn == sn) {
      r = HashChildren(p, r);
      while ((fn & 1) == 0 && fn != 0) {
        fn >>= 1;
        sn >>= 1;
      }
    } else {
      r = HashChildren(r, p);
    }
    fn >>= 1;
    sn >>= 1;
  }
  if (sn != 0) return Wrong("证明中的散列不足 / the proof has too few elements");
  if (r != root) return Wrong("证明指向另一个根 / the proof leads to another root");
  return absl::OkStatus();
}

absl::Status VerifyConsistency(uint64_t from, uint64_t to, absl::Span<const Digest> proof,
                               const Digest& from_root, const Digest& to_root) {
  if (from > to) return Wrong("前一大小超过后一大小 / the first size is beyond the second");
  if (from == to) {
    if (!proof.empty()) return Wrong("大小相同，不需要证明 / equal sizes need no proof");
    return from_root == to_root ? absl::OkStatus()
                                : Wrong("大小相同而根不同 / equal sizes have different roots");
  }
  if (from == 0)
    return Wrong("空树不能证明其后的树 / an empty tree proves nothing about a later one");
  if (proof.empty()) return Wrong("证明为空 / the proof is empty");
  const bool whole = std::has_single_bit(from);
  Digest fr = whole ? from_root : proof[0];
  Digest sr = fr;
  uint64_t fn = from - 1;
  uint64_t sn = to - 1;
  while ((fn & 1) != 0) {
    fn >>= 1;
    sn >>= 1;
  }
  for (size_t i = whole ? 0 : 1; i < proof.size(); ++i) {
    const Digest& c = proof[i];
    if (sn == 0) return Wrong("证明中的散列过多 / the proof has too many elements");
    if ((fn & 1) != 0 || fn == sn) {
      fr = HashChildren(c, fr);
      sr = HashChildren(c, sr);
      while ((fn & 1) == 0 && fn != 0) {
        fn >>= 1;
        sn >>= 1;
      }
    } else {
      sr = HashChildren(sr, c);
    }
    fn >>= 1;
    sn >>= 1;
  }
  if (sn != 0) return Wrong("证明中的散列不足 / the proof has too few elements");
  if (fr != from_root)
    return Wrong("证明不指向前一个根 / the proof does not lead to the first root");
  if (sr != to_root)
    return Wrong("证明不指向后一个根 / the proof does not lead to the second root");
  return absl::OkStatus();
}

absl::Status VerifyInclusion(uint64_t index, uint64_t size, absl::string_view leaf_hash,
                             absl::Span<const std::string> proof, absl::string_view root) {
  ASSIGN_OR_RETURN(const Digest leaf, ToDigest(leaf_hash));
  ASSIGN_OR_RETURN(const std::vector<Digest> path, ToDigests(proof));
  ASSIGN_OR_RETURN(const Digest expected, ToDigest(root));
  return VerifyInclusion(index, size, leaf, absl::MakeConstSpan(path), expected);
}

absl::Status VerifyConsistency(uint64_t from, uint64_t to, absl::Span<const std::string> proof,
                               absl::string_view from_root, absl::string_view to_root) {
  if (from == to && proof.empty()) {
    return from_root == to_root ? absl::OkStatus()
                                : Wrong("大小相同而根不同 / equal sizes have different roots");
  }
  ASSIGN_OR_RETURN(const std::vector<Digest> path, ToDigests(proof));
  ASSIGN_OR_RETURN(const Digest first, ToDigest(from_root));
  ASSIGN_OR_RETURN(const Digest second, ToDigest(to_root));
  return VerifyConsistency(from, to, absl::MakeConstSpan(path), first, second);
}

Digest RootOf(absl::Span<const Digest> leaf_hashes) {
  if (leaf_hashes.empty()) return EmptyRoot();
  // Pairs from the left; an odd last node moves up unchanged, which is RFC 6962's split at the
  // largest power of two.
  std::vector<Digest> level(leaf_hashes.begin(), leaf_hashes.end());
  while (level.size() > 1) {
    size_t out = 0;
    for (size_t i = 0; i + 1 < level.size(); i += 2)
      level[out++] = HashChildren(level[i], level[i + 1]);
    if (level.size() % 2 == 1) level[out++] = level.back();
    level.resize(out);
  }
  return level[0];
}

absl::StatusOr<std::vector<Digest>> InclusionProofOf(uint64_t index,
                                                     absl::Span<const Digest> leaf_hashes) {
  if (index >= leaf_hashes.size()) {
    return absl::OutOfRangeError(NotInTree(index, leaf_hashes.size()));
  }
  return InclusionProof(index, leaf_hashes.size(), [&](const NodeId& id) -> absl::StatusOr<Digest> {
    return RootOf(leaf_hashes.subspan(id.index << id.level, size_t{1} << id.level));
  });
}

Digest RecordsRoot(absl::Span<const std::string> leaves) {
  std::vector<Digest> hashes;
  hashes.reserve(leaves.size());
  for (const std::string& leaf : leaves) hashes.push_back(HashLeaf(leaf));
  return RootOf(hashes);
}

std::vector<std::string> ToStrings(absl::Span<const Digest> hashes) {
  std::vector<std::string> strings;
  strings.reserve(hashes.size());
  for (const Digest& hash : hashes) strings.push_back(ToString(hash));
  return strings;
}

absl::StatusOr<Digest> ToDigest(absl::string_view bytes) {
  Digest digest;
  if (bytes.size() != digest.size()) {
    return absl::InvalidArgumentError(absl::StrCat("散列为 ", bytes.size(),
                                                   " 字节，应为 32 字节 / a hash of ", bytes.size(),
                                                   " bytes, not 32"));
  }
  std::copy(bytes.begin(), bytes.end(), digest.begin());
  return digest;
}

absl::StatusOr<std::vector<Digest>> ToDigests(absl::Span<const std::string> hashes) {
  std::vector<Digest> digests;
  digests.reserve(hashes.size());
  for (const std::string& hash : hashes) {
    ASSIGN_OR_RETURN(digests.emplace_back(), ToDigest(hash));
  }
  return digests;
}

}  // namespace huiliu::merkle
